/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole text file into memory.
 */
#pragma once

/* The text, NUL-ended, which the caller frees; NULL with errno set. */
char *text_file_read(const char *path);
