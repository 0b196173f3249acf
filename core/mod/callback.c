/* SPDX-License-Identifier: MIT */
/*
 * Callbacks: a module asks to be called when the world tells of an event.
 *
 * The list is in the order of registration, and each registration has a
 * number. Who tells of an event remembers the number of the last one called,
 * because the list may change while an operation runs.
 */
#include <base/format.h>

#include "fire.h"
#include "module.h"

#define PATIENCE_NS UINT64_C(1000000000)

struct callback {
	struct firing f; /* first */
	/* ledger.lock: */
	struct list link; /* fires.callbacks */
	uint64_t number;  /* 0: not registered */
	uint32_t event;
};

static void callback_detach(struct tn_ledger_entry *entry)
{
	struct callback *cb = (struct callback *)entry;

	list_del(&cb->link);
	cb->f.pins++;
}

static void callback_describe(
    const struct tn_ledger_entry *entry, char *text, size_t cap)
{
	const struct callback *cb = (const struct callback *)entry;
	struct text out = { text, cap, firing_name(&cb->f, text, cap) };

	if (cb->number == 0)
		text_add(&out, ", not registered");
	else
		text_add(&out, ", for event %u", cb->event);
}

static const struct tn_ledger_class callback_class = {
	.size = sizeof(callback_class),
	.abi = 1,
	.name = "callback",
	.order = TN_LEDGER_CALLBACK,
	.detach = callback_detach,
	.revoke = firing_revoke,
	.describe = callback_describe,
};

static struct callback *after(
    const struct fires *fires, uint32_t event, uint64_t number)
{
	const struct list *pos;

	list_for_each (pos, &fires->callbacks) {
		struct callback *cb = CONTAINER_OF(
		    (struct list *)(uintptr_t)pos, struct callback, link);

		if (cb->number > number && cb->event == event)
			return cb;
	}
	return NULL;
}

/*
 * Calls it; what is about to leave, or not, is waited for, without a frame, as
 * it may be waiting for frames; not for ever, as it may be the caller who makes
 * it leave. False: it could not be called.
 */
REQUIRES(ledger_role)
static bool call(struct tn_system *sys, struct callback *cb)
{
	const struct tn_port *port = sys->port;
	const uint64_t until = deadline_in(port, PATIENCE_NS);
	int status, err;

	cb->f.pins++;
	/* A result would have nobody to go to. */
	err = firing_run(sys, &cb->f, &status);
	while (err == -TN_EAGAIN && port->now_ns(port->ctx) < until) {
		firing_wait_for(sys, firing_pause(err));
		/* Refused if it has left meanwhile. */
		err = firing_run(sys, &cb->f, &status);
	}
	firing_unpin(sys, &cb->f);
	return err == 0;
}

unsigned tn_notify(struct tn_system *sys, uint32_t event)
{
	struct callback *cb;
	uint64_t number = 0;
	unsigned n = 0;

	ledger_lock(sys);
	/* Those that come while it runs have missed the event. */
	const uint64_t last = sys->fires.last_callback;

	while ((cb = after(&sys->fires, event, number)) != NULL &&
	       cb->number <= last) {
		number = cb->number;
		n += call(sys, cb);
	}
	ledger_unlock(sys);
	return n;
}

/* --- see <tenon/resource.h> */

int resource_callback_setup(struct module *owner, struct notifier_block *nb,
    struct tn_interface *iface, unsigned op, void *cookie)
{
	const struct request r = { owner, nb, __builtin_return_address(0),
		{ iface, op, cookie } };
	struct tn_module *mod = resource_owner(owner);
	struct callback *cb;
	int err;

	if (mod == NULL || iface == NULL)
		return -TN_EINVAL;
	cb = (struct callback *)firing_new(&r, &callback_class, sizeof(*cb));
	if (cb == NULL)
		return -TN_ENOMEM;
	list_init(&cb->link);
	ledger_lock(mod->sys);
	err = firing_add_locked(&r, &cb->f);
	ledger_unlock(mod->sys);
	if (err != 0)
		port_free(mod->sys->port, cb, sizeof(*cb));
	return err;
}

int resource_callback_register(struct notifier_block *nb, unsigned event)
{
	struct firing *f;
	const int err = firing_take(nb, &callback_class, &f);
	struct callback *cb;
	struct tn_system *sys;

	if (err != 0)
		return err;
	cb = (struct callback *)f;
	sys = ledger_owner(&f->entry)->mod->sys;
	list_del(&cb->link);
	cb->number = ++sys->fires.last_callback;
	cb->event = event;
	list_add(&sys->fires.callbacks, &cb->link);
	ledger_unlock(sys);
	return 0;
}

int resource_callback_drop(struct notifier_block *nb)
{
	return firing_drop(nb, &callback_class);
}
