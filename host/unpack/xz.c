/* SPDX-License-Identifier: MIT */
/*
 * xz by liblzma: one stream or several, every check verified. A header may
 * ask for a dictionary of gigabytes; more than `xz -9` needs is refused.
 */
#include <lzma.h>

#include <tenon/err.h>

#include "unpack/formats.h"

#define MEMORY_MAX (256ull << 20)

static int error_of(lzma_ret ret)
{
	switch (ret) {
	case LZMA_MEM_ERROR: return -TN_ENOMEM;
	case LZMA_MEMLIMIT_ERROR: return -TN_EFBIG;
	default: return -TN_EBADMSG; /* LZMA_BUF_ERROR: it is cut off */
	}
}

static int decode_all(lzma_stream *z, struct sink *out)
{
	for (;;) {
		lzma_ret ret;
		int err;

		if (out->used == out->cap) {
			err = sink_grow(out);
			if (err)
				return err;
		}
		z->next_out = out->data + out->used;
		z->avail_out = out->cap - out->used;
		ret = lzma_code(z, LZMA_FINISH);
		out->used = (size_t)(z->next_out - out->data);
		if (ret == LZMA_STREAM_END)
			return 0;
		if (ret != LZMA_OK)
			return error_of(ret);
	}
}

int unpack_xz(struct span in, struct sink *out)
{
	lzma_stream z = LZMA_STREAM_INIT;
	const lzma_ret ret =
	    lzma_stream_decoder(&z, MEMORY_MAX, LZMA_CONCATENATED);
	int err;

	if (ret != LZMA_OK)
		return error_of(ret);
	z.next_in = in.p;
	z.avail_in = in.n;
	err = decode_all(&z, out);
	lzma_end(&z);
	return err;
}
