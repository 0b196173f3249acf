/* SPDX-License-Identifier: MIT */
/*
 * Dependencies by declaration, as the engine's own files see them (depend.c).
 */
#pragma once

#include <base/compiler.h>
#include <base/span.h>
#include <tenon/depend.h>

struct tn_load;

/*
 * Takes a reference on everything that the module declares to need: before
 * its symbols are resolved, which tells what is wrong in better words.
 */
int load_depends(struct tn_load *l) MUST_CHECK;

/* The value of the next entry of .modinfo that begins with @key, "k=", or
   NULL. */
const char *modinfo_next(struct span *rest, const char *key);

/* Fails the load for @d; @present: the version that is there. */
int depend_fail(struct tn_load *l, const struct tn_depend *d,
    enum tn_reason reason, const char *present);
/* Does the version @present fit? Fails the load when it does not. */
int depend_check(struct tn_load *l, const struct tn_depend *d,
    const char *present) MUST_CHECK;
