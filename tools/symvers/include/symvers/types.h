/* SPDX-License-Identifier: MIT */
/*
 * The types of symbols as text, from the debug information (DWARF) of an object
 * of any machine. Two descriptions are equal if, and only if, code compiled
 * against one symbol works with the other:
 *
 *	function(PARAMETER; ..) RESULT         parameters have no names
 *	variable TYPE
 *	struct NAME SIZE {MEMBER@BIT TYPE; ..} at its first mention, and
 *	struct NAME                            from then on, or unless defined
 *	enum NAME SIZE {NAME=VALUE; ..}
 *	signed:4  unsigned:8  float:8  ..      whatever the language calls them
 *	*TYPE  [N]TYPE  const TYPE  volatile TYPE
 *
 * Names of typedefs do not show, as they make no new types; names of members
 * and enumerators do, as they have a meaning.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct types;

#define TYPES_WHY_MAX 256

/* Pointers, arrays and the like on end, without a structure or enumeration. */
#define TYPES_LEVELS_MAX 200

/* The bytes of an object. */
struct types_file {
	char *data;
	size_t size;
};

/*
 * Opens the debug information of @file, which sentences call @path; types_close
 * ends it. -TN_ENOENT: it cannot be read, or there is none; -TN_EOPNOTSUPP:
 * this build has no library for it; -TN_ENOMEM. @why says it in a sentence. The
 * bytes stay until then, and debug information is relocated in them. Sleeps.
 */
int types_open(const char *path, struct types_file file, struct types **out,
    char why[TYPES_WHY_MAX]);
void types_close(struct types *types); /* or NULL */

/*
 * Writes the type of the external symbol @name. -TN_ENOENT: the information
 * has no such symbol; -TN_EBADMSG: it is damaged, or a type has more than
 * TYPES_LEVELS_MAX levels; part may have been written. Errors of @out are its owner's. Sleeps.
 */
int types_describe(struct types *types, const char *name, FILE *out);

/* The CRC-32 (IEEE 802.3, as of zlib) of @n bytes. Any context. */
unsigned long types_crc(const char *text, size_t n);
