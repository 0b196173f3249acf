/* SPDX-License-Identifier: MIT */
/*
 * The map of a linked image: a line for each section, cell, stub, common
 * symbol, deletion and relaxed relocation. Addresses are hexadecimal.
 */
#include "image_file.h"

#include <inttypes.h>

#include <kmod/clean.h>

static void write_sections(FILE *f, const struct tn_linked *k)
{
	struct tn_linked_section s;
	uint32_t at = 0;
	uint64_t offset, count;

	while (tn_linked_section(k, &at, &s)) {
		clean_print(f,
		    "section %" PRIu32 " %s %" PRIx64 " %" PRIx64 "\n", s.index,
		    s.name, s.addr, s.size);
		for (uint32_t i = 0;
		     tn_linked_shrink(k, s.index, i, &offset, &count); i++)
			clean_print(f,
			    "shrink %" PRIu32 " %" PRIx64 " %" PRIx64 "\n",
			    s.index, offset, count);
	}
}

static void write_refs(FILE *f, const struct tn_linked *k)
{
	struct tn_linked_ref r;

	for (uint32_t i = 0; tn_linked_ref(k, i, &r); i++) {
		if (r.cell_addr != 0)
			clean_print(f, "got %" PRIx64 " %s %" PRId64 "\n",
			    r.cell_addr, r.symbol, r.addend);
		if (r.stub_addr != 0)
			clean_print(f, "stub %" PRIx64 " %s %" PRId64 "\n",
			    r.stub_addr, r.symbol, r.addend);
	}
}

static void write_common(FILE *f, const struct tn_linked *k)
{
	struct tn_linked_symbol s;

	for (uint32_t i = 1; tn_linked_symbol(k, i, &s); i++)
		if (s.is_common)
			clean_print(f, "common %" PRIx64 " %" PRIx64 " %s\n",
			    s.value, s.size, s.name);
}

static void write_relaxed(
    void *arg, uint32_t section, uint64_t offset, const char *type)
{
	clean_print(
	    arg, "relaxed %" PRIu32 " %" PRIx64 " %s\n", section, offset, type);
}

void map_file_write(FILE *f, const struct tn_linked *linked)
{
	write_sections(f, linked);
	write_refs(f, linked);
	write_common(f, linked);
	tn_linked_relaxed(linked, write_relaxed, f);
}
