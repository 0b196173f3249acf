/* SPDX-License-Identifier: MIT */
/*
 * The formats that this build can unpack.
 */
#include "unpack/formats.h"

unpack_fn *unpacker(enum tn_packing packing)
{
	switch (packing) {
	case TN_GZIP: return unpack_gzip;
	case TN_XZ: return unpack_xz;
	case TN_ZSTD: return unpack_zstd;
	default: return NULL;
	}
}
