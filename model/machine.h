/* SPDX-License-Identifier: MIT */
/*
 * Two machines that models run on: threads, their registers, and a memory in
 * which a store is not at once seen by all.
 *
 *  TSO      a buffer of stores for each thread, drained in order: what x86
 *           does. A barrier drains the buffers of all threads.
 *  RELAXED  C11 without SC accesses. A location is the list of all stores to
 *           it; a thread may read any that is not older than what it has
 *           seen (its view). Acquire and release carry views along, so do
 *           later stores of the releasing thread to the same location (the
 *           release sequence of C11, 5.1.2.4), a fence
 *           joins with a common one; a barrier is a fence in all threads at
 *           once; to one that has ended it comes too late to matter, as its
 *           last switch was one. So stores and loads are reordered as Arm and RISC-V may,
 *           except that no load is delayed behind a later store of its thread
 *           and stores to one location come in the order of execution.
 *
 * What is not delayed is caught by mark and ordered: they ask whether one
 * event happens before another.
 *
 * A model is a function that does one step of one thread, with at most one
 * access; where the machine or the model has a choice the step is repeated
 * for every outcome (choose).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MAX_THREADS 4
#define MAX_LOCS    12
#define MAX_STORES  10 /* to one location that may still be read */
#define MAX_BUFFER  4
#define MAX_REGS    10
#define MAX_GHOSTS  8
#define MAX_CHOICES 4

#define DONE 0xff /* pc of a thread that has ended */

enum machine {
	TSO,
	RELAXED
};

enum order {
	PLAIN, /* memory_order_relaxed */
	ACQUIRE,
	RELEASE
};

struct buffered {
	uint8_t loc, value;
};

struct tso {
	uint8_t memory[MAX_LOCS];
	uint8_t nbuffered[MAX_THREADS];
	struct buffered buffer[MAX_THREADS][MAX_BUFFER];
};

/* For each location, the number of the oldest store that may be read. */
struct view {
	uint8_t at[MAX_LOCS];
};

struct message {
	uint8_t value;
	uint8_t writer;   /* thread + 1 */
	struct view view; /* what whoever acquires it sees */
};

struct relaxed {
	uint8_t nstores[MAX_LOCS];
	struct message store[MAX_LOCS][MAX_STORES];
	struct view seen[MAX_THREADS];
	struct view fenced; /* joined by all fences */
	struct view ended;  /* what threads that are done had seen */
};

struct thread_state {
	uint8_t pc;
	uint8_t sleeps_on; /* location + 1, or 0 */
	uint8_t reg[MAX_REGS];
};

/* All of it is compared, so unused bytes are 0. */
struct state {
	struct thread_state thread[MAX_THREADS];
	uint8_t ghost[MAX_GHOSTS]; /* what is really so; the model's */
	union {
		struct tso tso;
		struct relaxed relaxed;
	};
};

/* The outcomes of a step, counted like an odometer. */
struct choices {
	uint8_t digit[MAX_CHOICES], limit[MAX_CHOICES];
	unsigned used, known;
};

/* One step that is being done. */
struct run {
	const struct model *model;
	enum machine machine;
	unsigned mutant;
	struct state *s;
	unsigned t; /* the thread */
	struct choices choices;
	bool blocked;      /* not now: the step has not happened */
	const char *wrong; /* an invariant that does not hold */
	char *trace;       /* or NULL; what has happened, for people */
};

#define TRACE_SIZE 128

struct model {
	const char *name;
	unsigned nthreads, nlocs;
	const char *const *threads, *const *locs;
	void (*init)(struct state *s); /* ghosts and registers */
	void (*step)(struct run *r);
	/* of the threads' first values; others are 0; or NULL */
	const uint8_t *memory;
};

void machine_init(struct state *s, const struct model *m, enum machine machine);

/* What a thread that is DONE leaves behind makes no difference. */
void machine_end(struct state *s, unsigned t, enum machine machine);

/* Drains the oldest store of a thread's buffer; blocked: there is none. */
void machine_drain(struct run *r);

static inline struct thread_state *self(struct run *r)
{
	return &r->s->thread[r->t];
}

static inline void go(struct run *r, unsigned pc)
{
	self(r)->pc = (uint8_t)pc;
}

/* 0 .. @n - 1, each in its turn. */
unsigned choose(struct run *r, unsigned n);

uint8_t load(struct run *r, unsigned loc, enum order order);
void store(struct run *r, unsigned loc, unsigned value, enum order order);
/* Both are acquire and release, and return the old value. */
uint8_t add(struct run *r, unsigned loc, int n);
/* The same, seq_cst: with a fence behind it. */
void add_and_fence(struct run *r, unsigned loc, int n);
bool swap_if(struct run *r, unsigned loc, unsigned from, unsigned to);
/* A full fence of this thread, and of all threads. */
void fence(struct run *r);
void barrier(struct run *r);

/*
 * A mutex: nothing else looks at @loc. take: blocked while somebody has it.
 */
void mutex_take(struct run *r, unsigned loc);
void mutex_give(struct run *r, unsigned loc);

/* futex: if @loc has @value, the next step comes after a wake_all. */
void sleep_on(struct run *r, unsigned loc, unsigned value);
void wake_all(struct run *r, unsigned loc);

/* mark: an event of @loc; ordered: all of them happened before now. */
void mark(struct run *r, unsigned loc);
bool ordered(const struct run *r, unsigned loc);

void check(struct run *r, bool holds, const char *wrong);
