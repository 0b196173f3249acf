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

struct tn_module {
	struct index_key key; /* first: its name in sys->modules */
	/* set once before publish: */
	struct tn_system *sys;
	char name[TN_MODULE_NAME_MAX];
	char *version, *license; /* in .strings */
	char *strings;
	size_t strings_size;
	enum tn_profile profile;
	struct tn_image image; /* while COMING: registry lock */
	struct export_block *exports;
	struct tn_module **providers;
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
	struct list link; /* sys->list */
	uint64_t ticket;  /* of the last load that has met it */
	enum tn_state state;
	size_t init_bytes;
	struct tn_timing timing;
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
	struct index modules;
	struct list list; /* load order */
	unsigned nlinked; /* results of tn_link that are not freed */
	uint64_t ticket;
};

/* Its init has run and has no exit: it stays (as in Linux). */
static inline bool module_is_permanent(const struct tn_module *mod)
{
	return mod->started && mod->init != 0 && mod->exit == 0;
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

/* Makes @mod visible as COMING, with its name and exports, or fails. */
int module_publish(struct tn_module *mod, struct tn_diag *diag) MUST_CHECK;
/* Takes it out again and frees it with all it holds. */
void module_withdraw(struct tn_module *mod);
/* Frees a module that is not in the registry; its image too. */
void module_free(struct tn_module *mod);
/* COMING to LIVE. */
void module_set_live(struct tn_module *mod, const struct tn_timing *timing);

/* --- init.c */
int module_run_init(struct tn_module *mod, struct tn_diag *diag) MUST_CHECK;
void module_run_exit(struct tn_module *mod);

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
