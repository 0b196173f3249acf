/* SPDX-License-Identifier: MIT */
/*
 * Dependencies by declaration (docs/module-format.md, 7.3):
 *
 *	provider >= 1.2 < 2, ?log, scheduler
 *
 * A name is that of a module or of something that a module provides. A '?'
 * makes it optional: it may be absent, but when it is there it must fit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <tenon/diag.h>
#include <tenon/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tn_depend {
	char name[TN_MODULE_NAME_MAX];
	bool optional;
	struct tn_range range;
	const char *text; /* the conditions, in the list; @length bytes */
	size_t length;
};

/*
 * Takes the next dependency from *@list. Returns 1, or 0 at the end of the
 * list, or -TN_EINVAL: what follows is none. Any context.
 */
int tn_depend_next(const char **list, struct tn_depend *out);

#ifdef __cplusplus
}
#endif
