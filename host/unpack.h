/* SPDX-License-Identifier: MIT */
/*
 * Decompression into one block of memory that grows up to a limit.
 *
 * A format is a function that feeds the sink. Builds without the libraries
 * link another unpacker() that knows no format (unpack_none/).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/span.h>
#include <tenon/port.h>

#include "blocks.h"

/* Where unpacked bytes go: [data, data + used), room up to cap. */
struct sink {
	struct blocks *blocks;
	uint8_t *data;
	size_t used;
	size_t cap;
	size_t limit;
};

/*
 * Makes more room behind used. -TN_EFBIG: the limit is reached; -TN_ENOMEM.
 */
MUST_CHECK int sink_grow(struct sink *s);

/* 0; -TN_EBADMSG: damaged or cut off; -TN_EFBIG; -TN_ENOMEM. */
typedef int unpack_fn(struct span in, struct sink *out);

/* NULL: not supported by this build. */
unpack_fn *unpacker(enum tn_packing packing);
