/* SPDX-License-Identifier: MIT */
/*
 * The iterators over .modinfo and notes, on bytes that nobody has checked:
 * each entry lies in the bytes, and getting a key finds the first of them.
 */
#include "kit.h"

#include <string.h>

#include <elf/tables.h>

static bool inside(struct span all, const void *p, size_t n)
{
	const uintptr_t at = (uintptr_t)p - (uintptr_t)all.p;

	return at <= all.n && n <= all.n - at;
}

static void walk_modinfo(struct span all)
{
	struct span rest = all;
	const char *entry, *value;
	char key[64];
	size_t before = rest.n;

	while (elf_modinfo_next(&rest, &entry)) {
		const size_t n = strcspn(entry, "=");

		FUZZ_CHECK(inside(all, entry, strlen(entry) + 1));
		FUZZ_CHECK(*entry != '\0' && rest.n < before);
		before = rest.n;
		if (entry[n] != '=' || n >= sizeof(key))
			continue;
		memcpy(key, entry, n);
		key[n] = '\0';
		value = elf_modinfo_get(all, key);
		FUZZ_CHECK(value != NULL && value <= entry + n + 1);
		FUZZ_CHECK(inside(all, value, strlen(value) + 1));
	}
}

static void walk_notes(struct span all)
{
	struct span rest = all;
	struct elf_note note;

	while (elf_note_next(&rest, &note)) {
		FUZZ_CHECK(inside(all, note.name.p, note.name.n));
		FUZZ_CHECK(inside(all, note.desc.p, note.desc.n));
		touch(note.name.p, note.name.n);
		touch(note.desc.p, note.desc.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span all = { data, size };

	walk_modinfo(all);
	walk_notes(all);
	return 0;
}
