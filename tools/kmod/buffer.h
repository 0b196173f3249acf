/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are written one after another into memory that grows. After a
 * failed allocation everything but buffer_free does nothing and `failed` says
 * so, so one check at the end is enough.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

struct buffer {
	char *p;
	size_t n, cap;
	bool failed;
};

/* @n bytes more, not yet set, or NULL. Valid until the next call. */
char *buffer_room(struct buffer *b, size_t n);

void buffer_add(struct buffer *b, const void *data, size_t n);
void buffer_text(struct buffer *b, const char *s); /* without its NUL */
void buffer_char(struct buffer *b, char c);
void buffer_be32(struct buffer *b, uint32_t v);

/*
 * Appends the whole file @path, which stands below the folder @dir unless it
 * begins with '/', whatever its size is said to be. -TN_ENOMEM, or what open(2)
 * and read(2) say.
 */
MUST_CHECK int buffer_read(struct buffer *b, int dir, const char *path);

/* Frees the bytes; the buffer is empty and may be used again. */
void buffer_free(struct buffer *b);
