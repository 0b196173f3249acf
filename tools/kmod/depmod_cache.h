/* SPDX-License-Identifier: MIT */
/*
 * The cache of `depmod --incremental`: the facts of all modules of the last
 * run, each with the stamp of the file that they were read from. A file whose
 * stamp is the same need not be read. The cache decides about time only: what
 * is missing, damaged or of another version is as if it were not there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>

#include "index_write.h"
#include "modscan.h"
#include "names.h"

struct depmod;
struct dep_module;

/* Tells one state of a file from another. */
struct file_stamp {
	uint64_t device, inode, size;
	int64_t mtime, ctime; /* nanoseconds */
};

struct depmod_cache {
	const char
	    *bytes; /* the file, mapped, which facts point into; or NULL */
	size_t n;
	uint32_t nentries;
	uint32_t next;      /* the entry that is expected to be asked for */
	uint32_t taken;     /* modules whose facts are from here */
	struct names paths; /* path -> entry, when that was not right */
};

/*
 * Loads the cache that the options name into d->cache, and takes its seed.
 * Without the option, or without a sound file, nothing is there.
 */
void depmod_cache_load(struct depmod *d);

/*
 * Takes the facts of module @i from the cache, if they are those of its file.
 * Cheap when modules come in the order in which they were written.
 */
bool depmod_cache_take(struct depmod *d, uint32_t i);

/*
 * From what do the files of the tree not follow as they are: FROM_*; 0: they
 * say already what they would say. Kinds of facts are told apart while the
 * modules are the same, in the same order, and lists and files are those of
 * the last run, which had nothing to tell; otherwise it is everything.
 */
unsigned depmod_cache_changed(const struct depmod *d);

/* If nothing: new stamps for the files that have been read again, if many. */
MUST_CHECK int depmod_cache_renew(struct depmod *d);

/*
 * Sets order->known: how many of all aliases, numbered through all modules,
 * are those of modules that have not been read again; and the numbers of these
 * to their order when files were written, the others behind. -TN_ENOMEM.
 */
MUST_CHECK int depmod_cache_order(struct depmod *d, struct index_order *order);

/*
 * Writes what is known of all modules, after the files have been written. What
 * goes wrong is reported as a warning. -TN_ENOMEM.
 */
MUST_CHECK int depmod_cache_save(struct depmod *d);

void depmod_cache_free(struct depmod_cache *c);
