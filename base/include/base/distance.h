/* SPDX-License-Identifier: MIT */
/*
 * How different two names are, for "did you mean".
 */
#pragma once

/*
 * The Damerau-Levenshtein distance: insertions, deletions, changes of one
 * character and swaps of neighbours. Only the first 48 characters count, so
 * the work is bounded.
 */
unsigned str_distance(const char *a, const char *b);

/*
 * The distance from which on a name is not near @name any more: a little over
 * a third of its length.
 */
unsigned str_distance_limit(const char *name);
