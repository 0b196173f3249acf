/* SPDX-License-Identifier: MIT */
/* See der.h. */
#include "der.h"

/* The length behind the tag: short, or 1 to 4 bytes behind their number. */
static bool read_length(struct span *rest, uint64_t *length)
{
	struct span bytes;
	unsigned n;

	if (rest->n == 0)
		return false;
	n = rest->p[0];
	(void)span_sub(*rest, 1, rest->n - 1, rest);
	if (n < 0x80) {
		*length = n;
		return true;
	}
	n -= 0x80;
	if (n == 0 || n > 4 || !span_sub(*rest, 0, n, &bytes))
		return false;
	*length = 0;
	for (unsigned i = 0; i < n; i++)
		*length = *length << 8 | bytes.p[i];
	return span_sub(*rest, n, rest->n - n, rest);
}

bool der_next(struct span *rest, unsigned *tag, struct span *content)
{
	struct span s = *rest;
	uint64_t length;

	if (s.n == 0)
		return false;
	*tag = s.p[0];
	(void)span_sub(s, 1, s.n - 1, &s);
	if (!read_length(&s, &length) || !span_sub(s, 0, length, content))
		return false;
	return span_sub(s, length, s.n - length, rest);
}

bool der_take(struct span *rest, unsigned tag, struct span *content)
{
	unsigned got;

	return der_next(rest, &got, content) && got == tag;
}

bool der_skip_optional(struct span *rest, unsigned tag)
{
	struct span content;

	if (rest->n == 0 || rest->p[0] != tag)
		return true;
	return der_take(rest, tag, &content);
}
