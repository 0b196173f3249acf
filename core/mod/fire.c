/* SPDX-License-Identifier: MIT */
/*
 * Firing: fire.h.
 */
#include "fire.h"

#include <base/format.h>

#include "interface.h"

#define PAUSE_CLOSING_NS UINT64_C(1000000)  /* it is decided soon */
#define PAUSE_ABSENT_NS  UINT64_C(10000000) /* nobody knows how long */

/* One operation in progress, on the stack of its thread. */
struct frame {
	struct list link; /* fires.frames */
	struct firing *f;
	uintptr_t thread;
	uint64_t since_ns;
};

_Static_assert(sizeof(struct handle) == 32, "tenon/resource.h");

static struct tn_system *system_of(const struct firing *f)
{
	return ledger_owner(&f->entry)->mod->sys;
}

void fires_open(struct tn_system *sys)
{
	struct fires *fires = &sys->fires;

	list_init(&fires->frames);
	list_init(&fires->callbacks);
	fires->timers.sys = sys;
	fires->timers.name = "tenon-timer";
	fires->works.sys = sys;
	fires->works.name = "tenon-work";
}

void fires_close(struct tn_system *sys)
{
	service_stop(&sys->fires.timers);
	service_stop(&sys->fires.works);
}

/* --- coming */

struct firing *firing_new(
    const struct request *r, const struct tn_ledger_class *type, size_t size)
{
	struct tn_module *mod = resource_owner(r->owner);
	struct firing *f = port_alloc(mod->sys->port, size);

	if (f == NULL)
		return NULL;
	f->entry.type = type;
	f->entry.site = r->site;
	f->target = r->target;
	f->size = size;
	return f;
}

int firing_add_locked(const struct request *r, struct firing *f)
{
	struct tn_module *mod = resource_owner(r->owner);
	struct handle *h = r->handle;
	int err;

	f->entry.id = ledger_next_id(mod->sys);
	err = ledger_add_locked(mod->gen, &f->entry);
	if (err != 0)
		return err;
	h->mod = mod;
	h->id = f->entry.id;
	return 0;
}

int firing_take(
    const void *handle, const struct tn_ledger_class *type, struct firing **out)
{
	const struct handle *h = handle;
	struct tn_ledger_entry *entry;
	int err;

	if (h->mod == NULL)
		return -TN_EINVAL;
	ledger_lock(h->mod->sys);
	entry = ledger_find_locked(h->mod, type, h->id, &err);
	if (err == 0)
		*out = (struct firing *)entry;
	else
		ledger_unlock(h->mod->sys);
	return err;
}

/* --- running */

int firing_run(struct tn_system *sys, struct firing *f, int *status)
{
	const struct target t = f->target;
	const struct generation *gen = ledger_owner(&f->entry);
	struct frame frame = { .f = f,
		.thread = this_thread(sys->port),
		.since_ns = sys->port->now_ns(sys->port->ctx) };
	int err;

	/* Whoever waits for frames has not waited for this one. */
	if (ledger_has_left(&f->entry))
		return -TN_ESTALE;
	if (gen->book.paused)
		/* Who works on it decides soon; a stopped one rests. */
		return module_activity(gen->mod) != NULL ? -TN_EAGAIN
							 : -TN_ENODEV;
	list_add(&sys->fires.frames, &frame.link);
	f->pins++;
	ledger_unlock(sys);
	err = interface_fire(t.iface, t.op, t.cookie, status);
	ledger_lock(sys);
	list_del(&frame.link);
	firing_unpin(sys, f);
	firing_changed(sys);
	return err;
}

uint64_t firing_pause(int err)
{
	return err == -TN_EAGAIN ? PAUSE_CLOSING_NS : PAUSE_ABSENT_NS;
}

size_t firing_name(const struct firing *f, char *text, size_t cap)
{
	const struct interface *iface =
	    CONTAINER_OF(f->target.iface, struct interface, public);

	return text_format(text, cap, "%s.%u", iface->name, f->target.op);
}

/* Which frames; NULL is any. */
struct which {
	const struct firing *f;
	const struct generation *owner;
	const struct tn_ledger_class *type;
	bool mine;  /* of the calling thread, or of another one */
	bool stray; /* only of those that have left the ledger */
};

static bool has_frame(struct tn_system *sys, struct which w)
{
	const uintptr_t me = this_thread(sys->port);
	const struct list *pos;

	list_for_each (pos, &sys->fires.frames) {
		const struct frame *frame = (const struct frame *)pos;
		const struct firing *f = frame->f;

		if ((w.f == NULL || f == w.f) &&
		    (w.owner == NULL || f->entry.owner == w.owner) &&
		    (w.type == NULL || f->entry.type == w.type) &&
		    (frame->thread == me) == w.mine &&
		    (!w.stray || ledger_has_left(&f->entry)))
			return true;
	}
	return false;
}

bool firing_is_mine(struct tn_system *sys, const struct firing *f)
{
	return has_frame(sys, (struct which){ .f = f, .mine = true });
}

bool firing_is_busy(struct tn_system *sys, const struct firing *f)
{
	return has_frame(sys, (struct which){ .f = f });
}

bool fires_here(struct tn_system *sys, const struct generation *gen,
    const struct tn_ledger_class *type)
{
	return has_frame(
	    sys, (struct which){ .owner = gen, .type = type, .mine = true });
}

void fires_each_running(const struct generation *gen, running_fn *fn, void *arg)
{
	struct tn_system *sys = gen->mod->sys;
	const struct list *pos;

	ledger_lock(sys);
	list_for_each (pos, &sys->fires.frames) {
		const struct frame *frame = (const struct frame *)pos;

		if (frame->f->entry.owner == gen)
			fn(arg, frame->f, frame->since_ns);
	}
	ledger_unlock(sys);
}

void fires_settle(const struct generation *gen)
{
	const struct which strays = { .owner = gen, .stray = true };

	while (has_frame(gen->mod->sys, strays))
		firing_wait(gen->mod->sys);
}

void fires_forget_others(struct tn_system *sys)
{
	const uintptr_t self = this_thread(sys->port);
	struct list *pos = sys->fires.frames.next;

	while (pos != &sys->fires.frames) {
		struct frame *frame = (struct frame *)pos;

		pos = pos->next;
		if (frame->thread == self)
			continue;
		list_del(&frame->link);
		firing_unpin(sys, frame->f);
	}
}

void firing_wait_for(struct tn_system *sys, uint64_t ns)
{
	struct fires *fires = &sys->fires;
	const uint32_t seen = event_read(&fires->left);
	const uint64_t until = deadline_in(sys->port, ns);

	fires->waiters++;
	ledger_unlock(sys);
	/* It may end early, and the callers look again. */
	(void)event_wait(sys->port, &fires->left, seen, until);
	ledger_lock(sys);
	fires->waiters--;
}

void firing_wait(struct tn_system *sys)
{
	firing_wait_for(sys, UINT64_MAX);
}

/* Until when operations of a generation may run that are inside now. */
struct patience {
	uint64_t sleeping, others;
};

/* Does one of @gen run elsewhere? Then @*end is when the first is late. */
REQUIRES(ledger_role)
static bool runs_until(
    const struct generation *gen, const struct patience *p, uint64_t *end)
{
	struct tn_system *sys = gen->mod->sys;
	const uintptr_t me = this_thread(sys->port);
	const struct list *pos;
	bool any = false;

	*end = p->others;
	list_for_each (pos, &sys->fires.frames) {
		const struct frame *frame = (const struct frame *)pos;
		const struct tn_gate *gate = &frame->f->target.iface->gate;

		if (frame->f->entry.owner != gen || frame->thread == me)
			continue;
		any = true;
		/* One that finds nobody inside is a try that ends at once. */
		if ((gate->flags & TN_GATE_SLEEPS) != 0 &&
		    !gate_is_drained(gate))
			*end = p->sleeping;
	}
	return any;
}

/* Until no operation of @gen runs elsewhere, or it is too late. */
REQUIRES(ledger_role)
static bool falls_quiet(struct generation *gen, uint64_t deadline_ns)
{
	struct tn_system *sys = gen->mod->sys;
	const struct tn_port *port = sys->port;
	const struct patience p = { deadline_ns,
		readers_deadline(port, deadline_ns) };
	uint64_t end;

	while (runs_until(gen, &p, &end)) {
		const uint64_t now = port->now_ns(port->ctx);

		if (now >= end)
			return false;
		firing_wait_for(sys, end - now);
	}
	return true;
}

int fires_pause(struct generation *gen, uint64_t deadline_ns)
{
	struct tn_system *sys = gen->mod->sys;
	bool quiet;

	ledger_lock(sys);
	gen->book.paused = true;
	quiet = falls_quiet(gen, deadline_ns);
	gen->book.paused = quiet;
	ledger_unlock(sys);
	return quiet ? 0 : -TN_EBUSY;
}

void fires_resume(struct generation *gen)
{
	ledger_lock(gen->mod->sys);
	gen->book.paused = false;
	ledger_unlock(gen->mod->sys);
}

void firing_changed(struct tn_system *sys)
{
	if (sys->fires.waiters != 0)
		event_raise(sys->port, &sys->fires.left);
}

/* --- going */

void firing_unpin(struct tn_system *sys, struct firing *f)
{
	if (--f->pins == 0 && ledger_has_left(&f->entry))
		port_free(sys->port, f, f->size);
}

void firing_revoke(struct tn_ledger_entry *entry)
{
	struct firing *f = (struct firing *)entry;
	struct tn_system *sys = system_of(f);

	ledger_lock(sys);
	while (firing_is_busy(sys, f))
		firing_wait(sys);
	firing_unpin(sys, f);
	ledger_unlock(sys);
}

int firing_drop(const void *handle, const struct tn_ledger_class *type)
{
	struct firing *f;
	const int err = firing_take(handle, type, &f);
	struct tn_system *sys;
	bool awaited;

	if (err != 0)
		return err;
	sys = system_of(f);
	/* Then who revokes the module's ledger waits for this operation. */
	awaited =
	    ledger_owner(&f->entry)->book.closed && firing_is_mine(sys, f);
	if (!awaited)
		ledger_remove_locked(sys, &f->entry);
	ledger_unlock(sys);
	if (awaited)
		return -TN_ESTALE;
	type->revoke(&f->entry);
	return 0;
}
