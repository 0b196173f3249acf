/* SPDX-License-Identifier: MIT */
/*
 * Image memory over many loads: no system call when warm, quarantine of freed
 * text, aliases, keeping and giving back, many modules.
 */
#include <stdlib.h>

#include <host/machine.h>
#include <test/test.h>

#include "kit.h"

TEST(arena, a_warm_small_load_makes_no_system_call)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct arena_stats before = { 0 };

	CHECK(a);
	for (int i = 0; i < 1100; i++) {
		struct tn_image img = kit_image(800, 300, 200);

		if (i == 100)
			before = kit_stats(a);
		CHECK_EQ(kit_load(a, &img, 1), 0);
		CHECK_EQ(arena_image_finish(a, &img), 0);
		arena_image_free(a, &img);
	}
	if (!arena_reuses_text(a)) {
		arena_destroy(a);
		SKIP("text is not reused here");
	}
	/*
	 * 832 bytes of text a load: one barrier for 256 KiB of them, and where
	 * cores keep what they have fetched, one for each that is reused.
	 */
	if (host_machine.keeps_fetched)
		CHECK(kit_stats(a).barriers - before.barriers <= 1003);
	else
		CHECK_EQ(kit_stats(a).barriers - before.barriers, 3);
	CHECK_EQ(kit_stats(a).calls - before.calls,
	    kit_stats(a).barriers - before.barriers);
	arena_destroy(a);
}

#define PAGE_MAX ((size_t)64 << 10) /* whole pages everywhere */

TEST(arena, freed_text_is_reused_only_after_a_barrier)
{
	static const enum arena_mode modes[] = { ARENA_DUAL, ARENA_FLIP };

	for (int m = 0; m < 2; m++) {
		const struct arena_config config = { .mode = modes[m],
			.quarantine = 10 * PAGE_MAX - 100 };
		struct tn_image keep = kit_image(64, 64, 64);
		struct host_arena *a;
		uint64_t seen[64];
		int n = 0;

		CHECK_EQ(arena_create(&config, &a), 0);
		CHECK_EQ(kit_load(a, &keep, 1), 0);
		while (kit_stats(a).barriers == 0 && n < 64) {
			struct tn_image img = kit_image(PAGE_MAX, 0, 0);

			CHECK_EQ(kit_load(a, &img, 1), 0);
			for (int i = 0; i < n; i++)
				CHECK(seen[i] != img.part[0].addr);
			seen[n++] = img.part[0].addr;
			arena_image_free(a, &img);
			if (!arena_reuses_text(a))
				break;
		}
		if (arena_reuses_text(a))
			CHECK_EQ(n, 10);
		arena_image_free(a, &keep);
		arena_destroy(a);
	}
}

/* Loads until text is at @addr again and runs what was put there last. */
static void check_reuse(struct host_arena *a, int rounds)
{
	struct tn_image img = kit_image(64, 0, 0);
	uint64_t first = 0;
	int reused = 0;

	for (int i = 0; i < rounds; i++) {
		img = kit_image(200000, 0, 0);
		CHECK_EQ(kit_load(a, &img, 1 + (i & 1)), 0);
		if (!first)
			first = img.part[0].addr;
		reused += i && img.part[0].addr == first;
		CHECK_EQ(kit_call(img.part[0].addr), 1 + (i & 1));
		arena_image_free(a, &img);
	}
	CHECK(reused > 0);
}

TEST(arena, other_code_at_a_reused_address_is_what_runs)
{
	PROVES("K5.4");
	static const enum arena_mode modes[] = { ARENA_DUAL, ARENA_FLIP };

	for (int m = 0; m < 4; m++) {
		struct host_arena *a =
		    kit_arena(modes[m & 1], m & 2 ? ARENA_NO_MEMBARRIER : 0);

		CHECK(a);
		check_reuse(a, 50);
		arena_destroy(a);
	}
}

/* Allocates, fills and seals text; how many barriers did the seal make? */
static unsigned barriers_of_seal(struct host_arena *a, struct tn_image *img)
{
	unsigned long long before;

	*img = kit_image(4096, 64, 64);
	if (arena_image_alloc(a, img) != 0)
		return 99;
	kit_fill(img, 1);
	before = kit_stats(a).barriers;
	if (arena_image_seal(a, img) != 0)
		return 99;
	return (unsigned)(kit_stats(a).barriers - before);
}

TEST(arena, cores_discard_what_they_fetched_after_reused_text_is_written)
{
	static const enum arena_mode modes[] = { ARENA_DUAL, ARENA_FLIP };

	PROVES("K5.4");
	for (int m = 0; m < 2; m++) {
		const struct arena_config config = { .mode = modes[m],
			.flags = ARENA_KEEPS_FETCHED,
			.quarantine = 1,
			.span = KIT_SPAN };
		struct tn_image keep, img;
		struct host_arena *a;
		uint64_t first;

		CHECK_EQ(arena_create(&config, &a), 0);
		if (!arena_reuses_text(a)) {
			arena_destroy(a);
			SKIP("text is not reused here");
		}
		CHECK_EQ(barriers_of_seal(a, &keep), 0);
		CHECK_EQ(barriers_of_seal(a, &img), 0);
		first = img.part[0].addr;
		for (int i = 0; i < 3; i++) {
			arena_image_free(a, &img);
			CHECK_EQ(barriers_of_seal(a, &img), 1);
			CHECK_EQ(img.part[0].addr, first);
		}
		arena_image_free(a, &img);
		arena_image_free(a, &keep);
		arena_destroy(a);
	}
}

TEST(arena, text_on_fresh_memory_is_sealed_without_a_barrier)
{
	const struct arena_config config = { .mode = ARENA_DUAL,
		.flags = ARENA_KEEPS_FETCHED,
		.span = KIT_SPAN };
	struct tn_image late, img[100];
	struct host_arena *a;

	CHECK_EQ(arena_create(&config, &a), 0);
	late = kit_image(64, 0, 0);
	CHECK_EQ(arena_image_alloc(a, &late), 0);
	for (int i = 0; i < 100; i++) {
		img[i] = kit_image(8192, 0, 0);
		CHECK_EQ(arena_image_alloc(a, &img[i]), 0);
		img[i].part[0].size = 4096; /* not all of it was needed */
		arena_image_trim(a, &img[i]);
		kit_fill(&img[i], 2);
		CHECK_EQ(arena_image_seal(a, &img[i]), 0);
	}
	kit_fill(&late, 1);
	CHECK_EQ(arena_image_seal(a, &late), 0);
	CHECK_EQ(kit_stats(a).barriers, 0);
	for (int i = 0; i < 100; i++)
		arena_image_free(a, &img[i]);
	arena_image_free(a, &late);
	arena_destroy(a);
}

TEST(arena, small_code_at_reused_addresses_is_what_runs)
{
	const struct arena_config config = { .quarantine = 1,
		.span = KIT_SPAN };
	struct host_arena *a;

	CHECK_EQ(arena_create(&config, &a), 0);
	for (int i = 0; i < 3000; i++) {
		struct tn_image img = kit_image(64, 0, 0);

		CHECK_EQ(kit_load(a, &img, 1 + i % 2), 0);
		CHECK_EQ(kit_call(img.part[0].addr), 1 + i % 2);
		arena_image_free(a, &img);
	}
	arena_destroy(a);
}

TEST(arena, without_membarrier_text_waits_until_its_chunk_is_remapped)
{
	const struct arena_config config = { .flags = ARENA_NO_MEMBARRIER,
		.mode = ARENA_DUAL };
	struct tn_image keep = kit_image(64, 0, 0);
	struct host_arena *a;

	CHECK_EQ(arena_create(&config, &a), 0);
	CHECK(!arena_reuses_text(a));
	CHECK_EQ(kit_load(a, &keep, 1), 0);
	for (int i = 0; i < 100; i++) {
		struct tn_image img = kit_image(4096, 0, 0);

		CHECK_EQ(kit_load(a, &img, 2), 0);
		CHECK_EQ(kit_call(img.part[0].addr), 2);
		arena_image_free(a, &img);
	}
	CHECK_EQ(kit_stats(a).held, 100 * 4096);
	arena_image_free(a, &keep);
	CHECK_EQ(kit_stats(a).held, 0);
	CHECK_EQ(kit_stats(a).chunks, 0);
	arena_destroy(a);
}

TEST(arena, aliases_are_few_and_those_of_full_chunks_are_gone)
{
	const size_t before = kit_aliases();
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct tn_image img[24];

	CHECK(a);
	for (int i = 0; i < 24; i++) {
		img[i] = kit_image((2u << 20) - 4096, 64, 0);
		CHECK_EQ(kit_load(a, &img[i], 1), 0);
		CHECK_EQ(kit_aliases() - before, kit_stats(a).aliases);
		CHECK(kit_stats(a).aliases <= 2);
	}
	CHECK(kit_stats(a).chunks >= 25);
	for (int i = 0; i < 24; i++)
		arena_image_free(a, &img[i]);
	CHECK_EQ(kit_stats(a).live, 0);
	arena_destroy(a);
	CHECK_EQ(kit_aliases(), before);
}

TEST(arena, a_closed_chunk_is_opened_again_for_its_free_ranges)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct tn_image img[40];
	size_t mapped;

	CHECK(a);
	for (int i = 0; i < 40; i++) {
		img[i] = kit_image(0, 400000, 0);
		CHECK_EQ(kit_load(a, &img[i], 1), 0);
	}
	mapped = kit_stats(a).mapped;
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 40; i += 3) {
			const uint8_t *p;

			arena_image_free(a, &img[i]);
			img[i] = kit_image(0, 400000, 0);
			CHECK_EQ(kit_load(a, &img[i], 1), 0);
			p = (void *)(uintptr_t)img[i].part[1].addr;
			CHECK_EQ(p[399999], 0xa1);
		}
	}
	CHECK(kit_stats(a).mapped <= mapped + (4u << 20));
	for (int i = 0; i < 40; i++)
		arena_image_free(a, &img[i]);
	arena_destroy(a);
}

TEST(arena, empty_chunks_stay_up_to_the_stated_size)
{
	const struct arena_config config = { .keep_warm = 8u << 20,
		.span = KIT_SPAN };
	struct tn_image img[12];
	struct host_arena *a;

	CHECK_EQ(arena_create(&config, &a), 0);
	for (int i = 0; i < 12; i++) {
		img[i] = kit_image(0, 2000000, 2000000);
		CHECK_EQ(kit_load(a, &img[i], 1), 0);
	}
	CHECK(kit_stats(a).mapped >= 48u << 20);
	for (int i = 0; i < 12; i++)
		arena_image_free(a, &img[i]);
	CHECK_EQ(kit_stats(a).idle, 8u << 20);
	CHECK_EQ(kit_stats(a).mapped, 8u << 20);
	arena_destroy(a);
}

#define MANY 10000

TEST(arena, ten_thousand_images_live_side_by_side)
{
	struct tn_image *img = calloc(MANY, sizeof(*img));
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);

	CHECK(img && a);
	for (int i = 0; i < MANY; i++) {
		img[i] = kit_image(64 + i % 1000, i % 300, i % 500);
		CHECK_EQ(kit_load(a, &img[i], 1 + i % 2), 0);
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(kit_call(img[i].part[0].addr), 1 + i % 2);
	CHECK(kit_stats(a).mapped < 24u << 20);
	/* In another order: 7919 is prime to 10,000. */
	for (int i = 0; i < MANY; i++)
		arena_image_free(a, &img[i * 7919ull % MANY]);
	CHECK_EQ(kit_stats(a).live, 0);
	arena_destroy(a);
	free(img);
}

TEST(arena, memory_stays_bounded_over_a_hundred_thousand_cycles)
{
	static const enum arena_mode modes[] = { ARENA_DUAL, ARENA_FLIP };

	for (int m = 0; m < 2; m++) {
		const int cycles = m ? 5000 : 100000;
		struct host_arena *a = kit_arena(modes[m], 0);
		struct tn_image img[16] = { 0 };
		unsigned seed = 7;

		CHECK(a);
		for (int i = 0; i < cycles; i++) {
			struct tn_image *slot = &img[rand_r(&seed) % 16];

			arena_image_free(a, slot);
			*slot = kit_image(64 + rand_r(&seed) % 4000,
			    rand_r(&seed) % 2000, rand_r(&seed) % 2000);
			CHECK_EQ(kit_load(a, slot, 1), 0);
		}
		CHECK(kit_stats(a).mapped <= 16u << 20);
		for (int i = 0; i < 16; i++)
			arena_image_free(a, &img[i]);
		CHECK_EQ(kit_stats(a).live, 0);
		arena_destroy(a);
	}
}
