/* SPDX-License-Identifier: MIT */
/*
 * What gdb is told, read as gdb reads it: the entries of its descriptor. The
 * files in them must say of each module that is loaded where its code is, once,
 * and of no other; test_debug.py asks gdb itself.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "kit.h"

#define MANY (TEST_SANITIZED ? 300 : 700)

/* As gdb reads them. */
struct jit_code_entry {
	struct jit_code_entry *next, *prev;
	const char *symfile;
	uint64_t size;
};

struct jit_descriptor {
	uint32_t version, action;
	struct jit_code_entry *relevant, *first;
};

/* NOLINTNEXTLINE(readability-identifier-naming): gdb's name */
extern struct jit_descriptor __jit_debug_descriptor;

static struct tn_module *loaded[MANY];

static const Elf64_Shdr *section(const char *file, unsigned i)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)file;

	return (const Elf64_Shdr *)(const void *)(file + eh->e_shoff) + i;
}

static const char *name(const char *file, const Elf64_Shdr *sh)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)file;

	return file + section(file, eh->e_shstrndx)->sh_offset + sh->sh_name;
}

/* Is each byte where its header says, and each number of a section one? */
static bool is_sound(const char *file, size_t size)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)file;
	bool ok = size >= sizeof(*eh) && memcmp(file, ELFMAG, SELFMAG) == 0 &&
		  eh->e_shoff + eh->e_shnum * sizeof(Elf64_Shdr) <= size;

	for (unsigned i = 1; ok && i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = section(file, i);

		ok = (sh->sh_type == SHT_NOBITS ||
			 sh->sh_offset + sh->sh_size <= size) &&
		     sh->sh_link < eh->e_shnum;
	}
	return ok;
}

/* Not of init, which is over. */
static bool is_code(const char *file, const Elf64_Shdr *sh)
{
	return (sh->sh_flags & SHF_EXECINSTR) != 0 && sh->sh_size != 0 &&
	       strncmp(name(file, sh), ".init", 5) != 0;
}

/* The places of all code that gdb knows, init's not counted. */
static size_t code_known(uint64_t *at, size_t room, size_t *entries)
{
	size_t n = 0;

	*entries = 0;
	for (const struct jit_code_entry *e = __jit_debug_descriptor.first; e;
	     e = e->next, (*entries)++) {
		const Elf64_Ehdr *eh = (const void *)e->symfile;

		if (!EXPECT(is_sound(e->symfile, e->size)))
			return 0;
		for (unsigned i = 1; i < eh->e_shnum; i++) {
			const Elf64_Shdr *sh = section(e->symfile, i);

			if (n < room && is_code(e->symfile, sh))
				at[n++] = sh->sh_addr;
		}
	}
	return n;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool check_known(void)
{
	static uint64_t known[MANY + 1], real[MANY];
	size_t n = 0, entries, told;

	for (size_t i = 0; i < MANY; i++) {
		struct tn_module_info info;

		if (!loaded[i])
			continue;
		tn_module_info(loaded[i], &info);
		real[n++] = info.text_addr;
	}
	told = code_known(known, MANY + 1, &entries);
	qsort(known, told, sizeof(*known), by_value);
	qsort(real, n, sizeof(*real), by_value);
	return EXPECT(told == n) && EXPECT(entries <= n / 256 + 100) &&
	       EXPECT(memcmp(known, real, n * sizeof(*real)) == 0);
}

static bool load(struct tn_system *sys, size_t i)
{
	char as[20];

	snprintf(as, sizeof(as), "tiny_%zu", i);
	return EXPECT(kit_load_as(sys, "tiny", as, &loaded[i]) == 0);
}

static bool unload(struct tn_system *sys, size_t i)
{
	const bool ok = EXPECT(tn_unload(sys, loaded[i], NULL) == 0);

	loaded[i] = NULL;
	return ok;
}

/* Any that is there goes, any that is not comes. */
static bool change(struct tn_system *sys, uint32_t *seed)
{
	size_t i;

	*seed = *seed * 1664525u + 1013904223u;
	i = (*seed >> 8) % MANY;
	return loaded[i] ? unload(sys, i) : load(sys, i);
}

TEST(jit, each_module_is_told_once_whatever_comes_and_goes)
{
	NEED_MODULES();
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .flags = TN_HOST_GDB_JIT
	};
	struct tn_system *sys;
	uint32_t seed = 1;

	CHECK_EQ(tn_open(&config, &sys), 0);
	for (size_t i = 0; i < MANY; i++) {
		CHECK(load(sys, i));
		if (i < 40 || i % 50 == 0)
			CHECK(check_known());
	}
	for (int i = 0; i < 2 * MANY; i++) {
		CHECK(change(sys, &seed));
		if (i % 20 == 0)
			CHECK(check_known());
	}
	for (size_t i = 0; i < MANY; i++) {
		if (loaded[i])
			CHECK(unload(sys, i));
	}
	CHECK(check_known());
	CHECK(__jit_debug_descriptor.first == NULL);
	CHECK_EQ(tn_close(sys), 0);
}

/* --- files whose debug information lies */

#define AT_ONCE 48 /* so that each is joined with others while it is there */

/* Are the numbers in its relocations and symbols those of something there? */
static bool refers_inside(const char *file)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)(const void *)file;
	size_t nsyms = 0;

	for (unsigned i = 1; i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = section(file, i);
		const Elf64_Sym *sym = (const void *)(file + sh->sh_offset);

		if (sh->sh_type != SHT_SYMTAB)
			continue;
		nsyms = sh->sh_size / sizeof(*sym);
		for (size_t k = 0; k < nsyms; k++)
			if ((sym[k].st_shndx >= eh->e_shnum &&
				sym[k].st_shndx < SHN_LORESERVE) ||
			    sym[k].st_name >=
				section(file, sh->sh_link)->sh_size)
				return false;
	}
	for (unsigned i = 1; i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = section(file, i);
		const Elf64_Rela *r = (const void *)(file + sh->sh_offset);

		for (size_t k = 0;
		     sh->sh_type == SHT_RELA && k < sh->sh_size / sizeof(*r);
		     k++)
			if (ELF64_R_SYM(r[k].r_info) >= nsyms ||
			    r[k].r_offset > section(file, sh->sh_info)->sh_size)
				return false;
	}
	return true;
}

/* The files that are larger than a module's are made of several. */
static bool check_joined(size_t size, size_t *joined)
{
	for (const struct jit_code_entry *e = __jit_debug_descriptor.first; e;
	     e = e->next) {
		if (e->size <= size)
			continue;
		++*joined;
		if (!EXPECT(is_sound(e->symfile, e->size)) ||
		    !EXPECT(refers_inside(e->symfile)))
			return false;
	}
	return true;
}

/* Two modules export nothing of one name. */
static void rename_export(char *file, unsigned number)
{
	char as[8];

	snprintf(as, sizeof(as), "x%06u", number);
	for (unsigned i = 1; i < 16; i++) {
		const Elf64_Shdr *sh = section(file, i);

		if (strcmp(name(file, sh), "__ksymtab_strings") == 0)
			memcpy(file + sh->sh_offset, as, sizeof(as) - 1);
	}
}

/* Loads it as a module of its own, in place of an older one. */
static bool load_changed(
    struct tn_system *sys, const char *file, size_t size, unsigned number)
{
	struct tn_module **mod = &loaded[number % AT_ONCE];
	char as[20];
	const struct tn_load_args args = { .size = sizeof(args),
		.data = file,
		.data_size = size,
		.name = as };

	snprintf(as, sizeof(as), "changed_%u", number);
	if (*mod && !EXPECT(tn_unload(sys, *mod, NULL) == 0))
		return false;
	*mod = NULL;
	if (tn_load(sys, &args, mod, NULL) != 0)
		*mod = NULL; /* the engine has seen it */
	return true;
}

static bool is_about_debugging(const char *file, const Elf64_Shdr *sh)
{
	return sh->sh_type == SHT_SYMTAB ||
	       strncmp(name(file, sh), ".rela.debug_", 12) == 0 ||
	       strncmp(name(file, sh), ".rela.eh_frame", 14) == 0;
}

/* Each byte of @n at @at, one at a time. */
static bool change_each(struct tn_system *sys, char *file, size_t size,
    size_t at, size_t n, unsigned *number)
{
	size_t joined = 0;

	for (size_t i = at; i < at + n; i += TEST_SANITIZED ? 3 : 1) {
		const char was = file[i];
		bool ok;

		rename_export(file, *number);
		file[i] = (char)~was;
		ok = load_changed(sys, file, size, (*number)++);
		file[i] = was;
		if (!ok || (*number % 16 == 0 && !check_joined(size, &joined)))
			return false;
	}
	return true;
}

/* A module's file, to be changed; NULL: there is none. */
static char *changeable(size_t *size)
{
	static char file[1 << 18] __attribute__((aligned(8)));
	const void *blob = kit_blob("crasher", size);

	return blob && EXPECT(*size <= sizeof(file)) ? memcpy(file, blob, *size)
						     : NULL;
}

/* So many that some of them have become one. */
static bool load_joined(
    struct tn_system *sys, char *file, size_t size, unsigned *number)
{
	size_t joined = 0;

	while (*number < AT_ONCE) {
		rename_export(file, *number);
		if (!load_changed(sys, file, size, (*number)++))
			return false;
	}
	return check_joined(size, &joined) && EXPECT(joined != 0);
}

static void close_all(struct tn_system *sys)
{
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (loaded[i])
			CHECK(unload(sys, i));
	CHECK(__jit_debug_descriptor.first == NULL);
	CHECK_EQ(tn_close(sys), 0);
}

TEST(jit, debug_information_that_lies_is_never_followed_outside)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .flags = TN_HOST_GDB_JIT
	};
	struct tn_system *sys;
	unsigned number = 0;
	size_t size = 0;
	char *file = changeable(&size);
	const Elf64_Ehdr *eh = (const void *)file;

	CHECK(file != NULL);
	CHECK_EQ(tn_open(&config, &sys), 0);
	CHECK(load_joined(sys, file, size, &number));
	for (unsigned i = 1; i < eh->e_shnum; i++) {
		const Elf64_Shdr *sh = section(file, i);

		if (is_about_debugging(file, sh))
			CHECK(change_each(sys, file, size, sh->sh_offset,
			    sh->sh_size, &number));
	}
	CHECK(change_each(sys, file, size, eh->e_shoff,
	    eh->e_shnum * sizeof(Elf64_Shdr), &number));
	close_all(sys);
}

/* It has no bytes to be copied, and stays one of those that join. */
TEST(jit, a_module_with_an_empty_debug_section_joins_others)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .flags = TN_HOST_GDB_JIT
	};
	struct tn_system *sys;
	unsigned number = 0, emptied = 0;
	size_t size = 0;
	char *file = changeable(&size);
	const Elf64_Ehdr *eh = (const void *)file;

	CHECK(file != NULL);
	for (unsigned i = 1; i < eh->e_shnum; i++) {
		Elf64_Shdr *sh = (Elf64_Shdr *)(uintptr_t)section(file, i);

		if (strcmp(name(file, sh), ".debug_str") != 0)
			continue;
		sh->sh_size = 0;
		emptied++;
	}
	CHECK_EQ(emptied, 1);
	CHECK_EQ(tn_open(&config, &sys), 0);
	CHECK(load_joined(sys, file, size, &number));
	close_all(sys);
}
