/* SPDX-License-Identifier: MIT */
/*
 * Handles: slots of the thread that takes them.
 *
 *	slot   sequence  returned   state
 *	          7         7       free
 *	          8         7       held, by the handle { slot, 8 }
 *	          8         8       free again
 *
 * Only the thread that owns a slot writes sequence, and only after it has
 * seen the slot free; whoever puts a handle writes its number to returned. So
 * there is nothing to add up, and no lock. returned only grows: a put that
 * comes late, when the slot was taken and put again, must not make the later
 * handle valid again. The owner just stores: the handle that he finds held has
 * the last number of the slot, as nobody else takes. Others compare and swap.
 *
 * A target is closed by scanning the slots of all threads. The order is that
 * of sections (thread.c): taker: slot, compiler barrier, load of the target's
 * word; closer: word CLOSING, barrier, loads of the slots. Either the closer
 * sees the slot or the taker sees CLOSING, gives the slot back and waits.
 *
 * Chunks of slots are never freed. A thread takes slots from its list of free
 * ones; when that is empty it collects those that were put since.
 */
#include "internal.h"

#include <base/compiler.h>
#include <tenon/err.h>

/* How many chunks without a free slot are looked at before one is made. */
#define SWEEP_MAX 8

static bool slot_is_free(const struct tn_handle_slot *s)
{
	/* acquire: pairs with the release of put: the holder is done, and
	   has read what he wanted of the slot */
	return __atomic_load_n(&s->returned, __ATOMIC_ACQUIRE) ==
	       __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);
}

/* --- the owner's free slots */

static void slot_push(struct tn_gate_thread *t, struct tn_handle_slot *s)
{
	s->next = t->free;
	t->free = s;
}

/* The list is empty, so a free slot is not on it. */
static void chunk_collect(
    struct tn_gate_thread *t, struct tn_handle_chunk *chunk)
{
	for (unsigned i = CHUNK_SLOTS; i-- > 0;) {
		if (slot_is_free(&chunk->slot[i]))
			slot_push(t, &chunk->slot[i]);
	}
}

static struct tn_handle_chunk *chunk_after(
    const struct tn_gate_thread *t, const struct tn_handle_chunk *chunk)
{
	return chunk != NULL && chunk->next != NULL ? chunk->next : t->chunks;
}

/* From the chunk where slots were found last, and further, round. */
static void sweep(struct tn_gate_thread *t)
{
	struct tn_handle_chunk *chunk = t->sweep != NULL ? t->sweep : t->chunks;

	for (unsigned i = 0; i < SWEEP_MAX && chunk != NULL; i++) {
		chunk_collect(t, chunk);
		t->sweep = chunk;
		if (t->free != NULL)
			return;
		chunk = chunk_after(t, chunk);
	}
}

static void chunk_make(struct tn_gate_thread *t)
{
	struct tn_handle_chunk *chunk = world_here()->alloc(sizeof(*chunk));

	if (chunk == NULL)
		return;
	chunk->next = t->chunks;
	/* release: pairs with the acquire of chunks_of */
	__atomic_store_n(&t->chunks, chunk, __ATOMIC_RELEASE);
	chunk_collect(t, chunk);
	t->sweep = chunk;
}

/* Apart, so that what every take does stays small. */
static __attribute__((noinline)) void slots_find(struct tn_gate_thread *t)
{
	sweep(t);
	if (t->free == NULL)
		chunk_make(t);
}

static struct tn_handle_slot *slot_pop(struct tn_gate_thread *t)
{
	struct tn_handle_slot *s;

	if (UNLIKELY(t->free == NULL))
		slots_find(t);
	s = t->free;
	if (LIKELY(s != NULL))
		t->free = s->next;
	return s;
}

/* --- taking and putting */

/* Makes a free slot count, for @t; the number of the handle. */
static inline uint64_t slot_hold(
    struct tn_handle_slot *s, struct tn_gate_target *t)
{
	const uint64_t number =
	    __atomic_load_n(&s->sequence, __ATOMIC_RELAXED) + 1;

	__atomic_store_n(&s->target, t, __ATOMIC_RELAXED);
	__atomic_store_n(&s->time_ns, tn_gate_coarse_ns(), __ATOMIC_RELAXED);
	/* release: pairs with the acquire of slot_holds */
	__atomic_store_n(&s->sequence, number, __ATOMIC_RELEASE);
	return number;
}

/* Of the owner, for the slot's last number. */
static void slot_return(struct tn_handle_slot *s, uint64_t number)
{
	/* release: pairs with the acquire of slot_is_free and slot_holds */
	__atomic_store_n(&s->returned, number, __ATOMIC_RELEASE);
}

/* Of anybody, however late; false: *@last was there already. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the builtin writes it */
static bool number_grow(uint64_t *last, uint64_t number)
{
	uint64_t was = __atomic_load_n(last, __ATOMIC_RELAXED);

	while (was < number) {
		/* release: as in slot_return */
		if (__atomic_compare_exchange_n(last, &was, number, true,
			__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

/*
 * The calling thread's record, if it owns @s, else NULL. It may be NULL for
 * the owner too, whose slot is looked for in one chunk only: that of the slots
 * that he takes now.
 */
static struct tn_gate_thread *slot_owner(const struct tn_handle_slot *s)
{
	struct tn_gate_thread *self = world_here()->self(false);

	return self != NULL && (uintptr_t)s - (uintptr_t)self->sweep <
				   sizeof(struct tn_handle_chunk)
		   ? self
		   : NULL;
}

/* Only after slot_hold: LIVE, CLOSING or 0. */
static uint64_t target_now(
    const struct tn_gate_thread *self, const struct tn_gate_target *t)
{
	/* Pairs with gate_barrier of the closer. */
	if (__builtin_expect(self->fences != 0, 0))
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* acquire: what was written before LIVE was set */
	return __atomic_load_n(&t->word, __ATOMIC_ACQUIRE) &
	       (TN_TARGET_LIVE | TN_TARGET_CLOSING);
}

static void wait_until_decided(const struct tn_gate_target *t)
{
	unsigned round = 0;

	while ((__atomic_load_n(&t->word, __ATOMIC_RELAXED) &
		   TN_TARGET_CLOSING) != 0)
		world_here()->relax(round++);
}

/*
 * The take of @s as @number has met @word, which is not LIVE. Apart, as
 * slots_find.
 */
static __attribute__((noinline)) int take_again(struct tn_gate_thread *self,
    struct tn_handle_slot *s, struct tn_gate_target *t, uint64_t word,
    struct tn_handle *out)
{
	uint64_t number = __atomic_load_n(&s->sequence, __ATOMIC_RELAXED);

	while ((word & TN_TARGET_LIVE) == 0) {
		/* Not while waiting: nobody shall be refused because of us. */
		slot_return(s, number);
		if (word == 0) {
			slot_push(self, s);
			return -TN_ENOENT;
		}
		wait_until_decided(t);
		/* As in tn_handle_take. */
		__atomic_thread_fence(__ATOMIC_RELEASE);
		number = slot_hold(s, t);
		word = target_now(self, t);
	}
	*out = (struct tn_handle){ s, number };
	return 0;
}

int tn_handle_take(struct tn_gate_target *t, const void *holder,
    const void *site, struct tn_handle *out)
{
	struct tn_gate_thread *self = world_here()->self(true);
	struct tn_handle_slot *s = self != NULL ? slot_pop(self) : NULL;
	uint64_t number, word;

	if (UNLIKELY(s == NULL))
		return -TN_ENOMEM;
	/* Whoever reads the new contents by slot_read sees it put before. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&s->holder, holder, __ATOMIC_RELAXED);
	__atomic_store_n(&s->site, site, __ATOMIC_RELAXED);
	number = slot_hold(s, t);
	word = target_now(self, t);
	if (UNLIKELY((word & TN_TARGET_LIVE) == 0))
		return take_again(self, s, t, word, out);
	*out = (struct tn_handle){ s, number };
	return 0;
}

static bool handle_is_held(struct tn_handle h)
{
	return h.slot != NULL &&
	       __atomic_load_n(&h.slot->sequence, __ATOMIC_ACQUIRE) ==
		   h.sequence &&
	       __atomic_load_n(&h.slot->returned, __ATOMIC_RELAXED) <
		   h.sequence;
}

int tn_handle_put(struct tn_handle h)
{
	struct tn_gate_thread *self;

	if (!handle_is_held(h))
		return -TN_ESTALE;
	self = slot_owner(h.slot);
	if (self == NULL)
		return number_grow(&h.slot->returned, h.sequence) ? 0
								  : -TN_ESTALE;
	slot_return(h.slot, h.sequence);
	slot_push(self, h.slot); /* the next take finds it in the cache */
	return 0;
}

int tn_handle_enter(struct tn_handle h)
{
	world_here()->enter();
	/* Inside, so that a revoker sees us, or we see what he wrote. */
	if (tn_handle_is_held(h))
		return 0;
	world_here()->exit();
	return -TN_ESTALE;
}

void tn_handle_exit(struct tn_handle h)
{
	(void)h;
	world_here()->exit();
}

/* --- who holds @t */

/*
 * The number of the handle that holds @t by @s, or 0; @t NULL: of the one that
 * has not been put, to any target and revoked or not.
 */
static uint64_t slot_holds(
    const struct tn_handle_slot *s, const struct tn_gate_target *t)
{
	/*
	 * acquire: target is then the one of this number, or of a later one,
	 * whose taker sees CLOSING if we are closing. And what the holder of
	 * a number that was returned has done comes before us.
	 */
	const uint64_t number = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);

	if (__atomic_load_n(&s->returned, __ATOMIC_ACQUIRE) == number)
		return 0;
	if (t != NULL &&
	    (__atomic_load_n(&s->revoked, __ATOMIC_RELAXED) == number ||
		__atomic_load_n(&s->target, __ATOMIC_RELAXED) != t))
		return 0;
	return number;
}

/* All slots of all threads, one after the other. */
struct walk {
	const struct tn_gate_thread *thread; /* of the slot */
	const struct tn_gate_thread *next;
	struct tn_handle_chunk *chunk;
	unsigned i;
};

static struct walk walk_start(void)
{
	return (struct walk){ .next = gate_threads() };
}

static struct tn_handle_slot *walk_next(struct walk *w)
{
	struct tn_handle_slot *s;

	while (w->chunk == NULL && w->next != NULL) {
		w->thread = w->next;
		w->next = w->thread->next;
		/* acquire: pairs with the release of chunk_make */
		w->chunk =
		    __atomic_load_n(&w->thread->chunks, __ATOMIC_ACQUIRE);
	}
	if (w->chunk == NULL)
		return NULL;
	s = &w->chunk->slot[w->i];
	w->i = (w->i + 1) % CHUNK_SLOTS;
	if (w->i == 0)
		w->chunk = w->chunk->next;
	return s;
}

/*
 * What was revoked before and not restored is revoked for good, perhaps of a
 * target that had the same address: no later restore may find it. A target
 * whose handles are revoked is dead or CLOSING, so nobody takes one of it now.
 */
static void slot_forget(
    struct tn_handle_slot *s, const struct tn_gate_target *t)
{
	struct tn_gate_target *was =
	    __atomic_load_n(&s->target, __ATOMIC_RELAXED);

	/* relaxed: a taker of another target writes his own over it */
	if (was == t)
		(void)__atomic_compare_exchange_n(&s->target, &was, NULL, false,
		    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

size_t gate_revoke_handles(const struct tn_gate_target *t)
{
	struct walk w = walk_start();
	struct tn_handle_slot *s;
	size_t n = 0;

	while ((s = walk_next(&w)) != NULL) {
		const uint64_t number = slot_holds(s, t);

		if (number == 0) {
			slot_forget(s, t);
			continue;
		}
		/* Does nothing to a later handle in this slot. */
		if (number_grow(&s->revoked, number))
			n++;
	}
	return n;
}

/*
 * Only who revokes them all restores them: a number that is revoked is the
 * slot's last one, and nobody but him writes it.
 */
void gate_restore_handles(const struct tn_gate_target *t)
{
	struct walk w = walk_start();
	struct tn_handle_slot *s;

	while ((s = walk_next(&w)) != NULL) {
		uint64_t number =
		    __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);

		/*
		 * acquire: pairs with the fence of tn_handle_take. Where the
		 * next take has written t, the put before it is seen.
		 */
		if (__atomic_load_n(&s->target, __ATOMIC_ACQUIRE) != t ||
		    __atomic_load_n(&s->returned, __ATOMIC_RELAXED) >= number)
			continue;
		/* Fails when it was not revoked. */
		(void)__atomic_compare_exchange_n(&s->revoked, &number, 0,
		    false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	}
}

static void slot_read(const struct tn_handle_slot *s, struct gate_holder *h)
{
	h->target = __atomic_load_n(&s->target, __ATOMIC_RELAXED);
	h->holder = __atomic_load_n(&s->holder, __ATOMIC_RELAXED);
	h->site = __atomic_load_n(&s->site, __ATOMIC_RELAXED);
	h->time_ns = __atomic_load_n(&s->time_ns, __ATOMIC_RELAXED);
	/* Pairs with the fence of slot_hold: what follows is not older. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* The handle that slot_holds tells of; false: there is none. */
static bool slot_look(const struct walk *w, struct tn_handle_slot *s,
    const struct tn_gate_target *t, struct gate_holder *h)
{
	const uint64_t number = slot_holds(s, t);

	if (number == 0)
		return false;
	slot_read(s, h);
	h->thread = w->thread->number;
	h->handle = (struct tn_handle){ s, number };
	/* Else it was put meanwhile, and perhaps taken again. */
	return slot_holds(s, t) == number;
}

void gate_each_handle(const struct tn_gate_target *t,
    void (*fn)(void *arg, const struct gate_holder *h), void *arg)
{
	struct walk w = walk_start();
	struct tn_handle_slot *s;
	struct gate_holder h;

	while ((s = walk_next(&w)) != NULL) {
		if (slot_look(&w, s, t, &h))
			fn(arg, &h);
	}
}

/*
 * Where one was put while we looked and another taken: that one's taker sees
 * CLOSING, as its number was not there after our barrier.
 */
bool gate_is_held(
    const struct tn_gate_target *t, const struct gate_close_how *how)
{
	struct walk w = walk_start();
	struct tn_handle_slot *s;
	struct gate_holder h;

	while ((s = walk_next(&w)) != NULL) {
		if (slot_look(&w, s, t, &h) &&
		    (how->counts == NULL || how->counts(how->arg, &h)))
			return true;
	}
	return false;
}
