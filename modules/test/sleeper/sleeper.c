/* SPDX-License-Identifier: MIT */
/*
 * Sleeps in each of its operations, however many signals come.
 */
#include <tenon/module.h>

#include <errno.h>
#include <time.h>

static unsigned int init_ms;
module_param(init_ms, uint, 0444);
MODULE_PARM_DESC(init_ms, "how long init takes");

static unsigned int start_ms;
module_param(start_ms, uint, 0644);
MODULE_PARM_DESC(start_ms, "how long start takes");

static unsigned int quiesce_ms;
module_param(quiesce_ms, uint, 0644);
MODULE_PARM_DESC(quiesce_ms, "how long quiesce takes");

static unsigned int stop_ms;
module_param(stop_ms, uint, 0644);
MODULE_PARM_DESC(stop_ms, "how long stop takes");

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

static int pass(unsigned int ms)
{
	return ms != 0 ? sleeper_sleep(ms) : 0;
}

static int __init sleeper_init(struct module *self)
{
	(void)self;
	return pass(init_ms);
}

static int sleeper_start(struct module *self)
{
	(void)self;
	return pass(start_ms);
}

static int sleeper_quiesce(struct module *self)
{
	(void)self;
	return pass(quiesce_ms);
}

static int sleeper_stop(struct module *self)
{
	(void)self;
	return pass(stop_ms);
}

static void sleeper_cleanup(struct module *self)
{
	(void)self;
	(void)pass(exit_ms);
}

static const struct module_ops sleeper_ops = {
	MODULE_OPS_HEADER,
	.init = sleeper_init,
	.start = sleeper_start,
	.quiesce = sleeper_quiesce,
	.stop = sleeper_stop,
	.cleanup = sleeper_cleanup,
};
DEFINE_MODULE(sleeper_ops);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("sleeps in any operation, or when called");
