/* SPDX-License-Identifier: MIT */
/*
 * The lock of the ledger, and how a fork finds it: ledger.h, <base/rest.h>.
 */
#include "ledger.h"

#include "module.h"

static void note_holder(struct tn_system *sys)
{
	atomic_store_explicit(
	    &sys->ledger.holder, this_thread(sys->port), memory_order_relaxed);
}

LOCK_UNCHECKED void ledger_lock(struct tn_system *sys)
{
	mutex_take(sys->port, &sys->ledger.lock);
	note_holder(sys);
}

LOCK_UNCHECKED void ledger_unlock(struct tn_system *sys)
{
	atomic_store_explicit(&sys->ledger.holder, 0, memory_order_relaxed);
	mutex_give(sys->port, &sys->ledger.lock);
}

/* --- forks */

/* For what may come to rest or be given: longer than that takes, mostly. */
#define FORK_NAP_NS 1000000u

void ledger_rest_begin(struct tn_system *sys)
{
	rest_begin(&sys->ledger.rest);
}

void ledger_rest_end(struct tn_system *sys)
{
	const struct tn_port *port = sys->port;
	struct rest *rest = &sys->ledger.rest;

	while (!rest_end(rest))
		(void)port->wait(port->ctx, &rest->word, REST_KEPT, UINT64_MAX);
}

static enum rest_copier copier_enter(struct tn_system *sys)
{
	struct ledger *lg = &sys->ledger;

	/* relaxed: only the caller itself writes its own number */
	if (atomic_load_explicit(&lg->holder, memory_order_relaxed) ==
	    this_thread(sys->port))
		return COPIER_NESTED;
	for (;;) {
		if (rest_keep(&lg->rest))
			return COPIER_KEPT;
		if (mutex_take_until(sys->port, &lg->lock,
			deadline_in(sys->port, FORK_NAP_NS)))
			break;
	}
	note_holder(sys);
	return COPIER_LOCKED;
}

LOCK_UNCHECKED void ledger_before_fork(struct tn_system *sys)
{
	sys->ledger.copier = copier_enter(sys);
}

LOCK_UNCHECKED void ledger_after_fork(struct tn_system *sys, bool child)
{
	struct ledger *lg = &sys->ledger;
	const bool kept = lg->copier == COPIER_KEPT;

	if (kept && !child) {
		rest_release(&lg->rest);
		sys->port->wake(sys->port->ctx, &lg->rest.word);
		return;
	}
	if (kept)
		rest_clear(&lg->rest);
	if (lg->copier != COPIER_NESTED)
		ledger_unlock(sys);
}
