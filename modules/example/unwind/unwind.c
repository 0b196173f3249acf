/* SPDX-License-Identifier: MIT */
/*
 * How an init that takes several things gives them back when one fails: each
 * step has a label behind it, and a failure jumps to the label of the step
 * before. The parameter says which step shall fail; the engine never calls
 * exit of a module whose init has failed, so init must leave nothing behind.
 */
#include <tenon/module.h>

#define STEPS 4

static unsigned int fail_at;
module_param_range(fail_at, uint, 0444, 0, STEPS);
MODULE_PARM_DESC(fail_at, "the step of init that fails; 0: none");

static int take(unsigned int step, const char *what)
{
	if (step == fail_at) {
		pr_info("unwind: %u. %s: fails\n", step, what);
		return -12; /* ENOMEM */
	}
	pr_info("unwind: %u. %s: taken\n", step, what);
	return 0;
}

static void give_back(const char *what)
{
	pr_info("unwind:    %s: given back\n", what);
}

static int __init unwind_init(void)
{
	int err = take(1, "buffer");

	if (err != 0)
		return err;
	err = take(2, "queue");
	if (err != 0)
		goto out_buffer;
	err = take(3, "interrupt");
	if (err != 0)
		goto out_queue;
	err = take(4, "device");
	if (err != 0)
		goto out_interrupt;
	return 0;

out_interrupt:
	give_back("interrupt");
out_queue:
	give_back("queue");
out_buffer:
	give_back("buffer");
	return err;
}

static void __exit unwind_exit(void)
{
	give_back("device");
	give_back("interrupt");
	give_back("queue");
	give_back("buffer");
}

module_init(unwind_init);
module_exit(unwind_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("an init that unwinds step by step");
