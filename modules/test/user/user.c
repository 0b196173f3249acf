/* SPDX-License-Identifier: MIT */
/*
 * Imports functions and data from provider, its namespace included.
 */
#include <tenon/module.h>

#include "../provider/provider.h"

long user_sum(long x);

/* x + 2 + 3 + 5 + 7, three times over. */
long user_sum(long x)
{
	for (unsigned i = 0; i < PROVIDER_ENTRIES; i++)
		x = provider_add(x, provider_table[i]);
	return provider_inner(x);
}
EXPORT_SYMBOL(user_sum);

long user_calls(void);

long user_calls(void)
{
	return provider_calls();
}
EXPORT_SYMBOL(user_calls);

static int __init user_init(void)
{
	pr_info("user: sum of the table is %ld\n", user_sum(0) / 3);
	return 0;
}

static void __exit user_exit(void)
{
	pr_info("user: provider was called %ld times\n", provider_calls());
}

module_init(user_init);
module_exit(user_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("imports from provider");
MODULE_IMPORT_NS(PROVIDER_INNER);
MODULE_DEPENDS("provider >= 1.2 < 2");
