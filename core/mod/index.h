/* SPDX-License-Identifier: MIT */
/*
 * A hash index from names to records, with lock-free readers.
 *
 * Buckets are cache lines: a word with one byte of the hash of each of seven
 * records, and their addresses. A record's first member is its name. A name
 * lives in its home bucket or, when that was full, in one of those after it;
 * the eighth byte of the word says whether any has ever gone past. So a miss
 * usually reads one line, and a hit one line, the record and the name.
 *
 * Writers are serialised by the caller. Words change by single stores, so a
 * reader sees each either before or after. A table is replaced as a whole; the
 * old one is freed after the port's synchronize.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/port.h>

/* What a record begins with. */
struct index_key {
	const char *name;
};

struct index_table;

struct index {
	const struct tn_port *port;
	_Atomic(struct index_table *) table;
	uint64_t seed;
	size_t count;  /* records */
	size_t passed; /* buckets marked as passed since the table was made */
};

void index_init(struct index *ix, const struct tn_port *port, uint64_t seed);
void index_fini(struct index *ix);

/* Makes room for @more insertions; -TN_ENOMEM. May sleep. */
int index_reserve(struct index *ix, size_t more) MUST_CHECK;

/*
 * Inserts @key unless a record of its name is there, which is returned then;
 * NULL otherwise. index_reserve has made room.
 */
struct index_key *index_insert(struct index *ix, struct index_key *key);

/*
 * Inserts @n records that lie @stride bytes apart. Stops at the first whose
 * name is there already, sets *@there to it, and returns how many went in.
 */
size_t index_insert_all(struct index *ix, struct index_key *first,
    size_t stride, size_t n, struct index_key **there);

/* Takes @key itself out; nothing happens when it is not in. */
void index_remove(struct index *ix, const struct index_key *key);
void index_remove_all(
    struct index *ix, const struct index_key *first, size_t stride, size_t n);

/* The record of @name, or NULL. The caller is in a read section or holds the
   writers' lock. */
struct index_key *index_find(const struct index *ix, const char *name);
/* The same, and how long @name is, which a search has to find out anyway. */
struct index_key *index_find_measured(
    const struct index *ix, const char *name, size_t *length);

/* Calls @fn for every record until it returns false. Writers' lock. */
void index_each(const struct index *ix,
    bool (*fn)(void *arg, struct index_key *key), void *arg);
