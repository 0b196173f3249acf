/* SPDX-License-Identifier: MIT */
/*
 * Fixed-memory mode over a region of this program, with a world that only
 * notes what it is asked to protect.
 */
#include <base/hash.h>
#include <base/string.h>
#include <tenon/err.h>
#include <tenon/pool.h>
#include <test/test.h>

#define PAGE  ((size_t)4096)
#define PAGES ((size_t)64)

/* The last permission that each page of the region got. */
static struct {
	uint8_t *region;
	uint8_t prot[PAGES];
	unsigned synced; /* bytes of text */
	struct {
		uint64_t addr;
		size_t size;
		uint8_t first, last, prot; /* as they were then */
	} sync[8];
	unsigned nsyncs;
	bool refuse;
} notes;

static uint8_t prot_of(uint64_t addr)
{
	return notes.prot[(addr - (uintptr_t)notes.region) / PAGE];
}

static int note_protect(void *ctx, void *addr, size_t size, unsigned prot)
{
	const size_t first = (size_t)((uint8_t *)addr - notes.region) / PAGE;

	if (notes.refuse || ctx != &notes || (uintptr_t)addr % PAGE ||
	    size % PAGE)
		return -TN_ENOMEM;
	memset(notes.prot + first, (int)prot, size / PAGE);
	return 0;
}

static void note_sync(void *ctx, void *addr, size_t size)
{
	const uint8_t *text = addr;

	(void)ctx;
	notes.synced += (unsigned)size;
	notes.sync[notes.nsyncs % 8].addr = (uintptr_t)addr;
	notes.sync[notes.nsyncs % 8].size = size;
	notes.sync[notes.nsyncs % 8].first = text[0];
	notes.sync[notes.nsyncs % 8].last = text[size - 1];
	notes.sync[notes.nsyncs % 8].prot = prot_of((uintptr_t)addr);
	notes.nsyncs++;
}

static const struct tn_pool_world with_mmu = {
	.ctx = &notes,
	.protect = note_protect,
	.sync_text = note_sync,
};
static const struct tn_pool_world without_mmu = { .sync_text = note_sync };

static void base_nothing(void *ctx)
{
	(void)ctx;
}

static uint64_t base_now(void *ctx)
{
	return *(const uint64_t *)ctx;
}

static uint64_t base_time = 42;

static const struct tn_port base = {
	.size = sizeof(base),
	.abi = 1,
	.ctx = &base_time,
	.page_size = PAGE,
	.machine = 99,
	.lock = base_nothing,
	.unlock = base_nothing,
	.read_enter = base_nothing,
	.read_exit = base_nothing,
	.synchronize = base_nothing,
	.now_ns = base_now,
};

static _Alignas(PAGE) uint8_t region[PAGES * PAGE];

static struct tn_pool *open_pool(const struct tn_pool_world *world)
{
	struct tn_pool *pool;

	memset(&notes, 0, sizeof(notes));
	notes.region = region;
	memset(region, 0xee, sizeof(region));
	if (tn_pool_create(region, sizeof(region), &base, world, &pool) != 0)
		return NULL;
	return pool;
}

TEST(pool, arguments_are_checked)
{
	struct tn_pool *pool;

	CHECK_EQ(tn_pool_create(region + 16, PAGE * 8, &base, &with_mmu, &pool),
	    -TN_EINVAL);
	CHECK_EQ(tn_pool_create(region, PAGE * 8 + 1, &base, &with_mmu, &pool),
	    -TN_EINVAL);
	CHECK_EQ(tn_pool_create(region, PAGE * 3, &base, &with_mmu, &pool),
	    -TN_ENOSPC);
	CHECK_EQ(tn_pool_create(region, PAGE * 4, &base, &with_mmu, &pool), 0);
}

TEST(pool, the_port_says_what_the_world_can)
{
	const struct tn_port *port = tn_pool_port(open_pool(&with_mmu));

	CHECK_EQ(port->flags & TN_PORT_NO_WX, 0);
	CHECK_EQ(port->machine, 99);
	CHECK_EQ(port->now_ns(port->ctx), 42);
	CHECK(!port->unpack && !port->read_file && !port->host_symbol);
	port = tn_pool_port(open_pool(&without_mmu));
	CHECK_EQ(port->flags & TN_PORT_NO_WX, TN_PORT_NO_WX);
}

TEST(pool, objects_are_zeroed_aligned_and_apart)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	uint8_t *p[200];

	for (size_t i = 0; i < 200; i++) {
		p[i] = port->alloc(port->ctx, i + 1);
		CHECK(p[i] && (uintptr_t)p[i] % 16 == 0);
		for (size_t k = 0; k <= i; k++)
			CHECK_EQ(p[i][k], 0);
		memset(p[i], (int)i, i + 1);
	}
	for (size_t i = 0; i < 200; i++) {
		CHECK_EQ(p[i][0], i);
		CHECK_EQ(p[i][i], i);
	}
	for (size_t i = 0; i < 200; i++)
		port->free(port->ctx, p[i * 77 % 200], i * 77 % 200 + 1);
	CHECK_EQ(tn_pool_used(pool), before);
	port->free(port->ctx, NULL, 5);
}

/* All pages but the first, which holds the head, are one hole again. */
static void check_whole(struct tn_pool *pool, size_t before)
{
	const struct tn_port *port = tn_pool_port(pool);
	void *p = port->alloc(port->ctx, (PAGES - 1) * PAGE);

	CHECK(p);
	port->free(port->ctx, p, (PAGES - 1) * PAGE);
	CHECK_EQ(tn_pool_used(pool), before);
}

TEST(pool, freed_memory_grows_together)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct {
		void *p;
		size_t size;
	} live[32] = { { NULL, 0 } };

	for (unsigned i = 0; i < 20000; i++) {
		const uint64_t dice = hash_mix(i + 1);
		const unsigned k = dice % 32;

		if (live[k].p) {
			port->free(port->ctx, live[k].p, live[k].size);
			live[k].p = NULL;
			continue;
		}
		live[k].size = 1 + (dice >> 32) % 9000;
		live[k].p = port->alloc(port->ctx, live[k].size);
		if (live[k].p)
			memset(live[k].p, (int)k, live[k].size);
	}
	for (int k = 0; k < 32; k++) {
		if (live[k].p)
			port->free(port->ctx, live[k].p, live[k].size);
	}
	check_whole(pool, before);
}

TEST(pool, a_full_pool_answers_and_recovers)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	void *p[PAGES];
	int n = 0;

	CHECK(!port->alloc(port->ctx, PAGES * PAGE));
	CHECK(!port->alloc(port->ctx, SIZE_MAX));
	while ((p[n] = port->alloc(port->ctx, PAGE)))
		n++;
	CHECK_EQ(n, PAGES - 1);
	while (n-- > 0)
		port->free(port->ctx, p[n], PAGE);
	check_whole(pool, before);
}

static struct tn_image make_image(size_t bytes)
{
	struct tn_image img = { .nparts = TN_PART_KINDS };

	for (unsigned i = 0; i < img.nparts; i++) {
		img.part[i] = (struct tn_part){
			.kind = (uint8_t)i, .size = bytes + i, .align = 64
		};
	}
	return img;
}

/* Fills the parts and reads them back through their run address. */
static void check_contents(struct tn_image *img)
{
	for (unsigned i = 0; i < img->nparts; i++) {
		if (img->part[i].size)
			memset(
			    img->part[i].write, (int)i + 1, img->part[i].size);
	}
	for (unsigned i = 0; i < img->nparts; i++) {
		const struct tn_part *p = &img->part[i];
		const uint8_t *run = (const uint8_t *)(uintptr_t)p->addr;

		if (!p->size)
			continue;
		CHECK_EQ(p->addr % p->align, 0);
		CHECK_EQ(run[0], i + 1);
		CHECK_EQ(run[p->size - 1], i + 1);
	}
}

TEST(pool, pages_of_an_image_have_the_permissions_of_their_stage)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct tn_image img = make_image(5000);
	uint64_t text, init_text;

	PROVES("G31");
	CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
	check_contents(&img);
	CHECK_EQ(port->image_seal(port->ctx, &img), 0);
	text = img.part[TN_TEXT].addr;
	init_text = img.part[TN_INIT_TEXT].addr;
	CHECK_EQ(prot_of(text + PAGE), TN_PROT_READ | TN_PROT_EXEC);
	CHECK_EQ(prot_of(init_text), TN_PROT_READ | TN_PROT_EXEC);
	CHECK_EQ(prot_of(img.part[TN_RODATA].addr), TN_PROT_READ);
	CHECK_EQ(prot_of(img.part[TN_RO_AFTER_INIT].addr), 0);
	CHECK_EQ(prot_of(img.part[TN_DATA].addr), 0);
	CHECK_EQ(notes.synced, 10000 + TN_INIT_TEXT);
	CHECK(!img.part[TN_TEXT].write && !img.part[TN_RODATA].write);
	CHECK(img.part[TN_RO_AFTER_INIT].write);
	CHECK_EQ(port->image_finish(port->ctx, &img), 0);
	CHECK_EQ(prot_of(img.part[TN_RO_AFTER_INIT].addr), TN_PROT_READ);
	CHECK_EQ(prot_of(init_text), TN_PROT_READ | TN_PROT_WRITE);
	CHECK_EQ(img.part[TN_INIT_TEXT].size, 0);
	CHECK_EQ(tn_pool_used(pool), before + 8 * PAGE);
	port->image_free(port->ctx, &img);
	CHECK_EQ(prot_of(text), TN_PROT_READ | TN_PROT_WRITE);
	check_whole(pool, before);
}

/* Was the last but @back synchronisation that of @p, full of @byte, in RX? */
static bool was_synced(unsigned back, const struct tn_part *p, uint8_t byte)
{
	const unsigned i = (notes.nsyncs - 1 - back) % 8;

	return notes.sync[i].addr == p->addr && notes.sync[i].size == p->size &&
	       notes.sync[i].first == byte && notes.sync[i].last == byte &&
	       notes.sync[i].prot == (TN_PROT_READ | TN_PROT_EXEC);
}

/* The contract of sync_text: there is no quarantine to make up for it. */
TEST(pool, reused_text_is_synchronised_after_it_has_been_written)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	uint64_t first = 0;

	for (unsigned i = 0; i < 5; i++) {
		struct tn_image img = make_image(700);

		CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
		first = i == 0 ? img.part[TN_TEXT].addr : first;
		CHECK_EQ(img.part[TN_TEXT].addr, first);
		for (unsigned k = 0; k < img.nparts; k++)
			memset(img.part[k].write, (int)(0x40 + i),
			    img.part[k].size);
		CHECK_EQ(notes.nsyncs, 2 * i);
		CHECK_EQ(port->image_seal(port->ctx, &img), 0);
		CHECK_EQ(notes.nsyncs, 2 * i + 2);
		CHECK(was_synced(1, &img.part[TN_TEXT], (uint8_t)(0x40 + i)));
		CHECK(was_synced(
		    0, &img.part[TN_INIT_TEXT], (uint8_t)(0x40 + i)));
		port->image_free(port->ctx, &img);
	}
}

TEST(pool, trim_gives_back_pages_and_whole_parts)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct tn_image img = make_image(3 * PAGE);

	CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
	for (unsigned i = 0; i < img.nparts; i++)
		img.part[i].size = 0;
	img.part[TN_TEXT].size = PAGE;
	img.part[TN_DATA].size = PAGE + 1;
	port->image_trim(port->ctx, &img);
	CHECK_EQ(tn_pool_used(pool), before + 3 * PAGE);
	check_contents(&img);
	CHECK_EQ(port->image_seal(port->ctx, &img), 0);
	port->image_free(port->ctx, &img);
	check_whole(pool, before);
}

TEST(pool, without_protection_parts_lie_side_by_side)
{
	struct tn_pool *pool = open_pool(&without_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct tn_image img = make_image(100);

	CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
	CHECK(tn_pool_used(pool) - before <= 7 * 112);
	check_contents(&img);
	img.part[TN_DATA].size = 10;
	port->image_trim(port->ctx, &img);
	CHECK_EQ(port->image_seal(port->ctx, &img), 0);
	CHECK_EQ(port->image_finish(port->ctx, &img), 0);
	port->image_free(port->ctx, &img);
	check_whole(pool, before);
}

TEST(pool, an_image_that_does_not_fit_changes_nothing)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct tn_image img = make_image(PAGES / 6 * PAGE);

	CHECK_EQ(port->image_alloc(port->ctx, &img), -TN_ENOSPC);
	CHECK_EQ(tn_pool_used(pool), before);
	img = make_image(SIZE_MAX - 10);
	CHECK_EQ(port->image_alloc(port->ctx, &img), -TN_ENOSPC);
	check_whole(pool, before);
}

TEST(pool, span_mode_keeps_offsets)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct tn_image img = {
		.nparts = 3, .span = 5 * PAGE + 1, .span_align = 4 * PAGE
	};

	for (unsigned i = 0; i < 3; i++)
		img.part[i] = (struct tn_part){ .kind = (uint8_t)i,
			.size = 100,
			.align = PAGE,
			.offset = 2 * i * PAGE };
	CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
	CHECK_EQ(img.part[0].addr % (4 * PAGE), 0);
	CHECK_EQ(img.part[2].addr - img.part[0].addr, 4 * PAGE);
	check_contents(&img);
	CHECK_EQ(port->image_seal(port->ctx, &img), 0);
	CHECK_EQ(prot_of(img.part[0].addr), TN_PROT_READ | TN_PROT_EXEC);
	CHECK_EQ(prot_of(img.part[0].addr + PAGE), 0);
	port->image_free(port->ctx, &img);
	check_whole(pool, before);
	img.span_align = 2 * PAGES * PAGE;
	CHECK_EQ(port->image_alloc(port->ctx, &img), -TN_ENOSPC);
}

TEST(pool, a_world_that_refuses_protection_fails_the_seal)
{
	struct tn_pool *pool = open_pool(&with_mmu);
	const struct tn_port *port = tn_pool_port(pool);
	const size_t before = tn_pool_used(pool);
	struct tn_image img = make_image(10);

	CHECK_EQ(port->image_alloc(port->ctx, &img), 0);
	notes.refuse = true;
	CHECK_EQ(port->image_seal(port->ctx, &img), -TN_ENOMEM);
	notes.refuse = false;
	port->image_free(port->ctx, &img);
	check_whole(pool, before);
}
