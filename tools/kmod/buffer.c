/* SPDX-License-Identifier: MIT */
/* See buffer.h. */
#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/overflow.h>
#include <tenon/err.h>

#define FIRST 4096u

static bool grow(struct buffer *b, size_t n)
{
	size_t cap = b->cap != 0 ? b->cap : FIRST, least;
	char *more;

	if (b->failed)
		return false;
	if (!size_add(b->n, n, &least) || least > SIZE_MAX / 4)
		goto fail;
	while (cap < least)
		cap += cap / 2;
	more = realloc(b->p, cap);
	if (more == NULL)
		goto fail;
	b->p = more;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

char *buffer_room(struct buffer *b, size_t n)
{
	char *at;

	if ((b->cap - b->n < n || b->p == NULL || b->failed) && !grow(b, n))
		return NULL;
	at = b->p + b->n;
	b->n += n;
	return at;
}

void buffer_add(struct buffer *b, const void *data, size_t n)
{
	char *at = buffer_room(b, n);

	if (at != NULL && n != 0)
		memcpy(at, data, n);
}

void buffer_text(struct buffer *b, const char *s)
{
	buffer_add(b, s, strlen(s));
}

void buffer_char(struct buffer *b, char c)
{
	char *at = buffer_room(b, 1);

	if (at != NULL)
		*at = c;
}

void buffer_be32(struct buffer *b, uint32_t v)
{
	v = __builtin_bswap32(v);
	buffer_add(b, &v, sizeof(v));
}

static int read_fd(struct buffer *b, int fd)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) != 0)
		return -errno;
	do {
		const size_t more = st.st_size > 0 ? (size_t)st.st_size : 0;
		char *room = buffer_room(b, more + 1);

		if (room == NULL)
			return -TN_ENOMEM;
		got = read(fd, room, more + 1);
		b->n -= more + 1;
		b->n += got > 0 ? (size_t)got : 0;
		st.st_size = 4096;
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? -errno : 0;
}

int buffer_read(struct buffer *b, int dir, const char *path)
{
	const int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = read_fd(b, fd);
	(void)close(fd);
	return err;
}

void buffer_free(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer){ 0 };
}
