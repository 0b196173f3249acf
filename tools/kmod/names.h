/* SPDX-License-Identifier: MIT */
/*
 * A table from names to numbers, which knows a name by its hash. The caller
 * hashes, because most names are looked up more often than once, and gives the
 * seed; a seed that nobody can foretell keeps files from choosing names that
 * collide. Names are kept, not copied.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/hash.h>

struct names_slot {
	uint32_t hash;
	uint32_t entry; /* number of the name, and 1; 0: free */
};

struct names_entry {
	const char *name;
	uint32_t hash;
	uint32_t value;
};

struct names {
	struct names_slot *slots;
	struct names_entry *entries; /* in the order in which they came */
	uint32_t nslots, n, room;
};

static inline uint32_t names_hash(const char *name, uint64_t seed)
{
	return (uint32_t)hash_name(name, seed);
}

/* The entry of @name, or NULL. */
struct names_entry *names_find(
    const struct names *t, const char *name, uint32_t hash);

/*
 * Adds @name, unless it is there; *@is_new tells (NULL: does not matter).
 * NULL: no memory. An entry moves when another one is added.
 */
MUST_CHECK struct names_entry *names_add(
    struct names *t, const char *name, uint32_t hash, bool *is_new);

void names_free(struct names *t);
