/* SPDX-License-Identifier: MIT */
/*
 * Timers and work items. Both are a firing with a time at which it is due; the
 * timers of a system have one thread, its work items another, so that long
 * work makes no timer late. A service is such a thread with a binary heap of
 * what is set, ordered by time, then by who came first.
 *
 * Setting one up makes room in the heap for it, so that setting the time
 * cannot fail.
 */
#include <base/format.h>
#include <base/string.h>

#include "fire.h"
#include "module.h"

#define FIRST_ROOM 8u

struct timer {
	struct firing f; /* first */
	struct service *service;
	/* ledger.lock: */
	uint64_t due, order;
	uint32_t slot; /* in the heap, from 1 on; 0: not set */
	bool held;     /* set again, because its gate was not open */
};

/* --- the heap; under the lock */

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void heap_place(struct service *s, uint32_t i, struct timer *t)
{
	s->heap[i] = t;
	t->slot = i + 1;
}

static void heap_up(struct service *s, uint32_t i, struct timer *t)
{
	while (i > 0 && is_before(t, s->heap[(i - 1) / 2])) {
		heap_place(s, i, s->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(s, i, t);
}

static void heap_down(struct service *s, uint32_t i, struct timer *t)
{
	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < s->n &&
		    is_before(s->heap[child + 1], s->heap[child]))
			child++;
		if (child >= s->n || !is_before(s->heap[child], t))
			break;
		heap_place(s, i, s->heap[child]);
		i = child;
	}
	heap_place(s, i, t);
}

static void heap_remove(struct service *s, struct timer *t)
{
	const uint32_t i = t->slot - 1;
	struct timer *last = s->heap[--s->n];

	t->slot = 0;
	if (last == t)
		return;
	heap_down(s, i, last);
	heap_up(s, last->slot - 1, last);
}

/* --- setting; under the lock. True: it was set before. */

REQUIRES(ledger_role) static bool timer_arm(struct timer *t, uint64_t delay_ns)
{
	struct service *s = t->service;
	const struct tn_port *port = s->sys->port;
	const bool was = t->slot != 0;

	if (was)
		heap_remove(s, t);
	t->held = false;
	t->due = deadline_in(port, delay_ns);
	t->order = ++s->order;
	heap_up(s, s->n++, t);
	if (t->slot == 1)
		event_raise(port, &s->bell);
	return was;
}

REQUIRES(ledger_role) static bool timer_disarm(struct timer *t)
{
	if (t->slot == 0)
		return false;
	heap_remove(t->service, t);
	firing_changed(t->service->sys);
	return true;
}

/* --- the thread of a service */

/* What is due is fired, or comes again when its gate may be open. */
REQUIRES(ledger_role) static void timer_fire(struct timer *t)
{
	struct tn_system *sys = t->service->sys;
	int status, err;

	heap_remove(t->service, t);
	t->held = false;
	t->f.pins++;
	/* Its result has nobody to go to. */
	err = firing_run(sys, &t->f, &status);
	if (err != 0 && t->slot == 0 && !ledger_has_left(&t->f.entry)) {
		(void)timer_arm(t, firing_pause(err));
		t->held = true;
	}
	firing_unpin(sys, &t->f);
}

static void serve(void *arg)
{
	struct service *s = arg;
	const struct tn_port *port = s->sys->port;

	ledger_lock(s->sys);
	while (!s->stop) {
		const uint32_t seen = event_read(&s->bell);
		struct timer *t = s->n != 0 ? s->heap[0] : NULL;

		if (t != NULL && t->due <= port->now_ns(port->ctx)) {
			timer_fire(t);
			continue;
		}
		const uint64_t until = t != NULL ? t->due : UINT64_MAX;

		ledger_unlock(s->sys);
		(void)event_wait(port, &s->bell, seen, until);
		ledger_lock(s->sys);
	}
	ledger_unlock(s->sys);
}

static int service_start(struct service *s)
{
	const struct tn_port *port = s->sys->port;
	int err = 0;

	if (port->thread_create == NULL)
		return -TN_ENOSYS;
	registry_lock(s->sys);
	if (s->thread == NULL)
		err = port->thread_create(
		    port->ctx, s->name, serve, s, &s->thread);
	registry_unlock(s->sys);
	return err;
}

void service_stop(struct service *s)
{
	const struct tn_port *port = s->sys->port;

	if (s->thread != NULL) {
		ledger_lock(s->sys);
		s->stop = true;
		event_raise(port, &s->bell);
		ledger_unlock(s->sys);
		port->thread_join(port->ctx, s->thread);
	}
	port_free(port, s->heap, s->room * sizeof(struct timer *));
}

/* Room for one more; under the lock. */
REQUIRES(ledger_role) static int service_reserve(struct service *s)
{
	const struct tn_port *port = s->sys->port;
	const uint32_t room = s->room != 0 ? s->room * 2 : FIRST_ROOM;
	struct timer **heap;

	if (s->users < s->room) {
		s->users++;
		return 0;
	}
	heap = port_alloc(port, room * sizeof(struct timer *));
	if (heap == NULL)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < s->n; i++)
		heap[i] = s->heap[i];
	port_free(port, s->heap, s->room * sizeof(struct timer *));
	s->heap = heap;
	s->room = room;
	s->users++;
	return 0;
}

/* --- the two classes */

REQUIRES(ledger_role) static void timer_detach(struct tn_ledger_entry *entry)
{
	struct timer *t = (struct timer *)entry;

	(void)timer_disarm(t);
	t->service->users--;
	t->f.pins++;
}

static void timer_describe(
    const struct tn_ledger_entry *entry, char *text, size_t cap)
{
	const struct timer *t = (const struct timer *)entry;
	const struct tn_port *port = t->service->sys->port;
	const uint64_t now = port->now_ns(port->ctx);
	struct text out = { text, cap, firing_name(&t->f, text, cap) };

	if (t->slot == 0)
		text_add(&out, ", not set");
	else if (t->held)
		text_add(&out, ", held: its interface is not open");
	else
		text_add(&out, ", due in %lu ns",
		    (unsigned long)(t->due > now ? t->due - now : 0));
}

static const struct tn_ledger_class timer_class = {
	.size = sizeof(timer_class),
	.abi = 1,
	.name = "timer",
	.order = TN_LEDGER_TIMER,
	.detach = timer_detach,
	.revoke = firing_revoke,
	.describe = timer_describe,
};

static const struct tn_ledger_class work_class = {
	.size = sizeof(work_class),
	.abi = 1,
	.name = "work",
	.order = TN_LEDGER_WORK,
	.detach = timer_detach,
	.revoke = firing_revoke,
	.describe = timer_describe,
};

static int enter(const struct request *r, struct timer *t)
{
	struct service *s = t->service;
	int err;

	ledger_lock(s->sys);
	err = service_reserve(s);
	if (err == 0) {
		err = firing_add_locked(r, &t->f);
		if (err != 0)
			s->users--;
	}
	ledger_unlock(s->sys);
	return err;
}

static int set_up(const struct request *r, const struct tn_ledger_class *type)
{
	struct tn_module *mod = resource_owner(r->owner);
	struct fires *fires;
	struct timer *t;
	int err;

	if (mod == NULL || r->target.iface == NULL)
		return -TN_EINVAL;
	fires = &mod->sys->fires;
	struct service *s =
	    type == &timer_class ? &fires->timers : &fires->works;

	err = service_start(s);
	if (err != 0)
		return err;
	t = (struct timer *)firing_new(r, type, sizeof(*t));
	if (t == NULL)
		return -TN_ENOMEM;
	t->service = s;
	err = enter(r, t);
	if (err != 0)
		port_free(mod->sys->port, t, sizeof(*t));
	return err;
}

/* --- what both do: see <tenon/resource.h> */

static int cancel(const void *handle, const struct tn_ledger_class *type)
{
	struct firing *f;
	struct tn_system *sys;
	int err = firing_take(handle, type, &f);
	bool was;

	if (err != 0)
		return err;
	sys = ((struct timer *)f)->service->sys;
	f->pins++;
	was = timer_disarm((struct timer *)f);
	while (firing_is_busy(sys, f)) {
		firing_wait(sys);
		/* The frame may have set it: by its operation or its gate. */
		was |= timer_disarm((struct timer *)f);
	}
	firing_unpin(sys, f);
	ledger_unlock(sys);
	return was;
}

int resource_timer_setup(struct module *owner, struct timer_list *timer,
    struct tn_interface *iface, unsigned op, void *cookie)
{
	const struct request r = { owner, timer, __builtin_return_address(0),
		{ iface, op, cookie } };

	return set_up(&r, &timer_class);
}

int resource_timer_start(struct timer_list *timer, uint64_t delay_ns)
{
	struct firing *f;
	const int err = firing_take(timer, &timer_class, &f);

	if (err != 0)
		return err;
	(void)timer_arm((struct timer *)f, delay_ns);
	ledger_unlock(((struct timer *)f)->service->sys);
	return 0;
}

int resource_timer_delete(struct timer_list *timer)
{
	return cancel(timer, &timer_class);
}

int resource_timer_shutdown(struct timer_list *timer)
{
	return firing_drop(timer, &timer_class);
}

int resource_work_setup(struct module *owner, struct work_struct *work,
    struct tn_interface *iface, unsigned op, void *cookie)
{
	const struct request r = { owner, work, __builtin_return_address(0),
		{ iface, op, cookie } };

	return set_up(&r, &work_class);
}

int resource_work_delay(struct work_struct *work, uint64_t delay_ns)
{
	struct firing *f;
	struct timer *t;
	const int err = firing_take(work, &work_class, &f);
	bool queued;

	if (err != 0)
		return err;
	t = (struct timer *)f;
	queued = t->slot == 0;
	if (queued)
		(void)timer_arm(t, delay_ns);
	ledger_unlock(t->service->sys);
	return queued;
}

int resource_work_schedule(struct work_struct *work)
{
	return resource_work_delay(work, 0);
}

/* Until it has run; or not, because it cannot. */
REQUIRES(ledger_role) static int await_work(struct timer *t)
{
	struct tn_system *sys = t->service->sys;

	if (fires_here(sys, NULL, &work_class))
		return -TN_EDEADLK;
	while (t->slot != 0 || firing_is_busy(sys, &t->f)) {
		if (t->held)
			return -TN_ENODEV;
		firing_wait(sys);
	}
	return 0;
}

int resource_work_flush(struct work_struct *work)
{
	struct firing *f;
	struct tn_system *sys;
	int err = firing_take(work, &work_class, &f);

	if (err != 0)
		return err;
	sys = ((struct timer *)f)->service->sys;
	f->pins++;
	err = await_work((struct timer *)f);
	firing_unpin(sys, f);
	ledger_unlock(sys);
	return err;
}

int resource_work_cancel(struct work_struct *work)
{
	return cancel(work, &work_class);
}

int resource_work_shutdown(struct work_struct *work)
{
	return firing_drop(work, &work_class);
}
