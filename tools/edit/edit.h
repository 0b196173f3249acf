/* SPDX-License-Identifier: MIT */
/*
 * Reading lines from a terminal. With libedit there are editing, history and
 * completion; where that is missing, lines are read as they come.
 */
#pragma once

#include <stdbool.h>

/*
 * The words that begin as @text does, one per call, the first time with
 * @first; to be freed by the caller; NULL: no more. @line is what stands
 * before it. Sets *@files when names of files are wanted instead.
 */
typedef char *edit_complete_fn(
    const char *line, const char *text, bool first, bool *files);

/* @history: a file to keep lines in, or NULL. */
void edit_open(const char *history, edit_complete_fn *words);
/* The next line without its newline, to be freed; NULL: the end. */
char *edit_line(const char *prompt);
void edit_close(void);
