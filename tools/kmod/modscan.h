/* SPDX-License-Identifier: MIT */
/*
 * What depmod wants to know of a module file: the symbols that it gives and
 * those that it asks for, and the aliases and soft dependencies of .modinfo.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

#include "arena.h"
#include "buffer.h"
#include "modread.h"

enum facts_kind {
	FACTS_EXPORTS,
	FACTS_IMPORTS,
	FACTS_ALIASES,
	FACTS_SOFTDEPS,
	FACTS_KINDS
};

/* More about a symbol, which only some ask for. */
struct symbol_detail {
	uint64_t crc; /* 0: none is told */
	bool is_weak;
};

/*
 * The texts of all kinds, one kind after the other, stand behind each other,
 * each with its NUL. Exports and imports have their names_hash() before them.
 */
struct facts {
	uint32_t n[FACTS_KINDS];
	uint32_t at[FACTS_KINDS]; /* where the texts of a kind begin */
	uint32_t bytes;           /* of all texts */
	const uint32_t *hashes;   /* of exports, then imports */
	const char *texts;
	const struct symbol_detail *details; /* of the same, or NULL */
};

/* A walk over the texts of facts, in their order. */
static inline const char *facts_next(const char *text)
{
	return text + __builtin_strlen(text) + 1;
}

/* The first text of @kind (or the place where it would be). */
static inline const char *facts_first(
    const struct facts *f, enum facts_kind kind)
{
	return f->texts + f->at[kind];
}

/* One for each thread that scans. */
struct modscan {
	struct modread read;
	struct arena arena; /* what facts point to */
	uint64_t seed;      /* of names_hash */
	bool detailed;      /* fill in details */
	/* of the file that is being scanned: */
	struct facts facts;
	struct buffer texts, hashes, details;
	struct buffer seen; /* table of imports, for __versions */
};

/* -TN_ENOMEM. */
MUST_CHECK int modscan_init(struct modscan *s, uint64_t seed, bool detailed);
/* Frees everything, facts too. */
void modscan_fini(struct modscan *s);

/*
 * Scans the file @path below the folder @dir. 0; or an error of modread_open
 * or modread_sections, and @s->read.why. What could be had is in *@out then,
 * too: a file whose symbols are damaged may still tell its aliases.
 */
MUST_CHECK int modscan_file(
    struct modscan *s, int dir, const char *path, struct facts *out);
