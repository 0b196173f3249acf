/* SPDX-License-Identifier: MIT */
/*
 * Never gets to the end of its init: for tests of time limits, in a process of
 * its own. It asks without end if the host wants it to, else it is silent.
 */
#include <lkmod/lkmod.h>
#include <tenon/module.h>

static volatile unsigned rounds;

int lkmod_init(const struct lkmod_api *table, void **handle)
{
	(void)handle;
	table->log(table->ctx, LKMOD_LOG_INFO, "begins");
	if (table->write(table->ctx, "?", 1) == 2)
		for (;;)
			(void)table->ticks(table->ctx);
	for (;;)
		rounds++;
}

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("never gets to the end of its init");
MODULE_VERSION("1.0");
