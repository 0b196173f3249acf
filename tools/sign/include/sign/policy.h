/* SPDX-License-Identifier: MIT */
/*
 * Which modules may be loaded: a policy is an engine's verification hook.
 *
 *	off      all of them; nothing is looked at
 *	warn     all of them, and what would be refused is said
 *	require  those signed by a key of the folder, and those whose SHA-256
 *	         stands in the list, as sha256sum writes it
 *
 * A policy never changes once it is open.
 */
#pragma once

#include <sign/cms.h>

enum sign_mode {
	SIGN_OFF,
	SIGN_WARN,
	SIGN_REQUIRE
};

/* A sentence about the module that the calling thread is loading. */
typedef void sign_say_fn(void *arg, const char *sentence);

struct sign_config {
	enum sign_mode mode;
	const char *keys;  /* folder of certificates, or NULL: none */
	const char *allow; /* file of digests, or NULL: none */
	sign_say_fn *say;  /* or NULL; any thread, without a lock */
	void *say_arg;
};

struct sign_policy;

/* The mode of this name; false: there is none. Any context. */
bool sign_mode_parse(const char *name, enum sign_mode *out);

/*
 * Opens a policy; sign_policy_close frees it, when no engine uses it any more.
 * Errors of keyring_open; -TN_ENOENT and -TN_EBADMSG also for the list, -TN_ENOENT
 * for a folder without certificates when there is no list either. Sleeps.
 */
int sign_policy_open(const struct sign_config *config, struct sign_policy **out,
    struct sign_why *why);
void sign_policy_close(struct sign_policy *policy); /* or NULL */

/*
 * A tn_verify_fn of the policy @arg: 0 loads the module, the errors of
 * sign_policy_examine refuse it. Several threads may call it at once. Sleeps.
 */
int sign_policy_check(void *arg, const void *data, size_t size);

/*
 * What the policy thinks of @file, whatever its mode: 0, or -TN_ENODATA: it is
 * not signed, or an error of cms_verify, with @why. @who is empty when nobody
 * has signed it. Sleeps.
 */
int sign_policy_examine(const struct sign_policy *policy, struct span file,
    struct sign_who *who, struct sign_why *why);
