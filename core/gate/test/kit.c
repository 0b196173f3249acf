/* SPDX-License-Identifier: MIT */
/*
 * See kit.h.
 */
#include "kit.h"

#include <sched.h>
#include <stddef.h>

#define MAX_RECORDS 256

const struct tn_binding kit_draining = { .state = TN_BINDING_DRAINING };

static const struct tn_ops_head ops = { sizeof(ops), 1 };

struct tn_binding kit_binding(void *instance, void *owner)
{
	return (struct tn_binding){
		.ops = &ops, .instance = instance, .owner = owner
	};
}

static void *guest_run(void *arg)
{
	struct kit_guest *g = arg;

	g->in(g->arg);
	atomic_store(&g->inside, true);
	while (!atomic_load(&g->leave))
		sched_yield();
	if (g->out)
		g->out(g->arg);
	atomic_store(&g->gone, true);
	return NULL;
}

bool kit_enter(struct kit_guest *g)
{
	if (pthread_create(&g->thread, NULL, guest_run, g) != 0)
		return false;
	while (!atomic_load(&g->inside))
		sched_yield();
	return true;
}

void kit_leave(struct kit_guest *g)
{
	atomic_store(&g->leave, true);
	pthread_join(g->thread, NULL);
}

void kit_let_others_run(void)
{
	for (int i = 0; i < 200; i++)
		sched_yield();
}

struct call {
	void (*fn)(void *arg);
	void *arg;
};

static void *call_run(void *arg)
{
	const struct call *c = arg;

	c->fn(c->arg);
	return NULL;
}

bool kit_elsewhere(void (*fn)(void *arg), void *arg)
{
	struct call c = { fn, arg };
	pthread_t t;

	return pthread_create(&t, NULL, call_run, &c) == 0 &&
	       pthread_join(t, NULL) == 0;
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

void kit_in_need(void (*fn)(void *arg), void *arg)
{
	const struct gate_world *before = gate_world();
	struct tn_gate_thread *taken[MAX_RECORDS];
	struct gate_world poor = *before;
	unsigned n = 0;

	poor.alloc = no_memory;
	gate_start(&poor);
	while (
	    n < MAX_RECORDS && (taken[n] = gate_thread_claim(1, false)) != NULL)
		n++;
	fn(arg);
	while (n > 0)
		gate_thread_release(taken[--n]);
	gate_start(before);
}
