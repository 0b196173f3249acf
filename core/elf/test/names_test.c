/* SPDX-License-Identifier: MIT */
/*
 * Dynamic symbols by name, in hash tables of both kinds that are made here;
 * those of a real linker are read by the tests of slots. And tables that lie.
 */
#include <stdio.h>
#include <string.h>

#include <elf/names.h>
#include <test/test.h>

#define SYMBOLS 60u /* with the null symbol */
#define BUCKETS 7u
#define FIRST   1u

/* symbols | strings | hash table, all in one segment */
struct image {
	struct elf_sym syms[SYMBOLS];
	char strings[SYMBOLS][8];
	uint32_t table[8 + BUCKETS + SYMBOLS];
	struct elf_phdr segment;
	struct elf_file file;
	struct elf_dynamic dyn;
};

static uint32_t hash_sysv(const char *name)
{
	uint64_t h = 0;

	for (; *name != '\0'; name++) {
		h = (h << 4) + (uint8_t)*name;
		h ^= (h & 0xf0000000) >> 24;
		h &= 0x0fffffff;
	}
	return (uint32_t)h;
}

static uint32_t hash_gnu(const char *name)
{
	uint32_t h = 5381;

	for (; *name != '\0'; name++)
		h += (h << 5) + (uint8_t)*name;
	return h;
}

/* Symbols in the order of their buckets, as DT_GNU_HASH wants them. */
static void name_symbols(struct image *m)
{
	char name[8];
	uint32_t n = 1;

	for (uint32_t b = 0; b < BUCKETS; b++)
		for (unsigned i = 1; i < SYMBOLS; i++) {
			snprintf(name, sizeof(name), "f%u", i);
			if (hash_gnu(name) % BUCKETS != b)
				continue;
			memcpy(m->strings[n], name, sizeof(name));
			m->syms[n].st_name = n * (uint32_t)sizeof(name);
			m->syms[n].st_value = i;
			n++;
		}
}

static void make_sysv(struct image *m)
{
	uint32_t *bucket = m->table + 2, *chain = bucket + BUCKETS;

	m->table[0] = BUCKETS;
	m->table[1] = SYMBOLS;
	for (uint32_t i = 1; i < SYMBOLS; i++) {
		const uint32_t b = hash_sysv(m->strings[i]) % BUCKETS;

		chain[i] = bucket[b];
		bucket[b] = i;
	}
	m->dyn.hash_addr = offsetof(struct image, table);
}

static void make_gnu(struct image *m)
{
	uint32_t *bucket = m->table + 6, *chain = bucket + BUCKETS;

	m->table[0] = BUCKETS;
	m->table[1] = FIRST;
	m->table[2] = 1; /* a word of Bloom's filter, which is not asked */
	for (uint32_t i = SYMBOLS - 1; i >= FIRST; i--) {
		const uint32_t hash = hash_gnu(m->strings[i]);
		uint32_t *b = &bucket[hash % BUCKETS];

		chain[i - FIRST] = (hash & ~1u) | (*b == 0);
		*b = i;
	}
	m->dyn.gnu_hash_addr = offsetof(struct image, table);
}

static void make(struct image *m, bool gnu)
{
	memset(m, 0, sizeof(*m));
	m->segment = (struct elf_phdr){ .p_type = PT_LOAD,
		.p_filesz = offsetof(struct image, segment),
		.p_memsz = offsetof(struct image, segment) };
	m->file = (struct elf_file){ .segments = &m->segment,
		.nsegments = 1,
		.bytes = { (const uint8_t *)m, sizeof(*m) } };
	name_symbols(m);
	m->dyn.symtab = (struct elf_symtab){ .syms = m->syms,
		.n = SYMBOLS,
		.strings = {
		    (const uint8_t *)m->strings, sizeof(m->strings) } };
	if (gnu)
		make_gnu(m);
	else
		make_sysv(m);
}

/* The st_value of @name, 0: not found. */
static uint64_t find(const struct image *m, const char *name)
{
	const struct elf_sym *s;
	struct elf_names names;

	elf_names_open(&names, &m->file, &m->dyn);
	s = elf_names_find(&names, name);
	return s != NULL ? s->st_value : 0;
}

/* How many of the symbols are found as what they are. */
static unsigned count_found(const struct image *m)
{
	unsigned found = 0;
	char name[8];

	for (unsigned i = 1; i < SYMBOLS; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		found += find(m, name) == i;
	}
	return found;
}

TEST(names, are_found_in_tables_of_both_kinds)
{
	struct image m;

	for (int gnu = 0; gnu < 2; gnu++) {
		make(&m, gnu);
		CHECK_EQ(count_found(&m), SYMBOLS - 1);
		CHECK_EQ(find(&m, "f"), 0);
		CHECK_EQ(find(&m, "f60"), 0);
		CHECK_EQ(find(&m, ""), 0);
	}
}

TEST(names, are_none_without_a_sound_table)
{
	struct image m;

	for (int gnu = 0; gnu < 2; gnu++) {
		make(&m, gnu);
		m.dyn.hash_addr = m.dyn.gnu_hash_addr = 0;
		CHECK_EQ(count_found(&m), 0);
		make(&m, gnu);
		m.table[0] = 0; /* no buckets */
		CHECK_EQ(count_found(&m), 0);
		make(&m, gnu);
		m.table[0] = UINT32_MAX; /* more than the segment has */
		CHECK_EQ(count_found(&m), 0);
		make(&m, gnu);
		m.segment.p_filesz = offsetof(struct image, table) + 4;
		CHECK_EQ(count_found(&m), 0);
	}
	make(&m, true);
	m.table[1] = SYMBOLS + 1; /* the first is behind the last */
	CHECK_EQ(count_found(&m), 0);
	make(&m, true);
	m.table[2] = UINT32_MAX; /* a filter larger than the segment */
	CHECK_EQ(count_found(&m), 0);
}

TEST(names, end_where_a_chain_goes_round_or_astray)
{
	struct image m;

	make(&m, false);
	for (uint32_t i = 0; i < SYMBOLS; i++)
		m.table[2 + BUCKETS + i] = i; /* each leads to itself */
	CHECK(count_found(&m) <= BUCKETS);
	for (uint32_t i = 0; i < SYMBOLS; i++)
		m.table[2 + BUCKETS + i] = SYMBOLS + i;
	CHECK(count_found(&m) <= BUCKETS);
	for (uint32_t i = 0; i < BUCKETS; i++)
		m.table[2 + i] = UINT32_MAX;
	CHECK_EQ(count_found(&m), 0);
	make(&m, true);
	for (uint32_t i = FIRST; i < SYMBOLS; i++)
		m.table[6 + BUCKETS + i - FIRST] &= ~1u; /* no end */
	CHECK_EQ(count_found(&m), SYMBOLS - 1);
	CHECK_EQ(find(&m, "f60"), 0);
	for (uint32_t i = 0; i < BUCKETS; i++)
		m.table[6 + i] = UINT32_MAX;
	CHECK_EQ(count_found(&m), 0);
	for (int gnu = 0; gnu < 2; gnu++) {
		make(&m, gnu);
		for (uint32_t i = 0; i < SYMBOLS; i++)
			m.syms[i].st_name = UINT32_MAX;
		CHECK_EQ(count_found(&m), 0);
	}
}
