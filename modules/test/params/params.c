/* SPDX-License-Identifier: MIT */
/*
 * A parameter of each kind; without init, for tools that read the file.
 */
#include <tenon/module.h>

static int level = 3;
module_param(level, int, 0644);
MODULE_PARM_DESC(level, "how much to say, 0 to 9");

static bool verbose;
module_param(verbose, bool, 0444);
MODULE_PARM_DESC(verbose, "say more");

static unsigned long window = 16;
module_param_range(window, ulong, 0444, 1, 64);
MODULE_PARM_DESC(window, "entries in the window");

static char *mode = "fast";
module_param(mode, charp, 0);

static unsigned short ports[4] = { 80, 443 };
static unsigned int nports;
module_param_array(ports, ushort, &nports, 0444);
MODULE_PARM_DESC(ports, "ports to use");

static char label[16] = "none";
module_param_string(label, label, sizeof(label), 0444);

static long long offset;
module_param_named(start, offset, llong, 0444);

long params_sum(void);

long params_sum(void)
{
	return level + (verbose ? 1 : 0) + (long)window + mode[0] + ports[0] +
	       ports[1] + (long)nports + label[0] + (long)offset;
}
EXPORT_SYMBOL(params_sum);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("parameters of each kind");
MODULE_VERSION("0.3");
MODULE_ALIAS("test:params*");
MODULE_SOFTDEP("pre: hello");
