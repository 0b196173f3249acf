/* SPDX-License-Identifier: MIT */
/*
 * Versions of modules, ranges of versions, and the check of an ABI version.
 * All of it is plain arithmetic: any context, any thread.
 *
 * A version is up to four decimal numbers parted by dots, the missing ones 0;
 * what follows them is ignored, so 1.2-rc1 equals 1.2. A number that does not
 * fit 32 bits counts as the largest that does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tn_version {
	uint32_t part[4]; /* major, minor, patch, build */
};

/* False, and @out is 0.0.0.0, when @text does not begin with a digit. */
bool tn_version_parse(const char *text, struct tn_version *out);

/* Less than, equal to or greater than 0, as @a is to @b. */
int tn_version_compare(const struct tn_version *a, const struct tn_version *b);

/* The versions from @low to @high, with or without these themselves. */
struct tn_range {
	struct tn_version low, high;
	bool low_open;  /* @low itself is not in it */
	bool high_open; /* @high itself is not in it */
	bool has_high;
};

struct tn_range tn_range_any(void);
struct tn_range tn_range_exact(struct tn_version v);
struct tn_range tn_range_at_least(struct tn_version v);
struct tn_range tn_range_at_most(struct tn_version v);
struct tn_range tn_range_between(struct tn_version low, struct tn_version high);
/* The same major number, and a minor one that is not smaller. */
struct tn_range tn_range_compatible(struct tn_version v);

/*
 * Reads conditions, all of which shall hold: any number of =, >=, >, <=, < or
 * ^ (compatible), each followed by a version; blanks are free. "" is any.
 * -TN_EINVAL: it is something else.
 */
int tn_range_parse(const char *text, struct tn_range *out);

enum tn_fit {
	TN_FITS,
	TN_TOO_OLD,
	TN_TOO_NEW,
};
enum tn_fit tn_range_check(
    const struct tn_range *range, const struct tn_version *v);

/* --- ABI versions */

struct tn_abi {
	uint32_t major, minor;
};

enum tn_abi_fit {
	TN_ABI_COMPATIBLE,
	TN_ABI_TOO_OLD,        /* an older major number than @min's */
	TN_ABI_TOO_NEW,        /* a newer one than @max's */
	TN_ABI_MINOR_MISMATCH, /* the minor number alone is out of bounds */
};
enum tn_abi_fit tn_abi_check(
    struct tn_abi v, struct tn_abi min, struct tn_abi max);

#ifdef __cplusplus
}
#endif
