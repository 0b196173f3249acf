/* SPDX-License-Identifier: MIT */
/*
 * The options of applets that load or examine signed modules:
 *
 *	--verify off|warn|require    which modules are loaded (off)
 *	--keys DIR                   certificates that are trusted
 *	--allow FILE                 digests that are allowed, as of sha256sum
 */
#pragma once

#include <stdbool.h>

#include <sign/policy.h>

/* Values of these options for getopt, beyond every character. */
enum {
	POLICY_VERIFY = 0x200,
	POLICY_KEYS,
	POLICY_ALLOW
};

#define POLICY_OPTIONS                                                         \
	{ "verify", required_argument, NULL, POLICY_VERIFY },                  \
	    { "keys", required_argument, NULL, POLICY_KEYS },                  \
	{                                                                      \
		"allow", required_argument, NULL, POLICY_ALLOW                 \
	}

/*
 * Takes option @c of @applet. False, having complained: it does not take this
 * value. The string must live as long as the configuration.
 */
bool policy_option(
    struct sign_config *config, const char *applet, int c, const char *value);

/*
 * Opens the policy. EXIT_OK; having complained as @applet, EXIT_USAGE: what was
 * given makes no policy (nothing to trust, keys that cannot be read), or
 * EXIT_FAILED.
 */
int policy_open(const struct sign_config *config, const char *applet,
    struct sign_policy **out);
