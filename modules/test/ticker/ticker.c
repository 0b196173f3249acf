/* SPDX-License-Identifier: MIT */
/*
 * Provides "test/ticker".
 */
#include <tenon/module.h>

#include "ticker.h"

static uint64_t count;

static int ticker_next(void *instance, uint64_t *out)
{
	uint64_t *n = instance;

	*out = __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
	return 0;
}

static int ticker_add(void *instance, uint64_t n)
{
	uint64_t *p = instance;

	__atomic_fetch_add(p, n, __ATOMIC_RELAXED);
	return 0;
}

static const struct ticker_ops ops = {
	.head = { sizeof(ops), 1 },
	.next = ticker_next,
	.add = ticker_add,
};

static const struct interface_desc desc = {
	.size = sizeof(desc),
	.name = TICKER_NAME,
	.version = TICKER_VERSION,
	.ops = &ops,
	.instance = &count,
};

static int __init ticker_init(void)
{
	return interface_provide(THIS_MODULE, &desc);
}

/* The engine takes the interface back. */
static void __exit ticker_exit(void)
{
	pr_info("ticker: counted to %llu\n", (unsigned long long)count);
}

module_init(ticker_init);
module_exit(ticker_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("provides the interface test/ticker");
MODULE_VERSION("1.2");
