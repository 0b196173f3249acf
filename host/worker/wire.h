/* SPDX-License-Identifier: MIT */
/*
 * What a process and its worker share: one file, mapped by both, and a line in
 * it that they write in turns.
 *
 *	0       struct wire_page: how to begin, then the lane
 *	4096    text: messages of the module, and at first its symbols
 *	16384   the caller's buffer
 *	end     at first the bytes of the image; cut off when it runs
 *
 * The lane's turn counts up by one with each message: while it is odd the
 * worker writes the lane, while it is even the host does. Before the module
 * runs the worker is our own program and believed; from then on whatever it
 * writes may be a lie, at any time. The host therefore remembers the turn
 * itself, reads each word once, and takes no address or index from here.
 *
 * The host writes the plan before the worker starts or while it waits, and the
 * worker copies it before it runs the module.
 */
#pragma once

#include <stdint.h>

#define WIRE_MAGIC   0x4b524f57u /* "WORK" */
#define WIRE_VERSION 1u

/* Descriptors of the worker when it starts; all others it closes. */
#define WIRE_FILE     0 /* the shared file */
#define WIRE_LIFELINE 1 /* a socket: any word from it ends the worker */

#define WIRE_TEXT      4096u
#define WIRE_TEXT_SIZE 12288u
#define WIRE_BUFFER    (WIRE_TEXT + WIRE_TEXT_SIZE)

enum wire_kind {
	/* to the worker */
	WIRE_LOAD = 1, /* map the plan's segments, then nothing but calls */
	WIRE_CALL,     /* value: a function; arg: its arguments */
	WIRE_RESUME,   /* value: the result of a call of the module's */
	/* to the host, about the worker */
	WIRE_HELLO = 64, /* value: the process; arg: enum wire_hello */
	WIRE_READY,      /* the module may be called */
	WIRE_FAILED,     /* value: an errno, arg[0]: enum wire_step */
	WIRE_RETURN,     /* value: the result */
	WIRE_FAULT,      /* arg: enum wire_fault */
	/* to the host, from the module: value is what it is about */
	WIRE_EXIT,  /* value: its status */
	WIRE_WRITE, /* arg[0]: bytes of text */
	WIRE_YIELD,
	WIRE_LOG,   /* value: a level, arg[0]: bytes of text */
	WIRE_TICKS, /* answered with monotonic nanoseconds */
};

/* arg[] of WIRE_HELLO: addresses in the worker. */
enum wire_hello {
	WIRE_HELLO_API,    /* the table that init is handed */
	WIRE_HELLO_HANDLE, /* where init puts its handle */
	WIRE_HELLO_LEAVE,  /* leave(exit): calls exit with that handle */
	WIRE_HELLO_SYMBOLS /* how many struct wire_symbol stand in text */
};

/* arg[] of WIRE_FAULT. */
enum wire_fault {
	WIRE_FAULT_SIGNAL, /* and si_code << 32 */
	WIRE_FAULT_ADDR,
	WIRE_FAULT_PC,
	WIRE_FAULT_CALL /* the system call that was refused */
};

/* What a worker may fail at, with Linux's error numbers. */
#define WIRE_EIO    5
#define WIRE_EAGAIN 11
#define WIRE_EEXIST 17
#define WIRE_EINVAL 22

enum wire_step {
	WIRE_STEP_PLAN,
	WIRE_STEP_MAP,
	WIRE_STEP_READ,
	WIRE_STEP_PROTECT,
	WIRE_STEP_SIGNALS,
	WIRE_STEP_LIMITS,
	WIRE_STEP_FILTER,
	WIRE_STEPS
};

struct wire_lane {
	uint32_t turn; /* the futex of both sides */
	uint32_t kind; /* enum wire_kind */
	uint64_t value;
	uint64_t arg[4];
	uint32_t host_parked; /* wake it */
	uint32_t worker_parked;
	uint64_t unused;
};
_Static_assert(sizeof(struct wire_lane) == 64, "one cache line");

/* wire_plan.flags */
#define WIRE_UNFILTERED 1u /* go on where there are no filters */

#define WIRE_R 1u
#define WIRE_W 2u
#define WIRE_X 4u

struct wire_segment {
	uint64_t addr, size; /* whole pages */
	uint64_t offset;     /* of its bytes in the file */
	uint64_t bytes;      /* the rest is zero */
	uint32_t prot;       /* WIRE_R ... */
	uint32_t unused;
};
#define WIRE_SEGMENTS 16

struct wire_plan {
	uint32_t magic, version;
	uint32_t flags;
	uint32_t spin;                     /* rounds before it parks */
	uint64_t shared_addr, shared_size; /* where this file is mapped */
	uint64_t heap_addr, heap_size;
	uint64_t stack_size;
	uint32_t nsegments;
	uint32_t unused;
	struct wire_segment segment[WIRE_SEGMENTS];
};

struct wire_page {
	struct wire_plan plan;
	_Alignas(64) struct wire_lane lane;
};
_Static_assert(sizeof(struct wire_page) <= WIRE_TEXT, "before the text");

/*
 * How long a side waits actively, in rounds: as long as that helps, all of
 * them. Each time that it does not, half as many, down to a share; but every
 * so many times all of them once, or a side that has slept through a pause
 * would sleep for ever between calls that follow each other closely.
 */
struct wire_spin {
	uint32_t rounds, most;
	uint32_t misses;
};
#define WIRE_SPIN_SHARE 64u
#define WIRE_SPIN_PROBE 8u

static inline void wire_spin_learn(struct wire_spin *s, int came)
{
	if (came || ++s->misses % WIRE_SPIN_PROBE == 0)
		s->rounds = s->most;
	else if (s->rounds > s->most / WIRE_SPIN_SHARE)
		s->rounds /= 2;
}

/* A symbol that the worker offers to its module. */
struct wire_symbol {
	char name[32];
	uint64_t addr;
};
#define WIRE_SYMBOLS (WIRE_TEXT_SIZE / sizeof(struct wire_symbol))
