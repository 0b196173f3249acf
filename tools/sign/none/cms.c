/* SPDX-License-Identifier: MIT */
/*
 * For builds without libcrypto: sign/cms.h.
 */
#include <sign/cms.h>

#include <stdio.h>
#include <string.h>

#include <tenon/err.h>

static int unsupported(struct sign_why *why)
{
	(void)snprintf(why->text, sizeof(why->text),
	    "this build has no library for signatures");
	return -TN_EOPNOTSUPP;
}

int keyring_open(const char *folder, struct keyring **out, struct sign_why *why)
{
	(void)folder;
	(void)out;
	return unsupported(why);
}

void keyring_close(struct keyring *ring)
{
	(void)ring;
}

bool keyring_is_empty(const struct keyring *ring)
{
	(void)ring;
	return true;
}

int cms_sign(struct span content, const struct sign_request *req,
    struct span *out, struct sign_why *why)
{
	(void)content;
	(void)req;
	(void)out;
	return unsupported(why);
}

int cms_verify(const struct keyring *ring, struct span content,
    struct span signature, struct sign_who *who, struct sign_why *why)
{
	(void)ring;
	(void)content;
	(void)signature;
	memset(who, 0, sizeof(*who));
	return unsupported(why);
}
