/* SPDX-License-Identifier: MIT */
/*
 * Inside of the worker's program, which has one thread and runs one module.
 *
^ *	worker.c  from the first instruction to the module's first
 *	guard.c   limits, signals and the filter
 *	lane.c    messages to the host and its answers
 *	api.c     what the module may call
 *	heap.c    its memory
 *
 * Nothing here defends itself against the module, which could overwrite all of
 * it: what the module cannot get around is what the kernel enforces, and what
 * the host believes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

#include "wire.h"

/* --- the system */

long sys_call(long nr, const long a[6]);

/* sys(SYS_CLOSE, fd): up to six arguments, the others are 0. */
#define sys(nr, ...) sys_call((nr), (const long[6]){ __VA_ARGS__ })

_Noreturn void leave(int status);

/* --- lane.c */

/* The shared file is mapped at @page. */
void lane_open(struct wire_page *page);
/* How long to wait actively, in rounds. */
void lane_spin(uint32_t rounds);

struct message {
	uint32_t kind;
	uint64_t value;
	uint64_t arg[4];
};

/* Hands the turn to the host. */
void lane_post(const struct message *m);
/* Waits for the next turn. */
void lane_wait(struct message *m);
/* Both; returns the answer's value. */
int64_t lane_ask(uint32_t kind, uint64_t value, uint64_t arg);
/* The room for text. */
char *lane_text(void);

/* --- api.c */

/* Offers the module's table and symbols. */
void api_hello(struct message *m);

/* --- heap.c */

void heap_open(uint64_t addr, uint64_t size);
void *heap_alloc(size_t size);
void heap_free(void *p);

/* --- guard.c: 0 or a negative error of the system */

long guard_signals(void);
long guard_limits(const struct wire_plan *plan);
/* Last: from here on there are futexes, exit and return from signals. */
long guard_filter(const struct wire_plan *plan);
