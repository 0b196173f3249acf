/* SPDX-License-Identifier: MIT */
/*
 * Gates: publishing a binding, closing, and calls that may sleep.
 *
 * Counted callers are inside by the word of their thread (thread.c). Those
 * that may sleep are counted in shards: enter when they begin, exit when they
 * end, on whatever thread; both only grow. Nobody is inside when the sums are
 * equal, provided that the exits are summed first: an exit that is seen had
 * its enter before, and an enter that comes later makes the sums differ. The
 * other way round, an enter that was missed could be balanced by an exit.
 *
 * phase is odd from before the gate is closed until after it is published
 * again, so whoever meets a draining binding finds something to wait for, and
 * whoever leaves knows that he may be awaited.
 */
#include "internal.h"

#include <tenon/err.h>

const struct tn_binding tn_binding_closed = { .state = TN_BINDING_CLOSED };

static bool phase_is_draining(uint32_t phase)
{
	return (phase & 1) != 0;
}

static uint32_t phase_load(const struct tn_gate *g)
{
	/* seq_cst: see leave */
	return __atomic_load_n(&g->phase, __ATOMIC_SEQ_CST);
}

void gate_init(
    struct tn_gate *g, struct tn_gate_shard *shards, uint32_t nshards)
{
	*g = (struct tn_gate){
		.binding = &tn_binding_closed,
		.shards = shards,
		.nshards = nshards,
		.flags = nshards != 0 ? TN_GATE_SLEEPS : 0,
	};
}

/* True if it was not so before. */
static bool phase_set(struct tn_gate *g, bool draining)
{
	const uint32_t phase = phase_load(g);

	if (phase_is_draining(phase) == draining)
		return false;
	__atomic_store_n(&g->phase, phase + 1, __ATOMIC_SEQ_CST);
	return true;
}

static void binding_set(struct tn_gate *g, const struct tn_binding *b)
{
	/* release: pairs with the acquire of tn_gate_enter */
	__atomic_store_n(&g->binding, b, __ATOMIC_RELEASE);
}

void gate_publish(struct tn_gate *g, const struct tn_binding *b)
{
	binding_set(g, b);
	if (phase_set(g, false))
		gate_world()->wake(&g->phase);
}

int gate_close(struct tn_gate *g, const struct tn_binding *closing)
{
	/* Only closers write it, one at a time. */
	const struct tn_binding *old =
	    __atomic_load_n(&g->binding, __ATOMIC_RELAXED);
	const bool began = phase_set(g, true); /* or was closed before */

	binding_set(g, closing);
	if (gate_barrier())
		return 0;
	binding_set(g, old);
	if (began && phase_set(g, false))
		gate_world()->wake(&g->phase);
	return -TN_EOPNOTSUPP;
}

bool gate_is_drained(const struct tn_gate *g)
{
	uint64_t enters = 0, exits = 0;

	/* acquire: pairs with the release of leave, so that the enters of
	   the calls that have ended are seen below, and their work is done */
	for (uint32_t i = 0; i < g->nshards; i++)
		exits += __atomic_load_n(&g->shards[i].exit, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < g->nshards; i++)
		enters +=
		    __atomic_load_n(&g->shards[i].enter, __ATOMIC_RELAXED);
	return enters == exits;
}

int gate_drain(struct tn_gate *g, uint64_t deadline_ns)
{
	if (!gate_wait_readers(deadline_ns))
		return -TN_ETIMEDOUT;
	for (;;) {
		/* Before the sums: an exit that they miss changes it. */
		const uint32_t left =
		    __atomic_load_n(&g->left, __ATOMIC_SEQ_CST);

		if (gate_is_drained(g))
			return 0;
		if (gate_deadline_passed(deadline_ns))
			return -TN_ETIMEDOUT;
		gate_world()->wait(&g->left, left, deadline_ns);
	}
}

/* --- callers */

/* Of whoever is inside of a section: what the gate says now. */
static uint32_t state_now(const struct tn_gate *g)
{
	return __atomic_load_n(&g->binding, __ATOMIC_ACQUIRE)->state;
}

int tn_gate_wait(struct tn_gate *g, uint64_t deadline_ns)
{
	for (;;) {
		const uint32_t phase = phase_load(g);
		uint32_t state;

		gate_world()->enter();
		state = state_now(g);
		gate_world()->exit();
		if (state != TN_BINDING_DRAINING)
			return state == TN_BINDING_OPEN ? 0 : -TN_ENOENT;
		if (gate_deadline_passed(deadline_ns))
			return -TN_ETIMEDOUT;
		/* An even phase is on its way; then this returns at once. */
		if (phase_is_draining(phase))
			gate_world()->wait(&g->phase, phase, deadline_ns);
	}
}

const struct tn_binding *tn_guard_reenter(
    struct tn_gate_thread *t, const struct tn_gate *g)
{
	const struct tn_gate_frame *f = t->frames;

	while (f != NULL && f->gate != g)
		f = f->outer;
	if (f == NULL)
		return NULL;
	/* Its section is running, so the closer waits for it and for us. */
	tn_section_enter_on(t);
	return f->binding;
}

/*
 * Either this exit sees that somebody drains and wakes him, or his sums see
 * the exit: it is seq_cst like the load of phase, and the closer has a
 * barrier between his store of phase and his sums. The gate is not the
 * caller's any more after the exit, but it is stable; the binding is not.
 */
static void leave(struct tn_gate *g, struct tn_gate_shard *shard)
{
	(void)__atomic_fetch_add(&shard->exit, 1, __ATOMIC_SEQ_CST);
	if (!phase_is_draining(phase_load(g)))
		return;
	(void)__atomic_fetch_add(&g->left, 1, __ATOMIC_SEQ_CST);
	gate_world()->wake(&g->left);
}

/* Inside of a section, so that the binding that is found can be looked at. */
static bool try_enter(struct tn_gate *g, struct tn_gate_ticket *ticket)
{
	struct tn_gate_thread *t = gate_world()->self(true);
	struct tn_gate_shard *shard =
	    &g->shards[t != NULL ? t->number % g->nshards : 0];
	const struct tn_binding *b;

	/* seq_cst, both: either the sums of the closer see it, or we see
	   what he has published before his barrier */
	(void)__atomic_fetch_add(&shard->enter, 1, __ATOMIC_SEQ_CST);
	b = __atomic_load_n(&g->binding, __ATOMIC_SEQ_CST);
	if (b->state != TN_BINDING_OPEN) {
		leave(g, shard);
		return false;
	}
	ticket->binding = b;
	ticket->shard = shard;
	ticket->thread = t;
	ticket->number = t != NULL ? gate_sleepable_begin(t) : 0;
	return true;
}

int tn_gate_enter_sleepable(
    struct tn_gate *g, uint64_t deadline_ns, struct tn_gate_ticket *ticket)
{
	for (;;) {
		bool inside, may_wait;
		int err;

		gate_world()->enter();
		inside = try_enter(g, ticket);
		gate_world()->exit();
		if (inside)
			return 0;
		may_wait = gate_may_wait();
		err = tn_gate_wait(g, may_wait ? deadline_ns : 0);
		if (err != 0)
			return err == -TN_ETIMEDOUT && !may_wait ? -TN_EAGAIN
								 : err;
	}
}

void tn_gate_exit_sleepable(struct tn_gate *g, struct tn_gate_ticket *ticket)
{
	ticket->binding = NULL;
	if (ticket->thread != NULL)
		gate_sleepable_end(ticket->thread, ticket->number);
	leave(g, ticket->shard);
}
