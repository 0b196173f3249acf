/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole file into memory.
 */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

/*
 * The bytes, and a NUL behind them, which the caller frees; their number goes
 * to @size, unless it is NULL. NULL with errno set: EFBIG of a pipe or
 * device with more than 64 MiB.
 */
char *file_read(const char *path, size_t *size);

/* The same of a regular file and nothing else (EINVAL), whose owner and mode,
   as it was opened, go to @st. Waits for nobody. */
char *file_read_regular(const char *path, struct stat *st);
