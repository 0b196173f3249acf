/* SPDX-License-Identifier: MIT */
/*
 * Images: the parts of a module become blocks of an arena.
 *
 *	image.port_data[0]  the world it lies in
 *	image.port_data[1]  its one block, in span mode
 *	part.port_data[0]   its block, otherwise
 *
 * Which heap a kind of part goes to, and what permission its pages get, is a
 * table. In dual mode text and rodata are written through the alias of their
 * chunk and have their permission from the beginning; everything else that
 * may not stay writable owns whole pages, which are flipped. A page is never
 * writable and executable, whatever the order of calls.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <base/overflow.h>
#include <host/process.h>
#include <tenon/err.h>

#include "arena.h"

static const struct {
	uint8_t heap; /* enum heap_kind */
	uint8_t prot; /* final permission */
	bool at_seal; /* is final after seal; else, if not RW, after finish */
	bool init;    /* given back at finish */
} kinds[TN_PART_KINDS] = {
	// clang-format off
	[TN_TEXT]          = { HEAP_TEXT,   PROT_READ | PROT_EXEC,  true,  false },
	[TN_RODATA]        = { HEAP_RODATA, PROT_READ,              true,  false },
	[TN_RO_AFTER_INIT] = { HEAP_PAGES,  PROT_READ,              false, false },
	[TN_DATA]          = { HEAP_DATA,   PROT_READ | PROT_WRITE, false, false },
	[TN_INIT_TEXT]     = { HEAP_TEXT,   PROT_READ | PROT_EXEC,  true,  true },
	[TN_INIT_RODATA]   = { HEAP_RODATA, PROT_READ,              true,  true },
	[TN_INIT_DATA]     = { HEAP_DATA,   PROT_READ | PROT_WRITE, false, true },
	// clang-format on
};

static bool is_text(const struct tn_part *p)
{
	return kinds[p->kind].prot & PROT_EXEC;
}

static struct range *part_block(const struct tn_part *p)
{
	return p->port_data[0];
}

static struct range *span_block(const struct tn_image *img)
{
	return img->port_data[1];
}

/* Memory of another process' arena: nothing of its books may change. */
static bool is_inherited(const struct tn_image *img)
{
	const struct world *w = img->port_data[0];

	return w->generation != process_generation();
}

static void part_clear(struct tn_part *p)
{
	p->addr = 0;
	p->write = NULL;
	p->port_data[0] = NULL;
}

/* --- alloc */

static size_t guard_size(const struct host_arena *a)
{
	return a->layout.strict ? a->layout.page : 0;
}

/* What the block of a part of @size bytes measures. */
static size_t block_size(const struct host_arena *a, size_t size)
{
	const size_t guard = guard_size(a);

	return guard ? align_up(size, guard) + guard : size;
}

/*
 * Where there is no room for a second view, as beyond a limit of descriptors,
 * or of the size of files, pages that are flipped do as well.
 */
static MUST_CHECK int part_place(struct host_arena *a, struct span *s,
    const struct tn_part *p, struct range **out)
{
	const size_t size = block_size(a, p->size);
	struct heap *h = &s->heap[kinds[p->kind].heap];
	const int err = block_alloc(a, h, size, p->align, out);
	struct shortage lack;

	if (err != -TN_ENOMEM || !h->dual || !a->may_flip)
		return err;
	lack = a->count.shortage;
	if (arena_can_flip(a))
		return block_alloc(
		    a, &s->heap[HEAP_PAGES], size, p->align, out);
	a->count.shortage = lack;
	return err;
}

static MUST_CHECK int part_alloc(
    struct host_arena *a, struct span *s, struct tn_part *p)
{
	const struct chunk *c;
	struct range *r;
	const int err = part_place(a, s, p, &r);

	if (err)
		return err;
	c = range_chunk(r);
	p->port_data[0] = r;
	p->addr = r->start;
	p->write = c->alias ? c->alias + (r->start - c->addr)
			    : (uint8_t *)(uintptr_t)r->start;
	return 0;
}

static MUST_CHECK int parts_alloc(
    struct host_arena *a, struct span *s, struct tn_image *img)
{
	int err = 0;
	unsigned i;

	for (i = 0; i < img->nparts && !err; i++) {
		if (img->part[i].size)
			err = part_alloc(a, s, &img->part[i]);
	}
	if (!err)
		return 0;
	while (i-- > 0) {
		if (part_block(&img->part[i]))
			block_free(a, part_block(&img->part[i]));
		part_clear(&img->part[i]);
	}
	return err;
}

/* Span mode: every part at its offset in one block of whole pages. */
static MUST_CHECK int whole_alloc(
    struct host_arena *a, struct span *s, struct tn_image *img)
{
	const size_t page = a->layout.page;
	const size_t align = img->span_align > page ? img->span_align : page;
	struct range *r;
	const int err = block_alloc(a, &s->heap[HEAP_PAGES],
	    block_size(a, align_up(img->span, page)), align, &r);

	if (err)
		return err;
	img->port_data[1] = r;
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (!p->size)
			continue;
		p->addr = r->start + p->offset;
		p->write = (uint8_t *)(uintptr_t)p->addr;
	}
	return 0;
}

static MUST_CHECK int alloc_in(
    struct host_arena *a, struct span *s, struct tn_image *img)
{
	return img->span ? whole_alloc(a, s, img) : parts_alloc(a, s, img);
}

#define PART_MAX ((size_t)2 << 30)

/* Clears what alloc sets; sums up what the areas must hold. */
static MUST_CHECK int prepare(
    const struct host_arena *a, struct tn_image *img, size_t need[AREAS])
{
	static const uint8_t area_of_heap[HEAPS] = { AREA_TEXT, AREA_RODATA,
		AREA_DATA, AREA_DATA };
	const size_t page = a->layout.page;

	if (img->span > PART_MAX || img->span_align > PART_MAX)
		return -TN_ENOMEM;
	need[AREA_DATA] += img->span + img->span_align;
	img->port_data[0] = NULL;
	img->port_data[1] = NULL;
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		part_clear(p);
		if (p->size > PART_MAX || p->align > PART_MAX)
			return -TN_ENOMEM;
		if (img->span && p->size &&
		    (p->offset % page || p->offset > img->span ||
			p->size > img->span - p->offset))
			return -TN_EINVAL;
		if (!img->span)
			need[area_of_heap[kinds[p->kind].heap]] +=
			    block_size(a, p->size) + p->align;
	}
	return 0;
}

/* Newest span first: the older ones are full, or were once. */
static MUST_CHECK int alloc_locked(
    struct host_arena *a, struct tn_image *img, const size_t need[AREAS])
{
	struct world *w;
	struct span *s;
	const int failed = arena_world(a, &w);

	if (failed)
		return failed;
	img->port_data[0] = w;
	for (s = w->spans; s; s = s->next) {
		const int err = alloc_in(a, s, img);

		if (err != -TN_ENOSPC)
			return err;
	}
	s = span_create(w, need);
	if (!s || alloc_in(a, s, img) != 0)
		return -TN_ENOMEM;
	return 0;
}

int image_place(
    struct host_arena *a, struct tn_image *img, struct shortage *lack)
{
	size_t need[AREAS] = { 0 };
	int err;

	*lack = (struct shortage){ 0 };
	if (process_is_torn())
		return -TN_EAGAIN;
	err = prepare(a, img, need);
	if (err == -TN_ENOMEM)
		*lack = (struct shortage){ PART_MAX, EOVERFLOW };
	if (err)
		return err;
	pthread_mutex_lock(&a->lock);
	a->count.shortage = (struct shortage){ 0 };
	err = alloc_locked(a, img, need);
	*lack = a->count.shortage;
	pthread_mutex_unlock(&a->lock);
	return err;
}

int arena_image_alloc(struct host_arena *a, struct tn_image *img)
{
	struct shortage lack;

	return image_place(a, img, &lack);
}

/* --- seal and finish */

static bool part_is_flipped(const struct host_arena *a,
    const struct tn_image *img, const struct tn_part *p)
{
	const struct range *r = part_block(p);

	return img->span || !a->layout.dual || !range_chunk(r)->heap->dual;
}

/* Gives the pages of a part, which are its own, their last permission. */
static MUST_CHECK int part_protect(
    struct host_arena *a, struct tn_image *img, struct tn_part *p)
{
	struct range *r = img->span ? span_block(img) : part_block(p);

	r->flags |= PART_FLIPPED;
	return mem_protect(&a->count, p->addr,
	    align_up(p->size, a->layout.page), kinds[p->kind].prot);
}

/* Makes the page behind a block inaccessible. */
static MUST_CHECK int guard_set(struct host_arena *a, struct range *r)
{
	const size_t guard = guard_size(a);

	if (!guard)
		return 0;
	r->flags |= PART_FLIPPED;
	return mem_protect(
	    &a->count, r->start + r->size - guard, guard, PROT_NONE);
}

/*
 * Makes the caches agree about new instructions. The run address serves both
 * halves of the work: the data cache is cleaned to the point where instructions
 * are fetched from, and it finds lines by physical address, so those written
 * through the alias are among them; the instruction cache may be indexed by
 * virtual address, and there the run address is the one that matters. x86_64
 * does nothing here. On riscv64 it is a system call, which makes every hart of
 * the process do fence.i, at once or before it runs one of its threads again.
 */
static void sync_instructions(const struct tn_part *p)
{
	char *const code = (char *)(uintptr_t)p->addr;

	__builtin___clear_cache(code, code + p->size);
}

static MUST_CHECK int part_seal(
    struct host_arena *a, struct tn_image *img, struct tn_part *p)
{
	struct range *block = img->span ? span_block(img) : part_block(p);
	int err = 0;

	if (!img->span)
		err = guard_set(a, block);
	if (err || !kinds[p->kind].at_seal)
		return err;
	if (part_is_flipped(a, img, p))
		err = part_protect(a, img, p);
	if (err)
		return err;
	if (is_text(p))
		sync_instructions(p);
	p->write = NULL;
	return 0;
}

/* The lock is held. Returns whether text of @img stands where other did. */
static bool note_sealed(struct tn_image *img)
{
	bool reused = false;

	for (unsigned i = 0; i < img->nparts; i++) {
		const struct tn_part *p = &img->part[i];
		struct range *r = img->span ? span_block(img) : part_block(p);

		if (p->size && is_text(p)) {
			heap_executed(r);
			reused |= r->flags & PART_REUSED;
		}
		if (!img->span && r)
			heap_written(r);
	}
	return reused;
}

/*
 * Where text has stood before, the barrier of the quarantine comes too early
 * for a core that keeps what it has fetched: until the new instructions are
 * written, its branch predictor, which still knows the address, may make it
 * fetch the old ones again, and if the branch goes there in the end they are
 * executed, whatever the caches say by then (Arm ARM, B2.2.5: a context
 * synchronization event after the write). So every core is synchronised a
 * second time, after the caches and before anybody learns the address. Text on
 * fresh memory needs none of this: no predictor can know it, and mapping it
 * has made it. Of the other machines, riscv64 has done it with the caches, and
 * x86_64 compares each store with the instructions in flight, by physical
 * address; there the quarantine's barrier, one for many images, is enough.
 */
static MUST_CHECK int discard_fetched(struct host_arena *a, bool reused)
{
	if (!reused || !a->layout.keeps_fetched)
		return 0;
	if (arena_barrier(a))
		return 0;
	return -TN_EAGAIN; /* from now on only fresh memory is used */
}

int arena_image_seal(struct host_arena *a, struct tn_image *img)
{
	int err = 0;

	for (unsigned i = 0; i < img->nparts && !err; i++) {
		if (img->part[i].size)
			err = part_seal(a, img, &img->part[i]);
	}
	if (!err && img->span)
		err = guard_set(a, span_block(img));
	if (err)
		return err;
	pthread_mutex_lock(&a->lock);
	err = discard_fetched(a, note_sealed(img));
	pthread_mutex_unlock(&a->lock);
	return err;
}

/* Puts the permissions of a block back to those of its chunk. */
static MUST_CHECK int block_restore(struct host_arena *a, struct range *r)
{
	if (!(r->flags & PART_FLIPPED))
		return 0;
	r->flags &= (uint8_t)~PART_FLIPPED;
	return mem_protect(
	    &a->count, r->start, r->size, heap_prot(range_chunk(r)->heap));
}

static void give_back(struct host_arena *a, struct range *r)
{
	const bool usable = block_restore(a, r) == 0;

	pthread_mutex_lock(&a->lock);
	if (usable) {
		block_free(a, r);
	} else {
		heap_hold(r);
		heap_forget(r);
	}
	pthread_mutex_unlock(&a->lock);
}

static void part_free(struct host_arena *a, struct tn_part *p)
{
	if (part_block(p))
		give_back(a, part_block(p));
	part_clear(p);
}

int arena_image_finish(struct host_arena *a, struct tn_image *img)
{
	int err = 0;

	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (kinds[p->kind].init) {
			if (!is_inherited(img))
				part_free(a, p);
			part_clear(p);
			p->size = 0;
		} else if (p->kind == TN_RO_AFTER_INIT && p->size && !err) {
			err = part_protect(a, img, p);
			p->write = NULL;
		}
	}
	return err;
}

/* --- trim and free */

void arena_image_trim(struct host_arena *a, struct tn_image *img)
{
	pthread_mutex_lock(&a->lock);
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (!part_block(p))
			continue;
		if (p->size) {
			heap_trim(part_block(p), block_size(a, p->size));
		} else {
			block_free(a, part_block(p));
			part_clear(p);
		}
	}
	pthread_mutex_unlock(&a->lock);
}

void arena_image_free(struct host_arena *a, struct tn_image *img)
{
	if (!img->port_data[0])
		return; /* alloc has failed, or free has been called */
	for (unsigned i = 0; i < img->nparts; i++) {
		struct tn_part *p = &img->part[i];

		if (!is_inherited(img))
			part_free(a, p);
		part_clear(p);
	}
	if (span_block(img) && !is_inherited(img))
		give_back(a, span_block(img));
	img->port_data[0] = NULL;
	img->port_data[1] = NULL;
}
