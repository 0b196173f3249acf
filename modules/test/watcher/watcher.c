/* SPDX-License-Identifier: MIT */
/*
 * Is bound to "test/ticker" and calls it; so ticker cannot be unloaded before
 * this module, although neither imports a symbol of the other.
 */
#include <tenon/module.h>

#include "../ticker/ticker.h"

static struct tn_interface *ticker;

int watcher_next(uint64_t *out);

int watcher_next(uint64_t *out)
{
	return interface_call(ticker, const struct ticker_ops, next, out);
}
EXPORT_SYMBOL(watcher_next);

static int __init watcher_init(void)
{
	const struct interface_want want = {
		.size = sizeof(want),
		.name = TICKER_NAME,
		.version = INTERFACE_VERSION(1, 0),
		.ops_size = sizeof(struct ticker_ops),
	};

	return interface_bind(THIS_MODULE, &want, &ticker);
}

static void __exit watcher_exit(void)
{
	uint64_t n = 0;

	if (watcher_next(&n) == 0)
		pr_info("watcher: saw %llu\n", (unsigned long long)n);
}

module_init(watcher_init);
module_exit(watcher_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("calls the interface test/ticker");
MODULE_DEPENDS("ticker >= 1.2");
