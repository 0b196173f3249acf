/* SPDX-License-Identifier: MIT */
/*
 * Reading a whole file into memory: see file_read.h. The file may be a pipe, so
 * its size is not asked for; but what has none, such as /dev/zero, may end
 * never, and is read up to a limit.
 */
#include "file_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	PIPE_MAX = 64 << 20
};

static size_t limit_of(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) ? SIZE_MAX
								 : PIPE_MAX;
}

/* Reads on to the end; false with errno set. */
static bool read_all(FILE *f, char **text, size_t *n)
{
	const size_t limit = limit_of(f);
	size_t cap = 0, got;

	do {
		if (*n > limit) {
			errno = EFBIG;
			return false;
		}
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

/* Of @f, which is closed, and may be NULL with errno set. */
static char *read_and_close(FILE *f, size_t *size)
{
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

char *file_read(const char *path, size_t *size)
{
	return read_and_close(fopen(path, "re"), size);
}

char *file_read_regular(const char *path, struct stat *st)
{
	/* A pipe without a writer would hold us up. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	FILE *f = NULL;

	if (fd < 0)
		return NULL;
	errno = EINVAL;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		f = fdopen(fd, "r");
	if (f == NULL)
		(void)close(fd);
	return read_and_close(f, NULL);
}
