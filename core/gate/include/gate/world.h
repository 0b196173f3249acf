/* SPDX-License-Identifier: MIT */
/*
 * What gates need from the world they run in, and what they give it for its
 * threads. One world and one list of threads for all systems of a process:
 * the storage of threads is process-wide by nature (decision 13).
 */
#pragma once

#include <tenon/gate.h>

/*
 * Given once, before the first gate. All functions are set and may be called
 * by any thread.
 */
struct gate_world {
	/* The caller's record, if need be a new one; NULL: none to be had. */
	struct tn_gate_thread *(*self)(bool make);
	/* A section of any thread, with a record or in the crowd. */
	void (*enter)(void);
	void (*exit)(void);
	/*
	 * A full memory barrier in each thread that has a record without
	 * fences. False: that cannot be had.
	 */
	bool (*barrier)(void);
	/* Lets others run; for longer the larger @round is. */
	void (*relax)(unsigned round);
	/* Sleeps while *word is @value, until @deadline_ns; or less. */
	void (*wait)(
	    const uint32_t *word, uint32_t value, uint64_t deadline_ns);
	void (*wake)(const uint32_t *word); /* all who wait for it */
	/* One clock, monotonic, read exactly or in a hurry. */
	uint64_t (*now_ns)(void);
	uint64_t (*coarse_ns)(void);
	/* Zeroed, aligned to 64 bytes, never freed; or NULL. */
	void *(*alloc)(size_t size);
};

void gate_start(const struct gate_world *world);
/* What gate_start was given. */
const struct gate_world *gate_world(void);

/* --- records */

/*
 * A record for the calling thread, which the world calls @who, not 0; or NULL.
 * @fences: it has a fence behind each store that a closer must see.
 */
struct tn_gate_thread *gate_thread_claim(uint32_t who, bool fences);
/* The thread of @t, which is the caller, has fences from now on. */
void gate_thread_fence(struct tn_gate_thread *t);
/* Its thread ends, perhaps inside of sections, perhaps holding handles. */
void gate_thread_release(struct tn_gate_thread *t);

/*
 * Calls @fn for each thread but the caller that may have no fences, until it
 * returns false; returns that.
 */
bool gate_each_unfenced(bool (*fn)(void *arg, uint32_t who), void *arg);

/*
 * Sections of threads without a record share one counter. The world remembers
 * how many of them its thread is in.
 */
void gate_crowd_enter(void);
void gate_crowd_exit(void);
/* The world defines it: how many of them the calling thread is in. */
unsigned gate_crowd_depth(void);

/*
 * For fork: in the child @self (or NULL), which the world calls @who there, is
 * the only thread left, and it is in @crowd sections without a record.
 * References, handles and tickets of the others stay held there.
 */
void gate_before_fork(void);
void gate_after_fork(
    bool child, struct tn_gate_thread *self, uint32_t who, unsigned crowd);
