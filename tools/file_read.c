/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole file into memory: see file_read.h. The file may be a pipe, so
 * its size is not asked for.
 */
#include "file_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

char *file_read(const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t n = 0, cap = 0;

	if (f == NULL)
		return NULL;
	for (;;) {
		if (cap - n < 65536) {
			cap = cap * 2 + 131072;
			char *more = realloc(text, cap);

			if (more == NULL)
				break;
			text = more;
		}
		const size_t got = fread(text + n, 1, cap - n - 1, f);

		if (got == 0 && ferror(f))
			break;
		if (got == 0) {
			text[n] = '\0';
			if (size != NULL)
				*size = n;
			(void)fclose(f);
			return text;
		}
		n += got;
	}
	const int reason = errno;

	free(text);
	(void)fclose(f);
	errno = reason;
	return NULL;
}
