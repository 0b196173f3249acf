/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole file into memory: see file_read.h. The file may be a pipe, so
 * its size is not asked for.
 */
#include "file_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Reads on to the end; false with errno set. */
static bool read_all(FILE *f, char **text, size_t *n)
{
	size_t cap = 0, got;

	do {
		if (cap - *n < 65536) {
			cap = cap * 2 + 131072;
			char *more = realloc(*text, cap);

			if (more == NULL)
				return false;
			*text = more;
		}
		got = fread(*text + *n, 1, cap - *n - 1, f);
		*n += got;
	} while (got != 0);
	return !ferror(f);
}

char *file_read(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n = 0;

	if (f == NULL)
		return NULL;
	const bool ok = read_all(f, &text, &n);
	const int reason = errno;

	(void)fclose(f);
	if (!ok) {
		free(text);
		errno = reason;
		return NULL;
	}
	text[n] = '\0';
	if (size != NULL)
		*size = n;
	return text;
}
