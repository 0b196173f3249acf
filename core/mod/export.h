/* SPDX-License-Identifier: MIT */
/*
 * Export records: what the symbol index points to.
 *
 * All exports of one owner lie in one block, and each record knows its
 * position in it, so the owner is found without a pointer per record:
 *
 *   struct export_block [ owner | ns | n | record 0 | record 1 | ... ]
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

struct tn_module;

struct export_record {
	const char *name; /* first: struct index key */
	uint64_t value;
	uint32_t crc;
	uint32_t position : 24;
	uint32_t flags : 8; /* TN_EXPORT_* */
};

#define EXPORT_MAX ((1u << 24) - 1)

struct export_block {
	struct tn_module *owner; /* NULL: the world */
	const char **ns;         /* n of them, or NULL when none has one */
	uint32_t n;
	uint32_t indexed;               /* the first so many are in the index */
	struct export_record records[]; /* of a module: ordered by address */
};

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
