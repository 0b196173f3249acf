/* SPDX-License-Identifier: MIT */
/*
 * Batches of modules for gdb without modules: files made here, so that their
 * debug information can be odd and memory can be short. host/batch.h has been
 * told the truth if the descriptor's entries name each file's code once.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <test/test.h>

#include "batch.h"
#include "jit.h"
#include "symcheck.h"

#define FILES 48 /* so that 16 become one, and again when they part */
#define ODDS  3  /* debug sections of each that no other file has */

struct jit_descriptor {
	uint32_t version, action;
	struct jit_code_entry *relevant, *first;
};

/* NOLINTBEGIN(readability-identifier-naming): names of gdb and of the linker */
extern struct jit_descriptor __jit_debug_descriptor;

/* --- memory: the linker leads all calls of the program here (rules.mk) */

void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* Of the thread that tests: what fails, and how much is there. */
static _Thread_local struct {
	bool counts;
	unsigned calls, fail_at; /* fail_at 0: none */
} memory;

static bool fails(void)
{
	return memory.counts && ++memory.calls == memory.fail_at;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}
/* NOLINTEND(readability-identifier-naming) */

/* --- files */

enum {
	NONE,
	TEXT,
	DEBUG,
	RELA,
	ODD,
	SYMS = ODD + ODDS,
	STRINGS,
	SECTIONS
};

struct image {
	Elf64_Ehdr eh;
	Elf64_Shdr sh[SECTIONS];
	Elf64_Sym sym[3]; /* null, the debug section's, an odd one's */
	Elf64_Rela rela;
	char strings[128];
	char bytes[16];
};

static Elf64_Word string(struct image *f, size_t *n, const char *s)
{
	const size_t at = *n;

	strcpy(f->strings + at, s);
	*n += strlen(s) + 1;
	return (Elf64_Word)at;
}

static void place(
    struct image *f, unsigned i, Elf64_Word type, const void *at, size_t size)
{
	f->sh[i].sh_type = type;
	f->sh[i].sh_offset =
	    at ? (size_t)((const char *)at - (const char *)f) : 0;
	f->sh[i].sh_size = size;
}

static void name_sections(struct image *f, unsigned number)
{
	char odd[] = ".debug_000";
	size_t n = 1;

	f->sh[TEXT].sh_name = string(f, &n, ".text");
	f->sh[DEBUG].sh_name = string(f, &n, ".debug_info");
	f->sh[RELA].sh_name = string(f, &n, ".rela.debug_info");
	f->sh[SYMS].sh_name = string(f, &n, ".symtab");
	f->sh[STRINGS].sh_name = string(f, &n, ".strtab");
	odd[7] = (char)('0' + number / 10);
	odd[8] = (char)('0' + number % 10);
	for (unsigned i = 0; i < ODDS; i++) {
		odd[9] = (char)('a' + i);
		f->sh[ODD + i].sh_name = string(f, &n, odd);
	}
}

/* A module of this number, whose code is at the number's page. */
static struct image *image_new(unsigned number)
{
	struct image *f = __real_calloc(1, sizeof(*f));

	if (!EXPECT(f != NULL))
		return NULL;
	memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
	f->eh.e_shoff = offsetof(struct image, sh);
	f->eh.e_shentsize = sizeof(f->sh[0]);
	f->eh.e_shnum = SECTIONS;
	f->eh.e_shstrndx = STRINGS;
	place(f, TEXT, SHT_NOBITS, NULL, 16);
	f->sh[TEXT].sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	f->sh[TEXT].sh_addr = (number + 1) * UINT64_C(4096);
	place(f, DEBUG, SHT_PROGBITS, f->bytes, 8);
	for (unsigned i = ODD; i < ODD + ODDS; i++)
		place(f, i, SHT_PROGBITS, f->bytes + 8, 8);
	place(f, RELA, SHT_RELA, &f->rela, sizeof(f->rela));
	f->sh[RELA].sh_info = DEBUG;
	f->sh[RELA].sh_link = SYMS;
	f->sh[RELA].sh_entsize = sizeof(f->rela);
	f->rela.r_info = ELF64_R_INFO(2, R_X86_64_64);
	place(f, SYMS, SHT_SYMTAB, f->sym, sizeof(f->sym));
	f->sh[SYMS].sh_link = STRINGS;
	f->sh[SYMS].sh_entsize = sizeof(f->sym[0]);
	f->sym[1].st_shndx = DEBUG;
	f->sym[2].st_shndx = ODD;
	place(f, STRINGS, SHT_STRTAB, f->strings, sizeof(f->strings));
	name_sections(f, number);
	return f;
}

static struct batch_file files[FILES];

static void add(unsigned i)
{
	struct symfile *f = &files[i].file;

	*f = (struct symfile){ .data = image_new(i),
		.size = sizeof(struct image) };
	f->joins = symcheck_join(f->data, f->size);
	EXPECT(f->joins);
	batch_add(&files[i]);
}

static void drop(unsigned i)
{
	batch_drop(&files[i]);
	symfile_fini(&files[i].file);
}

/* --- what gdb has been told */

/* How often the code of each file is told; false: an entry is not sound. */
static bool read_entry(const struct jit_code_entry *e, unsigned told[FILES])
{
	const char *data = e->symfile;
	const Elf64_Ehdr *eh = (const void *)data;
	const Elf64_Shdr *sh = (const void *)(data + eh->e_shoff);

	if (eh->e_shoff + eh->e_shnum * sizeof(*sh) > e->size)
		return false;
	for (unsigned i = 1; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_NOBITS &&
		    sh[i].sh_offset + sh[i].sh_size > e->size)
			return false;
		if ((sh[i].sh_flags & SHF_EXECINSTR) != 0)
			told[sh[i].sh_addr / 4096 - 1]++;
	}
	return true;
}

/* How many entries there are; each file's code is told at most once. */
static unsigned entries(unsigned *files_told)
{
	const struct jit_code_entry *e = __jit_debug_descriptor.first;
	unsigned told[FILES] = { 0 }, n = 0;

	for (; e; e = e->next, n++)
		EXPECT(read_entry(e, told));
	*files_told = 0;
	for (unsigned i = 0; i < FILES; i++) {
		EXPECT(told[i] <= 1 && (told[i] == 0 || files[i].batch));
		*files_told += told[i];
	}
	return n;
}

TEST(batch, files_with_sections_that_no_other_has_join)
{
	unsigned told;

	for (unsigned i = 0; i < FILES; i++)
		add(i);
	CHECK_EQ(entries(&told), FILES - 15);
	CHECK_EQ(told, FILES);
	for (unsigned i = 0; i < FILES; i++)
		drop(i);
	CHECK_EQ(entries(&told), 0);
}

/* Adds all and drops a third; the rest goes when there is memory again. */
static void come_and_go(void)
{
	unsigned told;

	for (unsigned i = 0; i < FILES; i++)
		add(i);
	for (unsigned i = 0; i < FILES; i += 3)
		drop(i);
	(void)entries(&told);
	memory.counts = false;
	for (unsigned i = 0; i < FILES; i++)
		if (i % 3 != 0)
			drop(i);
	CHECK_EQ(entries(&told), 0);
	CHECK_EQ(told, 0);
}

TEST(batch, short_of_memory_gdb_is_told_less_and_nothing_stays)
{
	unsigned n = 0;

	do {
		memory.counts = true;
		memory.calls = 0;
		memory.fail_at = ++n;
		come_and_go();
	} while (memory.calls >= n && n < 10000);
	/* Each file has an entry of its own before it has part of another. */
	CHECK(n > FILES);
}
