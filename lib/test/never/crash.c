/* SPDX-License-Identifier: MIT */
/*
 * Crashes in a plugin, with reports on.
 */
#include <tenon/crash.h>
#include <tenon/plugin.h>

int main(void)
{
	struct plugin *p;
	int result;

	if (tn_crash_enable(0, -1) != 0)
		return 1;
	p = plugin_load("./crasher.so");
	return !p || plugin_process(p, NULL, &result) != 0;
}
