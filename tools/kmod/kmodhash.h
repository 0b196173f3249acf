/* SPDX-License-Identifier: MIT */
/*
 * The order of kmod's hash tables, which shows in its output: entries come by
 * bucket, those of a bucket by their bytes. The hash is Paul Hsieh's
 * SuperFastHash (http://www.azillionmonkeys.com/qed/hash.html).
 */
#pragma once

#include <stdint.h>

#include <base/compiler.h>

#include "strsort.h"

#define KMODHASH_MODULES 512u  /* buckets of depmod's table of modules */
#define KMODHASH_SYMBOLS 2048u /* and of symbols */

uint32_t kmodhash(const char *name);

/* What is to be put in order: n texts, and their numbers sorted by bytes. */
struct kmodhash_texts {
	strsort_text_fn *text;
	const void *arg;
	uint32_t n;
	const uint32_t *sorted;
};

/*
 * Sets order[] to the numbers of the texts as a table of @buckets, a power of
 * two, lists them. -TN_ENOMEM.
 */
MUST_CHECK int kmodhash_order(
    const struct kmodhash_texts *t, uint32_t buckets, uint32_t *order);
