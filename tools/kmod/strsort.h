/* SPDX-License-Identifier: MIT */
/*
 * Sorting texts by their bytes, in time that no choice of texts makes worse
 * than (words of all texts) * log n.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

/* The text of element @i of what @arg stands for. */
typedef const char *strsort_text_fn(const void *arg, uint32_t i);

/*
 * Sets order[0..n-1] to the numbers below @n so that their texts stand in the
 * order of strcmp, equal ones as they came. -TN_ENOMEM.
 */
MUST_CHECK int strsort(
    strsort_text_fn *text, const void *arg, uint32_t n, uint32_t *order);

/*
 * The same when order[] is all numbers below @n and it is believed, for which
 * they are compared once, that the first @known of them stand in that order;
 * the others rise. Takes little time if these are few.
 */
MUST_CHECK int strsort_known(strsort_text_fn *text, const void *arg, uint32_t n,
    uint32_t *order, uint32_t known);
