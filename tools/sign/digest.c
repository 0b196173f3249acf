/* SPDX-License-Identifier: MIT */
/*
 * The digests that signatures are made with, and taken with: sign/cms.h.
 */
#include <string.h>

#include <base/compiler.h>
#include <sign/cms.h>

bool sign_digest_is_known(const char *name)
{
	static const char *const names[] = { "sha256", "sha384", "sha512" };
	size_t i = 0;

	while (i < ARRAY_SIZE(names) && strcmp(name, names[i]) != 0)
		i++;
	return i < ARRAY_SIZE(names);
}
