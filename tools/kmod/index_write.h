/* SPDX-License-Identifier: MIT */
/*
 * Writing binary indexes, modules.*.bin: see index_read.h for the format.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

#include "buffer.h"

/* A key with one value; a key may have several. */
struct index_pair {
	const char *key;
	const char *value;
	uint32_t priority; /* of two values the lower one comes first */
};

/*
 * Writes the index of @pairs to @out, which is emptied before. The pairs of a
 * key must come with priorities that do not fall; where they are equal the
 * later one comes first in the index, as kmod has it.
 * -TN_ENOMEM; -TN_EFBIG: larger than its offsets can tell.
 */
MUST_CHECK int index_write(
    const struct index_pair *pairs, size_t n, struct buffer *out);

/* The order of the pairs, as strsort_known takes it and leaves it. */
struct index_order {
	uint32_t *numbers;
	uint32_t n, known;
};

/* index_write of as many pairs as @order has. */
MUST_CHECK int index_write_known(const struct index_pair *pairs,
    const struct index_order *order, struct buffer *out);

/* Adds a pair to the row of pairs that @pairs holds. */
void index_add(struct buffer *pairs, const char *key, const char *value,
    uint32_t priority);

/* index_write of such a row, which is freed in any case. */
MUST_CHECK int index_write_all(struct buffer *pairs, struct buffer *out);
