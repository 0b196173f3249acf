/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole file into memory.
 */
#pragma once

#include <stddef.h>

/*
 * The bytes, and a NUL behind them, which the caller frees; their number goes
 * to @size, unless it is NULL. NULL with errno set: EFBIG of a pipe or
 * device with more than 64 MiB.
 */
char *file_read(const char *path, size_t *size);
