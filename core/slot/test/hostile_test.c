/* SPDX-License-Identifier: MIT */
/*
 * Damaged blobs in a caller's pool: cut at every length and with bits turned in
 * headers and tables. Whatever the loader says of them, it does not touch a
 * byte of another slot, and guard pages stand around the pool.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/compiler.h>
#include <elf/abi.h>
#include <test/test.h>

#include "kit.h"

#define SLOTS 3u
#define NOTE  0xc3u

/* The slots around slot 1, which nobody has registered. */
static bool neighbours_are_untouched(const struct kit *k)
{
	for (size_t i = 0; i < KIT_CAPACITY; i++)
		if (k->region[i] != NOTE ||
		    k->region[2 * KIT_CAPACITY + i] != NOTE)
			return false;
	return true;
}

static bool open(struct kit *k)
{
	if (!kit_open(k, true, SLOTS))
		return false;
	memset(k->region, NOTE, k->region_size);
	return true;
}

/* Overwrites what is registered, and loads. */
static int load_over(struct kit *k, uint32_t slot, struct span blob)
{
	return kit_load_blob(k, slot, blob, TN_SLOT_OVERWRITE);
}

static void try_blob(struct kit *k, const uint8_t *bytes, size_t n)
{
	EXPECT(load_over(k, 1, (struct span){ bytes, n }) != 0);
	EXPECT(kit_state(k, 1) == TN_SLOT_REGISTERED);
}

TEST(hostile, blobs_of_every_length_are_refused)
{
	NEED_MODULES();
	const struct span blob = kit_blob("hello");
	struct kit k;

	PROVES("G10");
	CHECK(open(&k));
	/* its last bytes are the table of sections */
	for (size_t n = 1; n < blob.n; n += n < 1200 ? 1 : 97)
		try_blob(&k, blob.p, n);
	CHECK(neighbours_are_untouched(&k));
	CHECK(kit_close(&k));
}

/*
 * Fields that say where things are, each with the worst of values. The blob has
 * no init, so that nothing of one that loads nevertheless is run.
 */
TEST(hostile, headers_reach_nothing_outside_of_the_slot)
{
	NEED_MODULES();
	static const uint64_t worst[] = { 0, 1, 7, 0xfff, 0x7fffffff,
		0xffffffff, UINT64_MAX, UINT64_MAX - 0xfff, UINT64_C(1) << 63,
		KIT_CAPACITY, KIT_CAPACITY - 1 };
	const struct span blob = kit_blob("bare");
	const size_t end = 64 + 8 * sizeof(struct elf_phdr);
	uint8_t *copy = malloc(blob.n);
	unsigned loaded = 0;
	struct kit k;

	PROVES("G10");
	CHECK(copy != NULL && open(&k));
	for (size_t at = 16; at < end * ARRAY_SIZE(worst); at += 8) {
		const size_t field = at % end & ~(size_t)7;

		memcpy(copy, blob.p, blob.n);
		memcpy(copy + field, &worst[at / end], 8);
		memset(copy + 24, 0, 8); /* e_entry */
		if (load_over(&k, 1, (struct span){ copy, blob.n }) != 0)
			continue;
		loaded++;
		CHECK_EQ(tn_slot_unload(k.slots, 1, NULL), 0);
	}
	CHECK(loaded > 0); /* fields that do not matter */
	CHECK(neighbours_are_untouched(&k));
	free(copy);
	CHECK(kit_close(&k));
}

/* Of the table of names: what it says must not lead out of the image. */
TEST(hostile, symbols_outside_of_code_are_no_functions)
{
	NEED_MODULES();
	const struct span blob = kit_blob("many");
	uint8_t *copy = malloc(blob.n);
	const struct elf_ehdr *ehdr = (const void *)blob.p;
	struct elf_sym *syms = NULL;
	size_t nsyms = 0;
	struct kit k;

	CHECK(copy != NULL && open(&k));
	memcpy(copy, blob.p, blob.n);
	for (unsigned i = 0; i < ehdr->e_shnum; i++) {
		const struct elf_shdr *s =
		    (const struct elf_shdr *)(const void *)(blob.p +
							    ehdr->e_shoff) +
		    i;

		if (s->sh_type != SHT_DYNSYM)
			continue;
		syms = (struct elf_sym *)(void *)(copy + s->sh_offset);
		nsyms = s->sh_size / sizeof(*syms);
	}
	CHECK(nsyms > 1000);
	for (size_t i = 1; i < nsyms; i++)
		if (i % 3 != 0)
			syms[i].st_value =
			    i % 3 == 1 ? UINT64_C(1) << 40 : UINT64_MAX - i;
	CHECK_EQ(kit_load_blob(&k, 1, (struct span){ copy, blob.n }, 0), 0);
	unsigned found = 0;

	for (size_t i = 1; i < nsyms; i++) {
		struct tn_slot_handle h;
		void *function;
		char name[32];

		snprintf(name, sizeof(name), "many_function_%03zu", i % 1000);
		CHECK_EQ(tn_slot_acquire(k.slots, 1, "x", &h), 0);
		if (tn_slot_handle_function(&h, name, &function) == 0) {
			found++;
			CHECK((uintptr_t)function - (uintptr_t)k.region -
				  KIT_CAPACITY <
			      KIT_CAPACITY);
		}
		CHECK_EQ(tn_slot_release(&h), 0);
	}
	CHECK(found > 300 && found < 400);
	free(copy);
	CHECK(kit_close(&k));
}
