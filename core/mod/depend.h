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

/* Do the "@key" entries of .modinfo, lists with commas, name @word? */
bool modinfo_lists(struct span modinfo, const char *key, const char *word);
