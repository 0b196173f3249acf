/* SPDX-License-Identifier: MIT */
/*
 * References and their holders: hold.h.
 */
#include "hold.h"

#include <base/format.h>
#include <gate/world.h>

#include "interface.h"
#include "module.h"

#define SENTENCE_MAX 192

struct hold {
	struct tn_ledger_entry entry; /* first; its site is the last one */
	/* set once; it has a count, so its record stays */
	struct tn_module *target;
	/* ledger.lock: */
	struct list on; /* target->holds, while it is in the ledger */
	uint64_t count; /* not 0 then */
	uint64_t time_ns;
};

/* Together with the record, as a fork may come between. */
static void hold_detach(struct tn_ledger_entry *entry)
{
	struct hold *h = (struct hold *)entry;

	list_del(&h->on);
	for (; h->count != 0; h->count--)
		tn_target_put(&h->target->target);
}

static void hold_revoke(struct tn_ledger_entry *entry)
{
	/* Its target can have been unloaded, and forgotten, by now. */
	port_free(
	    ledger_owner(entry)->mod->sys->port, entry, sizeof(struct hold));
}

static void hold_describe(
    const struct tn_ledger_entry *entry, char *text, size_t cap)
{
	const struct hold *h = (const struct hold *)entry;

	(void)text_format(
	    text, cap, "%lu of %s", (unsigned long)h->count, h->target->name);
}

static const struct tn_ledger_class hold_class = {
	.size = sizeof(hold_class),
	.abi = 1,
	.name = "reference",
	.order = TN_LEDGER_REFERENCE,
	.detach = hold_detach,
	.revoke = hold_revoke,
	.describe = hold_describe,
};

struct generation *hold_at(struct tn_system *sys, const void *site)
{
	/* Of the call itself: its return may lie in what follows. */
	const uint64_t addr = (uintptr_t)site - 1;

	return symbolize_is_near(&sys->symbolizer, addr)
		   ? symbolize_owner(sys, addr)
		   : NULL;
}

/* Where the pair is in the ledger's table; another pair may have it too. */
static uint64_t key_of(
    const struct tn_module *target, const struct generation *holder)
{
	return (uintptr_t)target + ((uint64_t)(uintptr_t)holder << 8);
}

REQUIRES(ledger_role)
static struct hold *find_locked(
    const struct tn_module *target, const struct generation *holder)
{
	struct tn_ledger_entry *e =
	    ledger_chain(target->sys, key_of(target, holder));

	for (; e != NULL; e = e->chain) {
		struct hold *h = (struct hold *)e;

		if (e->type == &hold_class && e->owner == holder &&
		    h->target == target)
			return h;
	}
	return NULL;
}

/* A record that counts none yet. */
REQUIRES(ledger_role)
static int add_locked(
    struct tn_module *target, struct generation *holder, struct hold **out)
{
	const struct tn_port *port = target->sys->port;
	struct hold *h = port_alloc(port, sizeof(*h));
	int err;

	if (h == NULL)
		return -TN_ENOMEM;
	h->target = target;
	h->entry.type = &hold_class;
	h->entry.id = key_of(target, holder);
	err = ledger_add_to_locked(target->sys, holder, &h->entry);
	if (err != 0) {
		port_free(port, h, sizeof(*h));
		return err;
	}
	list_add(&target->holds, &h->on);
	*out = h;
	return 0;
}

int hold_take_locked(
    struct tn_module *target, struct generation *holder, const void *site)
{
	struct hold *h;
	int err = 0;

	if (!tn_target_get(&target->target))
		return -TN_ENOENT;
	h = find_locked(target, holder);
	if (h == NULL)
		err = add_locked(target, holder, &h);
	if (err != 0) {
		tn_target_put(&target->target);
		return err;
	}
	h->count++;
	h->entry.site = site;
	h->time_ns = gate_world()->coarse_ns();
	return 0;
}

int hold_take(
    struct tn_module *target, struct generation *holder, const void *site)
{
	int err;

	ledger_lock(target->sys);
	err = hold_take_locked(target, holder, site);
	ledger_unlock(target->sys);
	return err;
}

int hold_take_at(struct tn_module *target, const void *site)
{
	return hold_take(target, hold_at(target->sys, site), site);
}

/* "worker: module_put of base, of which it holds no reference" */
static void report(
    const struct tn_module *target, const struct generation *holder)
{
	const struct tn_port *port = target->sys->port;
	char text[SENTENCE_MAX];

	(void)text_format(text, sizeof(text),
	    "%s: module_put of %s, of which it holds no reference",
	    holder != NULL ? holder->mod->name : HOLD_PROGRAM, target->name);
	port->log(port->ctx, TN_LOG_ERROR, text);
}

void hold_drop(struct tn_module *target, struct generation *holder)
{
	struct tn_system *sys = target->sys;
	struct hold *h, *last = NULL;

	ledger_lock(sys);
	h = find_locked(target, holder);
	if (h != NULL) {
		if (--h->count == 0) {
			ledger_remove_locked(sys, &h->entry);
			last = h;
		}
		tn_target_put(&target->target);
	}
	ledger_unlock(sys);
	port_free(sys->port, last, sizeof(*last));
	if (h == NULL)
		report(target, holder);
}

static const struct hold *hold_at_link(const struct list *pos)
{
	return CONTAINER_OF((struct list *)(uintptr_t)pos, struct hold, on);
}

void holds_each(const struct tn_module *target,
    void (*fn)(void *arg, const struct hold_info *hold), void *arg)
{
	const struct list *pos;

	ledger_lock(target->sys);
	list_for_each (pos, &target->holds) {
		const struct hold *h = hold_at_link(pos);
		const struct hold_info info = { ledger_owner(&h->entry),
			h->count, h->entry.site, h->time_ns };

		fn(arg, &info);
	}
	ledger_unlock(target->sys);
}

void hold_each_locked(const struct generation *holder,
    void (*fn)(void *arg, struct tn_module *target, uint64_t count), void *arg)
{
	const struct tn_ledger_entry *e = holder->book.newest;

	for (; e != NULL; e = e->next) {
		const struct hold *h = (const struct hold *)e;

		if (e->type == &hold_class)
			fn(arg, h->target, h->count);
	}
}

uint64_t hold_total_locked(const struct tn_module *target)
{
	const struct list *pos;
	uint64_t n = 0;

	list_for_each (pos, &target->holds)
		n += hold_at_link(pos)->count;
	return n;
}

/* --- handles */

struct handles {
	const struct generation *holder;
	void (*fn)(void *arg, const struct gate_holder *handle);
	void *arg;
};

static void meet_handle(void *arg, const struct gate_holder *h)
{
	const struct handles *s = arg;

	if (image_part_at(s->holder->image, (uintptr_t)h->site - 1) != NULL)
		s->fn(s->arg, h);
}

void hold_each_handle(const struct generation *holder,
    void (*fn)(void *arg, const struct gate_holder *handle), void *arg)
{
	struct handles s = { holder, fn, arg };

	gate_each_handle(NULL, meet_handle, &s);
}

static void put_handle(void *arg, const struct gate_holder *h)
{
	unsigned *n = arg;

	*n += tn_handle_put(h->handle) == 0;
}

unsigned hold_put_handles(const struct generation *holder)
{
	unsigned n = 0;

	hold_each_handle(holder, put_handle, &n);
	return n;
}

/* --- places in init text */

/* Does @site lie in what is given back when init has run? */
static bool is_in_init(const struct kept_image *img, const void *site)
{
	const struct kept_part *part = image_part_at(img, (uintptr_t)site - 1);

	return part != NULL && part->kind >= TN_INIT_TEXT;
}

/*
 * What stands for it: an address in the text that stays, behind which no call
 * returns, for no call is one byte long.
 */
static const void *resident(const struct kept_image *img)
{
	return (const void *)(uintptr_t)(img->part[0].addr + 1);
}

bool hold_was_in_init(const struct generation *holder, const void *site)
{
	/* An image of no part has no init either. */
	return holder->image->nparts != 0 && site == resident(holder->image);
}

static void move_handle(void *arg, const struct gate_holder *h)
{
	const struct kept_image *img = arg;
	const void *site = h->site;

	if (!is_in_init(img, site))
		return;
	/* Fails when the slot has another handle, which has another site. */
	(void)__atomic_compare_exchange_n(&h->handle.slot->site, &site,
	    resident(img), false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void move_entries(struct generation *holder)
{
	struct tn_ledger_entry *e;

	ledger_lock(holder->mod->sys);
	for (e = holder->book.newest; e != NULL; e = e->next)
		if (is_in_init(holder->image, e->site))
			e->site = resident(holder->image);
	ledger_unlock(holder->mod->sys);
}

static void move_bonds(struct generation *holder)
{
	const struct list *pos;

	registry_lock(holder->mod->sys);
	list_for_each (pos, &holder->bonds) {
		struct bond *b = CONTAINER_OF(
		    (struct list *)(uintptr_t)pos, struct bond, in_holder);

		if (is_in_init(holder->image, b->site))
			b->site = resident(holder->image);
	}
	registry_unlock(holder->mod->sys);
}

void hold_leave_init(struct generation *holder)
{
	hold_each_handle(holder, move_handle, holder->image);
	move_entries(holder);
	move_bonds(holder);
}

/* --- the program's */

void holds_free(struct tn_system *sys)
{
	struct tn_ledger_entry *e;

	ledger_lock(sys);
	while ((e = sys->ledger.program.newest) != NULL) {
		ledger_remove_locked(sys, e);
		port_free(sys->port, e, sizeof(struct hold));
	}
	ledger_unlock(sys);
}

/* --- for the program, and modules that call the engine as it does */

bool tn_module_get(struct tn_module *mod)
{
	return hold_take_at(mod, __builtin_return_address(0)) == 0;
}

void tn_module_put(struct tn_module *mod)
{
	hold_drop(mod, hold_at(mod->sys, __builtin_return_address(0)));
}
