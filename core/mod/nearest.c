/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the export whose name is nearest to a missing one, if any is
 * near at all. Names of a very different length are passed over unmeasured.
 */
#include "module.h"

#include <base/distance.h>
#include <base/string.h>

struct search {
	const char *name;
	size_t length;
	const char *best;
	unsigned distance;
};

static bool consider(void *arg, struct index_key *key)
{
	struct search *s = arg;
	const size_t n = str_len(key->name);
	const size_t gap = n > s->length ? n - s->length : s->length - n;

	if (gap >= s->distance + (s->best != NULL))
		return true;
	const unsigned d = str_distance(s->name, key->name);

	/* Of equally near ones the first in the alphabet: stable output. */
	if (d < s->distance || (d == s->distance && s->best != NULL &&
				   str_cmp(key->name, s->best) < 0)) {
		s->distance = d;
		s->best = key->name;
	}
	return true;
}

const char *nearest_export(struct tn_system *sys, const char *name)
{
	struct search s = {
		.name = name,
		.length = str_len(name),
		.distance = str_distance_limit(name),
	};

	index_each(&sys->exports, consider, &s);
	return s.best;
}
