/* SPDX-License-Identifier: MIT */
/*
 * Export records: what the symbol index points to.
 *
 * All exports of one owner lie in one block, and each record knows its
 * position in it, so the owner is found without a pointer per record:
 *
 *   struct export_block [ owner | ns | n | record 0 | record 1 | ... ]
 *
 * The index finds them by name. To find them by address they need an order,
 * which sorting at each load would pay for, although few modules are ever
 * asked: the first who asks sorts, in memory that the load has put by.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

struct tn_module;
struct tn_port;

struct export_record {
	const char *name; /* first: struct index key */
	uint64_t value;
	uint32_t crc;
	uint32_t position : 24;
	uint32_t flags : 8; /* TN_EXPORT_* */
};

#define EXPORT_MAX ((1u << 24) - 1)

enum export_order_state {
	EXPORTS_UNORDERED,
	EXPORTS_BEING_ORDERED,
	EXPORTS_ORDERED
};

/* The records' positions by address, once somebody has asked for them. */
struct export_order {
	_Atomic uint32_t state; /* enum export_order_state */
	uint32_t at[];
};

struct export_block {
	struct tn_module *owner;    /* NULL: the world */
	const char **ns;            /* n of them, or NULL when none has one */
	struct export_order *order; /* NULL: records are ordered by address */
	uint32_t n;
	uint32_t indexed; /* the first so many are in the index */
	struct export_record records[];
};

static inline size_t export_order_size(uint32_t n)
{
	return sizeof(struct export_order) + n * sizeof(uint32_t);
}

static inline size_t export_block_size(uint32_t n)
{
	return sizeof(struct export_block) + n * sizeof(struct export_record);
}

static inline struct export_block *export_block_of(
    const struct export_record *rec)
{
	const struct export_record *first = rec - rec->position;

	return (struct export_block *)(uintptr_t)((const char *)first -
						  offsetof(struct export_block,
						      records));
}

static inline const char *export_ns(const struct export_record *rec)
{
	const struct export_block *b = export_block_of(rec);

	return b->ns != NULL ? b->ns[rec->position] : NULL;
}

/* Neighbours of an address; NULL: there is none on that side. */
struct export_place {
	const struct export_record *before; /* the last at it or below */
	const struct export_record *after;  /* the first above */
};

/*
 * The exports of a module around @addr. For signal handlers too: neither locks
 * nor allocates. The first who asks takes O(n log n) when the file has them in
 * another order, whoever comes meanwhile O(n), and then everybody O(log n).
 */
struct export_place export_find(struct export_block *b, uint64_t addr);

void export_block_free(const struct tn_port *port, struct export_block *b);
