/* SPDX-License-Identifier: MIT */
/*
 * Closing the modules of an unload: their gates first, then their references,
 * then whoever is still inside is waited for. All or none, so that an attempt
 * which comes to nothing is noticed by nobody but by those who wait for it.
 */
#include "unload.h"

static int refuse_busy(
    const struct unload *u, int err, const struct leaving *item)
{
	(void)unload_fail(u, TN_REASON_IN_USE, item->mod);
	u->diag->error = err;
	u->diag->value = gate_target_count(&item->mod->target) - item->inner;
	holders_list(item->mod, u->diag);
	return u->diag->error;
}

/* Closes the interfaces of all; stops at the one that is in use. */
static bool shut_interfaces(const struct unload *u, struct leaving **busy)
{
	const struct tn_port *port = u->sys->port;
	const uint64_t deadline = (u->flags & TN_UNLOAD_WAIT) != 0
				      ? u->deadline
				      : port->now_ns(port->ctx);
	const bool force = (u->flags & TN_UNLOAD_FORCE) != 0;

	for (uint32_t i = 0; i < u->n; i++) {
		struct leaving *item = &u->items[i];

		*busy = item;
		if (!item->quiet)
			continue;
		/* A look first: to close makes callers wait. */
		if (!force &&
		    gate_target_is_used(&item->mod->target, item->inner))
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
			interfaces_reopen(item->mod->gen);
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
 * No reference to any can be had again, if they have none now. Only -TN_EBUSY
 * is of one of them.
 */
static int close_targets(
    const struct unload *u, unsigned how, struct leaving **busy)
{
	size_t n = 0, at = 0;
	int err;

	for (uint32_t i = 0; i < u->n; i++)
		if (u->items[i].shut)
			u->closing[n++] =
			    (struct gate_closing){ &u->items[i].mod->target,
				    u->items[i].inner };
	err = gate_targets_close(u->closing, n, how, &at);
	for (uint32_t i = 0; i < u->n; i++)
		u->items[i].closed = u->items[i].shut && err == 0;
	if (err == -TN_EBUSY)
		*busy = leaving_of(u, u->closing[at].target);
	return err;
}

/*
 * References of nobody in particular do not count, those of importers do, and a
 * load in progress may have one.
 */
static bool may_force(const struct unload *u, struct tn_module *mod)
{
	bool loading;

	registry_lock(u->sys);
	loading = activity_is_any_locked(u->sys, ACTIVITY_LOAD);
	registry_unlock(u->sys);
	return !loading && holders_importers(mod) == 0;
}

/* Handles are not revoked yet: whoever is inside by one is still in the way. */
static int close_by_force(const struct unload *u, struct leaving **busy)
{
	struct leaving *item = u->items; /* a set is not forced */

	int err;

	if (!may_force(u, item->mod))
		return -TN_EBUSY;
	err =
	    close_targets(u, GATE_CLOSE_HANDLES | GATE_CLOSE_REFERENCES, busy);
	if (err != 0)
		return err;
	/* Dead, it gets no new importers: the last look. */
	item->forced = may_force(u, item->mod);
	return item->forced ? 0 : -TN_EBUSY;
}

static void reopen_targets(const struct unload *u)
{
	for (uint32_t i = 0; i < u->n; i++) {
		if (u->items[i].closed)
			gate_target_open(&u->items[i].mod->target);
		u->items[i].closed = false;
	}
}

/*
 * Nobody was inside a moment ago, so this comes to nothing no more. Who has
 * entered by a handle since leaves soon.
 */
static void take_by_force(struct tn_module *mod)
{
	(void)gate_revoke_handles(&mod->target);
	gate_synchronize();
}

/*
 * Nobody can begin to use the modules; whoever has used a handle that was put
 * meanwhile may still be inside, and leaves soon: such a use does not sleep.
 */
static int try_close(const struct unload *u, struct leaving **busy)
{
	int err = shut_interfaces(u, busy) ? 0 : -TN_EBUSY;

	if (err == 0)
		err = close_targets(u, 0, busy);
	if (err != 0 && (u->flags & TN_UNLOAD_FORCE) != 0 && u->items->shut)
		err = close_by_force(u, busy);
	if (err == 0 && !readers_leave(u->sys->port, u->deadline))
		err = -TN_EBUSY;
	if (err == 0) {
		if (u->items->forced)
			take_by_force(u->items->mod);
		return 0;
	}
	u->items->forced = false;
	reopen_targets(u);
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

	if (port->wait == NULL || port->now_ns(port->ctx) >= u->deadline)
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
	struct leaving *busy = u->items;
	int err = -TN_EBUSY;
	uint64_t ns = PAUSE_NS;

	/* Before each attempt: what is decided could not wait any more. */
	while (gate_can_synchronize()) {
		const int closed = try_close(u, &busy);

		if (closed == 0)
			return 0;
		if (closed == -TN_EOPNOTSUPP)
			break; /* barriers are forbidden since we asked */
		if ((u->flags & TN_UNLOAD_WAIT) == 0 || !look_later(u, &ns))
			return refuse_busy(u, err, busy);
		err = -TN_ETIMEDOUT;
	}
	return unload_fail(u, TN_REASON_NO_BARRIER, u->items->mod);
}
