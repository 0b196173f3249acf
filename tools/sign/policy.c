/* SPDX-License-Identifier: MIT */
/*
 * The verification hook: sign/policy.h.
 */
#include <sign/policy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sign/trailer.h>
#include <tenon/err.h>

#include "allow.h"

struct sign_policy {
	enum sign_mode mode;
	struct keyring *keys; /* or NULL */
	struct allow_list allow;
	sign_say_fn *say; /* or NULL */
	void *say_arg;
};

bool sign_mode_parse(const char *name, enum sign_mode *out)
{
	static const char *const names[] = {
		[SIGN_OFF] = "off",
		[SIGN_WARN] = "warn",
		[SIGN_REQUIRE] = "require",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum sign_mode)i;
			return true;
		}
	return false;
}

static int read_all(struct sign_policy *policy,
    const struct sign_config *config, struct sign_why *why)
{
	int err = 0;

	if (config->keys != NULL)
		err = keyring_open(config->keys, &policy->keys, why);
	if (err == 0 && config->keys != NULL && config->allow == NULL &&
	    keyring_is_empty(policy->keys)) {
		(void)snprintf(why->text, sizeof(why->text),
		    "%s has no certificate (.pem .crt .cer .x509 .der) in it",
		    config->keys);
		err = -TN_ENOENT;
	}
	if (err == 0 && config->allow != NULL)
		err = allow_read(&policy->allow, config->allow, why);
	return err;
}

int sign_policy_open(const struct sign_config *config, struct sign_policy **out,
    struct sign_why *why)
{
	struct sign_policy *policy = calloc(1, sizeof(*policy));
	int err = -TN_ENOMEM;

	why->text[0] = '\0';
	if (policy == NULL)
		return err;
	policy->mode = config->mode;
	policy->say = config->say;
	policy->say_arg = config->say_arg;
	err = read_all(policy, config, why);
	if (err != 0) {
		sign_policy_close(policy);
		return err;
	}
	*out = policy;
	return 0;
}

void sign_policy_close(struct sign_policy *policy)
{
	if (policy == NULL)
		return;
	keyring_close(policy->keys);
	allow_free(&policy->allow);
	free(policy);
}

static int examine_signature(const struct sign_policy *policy, struct span file,
    struct sign_who *who, struct sign_why *why)
{
	struct signed_file parts;
	int err = signed_file_part(file, &parts);

	if (err == -TN_ENODATA)
		(void)snprintf(
		    why->text, sizeof(why->text), "the module is not signed");
	else if (err != 0)
		(void)snprintf(why->text, sizeof(why->text),
		    "the end of the signed file is damaged");
	if (err != 0)
		return err;
	if (policy->keys != NULL)
		return cms_verify(
		    policy->keys, parts.content, parts.signature, who, why);
	(void)snprintf(why->text, sizeof(why->text),
	    "the module is signed, but there are no keys to compare with");
	return -TN_ENOKEY;
}

int sign_policy_examine(const struct sign_policy *policy, struct span file,
    struct sign_who *who, struct sign_why *why)
{
	why->text[0] = '\0';
	memset(who, 0, sizeof(*who));
	if (allow_has(&policy->allow, file))
		return 0;
	return examine_signature(policy, file, who, why);
}

int sign_policy_check(void *arg, const void *data, size_t size)
{
	const struct sign_policy *policy = arg;
	const struct span file = { data, size };
	struct sign_who who;
	struct sign_why why;
	int err;

	if (policy->mode == SIGN_OFF)
		return 0;
	err = sign_policy_examine(policy, file, &who, &why);
	if (err != 0 && policy->say != NULL)
		policy->say(policy->say_arg, why.text);
	return policy->mode == SIGN_REQUIRE ? err : 0;
}
