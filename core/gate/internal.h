/* SPDX-License-Identifier: MIT */
/*
 * What the files of this component share: the list of threads, their slots,
 * and the lock of closers.
 */
#pragma once

#include <gate/close.h>
#include <gate/world.h>

#define CHUNK_SLOTS 15

/* Slots of one thread; with its link 1 KiB. */
struct tn_handle_chunk {
	struct tn_handle_chunk *next; /* set before it is listed */
	struct tn_handle_slot slot[CHUNK_SLOTS];
};

/* What gate_start was given; handles ask for it without a call. */
extern const struct gate_world *gate_the_world;

static inline const struct gate_world *world_here(void)
{
	/* acquire: pairs with the release of gate_start */
	return __atomic_load_n(&gate_the_world, __ATOMIC_ACQUIRE);
}

/* The newest record; the others follow by next. */
struct tn_gate_thread *gate_threads(void);

/*
 * The calling thread, whose record is @t, begins a sleepable call; its life's
 * number. Any thread ends it.
 */
uint32_t gate_sleepable_begin(struct tn_gate_thread *t);
void gate_sleepable_end(struct tn_gate_thread *t, uint32_t life);

/* Excludes forks, and closers of targets each other. */
void gate_closing_lock(void);
void gate_closing_unlock(void);

/* Somebody holds a handle to @t that counts. */
bool gate_is_held(
    const struct tn_gate_target *t, const struct gate_close_how *how);

static inline bool gate_deadline_passed(uint64_t deadline_ns)
{
	return deadline_ns != TN_GATE_FOREVER &&
	       gate_world()->now_ns() >= deadline_ns;
}
