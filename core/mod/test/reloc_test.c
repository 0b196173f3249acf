/* SPDX-License-Identifier: MIT */
/*
 * Relocations and symbols that a file gets wrong, or that are not supported:
 * for every machine, by name, with section, offset and symbol.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "world.h"

#define AT UINT64_C(0x40000000)

static bool open_any(struct world *w)
{
	return world_offline(w, AT, NULL, 0);
}

/* An object with 32 bytes of .data and one relocation there. */
static struct author with_fix(
    const struct isa *isa, uint64_t offset, unsigned type, uint32_t symbol)
{
	struct author a = author_new(isa->machine, "fix");

	object_symbol(
	    a.o, "word", OBJECT_SYM(STB_GLOBAL, STT_OBJECT), a.data, 0);
	object_skip(a.o, a.data, 32);
	object_rela(
	    a.o, a.data, (struct object_fix){ offset, type, symbol, 0 });
	return a;
}

TEST(reloc, of_an_unknown_type_is_refused)
{
	static const unsigned types[] = { 150, 999, 5000, UINT32_MAX };
	struct world w;
	char text[128];

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < ARRAY_SIZE(types); k++) {
			struct author a = with_fix(&isas[i], 12, types[k], 1);

			snprintf(text, sizeof(text),
			    "fix: .data+0xc: relocation type %u does not "
			    "exist",
			    types[k]);
			CHECK_REFUSED(
			    &w, a.o, TN_ENOEXEC, "reloc_unknown", text);
			author_free(&a);
		}
	}
	CHECK(world_close(&w));
}

/* Of shared objects only. */
TEST(reloc, of_a_shared_object_is_refused_in_an_object)
{
	struct world w;
	char text[128];

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct author a = with_fix(&isas[i], 0, isas[i].relative, 1);

		CHECK_EQ(world_link(&w, a.o, &(struct tn_linked *){ NULL }),
		    -TN_EOPNOTSUPP);
		CHECK_EQ(w.diag.reason, TN_REASON_RELOC_REFUSED);
		tn_diag_text(&w.diag, text, sizeof(text));
		CHECK(strstr(text, "_RELATIVE against 'word': a dynamic "
				   "relocation is not supported") != NULL);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

struct refusal {
	unsigned machine, type;
	const char *text;
};

// clang-format off
static const struct refusal refusals[] = {
	{ EM_X86_64, 23, "R_X86_64_TPOFF32 against 'word': thread-local storage" },
	{ EM_X86_64, 37, "R_X86_64_IRELATIVE against 'word': an indirect function (ifunc)" },
	{ EM_X86_64, 25, "R_X86_64_GOTOFF64 against 'word': the medium or large code model" },
	{ EM_X86_64, 26, "R_X86_64_GOTPC32 against 'word': the medium code model" },
	{ EM_X86_64, 27, "R_X86_64_GOT64 against 'word': the large code model" },
	{ EM_X86_64, 5, "R_X86_64_COPY against 'word': a copy relocation" },
	{ EM_X86_64, 32, "R_X86_64_SIZE32 against 'word': this relocation" },
	{ EM_AARCH64, 549, "R_AARCH64_TLSLE_ADD_TPREL_HI12 against 'word': thread-local storage" },
	{ EM_AARCH64, 300, "R_AARCH64_MOVW_GOTOFF_G0 against 'word': the large code model" },
	{ EM_AARCH64, 309, "R_AARCH64_GOT_LD_PREL19 against 'word': the tiny code model" },
	{ EM_AARCH64, 1032, "R_AARCH64_IRELATIVE against 'word': an indirect function (ifunc)" },
	{ EM_RISCV, 29, "R_RISCV_TPREL_HI20 against 'word': thread-local storage" },
	{ EM_RISCV, 58, "R_RISCV_IRELATIVE against 'word': an indirect function (ifunc)" },
	{ EM_RISCV, 4, "R_RISCV_COPY against 'word': a copy relocation" },
	{ EM_RISCV, 191, "R_RISCV_VENDOR against 'word': this relocation" },
};
// clang-format on

TEST(reloc, that_is_not_supported_is_refused_by_name)
{
	struct world w;
	char text[192];

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct author a = with_fix(isa_of(r->machine), 8, r->type, 1);

		snprintf(text, sizeof(text),
		    "fix: .data+0x8: %s is not supported", r->text);
		CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "reloc_refused", text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* The last place that fits, and those behind it. */
TEST(reloc, outside_of_its_section_is_refused)
{
	static const uint64_t bad[] = { 25, 31, 32, 33, UINT32_MAX, INT64_MAX,
		UINT64_MAX - 7, UINT64_MAX };
	struct tn_linked *linked;
	struct world w;
	char text[160];

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct author fits = with_fix(&isas[i], 24, isas[i].abs64, 1);

		CHECK_EQ(world_link(&w, fits.o, &linked), 0);
		CHECK_EQ(get_le64(world_section(linked, ".data").bytes + 24),
		    world_value(linked, "word"));
		tn_linked_free(linked);
		author_free(&fits);
		for (unsigned k = 0; k < ARRAY_SIZE(bad); k++) {
			struct author a =
			    with_fix(&isas[i], bad[k], isas[i].abs64, 1);

			snprintf(text, sizeof(text),
			    "fix: .data+0x%llx: %s against 'word': the place "
			    "lies outside the section",
			    (unsigned long long)bad[k],
			    isas[i].machine == EM_AARCH64 ? "R_AARCH64_ABS64"
			    : isas[i].machine == EM_RISCV ? "R_RISCV_64"
							  : "R_X86_64_64");
			CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "reloc_place", text);
			author_free(&a);
		}
	}
	CHECK(world_close(&w));
}

/* In the pass over GOT and branches, and in the one over plain ones. */
TEST(reloc, against_a_symbol_that_is_none_is_refused)
{
	static const uint32_t bad[] = { 2, 3, 0xffff, UINT32_MAX };
	struct world w;
	char text[160];

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned k = 0; k < 8; k++) {
			const unsigned type =
			    k < 4 ? isas[i].abs64 : isas[i].branch;
			struct author a =
			    with_fix(&isas[i], 0, type, bad[k % 4]);

			CHECK_EQ(
			    world_link(&w, a.o, &(struct tn_linked *){ NULL }),
			    -TN_ENOEXEC);
			CHECK_STR(
			    tn_reason_name(w.diag.reason), "reloc_symbol");
			CHECK_EQ(w.diag.value, bad[k % 4]);
			tn_diag_text(&w.diag, text, sizeof(text));
			CHECK(strstr(text, ": there is no symbol number ") !=
			      NULL);
			author_free(&a);
		}
	}
	CHECK(world_close(&w));
}

/* STN_UNDEF: S is 0. */
TEST(reloc, against_no_symbol_has_the_addend_alone)
{
	struct tn_linked *linked;
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct author a = author_new(isas[i].machine, "none");

		object_skip(a.o, a.data, 8);
		object_rela(a.o, a.data,
		    (struct object_fix){ 0, isas[i].abs64, 0, 0x1234 });
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		CHECK_EQ(
		    get_le64(world_section(linked, ".data").bytes), 0x1234);
		tn_linked_free(linked);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(reloc, against_a_symbol_that_is_not_loaded_is_refused)
{
	struct world w;

	CHECK(open_any(&w));
	for (unsigned k = 0; k < 4; k++) {
		struct author a = author_new(EM_AARCH64, "unloaded");
		const uint32_t comment =
		    object_section(a.o, ".comment", SHT_PROGBITS, 0);
		/* SHN_XINDEX without a table, a section that is none */
		const uint32_t where[] = { comment, a.modinfo, SHN_XINDEX,
			1000 };
		static const char *const names[] = { ".comment", ".modinfo",
			"no section", "no section" };
		char text[128];

		object_skip(a.o, a.data, 8);
		object_rela(a.o, a.data,
		    (struct object_fix){ 0, 257,
			object_symbol(a.o, "lost",
			    OBJECT_SYM(STB_LOCAL, STT_OBJECT), where[k], 0),
			0 });
		snprintf(text, sizeof(text),
		    "unloaded: symbol 'lost' is used but lies in %s, which "
		    "is not loaded",
		    names[k]);
		CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "symbol_section", text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(reloc, against_a_local_symbol_that_is_not_defined_is_refused)
{
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(isas); i++) {
		struct author a = author_new(isas[i].machine, "half");
		const uint32_t nowhere = object_symbol(a.o, "nowhere",
		    OBJECT_SYM(STB_LOCAL, STT_NOTYPE), SHN_UNDEF, 0);
		struct tn_linked *linked;

		/* what nobody uses may stay */
		CHECK_EQ(world_link(&w, a.o, &linked), 0);
		tn_linked_free(linked);
		object_skip(a.o, a.data, 8);
		object_rela(a.o, a.data,
		    (struct object_fix){ 0, isas[i].abs64, nowhere, 0 });
		CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "symbol_section",
		    "half: local symbol 'nowhere' is used but defined "
		    "nowhere");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* Neither by a cell, nor by a branch. */
TEST(reloc, code_against_a_local_symbol_that_is_not_defined_is_refused)
{
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(isas); i++) {
		struct author a = author_new(isas[i / 2].machine, "half");
		const uint32_t nowhere = object_symbol(a.o, "nowhere",
		    OBJECT_SYM(STB_LOCAL, STT_NOTYPE), SHN_UNDEF, 0);

		if (i % 2)
			isa_jump(a.o, a.text, nowhere);
		else
			isa_got(a.o, a.text, nowhere);
		CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "symbol_section",
		    "half: local symbol 'nowhere' is used but defined "
		    "nowhere");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* Also by the second half of a pair. */
TEST(reloc, uleb128_against_a_symbol_that_is_not_loaded_is_refused)
{
	struct author a = author_new(EM_RISCV, "unloaded");
	const uint32_t comment =
	    object_section(a.o, ".comment", SHT_PROGBITS, 0);
	struct world w;

	CHECK(open_any(&w));
	object_skip(a.o, a.data, 8);
	object_rela(a.o, a.data,
	    (struct object_fix){ 0, 60,
		object_symbol(
		    a.o, "here", OBJECT_SYM(STB_LOCAL, STT_OBJECT), a.data, 0),
		0 });
	object_rela(a.o, a.data,
	    (struct object_fix){ 0, 61,
		object_symbol(
		    a.o, "lost", OBJECT_SYM(STB_LOCAL, STT_OBJECT), comment, 0),
		0 });
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "symbol_section",
	    "unloaded: symbol 'lost' is used but lies in .comment, which is "
	    "not loaded");
	author_free(&a);
	CHECK(world_close(&w));
}

/* What nobody uses may lie anywhere. */
TEST(reloc, unused_symbols_may_be_anything)
{
	struct author a = author_new(EM_X86_64, "unused");
	struct tn_linked *linked;
	struct world w;

	CHECK(open_any(&w));
	object_symbol(
	    a.o, "a", OBJECT_SYM(STB_GLOBAL, STT_OBJECT), 1000, UINT64_MAX);
	object_symbol(
	    a.o, "b", OBJECT_SYM(STB_GLOBAL, STT_OBJECT), a.data, UINT64_MAX);
	object_symbol(
	    a.o, "c", OBJECT_SYM(STB_LOCAL, STT_FILE), SHN_ABS, UINT64_MAX);
	object_symbol(a.o, "d", OBJECT_SYM(7, 9), a.text, UINT64_MAX);
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	CHECK_EQ(world_value(linked, "c"), UINT64_MAX);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- symbols that are refused */

struct odd_symbol {
	uint8_t info;
	uint32_t section;
	const char *text;
};

static const struct odd_symbol odd_symbols[] = {
	{ OBJECT_SYM(STB_GLOBAL, STT_TLS), 2,
	    "odd: thread-local storage is not supported (symbol 'odd')" },
	{ OBJECT_SYM(STB_GLOBAL, STT_TLS), SHN_UNDEF,
	    "odd: thread-local storage is not supported (symbol 'odd')" },
	{ OBJECT_SYM(STB_GLOBAL, STT_GNU_IFUNC), 1,
	    "odd: an indirect function (ifunc) is not supported (symbol "
	    "'odd')" },
	{ OBJECT_SYM(STB_GLOBAL, STT_OBJECT), 0xff01,
	    "odd: a reserved section index is not supported (symbol 'odd')" },
};

TEST(reloc, symbols_that_are_not_supported_are_named)
{
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(odd_symbols); i++) {
		const struct odd_symbol *s = &odd_symbols[i];
		struct author a = author_new(EM_RISCV, "odd");

		object_symbol(a.o, "odd", s->info, s->section, 0);
		CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported", s->text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(reloc, a_symbol_name_outside_of_the_strings_is_refused)
{
	struct author a = author_new(EM_X86_64, "names");
	const uint32_t sym = object_undefined(a.o, "u");
	struct world w;

	CHECK(open_any(&w));
	object_file(a.o);
	object_sym(a.o, sym)->st_name = UINT32_MAX;
	CHECK_SPOILT(&w, a.o, TN_ENOEXEC, "elf",
	    "names: has a symbol name outside its string table, value 0x1");
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- tables that are refused */

static struct author with_table(void)
{
	struct author a = with_fix(&isas[0], 0, isas[0].abs64, 1);

	object_file(a.o);
	return a;
}

TEST(reloc, tables_of_other_kinds_are_refused)
{
	static const uint32_t types[] = { SHT_REL, SHT_RELR, SHT_CREL };
	struct world w;

	CHECK(open_any(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct author a = with_table();

		object_shdr(a.o, object_rela_section(a.o, a.data))->sh_type =
		    types[i];
		CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "unsupported",
		    "fix: a relocation table that is not RELA (REL, CREL) is "
		    "not supported (section .rela.data)");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(reloc, a_second_table_for_a_section_is_refused)
{
	struct author a = with_fix(&isas[0], 0, isas[0].abs64, 1);
	struct world w;

	CHECK(open_any(&w));
	author_return(&a, "f");
	object_rela(a.o, a.text, (struct object_fix){ 0, isas[0].abs64, 1, 0 });
	object_file(a.o);
	object_shdr(a.o, object_rela_section(a.o, a.text))->sh_info = a.data;
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "fix: a second relocation table for one section is not supported "
	    "(section .rela.data)");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(reloc, a_table_of_other_symbols_is_refused)
{
	struct author a = with_table();
	struct world w;

	CHECK(open_any(&w));
	object_shdr(a.o, object_rela_section(a.o, a.data))->sh_link = a.text;
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "fix: a relocation table with another symbol table is not "
	    "supported (section .rela.data)");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(reloc, a_table_for_a_section_without_bytes_is_refused)
{
	struct author a = with_table();
	struct world w;

	CHECK(open_any(&w));
	object_shdr(a.o, a.data)->sh_type = SHT_NOBITS;
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "fix: a relocation table for a section without bytes is not "
	    "supported (section .rela.data)");
	author_free(&a);
	CHECK(world_close(&w));
}

/* Of sections that are not loaded nothing is asked. */
TEST(reloc, tables_for_what_is_not_loaded_are_not_looked_at)
{
	struct author a = author_new(EM_X86_64, "debug");
	struct tn_linked *linked;
	struct world w;
	uint32_t debug;

	CHECK(open_any(&w));
	debug = object_section(a.o, ".debug_info", SHT_PROGBITS, 0);
	object_skip(a.o, debug, 8);
	object_rela(a.o, debug, (struct object_fix){ 1000, 999, 1000, 0 });
	CHECK_EQ(world_link(&w, a.o, &linked), 0);
	tn_linked_free(linked);
	author_free(&a);
	CHECK(world_close(&w));
}
