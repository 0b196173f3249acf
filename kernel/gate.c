/* SPDX-License-Identifier: MIT */
/*
 * The world of gates on bare metal: one CPU, nothing pre-empts, so there is
 * one record, and whoever closes finds nobody inside unless he is it himself.
 * Waiting for that would never end; it is a bug here, and panics.
 */
#include <base/compiler.h>
#include <gate/world.h>

#include "kernel.h"
#include "port.h"

#define LINE   64u
#define MEMORY 8192u /* the record and seven chunks of handles */

static struct tn_gate_thread *here;

static struct tn_gate_thread *self(bool make)
{
	if (here == NULL && make)
		here = gate_thread_claim(1, false);
	return here;
}

static void enter(void)
{
	struct tn_gate_thread *t = self(true);

	if (t == NULL)
		k_panic("gate: no memory for the CPU's record");
	tn_section_enter_on(t);
}

static void leave(void)
{
	tn_section_exit_on(here);
}

static bool barrier(void)
{
	return true; /* there is no other thread */
}

static void relax(unsigned round)
{
	(void)round;
	k_panic("gate: one CPU waits for itself");
}

static void wait(const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	(void)word;
	(void)value;
	(void)deadline_ns;
	k_panic("gate: one CPU waits for itself");
}

static void wake(const uint32_t *word)
{
	(void)word;
}

uint64_t tn_gate_coarse_ns(void)
{
	return k_now_ns();
}

/* Never freed, so it need not be a heap. */
static void *alloc(size_t size)
{
	static _Alignas(64) uint8_t memory[MEMORY];
	static size_t used;
	const size_t whole = (size + LINE - 1) & ~(size_t)(LINE - 1);
	void *p = memory + used;

	if (whole > MEMORY - used)
		return NULL;
	used += whole;
	return p;
}

/* enter panics rather than be without a record. */
unsigned gate_crowd_depth(void)
{
	return 0;
}

void k_gate_start(void)
{
	static const struct gate_world world = {
		.self = self,
		.enter = enter,
		.exit = leave,
		.barrier = barrier,
		.relax = relax,
		.wait = wait,
		.wake = wake,
		.now_ns = k_now_ns,
		.coarse_ns = k_now_ns,
		.alloc = alloc,
	};

	gate_start(&world);
}

const struct tn_binding *tn_gate_enter_call(struct tn_gate *g)
{
	struct tn_gate_thread *t = self(true);

	return t != NULL ? tn_gate_enter_on(t, g) : NULL;
}

void tn_gate_exit_call(struct tn_gate *g)
{
	(void)g;
	tn_section_exit_on(here);
}

const struct tn_binding *tn_guard_enter_call(
    struct tn_gate *g, struct tn_gate_frame *f)
{
	struct tn_gate_thread *t = self(true);

	return t != NULL ? tn_guard_enter_on(t, g, f) : NULL;
}

void tn_guard_exit_call(struct tn_gate *g, struct tn_gate_frame *f)
{
	(void)g;
	tn_guard_exit_on(here, f);
}
