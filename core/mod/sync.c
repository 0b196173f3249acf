/* SPDX-License-Identifier: MIT */
/*
 * Mutexes and events over the port: sync.h.
 */
#include "sync.h"

#include <tenon/err.h>

#define FREE      0u
#define HELD      1u
#define CONTENDED 2u

/* What waits and wakes look at is the plain word. */
static const uint32_t *plain(const _Atomic uint32_t *word)
{
	return (const uint32_t *)(uintptr_t)word;
}

bool mutex_take_until(
    const struct tn_port *port, struct mutex *m, uint64_t deadline_ns)
{
	uint32_t seen = FREE;

	/* acquire: what the last holder has written */
	if (atomic_compare_exchange_strong_explicit(&m->word, &seen, HELD,
		memory_order_acquire, memory_order_relaxed))
		return true;
	if (port->wait == NULL)
		__builtin_trap();
	/* Whoever has waited cannot know that nobody else waits. */
	while (atomic_exchange_explicit(
		   &m->word, CONTENDED, memory_order_acquire) != FREE)
		if (port->wait(port->ctx, plain(&m->word), CONTENDED,
			deadline_ns) == -TN_ETIMEDOUT)
			return false;
	return true;
}

void mutex_take(const struct tn_port *port, struct mutex *m)
{
	while (!mutex_take_until(port, m, UINT64_MAX))
		;
}

void mutex_give(const struct tn_port *port, struct mutex *m)
{
	/* release: pairs with the acquire of the next holder */
	if (atomic_exchange_explicit(&m->word, FREE, memory_order_release) ==
	    CONTENDED)
		port->wake(port->ctx, plain(&m->word));
}

void event_raise(const struct tn_port *port, struct event *e)
{
	(void)atomic_fetch_add_explicit(&e->count, 1, memory_order_release);
	if (port->wake != NULL)
		port->wake(port->ctx, plain(&e->count));
}

int event_wait(const struct tn_port *port, const struct event *e, uint32_t seen,
    uint64_t deadline_ns)
{
	if (port->wait == NULL)
		return -TN_EDEADLK;
	return port->wait(port->ctx, plain(&e->count), seen, deadline_ns);
}

uint64_t deadline_in(const struct tn_port *port, uint64_t ns)
{
	const uint64_t now = port->now_ns(port->ctx);

	return ns < UINT64_MAX - now ? now + ns : UINT64_MAX;
}
