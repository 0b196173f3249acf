/* SPDX-License-Identifier: MIT */
/*
 * Systems with pages of 16 and 64 KiB: layout, permissions, guards and the
 * ends of every mapping are multiples of that page. An arena that is told of
 * such a page does on a system with smaller ones exactly what it does there;
 * test_pages.py runs the whole suite under emulators that have them.
 */
#include <unistd.h>

#include <base/overflow.h>
#include <host/port.h>
#include <tenon/err.h>
#include <test/test.h>

#include "kit.h"

static const size_t pages[] = { 16u << 10, 64u << 10 };

#define PAGES    (sizeof(pages) / sizeof(pages[0]))
#define VARIANTS (2 * PAGES * 2) /* modes, pages, strict or not */

static struct arena_config variant(size_t i)
{
	return (struct arena_config){
		.mode = i & 1 ? ARENA_FLIP : ARENA_DUAL,
		.flags = i & 2 ? ARENA_STRICT : 0,
		.span = KIT_SPAN,
		.page = pages[i >> 2],
		.chunk = pages[i >> 2], /* the text needs a larger one */
	};
}

/* Of a system whose own pages are larger still there is nothing to see. */
static bool is_possible(const struct arena_config *config)
{
	return config->page >= (size_t)sysconf(_SC_PAGESIZE);
}

static struct tn_image full_image(void)
{
	struct tn_image img = kit_image(100300, 200, 100);

	kit_part(&img, TN_RO_AFTER_INIT, 50);
	kit_part(&img, TN_INIT_TEXT, 70);
	return img;
}

static uint64_t page_of(const struct host_arena *a, uint64_t addr)
{
	return addr / arena_page(a);
}

/* Parts of different permission never meet in a page. */
static void check_apart(const struct host_arena *a, const struct tn_image *img)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		for (unsigned k = 0; k < i; k++) {
			const unsigned one = kit_prot(img->part[i].addr);
			const unsigned two = kit_prot(img->part[k].addr);

			if (one != two)
				CHECK(page_of(a, img->part[i].addr) !=
				      page_of(a, img->part[k].addr));
		}
	}
}

/* Permissions reach to the ends of the page, and a guard has one of its own. */
static void check_page(
    const struct host_arena *a, const struct tn_part *p, unsigned prot)
{
	const size_t page = arena_page(a);
	const uint64_t start = page_of(a, p->addr) * page;

	CHECK_EQ(kit_prot(start), prot);
	CHECK_EQ(kit_prot(start + page - 1), prot);
}

static void check_guard(const struct host_arena *a, const struct tn_part *p)
{
	const size_t page = arena_page(a);
	const uint64_t behind = p->addr + align_up(p->size, page);

	CHECK_EQ(p->addr % page, 0);
	CHECK_EQ(kit_prot(behind), 0);
	CHECK_EQ(kit_prot(behind + page - 1), 0);
}

static void check_life(struct host_arena *a, bool strict)
{
	static const unsigned prots[] = { KIT_R | KIT_X, KIT_R, KIT_R | KIT_W,
		KIT_R, KIT_R | KIT_X };
	struct tn_image img = full_image();

	CHECK_EQ(kit_load(a, &img, 1), 0);
	CHECK_EQ(kit_call(img.part[0].addr), 1);
	for (unsigned i = 0; i < img.nparts && strict; i++)
		check_guard(a, &img.part[i]);
	CHECK_EQ(arena_image_finish(a, &img), 0);
	img.nparts--; /* the last part was for init */
	check_apart(a, &img);
	for (unsigned i = 0; i < img.nparts; i++)
		check_page(a, &img.part[i], prots[i]);
	CHECK(kit_ends_are_aligned(img.part[0].addr, KIT_SPAN, arena_page(a)));
	CHECK(!kit_any_wx());
	arena_image_free(a, &img);
}

TEST(page, larger_ones_bound_layout_seal_and_guards)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		const struct arena_config config = variant(i);
		struct host_arena *a;

		if (!is_possible(&config))
			continue;
		CHECK_EQ(arena_create(&config, &a), 0);
		CHECK_EQ(arena_page(a), config.page);
		for (int round = 0; round < 3; round++)
			check_life(a, config.flags & ARENA_STRICT);
		CHECK_EQ(kit_stats(a).live, 0);
		arena_destroy(a);
	}
}

/* A shared object with pages smaller than these cannot be protected. */
TEST(page, a_span_of_smaller_pages_is_refused)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		const struct arena_config config = variant(i);
		struct tn_image img = kit_image(64, 64, 0);
		struct host_arena *a;

		if (!is_possible(&config))
			continue;
		img.span = 0x3000;
		img.span_align = 0x1000;
		img.part[1].offset = 0x2000;
		CHECK_EQ(arena_create(&config, &a), 0);
		CHECK_EQ(arena_image_alloc(a, &img), -TN_EINVAL);
		arena_destroy(a);
	}
}

TEST(page, one_that_no_system_has_is_refused)
{
	static const size_t wrong[] = { 1024, 3 * 16384, 65536 + 1 };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct arena_config config = { .page = wrong[i] };
		struct host_arena *a;

		CHECK_EQ(arena_create(&config, &a), -TN_EINVAL);
	}
}

TEST(page, the_engine_is_told)
{
	const struct host_port_config config = { .arena.page = 64u << 10 };
	struct host_port *port;

	CHECK_EQ(host_port_create(&config, &port), 0);
	CHECK_EQ(host_port_table(port)->page_size, 64u << 10);
	host_port_destroy(port);
}
