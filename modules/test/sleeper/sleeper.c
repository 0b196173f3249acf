/* SPDX-License-Identifier: MIT */
/*
 * Sleeps in init, in exit and in a function, however many signals come.
 */
#include <tenon/module.h>

#include <errno.h>
#include <time.h>

static unsigned int init_ms;
module_param(init_ms, uint, 0444);
MODULE_PARM_DESC(init_ms, "how long init takes");

static unsigned int exit_ms;
module_param(exit_ms, uint, 0644);
MODULE_PARM_DESC(exit_ms, "how long exit takes");

int sleeper_sleep(unsigned int ms);

int sleeper_sleep(unsigned int ms)
{
	struct timespec left = { ms / 1000, (long)(ms % 1000) * 1000000 };

	pr_info("sleeper: sleeps\n");
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	pr_info("sleeper: awake\n");
	return 0;
}
EXPORT_SYMBOL(sleeper_sleep);

static int __init sleeper_init(void)
{
	return init_ms != 0 ? sleeper_sleep(init_ms) : 0;
}

static void __exit sleeper_exit(void)
{
	if (exit_ms != 0)
		(void)sleeper_sleep(exit_ms);
}

module_init(sleeper_init);
module_exit(sleeper_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("sleeps in init, in exit or when called");
