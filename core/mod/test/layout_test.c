/* SPDX-License-Identifier: MIT */
/*
 * Where sections go: parts by flags, alignment, what has no bytes, COMMON; and
 * what cannot be laid out, refused by name.
 */
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "world.h"

#define AT UINT64_C(0x40000000)

static bool open_any(struct world *w)
{
	return world_offline(w, AT, NULL, 0);
}

struct expected {
	const char *name;
	uint64_t flags;
	int part; /* enum tn_part_kind, or -1: not loaded */
};

static const struct expected parts[] = {
	{ ".text", SHF_ALLOC | SHF_EXECINSTR, TN_TEXT },
	{ ".text.unlikely", SHF_ALLOC | SHF_EXECINSTR, TN_TEXT },
	{ ".exit.text", SHF_ALLOC | SHF_EXECINSTR, TN_TEXT },
	{ ".rodata", SHF_ALLOC, TN_RODATA },
	{ ".rodata.str1.1", SHF_ALLOC | SHF_MERGE, TN_RODATA },
	{ ".eh_frame", SHF_ALLOC, TN_RODATA },
	{ ".data.rel.ro.local", SHF_ALLOC | SHF_WRITE, TN_RODATA },
	{ ".init_array.5", SHF_ALLOC | SHF_WRITE, TN_RODATA },
	{ ".data..ro_after_init", SHF_ALLOC | SHF_WRITE, TN_RO_AFTER_INIT },
	{ ".data", SHF_ALLOC | SHF_WRITE, TN_DATA },
	{ ".data.x", SHF_ALLOC | SHF_WRITE, TN_DATA },
	{ ".init.text", SHF_ALLOC | SHF_EXECINSTR, TN_INIT_TEXT },
	{ ".init.rodata", SHF_ALLOC, TN_INIT_RODATA },
	{ ".init.data", SHF_ALLOC | SHF_WRITE, TN_INIT_DATA },
	{ ".modinfo", SHF_ALLOC, -1 },
	{ "__versions", SHF_ALLOC, -1 },
	{ ".note.gnu.build-id", SHF_ALLOC, -1 },
	{ ".comment", 0, -1 },
	{ ".debug_info", 0, -1 },
};

/* Every section by its number: names need not differ. */
TEST(layout, flags_and_names_choose_the_part)
{
	struct object *o = object_new(EM_X86_64);
	bool seen[ARRAY_SIZE(parts) + 1] = { false };
	struct tn_linked_section s;
	struct tn_linked *linked;
	struct world w;
	uint32_t at = 0;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		object_skip(o,
		    object_section(
			o, parts[i].name, SHT_PROGBITS, parts[i].flags),
		    24);
	CHECK_EQ(world_link(&w, o, &linked), 0);
	while (tn_linked_section(linked, &at, &s)) {
		const struct expected *e = &parts[s.index - 1];

		CHECK_EQ(s.index, at);
		CHECK_STR(s.name, e->name);
		CHECK_EQ(s.part, e->part);
		seen[s.index] = true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
		CHECK_EQ(seen[i + 1], parts[i].part >= 0);
	tn_linked_free(linked);
	object_free(o);
	CHECK(world_close(&w));
}

/* In a part the order is the file's; bytes first, then what has none. */
TEST(layout, order_in_a_part_is_the_files)
{
	static const unsigned types[] = { SHT_NOBITS, SHT_PROGBITS, SHT_NOBITS,
		SHT_PROGBITS };
	static const unsigned order[] = { 1, 3, 0, 2 };
	struct object *o = object_new(EM_AARCH64);
	struct tn_linked_section s[4];
	struct tn_linked *linked;
	struct world w;
	uint32_t at = 0;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 4; i++)
		object_skip(o,
		    object_section(o, ".data", types[i], SHF_ALLOC | SHF_WRITE),
		    10);
	CHECK_EQ(world_link(&w, o, &linked), 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK(tn_linked_section(linked, &at, &s[i]));
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(s[order[i]].addr, s[1].addr + i * 16);
		CHECK_EQ(s[i].bytes == NULL, types[i] == SHT_NOBITS);
	}
	tn_linked_free(linked);
	object_free(o);
	CHECK(world_close(&w));
}

/* RT-Thread's trap: a section's alignment is a promise to its code. */
TEST(layout, alignment_is_honoured)
{
	struct world w;

	CHECK(open_any(&w));
	for (uint64_t align = 1; align <= 0x200000; align *= 2) {
		struct object *o = object_new(EM_RISCV);
		struct tn_linked_section s;
		struct tn_linked *linked;
		uint32_t at = 0, sec[2];

		for (unsigned i = 0; i < 2; i++) {
			sec[i] = object_section(o, ".data",
			    i ? SHT_NOBITS : SHT_PROGBITS,
			    SHF_ALLOC | SHF_WRITE);
			object_skip(o, sec[i], 3);
			object_align(o, sec[i], i ? align : 1);
		}
		sec[0] = object_section(
		    o, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
		object_skip(o, sec[0], 5);
		object_align(o, sec[0], align);
		CHECK_EQ(world_link(&w, o, &linked), 0);
		while (tn_linked_section(linked, &at, &s))
			CHECK_EQ(s.addr % s.align, 0);
		tn_linked_free(linked);
		object_free(o);
	}
	CHECK(world_close(&w));
}

/* The same of a module that is loaded, up to what docs promise and more. */
TEST(layout, alignment_is_honoured_in_a_process)
{
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (uint64_t align = 16; align <= 65536; align *= 16) {
		struct author a = author_new(isa_here()->machine, "aligned");
		struct tn_module *mod;
		uint64_t addr;
		size_t size;

		author_return(&a, "f");
		author_word(&a, "d", 1);
		object_align(a.o, a.text, align);
		object_align(a.o, author_bss(&a, 100), align);
		CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
		tn_module_part(mod, TN_TEXT, &addr, &size);
		CHECK_EQ(addr % align, 0);
		tn_module_part(mod, TN_DATA, &addr, &size);
		CHECK_EQ(addr % align, 0);
		CHECK_EQ(size, align + 100);
		CHECK_EQ(world_unload(&w, mod), 0);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(layout, alignment_beyond_2_mib_or_odd_is_refused)
{
	static const uint64_t bad[] = { 3, 6, 4095, 0x400000, 1ull << 63,
		UINT64_MAX };
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct author a = author_new(EM_X86_64, "skew");

		object_file(a.o);
		object_shdr(a.o, a.data)->sh_addralign = bad[i];
		CHECK_EQ(world_link_bytes(&w, object_bytes(a.o),
			     &(struct tn_linked *){ NULL }),
		    -TN_ENOEXEC);
		CHECK_EQ(w.diag.reason, TN_REASON_ELF);
		CHECK_STR(w.diag.section, ".data");
		CHECK_EQ(w.diag.value, bad[i]);
		CHECK_STR(w.diag.other,
		    "has an alignment that is no power of two or above 2 MiB");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* What has been linked refers to its system, which stays. */
TEST(layout, a_linked_file_keeps_its_system)
{
	struct author a = author_new(EM_X86_64, "kept");
	struct tn_linked *linked;
	struct world w;

	CHECK(open_any(&w));
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(tn_system_destroy(w.sys), -TN_EBUSY);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- what has no bytes in the file */

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* Memory that another module has left dirty is clean for the next. */
TEST(layout, several_sections_without_bytes_are_zero_and_apart)
{
	struct author a = author_new(isa_here()->machine, "bss");
	struct tn_module *mod;
	struct world w;
	uint64_t addr;
	size_t size;

	CHECK(world_open(&w, NULL, 0));
	author_word(&a, "word", UINT64_MAX);
	author_bss(&a, 5000);
	for (unsigned i = 0; i < 3; i++)
		object_skip(a.o,
		    object_section(
			a.o, ".sbss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE),
		    1000);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
		tn_module_part(mod, TN_DATA, &addr, &size);
		CHECK_EQ(size, 8 + 5000 + 3 * 1000);
		CHECK(is_zero((uint8_t *)(uintptr_t)addr + 8, size - 8));
		memset((void *)(uintptr_t)addr, 0xdb, size);
		CHECK_EQ(world_unload(&w, mod), 0);
	}
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(layout, common_symbols_are_aligned_zero_and_apart)
{
	struct author a = author_new(isa_here()->machine, "common");
	uint64_t *pointers, common[3];
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (unsigned i = 0; i < 3; i++) {
		/* st_value is the alignment */
		const uint32_t sym = object_symbol(a.o, "tentative",
		    OBJECT_SYM(STB_GLOBAL, STT_OBJECT), SHN_COMMON,
		    1u << 3 * i);

		object_symbol_size(a.o, sym, 10 + i);
		author_pointer(&a, "p", sym, 0);
	}
	author_export(
	    &a, (struct author_export){ .name = "pointers",
		    .symbol = object_symbol(a.o, "pointers",
			OBJECT_SYM(STB_GLOBAL, STT_OBJECT), a.data, 0) });
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	pointers = world_object(mod, "pointers");
	memcpy(common, pointers, sizeof(common));
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(common[i] % (1u << 3 * i), 0);
		CHECK(is_zero((void *)(uintptr_t)common[i], 10 + i));
		if (i > 0)
			CHECK(common[i] >= common[i - 1] + 10 + i - 1);
	}
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(layout, common_symbols_with_odd_alignment_are_refused)
{
	static const uint64_t bad[] = { 0, 3, 0x400000, UINT64_MAX };
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		struct author a = author_new(EM_X86_64, "common");

		object_symbol(a.o, "c", OBJECT_SYM(STB_GLOBAL, STT_OBJECT),
		    SHN_COMMON, bad[i]);
		CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported",
		    "common: the alignment of a common symbol is not "
		    "supported (symbol 'c')");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(layout, common_symbols_that_are_too_large_are_refused)
{
	struct author a = author_new(EM_X86_64, "common");
	uint32_t sym;
	struct world w;

	CHECK(open_any(&w));
	sym = object_symbol(
	    a.o, "c", OBJECT_SYM(STB_GLOBAL, STT_OBJECT), SHN_COMMON, 8);
	object_symbol_size(a.o, sym, UINT64_MAX);
	CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "common: the size of a common symbol is not supported "
	    "(symbol 'c')");
	object_symbol_size(a.o, sym, UINT32_MAX);
	CHECK_REFUSED(&w, a.o, TN_EFBIG, "limit",
	    "common: 2147483648 bytes of one part are more than the limit of "
	    "2147483647");
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- what cannot be laid out */

struct refused_section {
	unsigned type;
	uint64_t flags;
	const char *reason, *text;
};

static const struct refused_section refused[] = {
	{ SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR, "writable_text",
	    "bad: a section that is writable and executable is not "
	    "supported (section .odd)" },
	{ SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, "unsupported",
	    "bad: thread-local storage is not supported (section .odd)" },
	{ SHT_PROGBITS, SHF_ALLOC | SHF_COMPRESSED, "unsupported",
	    "bad: a compressed loaded section is not supported (section "
	    ".odd)" },
};

TEST(layout, sections_that_are_not_supported_are_named)
{
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(refused); i++) {
		struct author a = author_new(EM_X86_64, "bad");

		object_skip(a.o,
		    object_section(
			a.o, ".odd", refused[i].type, refused[i].flags),
		    8);
		CHECK_REFUSED(
		    &w, a.o, TN_EOPNOTSUPP, refused[i].reason, refused[i].text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(layout, a_section_of_2_gib_is_refused)
{
	struct author a = author_new(EM_X86_64, "huge");
	struct world w;

	CHECK(open_any(&w));
	author_bss(&a, 0x80000000);
	CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "huge: a section of 2 GiB or more is not supported (section "
	    ".bss)");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(layout, a_part_of_2_gib_is_refused)
{
	struct author a = author_new(EM_X86_64, "huge");
	struct world w;

	CHECK(open_any(&w));
	author_bss(&a, 0x7fffffff);
	author_word(&a, "one", 1);
	CHECK_REFUSED(&w, a.o, TN_EFBIG, "limit",
	    "huge: 2147483648 bytes of one part are more than the limit of "
	    "2147483647");
	author_free(&a);
	CHECK(world_close(&w));
}

/* A world that puts parts further apart than a displacement reaches. */
TEST(layout, parts_beyond_2_gib_of_each_other_are_refused)
{
	struct author a = author_new(EM_X86_64, "apart");
	struct tn_linked *linked;
	struct world w;

	CHECK(open_any(&w));
	author_return(&a, "f");
	author_word(&a, "d", 1);
	w.rig.at_kind[TN_DATA] = AT + 0x80000000 - 7;
	CHECK_REFUSED(&w, a.o, TN_ERANGE, "placement",
	    "apart: its parts do not fit into 2 GiB of addresses");
	w.rig.at_kind[TN_DATA] = AT + 0x80000000 - 8;
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}
