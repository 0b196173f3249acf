/* SPDX-License-Identifier: MIT */
/*
 * Options about signatures: policy.h.
 */
#include "policy.h"

#include <stdio.h>

#include <kmod/clean.h>
#include <tenon/err.h>

#include "applets.h"

bool policy_option(
    struct sign_config *config, const char *applet, int c, const char *value)
{
	switch (c) {
	case POLICY_KEYS: config->keys = value; return true;
	case POLICY_ALLOW: config->allow = value; return true;
	default:
		if (sign_mode_parse(value, &config->mode))
			return true;
		fprintf(stderr,
		    "tenon %s: --verify is off, warn or require, not '%s'\n",
		    applet, value);
		return false;
	}
}

int policy_open(const struct sign_config *config, const char *applet,
    struct sign_policy **out)
{
	struct sign_why why;
	int err;

	if (config->mode == SIGN_REQUIRE && config->keys == NULL &&
	    config->allow == NULL) {
		fprintf(stderr,
		    "tenon %s: without --keys and --allow every module would"
		    " be refused\n",
		    applet);
		return EXIT_USAGE;
	}
	err = sign_policy_open(config, out, &why);
	if (err == 0)
		return EXIT_OK;
	clean_print(stderr, "tenon %s: %s\n", applet,
	    why.text[0] != '\0' ? why.text : "no memory");
	return err == -TN_ENOMEM ? EXIT_FAILED : EXIT_USAGE;
}
