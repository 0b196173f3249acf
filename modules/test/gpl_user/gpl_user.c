/* SPDX-License-Identifier: MIT */
/*
 * Not GPL-compatible, and imports a symbol that is for those only.
 */
#include <tenon/module.h>

#include "../provider/provider.h"

long gpl_user_calls(void);

long gpl_user_calls(void)
{
	return provider_calls();
}
EXPORT_SYMBOL(gpl_user_calls);

MODULE_LICENSE("Proprietary");
MODULE_DESCRIPTION("must be refused: licence");
MODULE_INFO(tenon.expect, "gpl_only");
