/* SPDX-License-Identifier: MIT */
/*
 * A list of SHA-256 digests of files, as sha256sum writes it: 64 hexadecimal
 * digits, a space and whatever follows. Empty lines and those that begin with
 * '#' count for nothing. Kept sorted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <sign/cms.h>

struct allow_list {
	struct allow_digest *all;
	size_t n;
};

/*
 * Reads @path into a zeroed @list, which allow_free empties. -TN_ENOENT: it
 * cannot be read; -TN_EBADMSG: a line is none of these; -TN_ENOMEM. Sleeps.
 */
int allow_read(struct allow_list *list, const char *path, struct sign_why *why);
void allow_free(struct allow_list *list);

/* Is the digest of @file in it? Any context. */
bool allow_has(const struct allow_list *list, struct span file);
