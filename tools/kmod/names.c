/* SPDX-License-Identifier: MIT */
/*
 * Open addressing, at most half full: see names.h. A slot holds the whole
 * hash, so that a name which is not there is hardly ever compared.
 */
#include "names.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64u
#define SLOTS_MAX   (1u << 30)

/* The slot of @name, or the free one where it would be. */
static struct names_slot *slot_of(
    const struct names *t, const char *name, uint32_t hash)
{
	for (uint32_t i = hash;; i++) {
		struct names_slot *slot = &t->slots[i & (t->nslots - 1)];

		if (slot->entry == 0)
			return slot;
		if (slot->hash == hash &&
		    strcmp(t->entries[slot->entry - 1].name, name) == 0)
			return slot;
	}
}

struct names_entry *names_find(
    const struct names *t, const char *name, uint32_t hash)
{
	const struct names_slot *slot;

	if (t->nslots == 0)
		return NULL;
	slot = slot_of(t, name, hash);
	return slot->entry != 0 ? &t->entries[slot->entry - 1] : NULL;
}

static bool grow(struct names *t)
{
	const uint32_t nslots = t->nslots != 0 ? t->nslots * 2 : FIRST_SLOTS;
	struct names_slot *slots;
	struct names_entry *entries;

	if (nslots > SLOTS_MAX)
		return false;
	entries = realloc(t->entries, nslots / 2 * sizeof(*entries));
	if (entries == NULL)
		return false;
	t->entries = entries;
	slots = calloc(nslots, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t at = entries[i].hash;

		while (slots[at & (nslots - 1)].entry != 0)
			at++;
		slots[at & (nslots - 1)] =
		    (struct names_slot){ entries[i].hash, i + 1 };
	}
	free(t->slots);
	t->slots = slots;
	t->nslots = nslots;
	t->room = nslots / 2;
	return true;
}

struct names_entry *names_add(
    struct names *t, const char *name, uint32_t hash, bool *is_new)
{
	struct names_slot *slot;

	if (t->n == t->room && !grow(t))
		return NULL;
	slot = slot_of(t, name, hash);
	if (is_new != NULL)
		*is_new = slot->entry == 0;
	if (slot->entry == 0) {
		t->entries[t->n++] =
		    (struct names_entry){ .name = name, .hash = hash };
		*slot = (struct names_slot){ hash, t->n };
	}
	return &t->entries[slot->entry - 1];
}

void names_free(struct names *t)
{
	free(t->slots);
	free(t->entries);
	*t = (struct names){ 0 };
}
