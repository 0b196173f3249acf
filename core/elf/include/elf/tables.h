/* SPDX-License-Identifier: MIT */
/*
 * Iterators over the small tables of a module file: notes and .modinfo.
 */
#pragma once

#include <stdbool.h>

#include <base/span.h>
#include <elf/abi.h>

struct elf_note {
	uint32_t type;
	struct span name; /* with its NUL */
	struct span desc;
};

/*
 * Takes the next note from *@rest, the bytes of a SHT_NOTE section or PT_NOTE
 * segment. Returns false at the end or where the rest is malformed.
 */
bool elf_note_next(struct span *rest, struct elf_note *note);

/*
 * Takes the next "key=value" from *@rest, the bytes of .modinfo: NUL-ended
 * strings with any number of NULs between. The string is whole: it ends
 * inside the section. Returns false at the end.
 */
bool elf_modinfo_next(struct span *rest, const char **entry);

/* The value of the first entry with @key, or NULL. */
const char *elf_modinfo_get(struct span modinfo, const char *key);
