/* SPDX-License-Identifier: MIT */
/*
 * Image memory in all its modes: what a part may do at each stage of a load,
 * that code runs, and that memory comes back.
 */
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>
#include <test/test.h>

#include "kit.h"

static const struct {
	enum arena_mode mode;
	unsigned flags;
} variants[] = {
	{ ARENA_DUAL, 0 },
	{ ARENA_DUAL, ARENA_STRICT },
	{ ARENA_DUAL, ARENA_NO_MEMBARRIER },
	{ ARENA_FLIP, 0 },
	{ ARENA_FLIP, ARENA_STRICT },
	{ ARENA_FLIP, ARENA_NO_MEMBARRIER },
};
#define VARIANTS (sizeof(variants) / sizeof(variants[0]))

static struct host_arena *variant(size_t i)
{
	return kit_arena(variants[i].mode, variants[i].flags);
}

/* An image with a part of every kind. */
static struct tn_image full_image(void)
{
	struct tn_image img = kit_image(300, 200, 100);

	kit_part(&img, TN_RO_AFTER_INIT, 50);
	kit_part(&img, TN_INIT_TEXT, 70);
	kit_part(&img, TN_INIT_RODATA, 80);
	kit_part(&img, TN_INIT_DATA, 90);
	return img;
}

static void check_sealed(struct host_arena *a, const struct tn_image *img)
{
	CHECK_EQ(kit_prot(img->part[0].addr), KIT_R | KIT_X);
	CHECK_EQ(kit_prot(img->part[1].addr), KIT_R);
	CHECK_EQ(kit_prot(img->part[2].addr), KIT_R | KIT_W);
	CHECK_EQ(kit_prot(img->part[3].addr), KIT_R | KIT_W);
	CHECK_EQ(kit_prot(img->part[4].addr), KIT_R | KIT_X);
	CHECK(!img->part[0].write && !img->part[1].write);
	CHECK(!img->part[4].write && !img->part[5].write);
	CHECK(img->part[2].write && img->part[3].write && img->part[6].write);
	CHECK(!kit_any_wx());
	CHECK_EQ(kit_call(img->part[0].addr), 1);
	for (unsigned i = 1; i < img->nparts; i++) {
		const uint8_t *p = (void *)(uintptr_t)img->part[i].addr;

		CHECK_EQ(p[img->part[i].size - 1], 0xa0 + i);
	}
	(void)a;
}

static void check_life(struct host_arena *a)
{
	struct tn_image img = full_image();

	CHECK_EQ(arena_image_alloc(a, &img), 0);
	CHECK(!kit_any_wx());
	kit_fill(&img, 1);
	CHECK_EQ(arena_image_seal(a, &img), 0);
	check_sealed(a, &img);
	CHECK_EQ(arena_image_finish(a, &img), 0);
	CHECK_EQ(kit_prot(img.part[3].addr), KIT_R);
	CHECK(!img.part[3].write);
	CHECK_EQ(img.part[4].size + img.part[5].size + img.part[6].size, 0);
	CHECK_EQ(kit_call(img.part[0].addr), 1);
	CHECK(!kit_any_wx());
	arena_image_free(a, &img);
	CHECK(!kit_any_wx());
	CHECK_EQ(kit_stats(a).live, 0);
}

TEST(arena, parts_have_the_permissions_of_their_stage)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct host_arena *a = variant(i);

		CHECK(a);
		check_life(a);
		check_life(a);
		arena_destroy(a);
	}
}

TEST(arena, automatic_mode_is_one_that_works)
{
	struct host_arena *a = kit_arena(ARENA_AUTO, 0);

	CHECK(a);
	CHECK(arena_mode(a) == ARENA_DUAL || arena_mode(a) == ARENA_FLIP);
	check_life(a);
	arena_destroy(a);
}

TEST(arena, parts_of_an_image_are_within_two_gigabytes)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct host_arena *a = variant(i);
		struct tn_image img = full_image();
		uint64_t low = UINT64_MAX, high = 0;

		CHECK_EQ(arena_image_alloc(a, &img), 0);
		for (unsigned k = 0; k < img.nparts; k++) {
			const struct tn_part *p = &img.part[k];

			CHECK_EQ(p->addr % p->align, 0);
			low = p->addr < low ? p->addr : low;
			high = p->addr > high ? p->addr : high;
		}
		CHECK(high - low < (1ull << 31) - 4096);
		arena_image_free(a, &img);
		arena_destroy(a);
	}
}

TEST(arena, alignment_of_a_part_is_honoured)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);

	for (size_t align = 1; align <= 65536; align *= 2) {
		struct tn_image img = kit_image(100, 100, 100);

		for (unsigned i = 0; i < img.nparts; i++)
			img.part[i].align = align;
		CHECK_EQ(arena_image_alloc(a, &img), 0);
		for (unsigned i = 0; i < img.nparts; i++)
			CHECK_EQ(img.part[i].addr % align, 0);
	}
	arena_destroy(a);
}

TEST(arena, parts_without_bytes_are_not_placed)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct tn_image img = kit_image(64, 0, 0);

	CHECK_EQ(kit_load(a, &img, 2), 0);
	CHECK_EQ(img.part[1].addr, 0);
	CHECK(!img.part[1].write);
	CHECK_EQ(kit_call(img.part[0].addr), 2);
	CHECK_EQ(arena_image_finish(a, &img), 0);
	arena_image_free(a, &img);
	arena_destroy(a);
}

TEST(arena, modules_share_pages_of_one_kind)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct tn_image x = kit_image(64, 64, 64);
	struct tn_image y = kit_image(64, 64, 64);

	CHECK_EQ(kit_load(a, &x, 1), 0);
	CHECK_EQ(kit_load(a, &y, 2), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(x.part[i].addr & ~4095ull, y.part[i].addr & ~4095ull);
	CHECK_EQ(kit_call(x.part[0].addr), 1);
	CHECK_EQ(kit_call(y.part[0].addr), 2);
	arena_image_free(a, &x);
	CHECK_EQ(kit_call(y.part[0].addr), 2);
	arena_image_free(a, &y);
	arena_destroy(a);
}

TEST(arena, trim_gives_back_tails_and_whole_parts)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct host_arena *a = variant(i);
		struct tn_image img = kit_image(600000, 500000, 400000);
		size_t before;

		CHECK_EQ(arena_image_alloc(a, &img), 0);
		before = kit_stats(a).live;
		img.part[0].size = 100;
		img.part[1].size = 0;
		img.part[2].size = 399999;
		arena_image_trim(a, &img);
		CHECK(kit_stats(a).live < before - 1000000);
		CHECK_EQ(img.part[1].addr, 0);
		kit_fill(&img, 1);
		CHECK_EQ(arena_image_seal(a, &img), 0);
		CHECK_EQ(kit_call(img.part[0].addr), 1);
		arena_image_free(a, &img);
		CHECK_EQ(kit_stats(a).live, 0);
		arena_destroy(a);
	}
}

TEST(arena, an_image_may_be_freed_at_any_stage)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct host_arena *a = variant(i);
		struct tn_image img = full_image();

		CHECK_EQ(arena_image_alloc(a, &img), 0);
		arena_image_free(a, &img);
		arena_image_free(a, &img); /* and twice */
		img = full_image();
		CHECK_EQ(kit_load(a, &img, 1), 0);
		arena_image_free(a, &img);
		CHECK_EQ(kit_stats(a).live, 0);
		arena_destroy(a);
	}
}

TEST(arena, strict_policy_puts_a_guard_behind_every_part)
{
	static const enum arena_mode modes[] = { ARENA_DUAL, ARENA_FLIP };

	for (int m = 0; m < 2; m++) {
		struct host_arena *a = kit_arena(modes[m], ARENA_STRICT);
		struct tn_image img = full_image();
		struct tn_image next = full_image();

		CHECK_EQ(kit_load(a, &img, 1), 0);
		CHECK_EQ(kit_load(a, &next, 2), 0);
		for (unsigned i = 0; i < img.nparts; i++)
			CHECK_EQ(kit_prot(img.part[i].addr + arena_page(a)), 0);
		CHECK_EQ(kit_call(next.part[0].addr), 2);
		arena_image_free(a, &img);
		img = full_image();
		CHECK_EQ(kit_load(a, &img, 2), 0);
		CHECK_EQ(kit_call(img.part[0].addr), 2);
		arena_image_free(a, &img);
		arena_image_free(a, &next);
		arena_destroy(a);
	}
}

TEST(arena, impossible_sizes_are_refused_and_change_nothing)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct tn_image img = kit_image(64, 64, 64);

	img.part[2].size = SIZE_MAX;
	CHECK_EQ(arena_image_alloc(a, &img), -TN_ENOMEM);
	img.part[2].size = 3ull << 30;
	CHECK_EQ(arena_image_alloc(a, &img), -TN_ENOMEM);
	arena_image_free(a, &img);
	img = kit_image(64, 64, (2ull << 30) - 4096);
	CHECK_EQ(arena_image_alloc(a, &img), -TN_ENOMEM);
	arena_image_free(a, &img);
	CHECK_EQ(kit_stats(a).live, 0);
	arena_destroy(a);
}

TEST(arena, a_full_span_is_followed_by_another)
{
	const struct arena_config config = { .span = 16u << 20 };
	struct tn_image img[8];
	struct host_arena *a;

	CHECK_EQ(arena_create(&config, &a), 0);
	for (int i = 0; i < 8; i++) {
		img[i] = kit_image(2u << 20, 64, 1u << 20);
		CHECK_EQ(kit_load(a, &img[i], 1 + (i & 1)), 0);
	}
	CHECK(kit_stats(a).spans > 1);
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(kit_call(img[i].part[0].addr), 1 + (i & 1));
		CHECK(llabs((long long)(img[i].part[0].addr -
					img[i].part[2].addr)) < 16 << 20);
		arena_image_free(a, &img[i]);
	}
	CHECK_EQ(kit_stats(a).live, 0);
	arena_destroy(a);
}

TEST(arena, an_image_larger_than_a_span_gets_its_own)
{
	const struct arena_config config = { .span = 16u << 20 };
	struct tn_image img = kit_image(64, 100u << 20, 64);
	struct host_arena *a;

	CHECK_EQ(arena_create(&config, &a), 0);
	CHECK_EQ(arena_image_alloc(a, &img), 0);
	memset(img.part[1].write + img.part[1].size - 1, 7, 1);
	CHECK_EQ(arena_image_seal(a, &img), 0);
	arena_image_free(a, &img);
	arena_destroy(a);
}

/* The reach of a signed 32-bit distance, less what stands around the parts. */
TEST(arena, an_image_of_nearly_2_gib_has_a_span)
{
	const size_t most = ((size_t)2 << 30) - (16u << 20);

	if (!kit_can_map(most))
		SKIP("there is not so much memory");
	for (size_t i = 0; i < VARIANTS; i++) {
		struct host_arena *a = variant(i);
		struct tn_image img = kit_image(300, 200, most);

		kit_part(&img, TN_RO_AFTER_INIT, 50);
		kit_part(&img, TN_INIT_DATA, 1u << 20);
		CHECK_EQ(arena_image_alloc(a, &img), 0);
		CHECK(img.part[2].addr + most - img.part[0].addr < 1ull << 31);
		arena_image_free(a, &img);
		CHECK_EQ(kit_stats(a).live, 0);
		arena_destroy(a);
	}
}

/* A shared object: text, rodata, ro-after-init and data at fixed offsets. */
static struct tn_image span_image(void)
{
	static const enum tn_part_kind kind[] = { TN_RODATA, TN_TEXT,
		TN_RO_AFTER_INIT, TN_DATA };
	struct tn_image img = { .span = 0x68000, .span_align = 0x10000 };

	for (unsigned i = 0; i < 4; i++) {
		kit_part(&img, kind[i], 0x1234);
		img.part[i].offset = i * 0x20000; /* two large pages */
		img.part[i].align = 0x1000;
	}
	return img;
}

TEST(arena, span_mode_keeps_offsets_and_flips_pages)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		struct host_arena *a = variant(i);

		for (int round = 1; round <= 2; round++) {
			struct tn_image img = span_image();

			CHECK_EQ(kit_load(a, &img, round), 0);
			CHECK_EQ(img.part[0].addr % 0x10000, 0);
			CHECK_EQ(img.part[3].addr - img.part[0].addr, 0x60000);
			CHECK_EQ(kit_prot(img.part[0].addr), KIT_R);
			CHECK_EQ(
			    kit_prot(img.part[1].addr + 0x1fff), KIT_R | KIT_X);
			CHECK_EQ(kit_prot(img.part[2].addr), KIT_R | KIT_W);
			CHECK_EQ(arena_image_finish(a, &img), 0);
			CHECK_EQ(kit_prot(img.part[2].addr), KIT_R);
			CHECK_EQ(kit_prot(img.part[3].addr), KIT_R | KIT_W);
			CHECK(!kit_any_wx());
			CHECK_EQ(kit_call(img.part[1].addr), round);
			arena_image_free(a, &img);
			CHECK_EQ(kit_stats(a).live, 0);
		}
		arena_destroy(a);
	}
}

TEST(arena, span_mode_refuses_parts_that_share_pages)
{
	struct host_arena *a = kit_arena(ARENA_DUAL, 0);
	struct tn_image img = span_image();

	img.part[1].offset += 64;
	CHECK_EQ(arena_image_alloc(a, &img), -TN_EINVAL);
	img = span_image();
	img.part[3].offset = 0x67000;
	CHECK_EQ(arena_image_alloc(a, &img), -TN_EINVAL);
	arena_image_free(a, &img);
	arena_destroy(a);
}
