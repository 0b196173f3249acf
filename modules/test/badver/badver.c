/* SPDX-License-Identifier: MIT */
/*
 * Built against a wrong Module.symvers: the CRC of its import is not the one
 * that provider has.
 */
#include <tenon/module.h>

#include "../provider/provider.h"

long badver_add(long x);

long badver_add(long x)
{
	return provider_add(x, x);
}
EXPORT_SYMBOL(badver_add);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("must be refused: version of an import");
MODULE_INFO(tenon.expect, "crc_mismatch");
