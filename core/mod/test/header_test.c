/* SPDX-License-Identifier: MIT */
/*
 * Fields of the ELF tables with wrong values: each is refused by what is wrong
 * with it, in words, with the section and the number where there are any.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <test/test.h>

#include "world.h"

/* The tables of the sample object below. */
enum table {
	EHDR,
	TEXT,
	DATA,
	BSS,
	RELA, /* of .data */
	SYMTAB,
	STRTAB,
	SHSTRTAB,
	TABLES
};

struct sample {
	struct author a;
	uint8_t *table[TABLES];
};

static struct sample sample_new(void)
{
	struct sample s = { .a = author_new(isa_here()->machine, "sample") };
	struct object *o = s.a.o;
	uint32_t symtab;

	author_return(&s.a, "f");
	author_pointer(&s.a, "p", author_word(&s.a, "w", 1), 0);
	author_bss(&s.a, 64);
	object_file(o);
	symtab = object_symtab_section(o);
	s.table[EHDR] = (uint8_t *)object_ehdr(o);
	s.table[TEXT] = (uint8_t *)object_shdr(o, s.a.text);
	s.table[DATA] = (uint8_t *)object_shdr(o, s.a.data);
	s.table[BSS] = (uint8_t *)object_shdr(o, s.a.bss);
	s.table[RELA] =
	    (uint8_t *)object_shdr(o, object_rela_section(o, s.a.data));
	s.table[SYMTAB] = (uint8_t *)object_shdr(o, symtab);
	s.table[STRTAB] = (uint8_t *)object_shdr(o, symtab + 1);
	s.table[SHSTRTAB] = (uint8_t *)object_shdr(o, symtab + 2);
	return s;
}

struct field {
	enum table table;
	unsigned offset, size;
	uint64_t value;
	const char *text; /* NULL: accepted */
};

#define E(member, value, text)                                                 \
	{                                                                      \
		EHDR, offsetof(struct elf_ehdr, member),                       \
		    sizeof(((struct elf_ehdr *)0)->member), (value), (text)    \
	}
#define IDENT(i, value, text)                                                  \
	{                                                                      \
		EHDR, offsetof(struct elf_ehdr, e_ident) + (i), 1, (value),    \
		    (text)                                                     \
	}
#define S(table, member, value, text)                                          \
	{                                                                      \
		(table), offsetof(struct elf_shdr, member),                    \
		    sizeof(((struct elf_shdr *)0)->member), (value), (text)    \
	}

#define MAX32 UINT32_MAX
#define MAX64 UINT64_MAX

/* Before its name has been found a file is "the file". */
#define THE      "the file "
#define NO_FILE  "is not an ELF file, value "
#define NO_TYPE  "is neither a relocatable object nor a shared object, value "
#define SIZES    "has an ELF header with wrong entry sizes, value "
#define TABLE    "has a section table outside the file, value "
#define SEGMENTS "has a program header table outside the file, value "
#define LINK     "has a section link or info that names no fitting section"
#define BOUNDS   "has a section that lies outside the file"
#define ALIGN    "has an alignment that is no power of two or above 2 MiB"
#define NAME     "has a section name outside the name table"
#define WHOLE    "has a table that is no whole number of entries"
#define MOVED    "has a table that is not 8-byte aligned"

// clang-format off
static const struct field fields[] = {
	IDENT(0, 0, NO_FILE "0x464c4500"),
	IDENT(1, 'e', NO_FILE "0x464c657f"),
	IDENT(3, 0xff, NO_FILE "0xff4c457f"),
	IDENT(EI_CLASS, 0, "is not a 64-bit ELF file, value 0x0"),
	IDENT(EI_CLASS, 1, "is not a 64-bit ELF file, value 0x1"),
	IDENT(EI_CLASS, 3, "is not a 64-bit ELF file, value 0x3"),
	IDENT(EI_DATA, 0, "is not a little-endian ELF file, value 0x0"),
	IDENT(EI_DATA, 2, "is not a little-endian ELF file, value 0x2"),
	IDENT(EI_VERSION, 0, "has an unknown ELF version, value 0x1"),
	IDENT(EI_VERSION, 2, "has an unknown ELF version, value 0x1"),
	IDENT(7, 0xff, NULL), /* OS ABI: not looked at */
	E(e_type, 0, NO_TYPE "0x0"),
	E(e_type, 2, NO_TYPE "0x2"),
	E(e_type, 4, NO_TYPE "0x4"),
	E(e_type, 0xffff, NO_TYPE "0xffff"),
	E(e_version, 0, "has an unknown ELF version, value 0x0"),
	E(e_version, MAX32, "has an unknown ELF version, value 0xffffffff"),
	E(e_entry, MAX64, NULL),
	E(e_ehsize, 0, SIZES "0x0"),
	E(e_ehsize, 63, SIZES "0x3f"),
	E(e_ehsize, 65, SIZES "0x41"),
	E(e_shentsize, 0, SIZES "0x0"),
	E(e_shentsize, 65, SIZES "0x41"),
	E(e_shentsize, 0xffff, SIZES "0xffff"),
	E(e_phnum, 1, SIZES "0x0"),
	E(e_phnum, 0xffff, SIZES "0x0"),
	E(e_phentsize, 56, NULL),
	E(e_shoff, 1, TABLE "0x1"),
	E(e_shoff, 4, TABLE "0x4"),
	E(e_shoff, MAX64, TABLE "0xffffffffffffffff"),
	E(e_shoff, MAX64 - 7, TABLE "0xfffffffffffffff8"),
	E(e_shoff, MAX64 - 63, TABLE "0xffffffffffffffc0"),
	E(e_shoff, 1ull << 63, TABLE "0x8000000000000000"),
	E(e_shnum, 0xffff, TABLE "0xffff"),
	E(e_shstrndx, 0, LINK ", value 0x0"),
	E(e_shstrndx, 1, LINK ", value 0x1"),
	E(e_shstrndx, 0xfffe, LINK ", value 0xfffe"),
	E(e_shstrndx, 0xffff, LINK ", value 0x0"), /* follows sh_link of 0 */

	S(DATA, sh_name, MAX32, NAME ", value 0xffffffff"),
	S(DATA, sh_name, 1 << 20, NAME ", value 0x100000"),
	S(DATA, sh_offset, MAX64, BOUNDS " (.data), value 0xffffffffffffffff"),
	S(DATA, sh_offset, MAX64 - 7, BOUNDS " (.data), value 0xfffffffffffffff8"),
	S(DATA, sh_size, MAX64, BOUNDS " (.data), value "),
	S(DATA, sh_size, MAX64 - 7, BOUNDS " (.data), value "),
	S(DATA, sh_size, 1ull << 32, BOUNDS " (.data), value "),
	S(DATA, sh_addralign, 0, NULL),
	S(DATA, sh_addralign, 1, NULL),
	S(DATA, sh_addralign, 3, ALIGN " (.data), value 0x3"),
	S(DATA, sh_addralign, 0x400000, ALIGN " (.data), value 0x400000"),
	S(DATA, sh_addralign, MAX64, ALIGN " (.data), value 0xffffffffffffffff"),
	S(DATA, sh_addr, MAX64, NULL),
	S(DATA, sh_entsize, MAX64, NULL),
	S(DATA, sh_link, MAX32, NULL),
	S(DATA, sh_info, MAX32, NULL),
	S(BSS, sh_offset, MAX64, NULL),
	S(RELA, sh_entsize, 0, WHOLE " (.rela.data), value 0x0"),
	S(RELA, sh_entsize, 23, WHOLE " (.rela.data), value 0x17"),
	S(RELA, sh_entsize, MAX64, WHOLE " (.rela.data), value 0xffffffffffffffff"),
	S(RELA, sh_size, 23, WHOLE " (.rela.data), value 0x18"),
	S(RELA, sh_size, 25, WHOLE " (.rela.data), value 0x18"),
	S(RELA, sh_size, 0, NULL),
	S(RELA, sh_link, MAX32, LINK " (.rela.data), value "),
	S(RELA, sh_info, MAX32, LINK " (.rela.data), value 0xffffffff"),
	S(RELA, sh_offset, 0x41, MOVED " (.rela.data), value 0x41"),
	S(SYMTAB, sh_entsize, 0, WHOLE " (.symtab), value 0x0"),
	S(SYMTAB, sh_entsize, 16, WHOLE " (.symtab), value 0x10"),
	S(SYMTAB, sh_size, 1, WHOLE " (.symtab), value 0x18"),
	S(SYMTAB, sh_size, MAX64, BOUNDS " (.symtab), value "),
	S(SYMTAB, sh_link, 0, LINK " (.symtab), value 0x0"),
	S(SYMTAB, sh_link, 1, LINK " (.symtab), value 0x1"),
	S(SYMTAB, sh_link, MAX32, LINK " (.symtab), value 0xffffffff"),
	S(STRTAB, sh_size, MAX64, BOUNDS " (.strtab), value "),
	S(SHSTRTAB, sh_size, MAX64, BOUNDS ", value "),
	S(SHSTRTAB, sh_size, 0, NAME ", value 0x0"),
	S(SHSTRTAB, sh_type, SHT_PROGBITS, LINK ", value "),
	S(SHSTRTAB, sh_offset, MAX64, BOUNDS ", value 0xffffffffffffffff"),
};
// clang-format on

/* Up to where @clause ends: what may follow is an offset. */
static bool says(const char *text, const char *clause)
{
	return strncmp(text, THE, strlen(THE)) == 0 &&
	       strncmp(text + strlen(THE), clause, strlen(clause)) == 0;
}

static void try_field(struct world *w, const struct field *f)
{
	struct sample s = sample_new();
	struct tn_module *mod;
	char text[256];
	int err;

	memcpy(s.table[f->table] + f->offset, &f->value, f->size);
	const uint64_t before = world_state(w);

	err = world_load_bytes(w, object_bytes(s.a.o), 0, &mod);
	tn_diag_text(&w->diag, text, sizeof(text));
	if (f->text == NULL) {
		CHECK_EQ(err, 0);
		CHECK_EQ(world_unload(w, mod), 0);
	} else {
		CHECK_EQ(err, -TN_ENOEXEC);
		CHECK_STR(tn_reason_name(w->diag.reason), "elf");
		CHECK_EQ(w->diag.stage, TN_STAGE_CHECK);
		if (!says(text, f->text))
			CHECK_STR(text, f->text);
	}
	author_free(&s.a);
	CHECK_EQ(world_state(w), before);
}

TEST(header, wrong_fields_are_refused_in_words)
{
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(fields) && !test_failed(); i++)
		try_field(&w, &fields[i]);
	CHECK(world_close(&w));
}

TEST(header, an_unknown_machine_is_refused)
{
	static const uint16_t machines[] = { 0, 3, 40, 0xffff };
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (unsigned i = 0; i < ARRAY_SIZE(machines); i++) {
		struct sample s = sample_new();

		object_ehdr(s.a.o)->e_machine = machines[i];
		CHECK_SPOILT(&w, s.a.o, TN_EOPNOTSUPP, "unsupported",
		    "sample: the machine that the file is for is not "
		    "supported");
		author_free(&s.a);
	}
	CHECK(world_close(&w));
}

TEST(header, string_tables_must_end_with_nul)
{
	static const struct {
		enum table table;
		const char *text;
	} cases[] = {
		{ STRTAB, "has a string table that does not end with NUL "
			  "(.strtab), value 0x" },
		{ SHSTRTAB, "has a string table that does not end with NUL, "
			    "value 0x" },
	};
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (unsigned i = 0; i < 2; i++) {
		struct sample s = sample_new();
		struct elf_shdr *sh =
		    (struct elf_shdr *)(void *)s.table[cases[i].table];
		struct tn_module *mod;
		char text[128];

		sh->sh_size--;
		CHECK_EQ(world_load_bytes(&w, object_bytes(s.a.o), 0, &mod),
		    -TN_ENOEXEC);
		tn_diag_text(&w.diag, text, sizeof(text));
		if (!says(text, cases[i].text))
			CHECK_STR(text, cases[i].text);
		author_free(&s.a);
	}
	CHECK(world_close(&w));
}

TEST(header, sections_that_share_bytes_are_refused)
{
	struct sample s = sample_new();
	struct elf_shdr *text = (void *)s.table[TEXT];
	struct elf_shdr *data = (void *)s.table[DATA];
	struct tn_module *mod;
	struct world w;
	char want[128];

	CHECK(world_open(&w, NULL, 0));
	data->sh_offset = text->sh_offset + text->sh_size - 1;
	data->sh_addralign = 1;
	snprintf(want, sizeof(want),
	    "sample: has overlapping sections (.data), value 0x%llx",
	    (unsigned long long)data->sh_offset);
	CHECK_SPOILT(&w, s.a.o, TN_ENOEXEC, "elf", want);
	/* one inside the other, and equal ones */
	data->sh_offset = text->sh_offset;
	data->sh_size = 1;
	CHECK_EQ(
	    world_load_bytes(&w, object_bytes(s.a.o), 0, &mod), -TN_ENOEXEC);
	CHECK_EQ(w.diag.reason, TN_REASON_ELF);
	data->sh_size = 0; /* an empty one shares nothing */
	object_shdr(s.a.o, object_rela_section(s.a.o, s.a.data))->sh_size = 0;
	CHECK_EQ(world_load_bytes(&w, object_bytes(s.a.o), 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&s.a);
	CHECK(world_close(&w));
}

/* gABI: counts that do not fit are in section 0. */
TEST(header, extended_numbering_is_followed_and_checked)
{
	struct sample s = sample_new();
	struct elf_ehdr *eh = (void *)s.table[EHDR];
	struct elf_shdr *zero = object_shdr(s.a.o, 0);
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	zero->sh_size = eh->e_shnum;
	zero->sh_link = eh->e_shstrndx;
	eh->e_shnum = 0;
	eh->e_shstrndx = SHN_XINDEX;
	CHECK_EQ(world_load_bytes(&w, object_bytes(s.a.o), 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	zero->sh_size = UINT64_MAX / 64;
	CHECK_SPOILT(
	    &w, s.a.o, TN_ENOEXEC, "elf", THE TABLE "0x3ffffffffffffff");
	zero->sh_size = 1ull << 58; /* times 64: 0 */
	CHECK_SPOILT(
	    &w, s.a.o, TN_ENOEXEC, "elf", THE TABLE "0x400000000000000");
	author_free(&s.a);
	CHECK(world_close(&w));
}

/* Else a file of a megabyte asks for gigabytes, and for minutes. */
TEST(header, names_of_imports_are_in_proportion_to_the_file)
{
	struct author a = author_new(isa_here()->machine, "greedy");
	const struct span file = author_one_name(&a);
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load_bytes(&w, file, 0, &mod), -TN_EFBIG);
	CHECK_EQ(w.diag.reason, TN_REASON_LIMIT);
	CHECK_STR(w.diag.other, "bytes of names of symbols");
	CHECK_EQ(w.diag.high, file.n * 4);
	CHECK(w.diag.value - file.n * 4 < 20000);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(header, without_symbols_is_refused_for_running)
{
	struct sample s = sample_new();
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	((struct elf_shdr *)(void *)s.table[SYMTAB])->sh_type = SHT_PROGBITS;
	((struct elf_shdr *)(void *)s.table[RELA])->sh_type = SHT_PROGBITS;
	CHECK_SPOILT(
	    &w, s.a.o, TN_ENOEXEC, "no_symtab", "sample: has no symbol table");
	author_free(&s.a);
	CHECK(world_close(&w));
}

TEST(header, what_is_no_file_is_refused)
{
	static const char *const junk[] = { "", "x",
		"\x7f"
		"ELF",
		"#!/bin/sh\nexit 0 # and sixty more bytes of a script ......"
		".........." };
	static const char *const texts[] = {
		THE "is shorter than an ELF header, value 0x0",
		THE "is shorter than an ELF header, value 0x1",
		THE "is shorter than an ELF header, value 0x4",
		THE "is not an ELF file, value 0x622f2123",
	};
	struct tn_module *mod;
	struct world w;
	char text[128];

	CHECK(world_open(&w, NULL, 0));
	for (unsigned i = 0; i < 4; i++) {
		const struct span s = { (const uint8_t *)junk[i],
			strlen(junk[i]) };

		CHECK_EQ(world_load_bytes(&w, s, 0, &mod), -TN_ENOEXEC);
		tn_diag_text(&w.diag, text, sizeof(text));
		CHECK_STR(text, texts[i]);
	}
	CHECK(world_close(&w));
}

/* What the caller calls it, until the file itself says better. */
TEST(header, what_is_no_file_is_called_by_its_path_or_name)
{
	char path[] = "/tmp/tenon-test-XXXXXX", want[80];
	const int fd = mkstemp(path);
	struct tn_load_args args = { .size = sizeof(args),
		.name = "given",
		.data = "junk",
		.data_size = 4 };
	struct tn_module *mod;
	struct world w;
	char text[80];

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), -TN_ENOEXEC);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "given: is shorter than an ELF header, value 0x4");
	CHECK(fd >= 0 && write(fd, "junk", 4) == 4);
	close(fd);
	args = (struct tn_load_args){ .size = sizeof(args), .path = path };
	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), -TN_ENOEXEC);
	unlink(path);
	path[10] = '_'; /* "-" reads as "_" in a module's name */
	path[15] = '_';
	snprintf(want, sizeof(want),
	    "%s: is shorter than an ELF header, value 0x4", path + 5);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, want);
	CHECK(world_close(&w));
}

/* Callers may keep a file anywhere: what is not aligned is copied. */
TEST(header, a_file_at_an_odd_address_is_copied)
{
	struct sample s = sample_new();
	const struct span file = object_bytes(s.a.o);
	struct tn_module *mod;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (unsigned skew = 1; skew < 8; skew++) {
		uint8_t *p = malloc(file.n + skew);

		CHECK(p != NULL);
		memcpy(p + skew, file.p, file.n);
		const struct tn_load_args args = { .size = sizeof(args),
			.data = p + skew,
			.data_size = file.n };

		CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), 0);
		free(p);
		CHECK_EQ(world_unload(&w, mod), 0);
	}
	author_free(&s.a);
	CHECK(world_close(&w));
}
