/* SPDX-License-Identifier: MIT */
/*
 * Modules and systems, as the engine's own files see them.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>
#include <tenon/engine.h>

#include "export.h"
#include "index.h"

/* struct tn_module.word: a count of references and one bit */
#define MODULE_LIVE  (UINT64_C(1) << 63)
#define MODULE_COUNT (MODULE_LIVE - 1)

struct image_range {
	uint64_t addr;
	uint64_t count; /* of 8-byte words */
};

/*
 * One loaded image of a module. All but what is said otherwise is set once,
 * before it is published.
 */
struct generation {
	struct tn_module *mod;
	char *version, *license; /* in .strings */
	char *strings;
	size_t strings_size;
	enum tn_profile profile;
	struct tn_image image; /* while COMING: registry lock */
	struct export_block *exports;
	struct tn_module **providers; /* each holds one reference */
	uint32_t nproviders, max_providers;
	uint64_t init, exit; /* entry points, or 0 */
	uint64_t dt_init, dt_fini;
	/* constructors and destructors in the order in which they run */
	struct image_range *arrays; /* init first, then fini */
	unsigned ninit_arrays, nfini_arrays;
	uint32_t ncells, nstubs, nrelocs;
	bool direct;  /* TN_LOAD_DIRECT was given */
	bool started; /* constructors and init have run, so exit shall */
	const struct elf_sym *dynsyms;
	const char *dynstrings;
	uint32_t ndynsyms;
	size_t dynstrings_size;
	uint64_t base;
	/* registry lock: */
	size_t init_bytes;
	struct tn_timing timing;
};

/*
 * A module: a name, and the generation that is loaded under it, if any. The
 * record stays when the module is unloaded, so that a pointer to it never
 * dangles; tn_module_forget or the end of the system frees it.
 */
struct tn_module {
	struct index_key key; /* first: its name in sys->modules */
	/* set once: */
	struct tn_system *sys;
	char name[TN_MODULE_NAME_MAX];
	/* registry lock: */
	struct list link; /* sys->list while a generation is there */
	uint64_t ticket;  /* of the last load that has met it */
	enum tn_state state;
	enum tn_state was;      /* before it was claimed */
	struct generation *gen; /* NULL while TN_STATE_REGISTERED */
	/* atomic: LIVE bit and number of references */
	_Atomic uint64_t word;
};

struct tn_system {
	const struct tn_port *port;
	struct tn_config config;
	struct export_block *world; /* the world's exports */
	/* writers: registry lock; readers: read sections */
	struct index exports;
	/* registry lock: */
	struct index modules; /* all records */
	struct list list;     /* those with a generation, in load order */
	unsigned nlinked;     /* results of tn_link that are not freed */
	uint64_t ticket;
};

/* Its init has run and has no exit: it stays (as in Linux). */
static inline bool generation_is_permanent(const struct generation *gen)
{
	return gen->started && gen->init != 0 && gen->exit == 0;
}

static inline bool module_is_live(const struct tn_module *mod)
{
	/* acquire: what was written before LIVE was set */
	return (atomic_load_explicit(&mod->word, memory_order_acquire) &
		   MODULE_LIVE) != 0;
}

/* --- name.c */

/* Letters, digits, '_', '.' and '+', at least one. */
bool module_name_is_sound(const char *name);
/* Takes a name as it is given; false when it is too long or not sound. */
bool module_name_take(const char *s, char name[TN_MODULE_NAME_MAX]);

/* --- module.c */

/*
 * Takes the name for a load: finds or makes its record, which is COMING then.
 * -TN_EEXIST when a generation is there or coming; -TN_ENOMEM.
 */
int module_claim(struct tn_system *sys, const char *name,
    struct tn_module **out, struct tn_diag *diag) MUST_CHECK;
/* The load has failed: the record goes back to what it was. */
void module_unclaim(struct tn_module *mod);
/* Makes @gen its module's, with its exports, or fails. */
int module_publish(struct generation *gen, struct tn_diag *diag) MUST_CHECK;
/* Takes the module's generation out again and frees it with all it holds. */
void module_withdraw(struct tn_module *mod);
/* Frees a generation that is not published; its image too. */
void generation_free(struct tn_system *sys, struct generation *gen);
/* COMING to LIVE. */
void module_set_live(struct tn_module *mod, const struct tn_timing *timing);
/* Frees the records; none has a generation. */
void modules_free(struct tn_system *sys);

/* --- init.c */
int generation_run_init(struct generation *gen, struct tn_diag *diag)
    MUST_CHECK;
void generation_run_exit(struct generation *gen);

/* --- nearest.c */

/* The export whose name is most like @name, or NULL. Registry lock. */
const char *nearest_export(struct tn_system *sys, const char *name);

static inline void *port_alloc(const struct tn_port *port, size_t size)
{
	return port->alloc(port->ctx, size);
}

static inline void port_free(const struct tn_port *port, void *p, size_t size)
{
	if (p != NULL)
		port->free(port->ctx, p, size);
}
