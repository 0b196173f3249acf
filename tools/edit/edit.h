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

/*
 * Waits for standard input. Signals come in here and in an edit_complete_fn, at
 * no other time while a line is read, so that none comes before there is
 * somebody to notice it.
 */
enum edit_news {
	EDIT_INPUT,  /* it can be read, or has ended */
	EDIT_SIGNAL, /* a signal has been handled; wait again */
	EDIT_STOP,   /* the line is not wanted any more */
};
typedef enum edit_news edit_wait_fn(void);

/* @history: a file to keep lines in, or NULL. */
void edit_open(
    const char *history, edit_complete_fn *words, edit_wait_fn *wait);
/* The next line without its newline, to be freed; NULL: the end, or a stop. */
char *edit_line(const char *prompt);
void edit_close(void);
