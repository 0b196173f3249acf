/* SPDX-License-Identifier: MIT */
/*
 * Just enough DER (X.690) to look into a signature: one element after another,
 * each checked to lie inside of what holds it. Lengths are definite and below
 * 4 GiB; tags have one byte.
 */
#pragma once

#include <stdbool.h>

#include <base/span.h>

enum {
	DER_INTEGER = 0x02,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0, /* [0], constructed */
	DER_CONTEXT_1 = 0xa1
};

/* Takes the next element of *@rest; false at the end, or if it is damaged. */
bool der_next(struct span *rest, unsigned *tag, struct span *content);

/* The same of an element that must have @tag. */
bool der_take(struct span *rest, unsigned tag, struct span *content);

/* Takes the next element if it has @tag; false: it is damaged. */
bool der_skip_optional(struct span *rest, unsigned tag);
