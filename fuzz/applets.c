/* SPDX-License-Identifier: MIT */
/*
 * What the applets of `tenon` want of its main file, which is no part of the
 * component tools. No target calls an applet; its readers are what counts.
 */
#include "applets.h"

#include "kit.h"

void say_diag(const char *applet, const struct tn_diag *diag)
{
	(void)applet;
	(void)diag;
}

bool parse_number(const char *s, uint64_t *out)
{
	(void)s;
	*out = 0;
	return false;
}
