/* SPDX-License-Identifier: MIT */
/*
 * Closing the modules of an unload: their gates first, then their references,
 * then whoever is still inside is waited for. All or none, so that an attempt
 * which comes to nothing is noticed by nobody but by those who wait for it.
 */
#include "unload.h"

#include "hold.h"

static int refuse_busy(
    const struct unload *u, int err, const struct leaving *item)
{
	const struct gate_closing c = leaving_closing(item);
	const uint64_t count = gate_target_count(c.target);

	(void)unload_fail(u, TN_REASON_IN_USE, item->mod);
	u->diag->error = err;
	/* Some may have been given back since they were counted. */
	u->diag->value = count > c.count ? count - c.count : 0;
	holders_list(item->mod, u->diag);
	return u->diag->error;
}

/* --- what members of the set hold of each other */

struct counting {
	const struct unload *u;
	const struct leaving *holder;
};

/* What a module holds of itself counts: so it says that it is at work. */
static void count_one(void *arg, struct tn_module *target, uint64_t count)
{
	const struct counting *c = arg;
	struct leaving *item = unload_item(c->u, target);

	if (item != NULL && item != c->holder)
		item->held += count;
}

REQUIRES(ledger_role) static void count_held_locked(const struct unload *u)
{
	if (u->items->forced) { /* alone, and whoever holds it */
		u->items->held = hold_total_locked(u->items->mod);
		return;
	}
	for (uint32_t i = 0; i < u->n; i++)
		u->items[i].held = 0;
	for (uint32_t i = 0; i < u->n; i++) {
		struct counting c = { u, &u->items[i] };

		hold_each_locked(u->items[i].mod->gen, count_one, &c);
	}
}

static void count_held(const struct unload *u)
{
	ledger_lock(u->sys);
	count_held_locked(u);
	ledger_unlock(u->sys);
}

/* Has it been taken by no other member? */
static bool handle_counts(void *arg, const struct gate_holder *h)
{
	const struct unload *u = arg;

	for (uint32_t i = 0; i < u->n; i++) {
		const struct tn_module *mod = u->items[i].mod;

		if (image_part_at(mod->gen->image, (uintptr_t)h->site - 1) !=
		    NULL)
			return h->target == &mod->target;
	}
	return true;
}

static struct gate_close_how close_how(const struct unload *u)
{
	return (struct gate_close_how){ .counts = handle_counts,
		.arg = (void *)(uintptr_t)u };
}

/* --- closing */

/* Closes the interfaces of all; stops at the one that is in use. */
static bool shut_interfaces(const struct unload *u, struct leaving **busy)
{
	const struct gate_close_how how = close_how(u);
	const struct tn_port *port = u->sys->port;
	const uint64_t deadline = (u->flags & TN_UNLOAD_WAIT) != 0
				      ? u->deadline
				      : port->now_ns(port->ctx);
	const bool force = (u->flags & TN_UNLOAD_FORCE) != 0;

	count_held(u);
	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];
		const struct gate_closing c = leaving_closing(item);

		*busy = item;
		if (!item->quiet)
			continue;
		/* A look first: to close makes callers wait. */
		if (!force && gate_target_is_used(&c, &how))
			return false;
		if (interfaces_close(item->mod->gen, deadline) != 0)
			return false;
		item->shut = true;
	}
	return true;
}

static void reopen_interfaces(const struct unload *u)
{
	for (uint32_t i = u->n; i-- > 0;) {
		struct leaving *item = &u->items[i];

		if (item->shut)
			interfaces_open(item->mod->gen);
		item->shut = false;
	}
}

/* Whose target is one of u->closing. */
static struct leaving *leaving_of(
    const struct unload *u, const struct tn_gate_target *target)
{
	struct leaving *item = u->items;

	while (&item->mod->target != target)
		item++;
	return item;
}

/*
 * No reference to any can be had again, if they have none now but each other's.
 * Only -TN_EBUSY is of one of them. A reference counts for longer than its
 * record is in the ledger, so while the ledger stands still a count that equals
 * the members' records has nobody else's in it.
 */
static int close_targets(const struct unload *u,
    const struct gate_close_how *how, struct leaving **busy)
{
	size_t n = 0, at = 0;
	int err;

	ledger_lock(u->sys);
	count_held_locked(u);
	for (uint32_t i = 0; i < u->n; i++)
		if (u->items[i].shut)
			u->closing[n++] = leaving_closing(&u->items[i]);
	err = gate_targets_close(u->closing, n, how, &at);
	ledger_unlock(u->sys);
	for (uint32_t i = 0; i < u->n; i++)
		u->items[i].closed = u->items[i].shut && err == 0;
	if (err == -TN_EBUSY)
		*busy = leaving_of(u, u->closing[at].target);
	return err;
}

/*
 * References that somebody has asked for do not count: those of importers, of
 * loads in progress and of the engine's own calls, which nobody has asked for,
 * do. Handles are not revoked yet: whoever is inside by one is still in the way.
 */
static int close_by_force(const struct unload *u, struct leaving **busy)
{
	const struct gate_close_how how = { .counts = gate_no_handle_counts };

	u->items->forced = true; /* a set is not forced */
	return close_targets(u, &how, busy);
}

/*
 * Nobody can begin to use the modules, and that is noticed: it comes to nothing
 * no more. Who has entered by a handle since nobody was inside leaves soon, as
 * such a use does not sleep.
 */
static void see_out(const struct unload *u)
{
	if (u->items->forced) {
		(void)gate_revoke_handles(&u->items->mod->target);
		gate_synchronize();
	} else {
		(void)gate_wait_readers(TN_GATE_FOREVER); /* never times out */
	}
}

/* What has nothing to do with the modules is waited for as well. */
static int try_close(const struct unload *u, struct leaving **busy)
{
	const struct gate_close_how how = close_how(u);
	int err = -TN_EBUSY;

	if (shut_interfaces(u, busy) &&
	    readers_leave(u->sys->port, u->deadline)) {
		err = close_targets(u, &how, busy);
		if (err != 0 && (u->flags & TN_UNLOAD_FORCE) != 0)
			err = close_by_force(u, busy);
	}
	if (err == 0) {
		see_out(u);
		return 0;
	}
	u->items->forced = false;
	reopen_interfaces(u);
	return err;
}

/* The first pause between two looks, and the longest. */
#define PAUSE_NS     UINT64_C(50000)
#define PAUSE_MAX_NS UINT64_C(10000000)

/*
 * References are given back without a word to anybody (a put is one addition),
 * so who waits for that looks now and then. False when time is up.
 */
static bool look_later(const struct unload *u, uint64_t *ns)
{
	const struct tn_port *port = u->sys->port;
	static const struct event never;
	uint64_t until;

	if (port->now_ns(port->ctx) >= u->deadline)
		return false;
	until = deadline_in(port, *ns);
	if (until > u->deadline)
		until = u->deadline;
	(void)event_wait(port, &never, 0, until); /* times out, as it shall */
	*ns = *ns < PAUSE_MAX_NS / 2 ? *ns * 2 : PAUSE_MAX_NS;
	return true;
}

int unload_close(const struct unload *u)
{
	const bool waits =
	    (u->flags & TN_UNLOAD_WAIT) != 0 && u->sys->port->wait != NULL;
	struct leaving *busy = u->items;
	uint64_t ns = PAUSE_NS;

	/* Before each attempt: what is decided could not wait any more. */
	while (gate_can_synchronize()) {
		const int closed = try_close(u, &busy);

		if (closed == 0)
			return 0;
		if (closed == -TN_EOPNOTSUPP)
			break; /* barriers are forbidden since we asked */
		if (!waits || !look_later(u, &ns))
			return refuse_busy(
			    u, waits ? -TN_ETIMEDOUT : -TN_EBUSY, busy);
	}
	return unload_fail(u, TN_REASON_NO_BARRIER, u->items->mod);
}
