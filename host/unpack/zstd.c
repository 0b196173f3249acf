/* SPDX-License-Identifier: MIT */
/*
 * zstd (RFC 8878) by libzstd: one frame or several. The window is bounded as
 * the zstd tool bounds it.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include <tenon/err.h>

#include "unpack/formats.h"

static int error_of(size_t code)
{
	switch (ZSTD_getErrorCode(code)) {
	case ZSTD_error_memory_allocation: return -TN_ENOMEM;
	case ZSTD_error_frameParameter_windowTooLarge: return -TN_EFBIG;
	default: return -TN_EBADMSG;
	}
}

static int decode_all(ZSTD_DStream *z, struct span in, struct sink *out)
{
	ZSTD_inBuffer from = { in.p, in.n, 0 };
	size_t left = 1; /* 0: a frame has ended and all of it is written */

	while (left || from.pos < from.size) {
		ZSTD_outBuffer to = { out->data, out->cap, out->used };
		const size_t before = from.pos;

		if (out->used == out->cap) {
			const int err = sink_grow(out);

			if (err)
				return err;
			continue;
		}
		left = ZSTD_decompressStream(z, &to, &from);
		if (ZSTD_isError(left))
			return error_of(left);
		if (left && from.pos == before && to.pos == out->used)
			return -TN_EBADMSG; /* it is cut off */
		out->used = to.pos;
	}
	return 0;
}

int unpack_zstd(struct span in, struct sink *out)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	int err;

	if (!z)
		return -TN_ENOMEM;
	err = decode_all(z, in, out);
	(void)ZSTD_freeDStream(z);
	return err;
}
