/* SPDX-License-Identifier: MIT */
/*
 * Whether files of modules can be followed, for symfile.c: the engine has
 * checked what it reads of them, which debug information is no part of.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Are its section headers and their names inside of the @size bytes at @data?
 * They are aligned to 8.
 */
bool symcheck_headers(const void *data, size_t size);

/*
 * May it be joined with others? Only of a file that has passed the first
 * check. Then the symbols, the debug sections and their relocations are inside
 * of it, and whatever number is in them is one of something there.
 */
bool symcheck_join(const void *data, size_t size);
