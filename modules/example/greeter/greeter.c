/* SPDX-License-Identifier: MIT */
/*
 * A provider: exports a function to GPL-compatible modules, and has parameters
 * that are set when it is loaded or, where they are writable, while it runs.
 */
#include "greeter.h"

static char *word = "Hello";
module_param(word, charp, 0444);
MODULE_PARM_DESC(word, "what to say");

static unsigned int times = 1;
module_param_range(times, uint, 0644, 1, 5);
MODULE_PARM_DESC(times, "how often to say it");

int greeter_greet(const char *name)
{
	for (unsigned int i = 0; i < times; i++)
		pr_info("greeter: %s, %s!\n", word, name);
	return (int)times;
}
EXPORT_SYMBOL_GPL(greeter_greet);

static int __init greeter_init(void)
{
	pr_info("greeter: ready to say \"%s\" %u times\n", word, times);
	return 0;
}

static void __exit greeter_exit(void)
{
	pr_info("greeter: goodbye\n");
}

module_init(greeter_init);
module_exit(greeter_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_VERSION("1.4");
MODULE_DESCRIPTION("a provider with parameters");
