/* SPDX-License-Identifier: MIT */
/*
 * gzip (RFC 1952) by zlib: one member or several behind each other. The sum
 * of each is checked by zlib; bytes behind the last are an error.
 */
#define ZLIB_CONST /* input is const */
#include <limits.h>
#include <zlib.h>

#include <tenon/err.h>

#include "unpack/formats.h"

#define WINDOW_GZIP                                                            \
	(15 + 16) /* the largest window; gzip's header, not zlib's */

static unsigned chunk_of(size_t n)
{
	return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

/* One call of inflate: *@ret is its answer. */
static int step(z_stream *z, struct span in, struct sink *out, int *ret)
{
	const size_t done = (size_t)(z->next_in - in.p);
	int err;

	if (out->used == out->cap) {
		err = sink_grow(out);
		if (err)
			return err;
	}
	z->avail_in = chunk_of(in.n - done);
	z->next_out = out->data + out->used;
	z->avail_out = chunk_of(out->cap - out->used);
	*ret = inflate(z, Z_NO_FLUSH);
	out->used = (size_t)(z->next_out - out->data);
	return 0;
}

static int inflate_all(z_stream *z, struct span in, struct sink *out)
{
	for (;;) {
		int ret, err = step(z, in, out, &ret);

		if (err)
			return err;
		if (ret == Z_MEM_ERROR)
			return -TN_ENOMEM;
		if (ret == Z_STREAM_END) {
			if (z->next_in == in.p + in.n)
				return 0;
			ret = inflateReset(z);
		}
		/* Z_BUF_ERROR: room was given, so the input has ended. */
		if (ret != Z_OK)
			return -TN_EBADMSG;
	}
}

int unpack_gzip(struct span in, struct sink *out)
{
	z_stream z = { .next_in = in.p };
	int err;

	if (inflateInit2(&z, WINDOW_GZIP) != Z_OK)
		return -TN_ENOMEM;
	err = inflate_all(&z, in, out);
	(void)inflateEnd(&z);
	return err;
}
