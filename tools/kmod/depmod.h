/* SPDX-License-Identifier: MIT */
/*
 * What the parts of depmod share: a module tree in memory, from the walk to
 * the files that are written.
 *
 *	walk (depmod_walk.c)      folders -> modules; one for each name
 *	order (depmod_order.c)    modules.order -> the final order of modules
 *	scan (depmod_scan.c)      files -> facts, in threads, from the cache
 *	resolve (depmod_resolve.c)  imports -> needs
 *	rank (depmod_rank.c)      needs -> order of loading, cycles
 *	lines (depmod_lines.c)    needs -> lines of modules.dep
 *	put (depmod_files.c)      the content of files -> files
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

#include "arena.h"
#include "depmod_cache.h"
#include "depmod_config.h"
#include "depmod_options.h"
#include "index_write.h"
#include "modscan.h"
#include "names.h"
#include "report.h"

#define NOBODY UINT32_MAX /* the owner of the kernel's own symbols */

struct dep_module {
	const char *path; /* below the folder; or absolute, outside of it */
	const char *name; /* of the module, '_' for '-' */
	struct file_stamp stamp; /* for --incremental */
	bool is_damaged;         /* not all of its facts could be had */
	struct facts facts;
	/* resolve: */
	uint32_t *needs; /* modules, each once, as the imports come */
	uint32_t nneeds;
	uint32_t users; /* how many need it */
	/* rank: users first; the modules that it needs come behind it */
	uint32_t rank;
	size_t line; /* where its line begins */
};

struct depmod {
	struct depmod_options options;
	struct depmod_config config;
	struct report report;
	struct arena arena;
	uint64_t seed;      /* of all hashes */
	const char *folder; /* BASE/lib/modules/VERSION */
	int dir; /* the same, open after the walk; -1: it is not there */
	struct buffer found; /* modules, as the walk has met them */
	struct dep_module *modules;
	uint32_t nmodules;
	struct depmod_cache cache;
	bool has_told;         /* something about facts or lists */
	unsigned changed;      /* since the files were written: FROM_* */
	int64_t started;       /* the time, in nanoseconds */
	struct modscan *scans; /* one for each thread; they own the facts */
	unsigned nscans;
	struct names symbols; /* name -> module that exports it, or NOBODY */
	const struct names_entry **exports; /* those of modules */
	const uint32_t *by_name;            /* exports sorted by name */
	uint32_t *by_bucket;                /* and as kmod's table has them */
	uint32_t nexports;
	struct index_order aliases; /* of all modules, sorted by key; or none */
	struct buffer lines;        /* of modules.dep, each with a NUL behind */
};

/* Opens the folder, unless it is open or cannot be: see depmod.dir. */
void depmod_open_folder(struct depmod *d);

/*
 * The stages. They return 0 or a negative TN_E*, and have said by then what
 * is wrong, -TN_ENOMEM excepted.
 */
MUST_CHECK int depmod_is_newer(struct depmod *d, bool *out);
MUST_CHECK int depmod_walk(struct depmod *d);
MUST_CHECK int depmod_order(struct depmod *d);
MUST_CHECK int depmod_scan(struct depmod *d);
MUST_CHECK int depmod_resolve(struct depmod *d);
MUST_CHECK int depmod_rank(struct depmod *d);
