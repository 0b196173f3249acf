/* SPDX-License-Identifier: MIT */
/*
 * One load in progress.
 *
 * The stages (load.c lists them) own nothing: every resource hangs on one
 * zeroed struct tn_load, and load_release frees it whatever has happened. A
 * stage returns 0 or the negative error that it has put into l->diag.
 *
 * Two numberings run through all of it: section and symbol indices are those
 * of the file, so every table here is an array indexed by them.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <elf/dynamic.h>
#include <elf/file.h>
#include <reloc/reloc.h>
#include <tenon/engine.h>

#include "export.h"
#include "module.h"
#include "tables.h"

#define NO_PART 0xff

/* Results of a stage that are no errors. */
#define LOAD_MUST_WAIT 1 /* a provider is to be had first: load_take_owner */
#define LOAD_SHARED    2 /* another thread has loaded it: l->shared */

/* Where an input section goes. */
struct section {
	uint64_t addr;   /* where it runs; set by place */
	uint8_t *write;  /* where it is filled; NULL when not loaded */
	uint64_t offset; /* in its part */
	uint64_t size;   /* in the image: sh_size less what ALIGN deletes */
	uint32_t rela;   /* its relocation table's section, or 0 */
	uint32_t shrink, nshrink; /* deletions in l->shrinks */
	uint32_t anchors;         /* index + 1 into l->anchors, or 0 */
	uint8_t part;             /* in l->image, or NO_PART */
};

/* struct symbol.flags */
#define SYM_FIXED    1u  /* may be referred to directly for ever */
#define SYM_WEAK0    2u  /* undefined weak: no such symbol */
#define SYM_FOREIGN  4u  /* defined outside this image */
#define SYM_UNUSABLE 8u  /* in a section that is not loaded */
#define SYM_DEFERRED 16u /* undefined and not in the index */

/* The value of an input symbol, and what refers to it indirectly. */
struct symbol {
	uint64_t value;
	uint32_t ref; /* index + 1 of the first struct ref, or 0 */
	uint32_t flags;
};

/* struct ref.flags */
#define REF_GOT      1u  /* some relocation uses its cell */
#define REF_KEEP_GOT 2u  /* and cannot become direct */
#define REF_BRANCH   4u  /* some branch goes there */
#define REF_CELL     8u  /* decided: has a cell */
#define REF_STUB     16u /* decided: has a stub (and a cell) */
#define REF_UNSURE   32u /* in reach of a part of the image only */

/*
 * A (symbol, addend) that is reached through a GOT cell or may need a branch
 * stub. Refs of one symbol are chained; REF_CHAIN_MAX keeps the walk constant.
 */
struct ref {
	int64_t addend;
	uint32_t symbol;
	uint32_t next; /* index + 1 */
	uint32_t cell; /* number of its cell, when REF_CELL */
	uint32_t stub; /* number of its stub, when REF_STUB */
	uint32_t flags;
};
#define REF_CHAIN_MAX 64

/* @count bytes behind input offset @at are left out; @before: those before */
struct shrink {
	uint64_t at;
	uint64_t before;
	uint64_t count;
};

/*
 * The riscv HI20 relocations of a section by place: one bit per halfword, the
 * number of bits before each 64-bit word, and the relocation index of the
 * n-th bit. Lookup is constant-time whatever the file says.
 */
struct anchors {
	uint64_t *bits;
	uint32_t *rank;
	uint32_t *reloc;
	uint64_t words;
	uint32_t count;
};

/* What the file says about one import; the name lies in the file. */
struct version_key {
	struct index_key key; /* first: struct index key */
	uint64_t crc;
};

struct tn_load {
	struct tn_system *sys;
	const struct tn_port *port;
	const struct tn_load_args *args;
	struct tn_diag *diag;   /* never NULL */
	struct tn_diag scratch; /* the same for who has none: not released */
	enum tn_stage stage;
	bool offline;         /* load_go_offline: any machine, nothing runs */
	bool has_pairs;       /* some relocation is RELOC_PAIR_LOW */
	struct tables tables; /* all arrays below without another owner */

	/* source */
	struct tn_bytes file, unpacked;
	struct span bytes;

	/* check */
	struct elf_file elf;
	struct elf_symtab symtab;
	struct elf_dynamic dyn;
	bool is_dyn;
	const struct reloc_machine *(*find_machine)(unsigned elf_machine);
	const struct reloc_machine *machine;
	const struct load_relaxing *relaxing;
	struct span modinfo, versions;
	bool is_gpl; /* its licences let it use GPL-only exports */
	char name[TN_MODULE_NAME_MAX];
	enum tn_profile profile;

	/* resolve */
	struct version_key *version_keys;
	struct index version_index;
	struct index_key *ns_keys;
	struct index ns_index;
	struct symbol *symbols;
	uint32_t nsymbols;
	uint32_t *slots; /* the providers as a set: claim.c */
	uint32_t nslots;
	const struct tn_module *last_owner;     /* a provider, or NULL */
	const struct export_record *deprecated; /* is to be told, or NULL */
	uint32_t nmissing;
	uint64_t names_bytes; /* see load_count_name */
	uint32_t init_symbol, exit_symbol, ops_symbol, got_symbol;
	uint64_t common_size, common_align;

	/* layout and plan */
	struct section *sections;
	uint32_t nsections;
	struct shrink *shrinks;
	uint32_t nshrinks, max_shrinks;
	struct anchors *anchors;
	uint32_t nanchors, max_anchors;
	struct ref *refs;
	uint32_t nrefs, max_refs;
	uint64_t common_offset; /* in the data part */
	uint64_t cells_offset, stubs_offset;
	uint32_t ncells, nstubs;
	uint32_t nrelocs;

	/* image */
	struct tn_image image;
	bool has_image;
	const struct load_shape *shape; /* foreign.h; or NULL */
	uint64_t table;                 /* address of its symbol */
	uint64_t cells_addr, stubs_addr, common_addr;
	uint8_t *cells_write, *stubs_write, *common_write;

	struct activity activity;
	struct tn_module *shared; /* what another thread has loaded */
	unsigned nnotes;          /* what was told of it so far */

	/* result: the claimed name, and what will be published under it;
	   NULL offline */
	struct tn_module *mod;
	struct generation *gen;
	struct tn_timing timing;
};

/* Prepares @l for a call; false when the caller's table is not ours. */
bool load_begin(struct tn_load *l, struct tn_system *sys,
    const struct tn_load_args *args, struct tn_diag *diag) MUST_CHECK;

/*
 * What the relocations of some machines ask for besides cells and stubs: that
 * two of them find each other (anchors.c), that padding is cut (shrink.c).
 */
struct load_relaxing {
	int (*collect_anchors)(struct tn_load *l, uint32_t section);
	/* The anchor that the label symbol @sym stands at, or NULL. */
	const struct elf_rela *(*anchor)(const struct tn_load *l, uint32_t sym);
	int (*collect_shrinks)(struct tn_load *l, uint32_t section);
	void (*copy)(const struct tn_load *l, const struct section *sec,
	    struct span from);
};
extern const struct load_relaxing load_relaxing;
/* The same, or NULL where this machine's modules never ask for it. */
extern const struct load_relaxing *const load_relaxing_here;

int anchors_collect(struct tn_load *l, uint32_t section) MUST_CHECK;
const struct elf_rela *anchors_find(const struct tn_load *l, uint32_t sym);

/* A load asks for the machine that runs this; who only links, for any. */
static inline void load_go_offline(struct tn_load *l)
{
	l->offline = true;
	l->find_machine = reloc_machine;
	l->relaxing = &load_relaxing;
}

/* --- stages, in order */
int load_source(struct tn_load *l) MUST_CHECK;
int load_check(struct tn_load *l) MUST_CHECK;
int load_sections(struct tn_load *l) MUST_CHECK;
int load_resolve(struct tn_load *l) MUST_CHECK;
/* Names all symbols that are SYM_DEFERRED, nmissing of them. Sleeps. */
int load_fail_missing(struct tn_load *l);
int load_scan(struct tn_load *l) MUST_CHECK;
int load_layout(struct tn_load *l) MUST_CHECK;
int load_alloc(struct tn_load *l) MUST_CHECK;
int load_place(struct tn_load *l) MUST_CHECK;
int load_copy(struct tn_load *l) MUST_CHECK;
int load_relocate(struct tn_load *l) MUST_CHECK;
/* the same stages of an ET_DYN file */
int dyn_check(struct tn_load *l) MUST_CHECK;
int dyn_layout(struct tn_load *l) MUST_CHECK;
int dyn_place(struct tn_load *l) MUST_CHECK;
int dyn_copy(struct tn_load *l) MUST_CHECK;
int dyn_relocate(struct tn_load *l) MUST_CHECK;
/* For the life of the generation, the tables that lie at these addresses. */
int dyn_keep(struct tn_load *l, uint64_t symbols, uint64_t strings) MUST_CHECK;
int load_collect(struct tn_load *l) MUST_CHECK; /* entries and exports */
/* The stages after source up to relocate, for an object or a shared object. */
int load_link(struct tn_load *l) MUST_CHECK;
/* The end of each load, whatever has come of it. */
void load_release(struct tn_load *l);
/* tn_load, and tn_load_foreign; of the former @shape is NULL. */
int load_run(struct tn_system *sys, const struct tn_load_args *args,
    const struct load_shape *shape, struct tn_module **out,
    struct tn_diag *diag) MUST_CHECK;

/* --- names and providers (claim.c) */

/*
 * From here on the name is this load's. When another thread is loading it, its
 * result is this one's: LOAD_SHARED or its error.
 */
int load_claim(struct tn_load *l) MUST_CHECK;
/*
 * Gives its providers back. If its module is not there, the load has failed:
 * the record is as it was.
 */
void load_unclaim(struct tn_load *l);
/* Its module is there, in this state. */
void load_succeed(struct tn_load *l, enum tn_state state);

/* Has this load a reference on @mod? */
bool load_has_provider(const struct tn_load *l, const struct tn_module *mod);
/*
 * The owner of the export @name is no provider yet: makes it one, or waits if
 * it is being loaded. 0: look the symbol up again.
 */
int load_take_owner(struct tn_load *l, const char *name) MUST_CHECK;
/*
 * Makes @mod a provider. LOAD_MUST_WAIT: it has been waited for, with the
 * registry lock dropped; look it up again.
 */
int load_hold_locked(struct tn_load *l, struct tn_module *mod)
    MUST_CHECK REQUIRES(registry_role);
/*
 * Makes the module @name a provider; waits for it if it is being loaded.
 * -TN_ENOENT without a diagnosis: there is no such module.
 */
int load_hold(struct tn_load *l, const char *name) MUST_CHECK;

/* --- memory of a load */
/* For who outlives the load; NULL with the diagnosis set. */
void *load_memory(struct tn_load *l, size_t size);
/* Of l->tables; the same. */
void *load_table(struct tn_load *l, uint64_t n, size_t size);
/* Makes room for one more in a table; returns 0 or -TN_ENOMEM. */
int load_grow(struct tn_load *l, void **array, uint32_t n, uint32_t *max,
    size_t size) MUST_CHECK;

/* --- diagnosis: begin sets error, stage, reason and module */
struct tn_diag *load_fail(struct tn_load *l, enum tn_reason reason);
int load_fail_memory(struct tn_load *l, uint64_t size);
int load_fail_other(
    struct tn_load *l, enum tn_reason reason, const char *other);
/* @value @what are more than @limit. */
int load_fail_limit(
    struct tn_load *l, const char *what, uint64_t value, int64_t limit);
int load_fail_import(struct tn_load *l, enum tn_reason reason,
    const char *symbol, const char *other);
int load_fail_elf(struct tn_load *l, enum elf_fault fault, uint64_t value);
int load_fail_section(
    struct tn_load *l, enum tn_reason reason, uint32_t section);

/* --- symbols */
static inline const char *load_symbol_name(const struct tn_load *l, uint32_t i)
{
	const char *name = elf_symtab_name(&l->symtab, i);

	return name != NULL ? name : "";
}
/*
 * A name of @length bytes is about to be, or has been, hashed. Names may share
 * bytes of the file; -TN_EFBIG: so much that all of them together are no
 * longer in proportion to it, neither in time nor, as a list, in memory.
 */
int load_count_name(struct tn_load *l, size_t length) MUST_CHECK;
/* A printable name: "section:index+value" for one without a name. */
void load_symbol_label(
    const struct tn_load *l, uint32_t i, char *buf, size_t cap);

/* --- __versions (versions.c) */
int versions_open(struct tn_load *l) MUST_CHECK;
/* Was the module built for this export? */
int versions_check(struct tn_load *l, const struct export_record *rec)
    MUST_CHECK;

/* --- imported namespaces (namespaces.c) */
int namespaces_open(struct tn_load *l) MUST_CHECK;
bool namespaces_import(const struct tn_load *l, const char *ns);

/* --- ALIGN deletions (layout.c) */
uint64_t shrink_map_search(
    const struct tn_load *l, const struct section *sec, uint64_t offset);
/* Where the byte at input @offset goes, as an offset in the image's section */
static inline uint64_t shrink_map(
    const struct tn_load *l, const struct section *sec, uint64_t offset)
{
	return LIKELY(sec->nshrink == 0) ? offset
					 : shrink_map_search(l, sec, offset);
}
/* Are the @size bytes at input @offset together in the image? */
static inline bool shrink_keeps(const struct tn_load *l,
    const struct section *sec, uint64_t offset, uint64_t size)
{
	return LIKELY(sec->nshrink == 0) ||
	       shrink_map(l, sec, offset + size) - shrink_map(l, sec, offset) ==
		   size;
}

/* --- references through cells and stubs (refs.c) */
struct ref *refs_get(struct tn_load *l, uint32_t symbol, int64_t addend);
/* The ref of (@symbol, @addend), or NULL. */
static inline struct ref *refs_find(
    const struct tn_load *l, uint32_t symbol, int64_t addend)
{
	uint32_t i = l->symbols[symbol].ref;

	while (i != 0 && UNLIKELY(l->refs[i - 1].addend != addend))
		i = l->refs[i - 1].next;
	return i != 0 ? &l->refs[i - 1] : NULL;
}
/* The same of one that the scan has made for sure. */
static inline const struct ref *refs_known(
    const struct tn_load *l, uint32_t symbol, int64_t addend)
{
	const struct ref *ref = &l->refs[l->symbols[symbol].ref - 1];

	while (UNLIKELY(ref->addend != addend))
		ref = &l->refs[ref->next - 1];
	return ref;
}
/* True when GOT accesses of the ref become direct ones. */
static inline bool ref_is_direct(const struct ref *ref)
{
	return (ref->flags & REF_CELL) == 0;
}
void refs_decide(struct tn_load *l);
int refs_write(struct tn_load *l) MUST_CHECK;
static inline uint64_t ref_cell_addr(
    const struct tn_load *l, const struct ref *ref)
{
	return l->cells_addr + (uint64_t)ref->cell * 8;
}
static inline uint64_t ref_stub_addr(
    const struct tn_load *l, const struct ref *ref)
{
	return l->stubs_addr + (uint64_t)ref->stub * l->machine->stub_size;
}

/* --- relocation tables */
struct rela_table {
	const struct elf_rela *rela;
	uint32_t n;
};

/* The relocations of loaded section @section; empty when it has none. */
static inline struct rela_table load_rela(
    const struct tn_load *l, uint32_t section)
{
	const uint32_t table = l->sections[section].rela;
	struct rela_table t = { NULL, 0 };

	if (table != 0) {
		const struct span s = elf_section_bytes(&l->elf, table);

		t.rela = (const struct elf_rela *)(const void *)s.p;
		t.n = (uint32_t)(s.n / sizeof(*t.rela));
	}
	return t;
}

/* Does the relocation go through a GOT cell? */
static inline bool reloc_is_got(const struct reloc_howto *how)
{
	return how->expr >= RELOC_GOT_PC && how->expr <= RELOC_GOT_PAGEOFF;
}

/* The value of the expressions that need no more than S, A and P. */
static inline uint64_t reloc_value(
    unsigned expr, uint64_t s, uint64_t a, uint64_t p)
{
	const uint64_t page = ~UINT64_C(0xfff);

	switch (expr) {
	case RELOC_PC: return s + a - p;
	case RELOC_PAGE: return ((s + a) & page) - (p & page);
	default: return s + a;
	}
}
/* Fills in section, offset, relocation and symbol of a failure. */
int load_fail_reloc(struct tn_load *l, enum tn_reason reason, uint32_t section,
    const struct elf_rela *r);
/* Does the place lie in the section, and is there such a symbol? */
static inline bool reloc_site_is_sound(const struct tn_load *l, uint64_t size,
    const struct elf_rela *r, const struct reloc_howto *how)
{
	return r->r_offset <= size && how->size <= size - r->r_offset &&
	       elf_rela_sym(r) < l->symtab.n;
}
/* Says what is not sound about it. */
int load_fail_site(struct tn_load *l, uint32_t section,
    const struct elf_rela *r, const struct reloc_howto *how);
/* Symbol @sym is not in what is loaded (relocate.c). */
int load_fail_unusable(struct tn_load *l, uint32_t sym);
/* A type that does not exist, or that is refused here (scan.c). */
int load_fail_type(
    struct tn_load *l, uint32_t section, const struct elf_rela *r);
/*
 * The addend that a cell or stub includes. A branch's addend counts from the
 * end of the displacement; on machines where the GOT expression is G + A - P
 * the addend belongs to the place, so the cell holds S alone.
 */
static inline int64_t reloc_ref_addend(const struct tn_load *l,
    const struct reloc_howto *how, const struct elf_rela *r)
{
	if (how->expr == RELOC_GOT_PC)
		return 0;
	if ((how->flags & RELOC_BRANCH) != 0)
		return (
		    int64_t)((uint64_t)r->r_addend + l->machine->branch_end);
	return r->r_addend;
}

/* Does code lie at @addr? @resident: code that stays after init. */
bool load_is_text(const struct tn_load *l, uint64_t addr, bool resident);
/* The writable bytes behind the image address @addr, or NULL. */
uint8_t *load_image_at(const struct tn_load *l, uint64_t addr, uint64_t size);
