/* SPDX-License-Identifier: MIT */
/*
 * What modules say that they provide, by name (MODULE_PROVIDES, and a
 * MODULE_ALIAS without wildcards).
 *
 * The words of one module are a block. In an index of words there is one of
 * each, the first that came; the others of its name hang on it in the order in
 * which they came, so that coming, going and finding take constant time.
 *
 *	index -> word of a <-> word of b <-> word of c
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>
#include <base/span.h>
#include <tenon/engine.h>

#include "index.h"

struct provided {
	struct index_key key; /* first: .name */
	struct list same;     /* of the same name */
	void *owner;          /* who provides it */
	char name[TN_MODULE_NAME_MAX];
};

struct provides {
	uint32_t n;
	struct provided at[];
};

/*
 * The words that @modinfo lists, of @owner; *@out is NULL when there are none.
 * -TN_ENOMEM.
 */
int provides_read(const struct tn_port *port, struct span modinfo, void *owner,
    struct provides **out) MUST_CHECK;
void provides_free(const struct tn_port *port, struct provides *p);
/* Is @word among them? @p may be NULL. */
bool provides_lists(const struct provides *p, const char *word);

/* --- by name; @p may be NULL */

/* -TN_ENOMEM: nothing has changed. */
int provides_add(struct index *ix, struct provides *p) MUST_CHECK;
void provides_remove(struct index *ix, struct provides *p);
/* The first of this name, or NULL. */
struct provided *provides_find(const struct index *ix, const char *name);

struct tn_module;
struct tn_system;
/* The first running module that provides @name, pinned, or NULL. */
struct tn_module *provides_pin(struct tn_system *sys, const char *name);
