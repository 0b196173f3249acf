/* SPDX-License-Identifier: MIT */
/*
 * A build without decompressors: every format is answered by "not supported"
 * (decision 12).
 */
#include "unpack.h"

unpack_fn *unpacker(enum tn_packing packing)
{
	(void)packing;
	return NULL;
}
