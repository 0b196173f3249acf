/* SPDX-License-Identifier: MIT */
/* See buffer.h. */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#include <base/overflow.h>

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

void buffer_free(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer){ 0 };
}
