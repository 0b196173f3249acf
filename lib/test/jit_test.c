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

#define MANY (KIT_SANITIZED ? 300 : 700)

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
