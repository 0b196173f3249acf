/* SPDX-License-Identifier: MIT */
/*
 * Arenas: choice of the mode, blocks and their quarantine, forks.
 *
 * Text is reused at the same address after a core synchronisation, on some
 * machines after two (image.c, discard_fetched). Where that is not to be had,
 * freed text stays out of use until nothing lives in its chunk; then the chunk
 * is unmapped and its addresses are mapped again later. That is what happens to
 * every dlclose and dlopen: the system promises that code mapped afresh is what
 * runs, whatever the processors had fetched there.
 *
 * After a fork the child executes the parent's text and reads its rodata
 * through shared mappings, so bytes that were in use at a fork are not
 * overwritten by the parent either: they follow the same rule, and the new
 * mapping is another file. The stamp of a range is the number of forks at its
 * allocation.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <base/overflow.h>
#include <host/machine.h>
#include <host/process.h>
#include <tenon/err.h>

#include "arena.h"

#define DEFAULT_WARM       (64u << 20)
#define DEFAULT_SPAN       (1u << 30)
#define DEFAULT_CHUNK      (2u << 20)
#define DEFAULT_QUARANTINE (256u << 10)

/* --- blocks */

bool arena_barrier(struct host_arena *a)
{
	a->barriers++;
	a->count.calls++;
	if (!process_barrier(BARRIER_CODE))
		a->layout.reuse = false;
	return a->layout.reuse;
}

static void quarantine_flush(struct host_arena *a)
{
	struct range *r = a->quarantine;
	struct range *next;

	if (!r)
		return;
	(void)arena_barrier(a); /* its answer is in layout.reuse */
	a->quarantine = NULL;
	a->quarantined = 0;
	for (; r; r = next) {
		next = r->bin_next;
		if (a->layout.reuse)
			heap_free(r);
		else
			heap_forget(r);
	}
}

static MUST_CHECK int block_find(struct host_arena *a, struct heap *h,
    size_t size, size_t align, struct range **out)
{
	*out = heap_try(h, size, align);
	if (*out)
		return 0;
	quarantine_flush(a);
	return heap_alloc(h, size, align, out);
}

/* Was freed for reuse before the barrier that its new text needs was banned. */
static bool is_too_late(const struct host_arena *a, const struct range *r)
{
	return r->flags & PART_REUSED && a->layout.keeps_fetched &&
	       !a->layout.reuse;
}

int block_alloc(struct host_arena *a, struct heap *h, size_t size, size_t align,
    struct range **out)
{
	struct range *r;
	int err = block_find(a, h, size, align, &r);

	while (!err && is_too_late(a, r)) {
		heap_hold(r);
		heap_forget(r);
		err = block_find(a, h, size, align, &r);
	}
	if (err)
		return err;
	r->stamp = process_forks();
	*out = r;
	return 0;
}

void block_free(struct host_arena *a, struct range *r)
{
	const bool executed = r->flags & PART_EXECUTED;
	const struct heap *h = range_chunk(r)->heap;
	const bool seen_by_child = h->dual && r->stamp != process_forks();

	if (!executed && !seen_by_child) {
		heap_free(r);
		return;
	}
	heap_hold(r);
	if (seen_by_child || !a->layout.reuse) {
		heap_forget(r);
		return;
	}
	r->bin_next = a->quarantine;
	a->quarantine = r;
	a->quarantined += r->size;
	if (a->quarantined >= a->quarantine_max)
		quarantine_flush(a);
}

/* --- modes */

static int run(uint64_t addr)
{
	union {
		uintptr_t bits;
		int (*call)(void);
	} code = { .bits = (uintptr_t)addr };

	return code.call();
}

static void put_code(uint64_t addr, uint8_t *alias, const uint8_t *code)
{
	char *const fetch = (char *)(uintptr_t)addr;

	memcpy(alias, code, host_machine.code_size);
	__builtin___clear_cache(fetch, fetch + host_machine.code_size);
}

/*
 * Tries what dual mode does with one page: run code from the second view,
 * then other code at the same address. Emulators that keep translated code
 * may miss a write through an alias; they are seen here.
 * Returns false when the mode does not work; sets *@reuse.
 */
static bool dual_works(struct host_arena *a, bool *reuse)
{
	const size_t page = a->layout.page;
	uint8_t *alias;
	uint64_t addr;

	if (!mem_file_fits(&a->count, a->layout.chunk))
		return false;
	addr = mem_reserve(&a->count, page, page);
	if (!addr)
		return false;
	if (mem_map_twice(
		&a->count, addr, page, PROT_READ | PROT_EXEC, &alias) != 0) {
		mem_release(&a->count, addr, page);
		return false;
	}
	put_code(addr, alias, host_machine.return_1);
	*reuse = run(addr) == 1 && *reuse;
	put_code(addr, alias, host_machine.return_2);
	*reuse = *reuse && process_barrier(BARRIER_CODE) && run(addr) == 2;
	mem_alias_close(&a->count, alias, page);
	mem_release(&a->count, addr, page);
	return true;
}

/* The same for a page whose permission changes. */
bool arena_can_flip(struct host_arena *a)
{
	const size_t page = a->layout.page;
	const uint64_t addr = mem_reserve(&a->count, page, page);
	bool works;

	if (!addr)
		return false;
	works = mem_map_private(&a->count, addr, page) == 0;
	if (works &&
	    mem_protect(&a->count, addr, page, PROT_READ | PROT_EXEC) != 0) {
		shortage_note(&a->count.shortage, page);
		works = false;
	}
	mem_release(&a->count, addr, page);
	return works;
}

static MUST_CHECK int choose_mode(struct host_arena *a, enum arena_mode wanted)
{
	struct layout *layout = &a->layout;
	bool may_work_later = false;

	layout->reuse = layout->reuse && process_barrier(BARRIER_CODE);
	if (wanted != ARENA_FLIP) {
		if (dual_works(a, &layout->reuse)) {
			layout->dual = true;
			a->mode = ARENA_DUAL;
			return 0;
		}
		may_work_later = shortage_may_end(&a->count.shortage);
	}
	if (wanted != ARENA_DUAL) {
		if (arena_can_flip(a)) {
			a->mode = ARENA_FLIP;
			return 0;
		}
		may_work_later |= shortage_may_end(&a->count.shortage);
	}
	return may_work_later ? -TN_ENOMEM : -TN_EOPNOTSUPP;
}

/* Decides what was left open. The lock is held. */
static int mode_try(struct host_arena *a)
{
	return a->mode == ARENA_AUTO ? choose_mode(a, ARENA_AUTO) : 0;
}

/* --- the world of a process */

static MUST_CHECK int world_enter(struct host_arena *a)
{
	struct world *w = malloc(sizeof(*w));

	if (!w)
		return -TN_ENOMEM;
	world_init(w, &a->layout, &a->count);
	w->generation = process_generation();
	a->world = w;
	return 0;
}

/* A child: what was there stays as it is. */
static void world_leave(struct host_arena *a)
{
	struct world *w = a->world;

	w->inherited = true;
	w->older = a->before;
	a->before = w;
	a->world = NULL;
	a->quarantine = NULL;
	a->quarantined = 0;
}

int arena_world(struct host_arena *a, struct world **out)
{
	int err = mode_try(a);

	if (a->world && a->world->generation != process_generation())
		world_leave(a);
	if (!err && !a->world)
		err = world_enter(a);
	if (!err)
		*out = a->world;
	return err;
}

/* --- arenas */

static size_t or_default(size_t value, size_t standard)
{
	return value ? value : standard;
}

static MUST_CHECK int page_of(const struct arena_config *config, size_t *out)
{
	const size_t system = mem_page_size();
	const size_t page = or_default(config->page, system);

	if (page < system || (page & (page - 1)) != 0)
		return -TN_EINVAL;
	*out = page;
	return 0;
}

static struct layout layout_of(const struct arena_config *config, size_t page)
{
	return (struct layout){
		.page = page,
		.span = or_default(config->span, DEFAULT_SPAN),
		.chunk =
		    align_up(or_default(config->chunk, DEFAULT_CHUNK), page),
		.keep_warm = or_default(config->keep_warm, DEFAULT_WARM),
		.strict = config->flags & ARENA_STRICT,
		/* Enrolled now, when most processes have one thread. */
		.reuse = !(config->flags & ARENA_NO_MEMBARRIER) &&
			 process_enrol(BARRIER_CODE),
		.keeps_fetched = config->flags & ARENA_KEEPS_FETCHED ||
				 host_machine.keeps_fetched,
	};
}

int arena_create(const struct arena_config *config, struct host_arena **out)
{
	struct host_arena *a = calloc(1, sizeof(*a));
	size_t page;
	int err;

	if (!a)
		return -TN_ENOMEM;
	err = page_of(config, &page);
	if (!err) {
		a->layout = layout_of(config, page);
		a->quarantine_max =
		    or_default(config->quarantine, DEFAULT_QUARANTINE);
		a->may_flip = config->mode == ARENA_AUTO;
		if (!a->may_flip)
			err = choose_mode(a, config->mode);
	}
	if (err) {
		free(a);
		return err;
	}
	pthread_mutex_init(&a->lock, NULL);
	*out = a;
	return 0;
}

static void worlds_free(struct world *w)
{
	while (w) {
		struct world *older = w->older;

		world_fini(w);
		free(w);
		w = older;
	}
}

void arena_destroy(struct host_arena *a)
{
	if (a->world && a->world->generation != process_generation())
		a->world->inherited = true;
	worlds_free(a->world);
	worlds_free(a->before);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

enum arena_mode arena_mode(struct host_arena *a)
{
	enum arena_mode mode;

	pthread_mutex_lock(&a->lock);
	(void)mode_try(a); /* a->mode says whether it has failed */
	mode = a->mode;
	pthread_mutex_unlock(&a->lock);
	return mode;
}

size_t arena_page(const struct host_arena *a)
{
	return a->layout.page;
}

bool arena_reuses_text(struct host_arena *a)
{
	bool reuse;

	pthread_mutex_lock(&a->lock);
	reuse = mode_try(a) == 0 && a->layout.reuse;
	pthread_mutex_unlock(&a->lock);
	return reuse;
}

void arena_stats(struct host_arena *a, struct arena_stats *out)
{
	const struct world *w;

	pthread_mutex_lock(&a->lock);
	w = a->world;
	*out = (struct arena_stats){
		.calls = a->count.calls,
		.barriers = a->barriers,
	};
	if (w && w->generation == process_generation()) {
		out->spans = w->nspans;
		out->chunks = w->nchunks;
		out->aliases = w->naliases;
		out->mapped = w->mapped;
		out->idle = w->idle;
		out->live = w->live;
		out->held = w->held;
	}
	pthread_mutex_unlock(&a->lock);
}

void arena_before_fork(struct host_arena *a)
{
	pthread_mutex_lock(&a->lock);
}

void arena_after_fork(struct host_arena *a)
{
	pthread_mutex_unlock(&a->lock);
}
