/* SPDX-License-Identifier: MIT */
/*
 * The ledger of what modules hold: ledger.h.
 *
 * A generation's list is a list with back links: an entry's link points to
 * what points to it, the newest one's to the head.
 */
#include "ledger.h"

#include <base/format.h>

#include "hold.h"
#include "interface.h"

#define CLASS_ABI    1u
#define ITEM_MAX     96 /* bytes of one description */
#define SENTENCE_MAX 256

void ledger_open(struct tn_system *sys)
{
	struct ledger *lg = &sys->ledger;

	lg->buckets = lg->few;
	lg->nbuckets = LEDGER_BUCKETS;
	lg->last_id = 1;
}

static void free_table(
    const struct tn_system *sys, struct tn_ledger_entry **buckets, size_t n)
{
	if (buckets != sys->ledger.few)
		port_free(
		    sys->port, buckets, n * sizeof(struct tn_ledger_entry *));
}

void ledger_close(struct tn_system *sys)
{
	free_table(sys, sys->ledger.buckets, sys->ledger.nbuckets);
}

/* --- the table */

static struct tn_ledger_entry **bucket_of(const struct ledger *lg, uint64_t id)
{
	/* Multiplication mixes upwards: the upper half is the better one. */
	const uint64_t mixed = id * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	return &lg->buckets[mixed & (lg->nbuckets - 1)];
}

static void table_put(const struct ledger *lg, struct tn_ledger_entry *entry)
{
	struct tn_ledger_entry **b = bucket_of(lg, entry->id);

	entry->chain = *b;
	*b = entry;
}

/* More buckets; without memory for them chains just become longer. */
static void table_grow(struct tn_system *sys)
{
	struct ledger *lg = &sys->ledger;
	struct tn_ledger_entry **old = lg->buckets;
	const size_t n = lg->nbuckets;
	struct tn_ledger_entry **more =
	    port_alloc(sys->port, 2 * n * sizeof(struct tn_ledger_entry *));

	if (more == NULL)
		return;
	lg->buckets = more;
	lg->nbuckets = 2 * n;
	for (size_t i = 0; i < n; i++) {
		struct tn_ledger_entry *e = old[i], *next;

		for (; e != NULL; e = next) {
			next = e->chain;
			table_put(lg, e);
		}
	}
	free_table(sys, old, n);
}

struct tn_ledger_entry *ledger_chain(struct tn_system *sys, uint64_t id)
{
	return *bucket_of(&sys->ledger, id);
}

static void table_remove(
    const struct ledger *lg, const struct tn_ledger_entry *entry)
{
	struct tn_ledger_entry **p = bucket_of(lg, entry->id);

	while (*p != entry)
		p = &(*p)->chain;
	*p = entry->chain;
}

/* --- classes */

REQUIRES(ledger_role)
static int class_add_locked(
    struct ledger *lg, const struct tn_ledger_class *type)
{
	unsigned at = 0;

	while (at < lg->nclasses && lg->classes[at]->order < type->order)
		at++;
	if (at < lg->nclasses && lg->classes[at]->order == type->order)
		return lg->classes[at] == type ? 0 : -TN_EEXIST;
	for (unsigned i = lg->nclasses++; i > at; i--)
		lg->classes[i] = lg->classes[i - 1];
	lg->classes[at] = type;
	return 0;
}

/* --- entries */

static void list_put(struct tn_ledger_entry **at, struct tn_ledger_entry *entry)
{
	entry->next = *at;
	if (entry->next != NULL)
		entry->next->link = &entry->next;
	*at = entry;
	entry->link = at;
}

static void list_take(struct tn_ledger_entry *entry)
{
	*entry->link = entry->next;
	if (entry->next != NULL)
		entry->next->link = entry->link;
	entry->link = NULL;
}

uint64_t ledger_next_id(struct tn_system *sys)
{
	return sys->ledger.last_id += 2;
}

static struct ledger_book *book_of(
    struct tn_system *sys, struct generation *owner)
{
	return owner != NULL ? &owner->book : &sys->ledger.program;
}

int ledger_add_to_locked(struct tn_system *sys, struct generation *gen,
    struct tn_ledger_entry *entry)
{
	struct ledger_book *book = book_of(sys, gen);
	struct ledger *lg = &sys->ledger;
	int err;

	if (book->closed)
		return -TN_ESTALE;
	/* The engine's own classes come when they are first needed. */
	err = class_add_locked(lg, entry->type);
	if (err != 0)
		return err;
	if (++lg->count > lg->nbuckets)
		table_grow(sys);
	entry->owner = gen;
	table_put(lg, entry);
	list_put(&book->newest, entry);
	book->count++;
	return 0;
}

int ledger_add_locked(struct generation *gen, struct tn_ledger_entry *entry)
{
	return gen != NULL ? ledger_add_to_locked(gen->mod->sys, gen, entry)
			   : -TN_ESTALE;
}

struct tn_ledger_entry *ledger_find_locked(struct tn_module *mod,
    const struct tn_ledger_class *type, uint64_t id, int *err)
{
	struct tn_ledger_entry *entry = ledger_chain(mod->sys, id);

	while (entry != NULL && (entry->id != id || entry->type != type))
		entry = entry->chain;
	*err = 0;
	if (entry == NULL)
		*err = -TN_ESTALE;
	else if (ledger_owner(entry)->mod != mod)
		*err = -TN_EPERM;
	return *err == 0 ? entry : NULL;
}

void ledger_remove_locked(struct tn_system *sys, struct tn_ledger_entry *entry)
{
	if (entry->type->detach != NULL)
		entry->type->detach(entry);
	table_remove(&sys->ledger, entry);
	list_take(entry);
	book_of(sys, entry->owner)->count--;
	sys->ledger.count--;
}

/* --- classes of the world */

static bool class_is_known(
    const struct ledger *lg, const struct tn_ledger_class *type)
{
	for (unsigned i = 0; i < lg->nclasses; i++)
		if (lg->classes[i] == type)
			return true;
	return false;
}

REQUIRES(ledger_role)
static int world_add_locked(
    struct ledger *lg, const struct tn_ledger_class *type)
{
	static const uint32_t own[LEDGER_OWN] = { TN_LEDGER_TIMER,
		TN_LEDGER_WORK, TN_LEDGER_THREAD, TN_LEDGER_CALLBACK,
		TN_LEDGER_REFERENCE, TN_LEDGER_MEMORY };
	int err;

	if (class_is_known(lg, type))
		return 0;
	for (unsigned i = 0; i < LEDGER_OWN; i++)
		if (type->order == own[i])
			return -TN_EEXIST;
	if (lg->nworld == LEDGER_WORLD)
		return -TN_ENOSPC;
	err = class_add_locked(lg, type);
	lg->nworld += err == 0;
	return err;
}

int tn_ledger_class_add(
    struct tn_system *sys, const struct tn_ledger_class *type)
{
	int err;

	if (type->size != sizeof(*type) || type->abi != CLASS_ABI ||
	    type->revoke == NULL)
		return -TN_EINVAL;
	ledger_lock(sys);
	err = world_add_locked(&sys->ledger, type);
	ledger_unlock(sys);
	return err;
}

int tn_ledger_add(struct tn_module *mod, const struct tn_ledger_class *type,
    struct tn_ledger_entry *entry, const void *site)
{
	int err = -TN_EINVAL;

	ledger_lock(mod->sys);
	if (class_is_known(&mod->sys->ledger, type)) {
		entry->type = type;
		entry->id = ledger_next_id(mod->sys);
		entry->site = site;
		err = ledger_add_locked(mod->gen, entry);
	}
	ledger_unlock(mod->sys);
	return err;
}

int tn_ledger_drop(
    struct tn_module *mod, const struct tn_ledger_class *type, uint64_t id)
{
	struct tn_ledger_entry *entry;
	int err;

	ledger_lock(mod->sys);
	entry = ledger_find_locked(mod, type, id, &err);
	if (entry != NULL)
		ledger_remove_locked(mod->sys, entry);
	ledger_unlock(mod->sys);
	if (entry != NULL)
		type->revoke(entry);
	return err;
}

/* --- taking everything back */

/* The entries of one class from *@from to @to, in their order. */
static struct tn_ledger_entry **move_class(struct tn_ledger_entry **from,
    struct tn_ledger_entry **to, const struct tn_ledger_class *type)
{
	struct tn_ledger_entry *e = *from, *next;

	for (; e != NULL; e = next) {
		next = e->next;
		if (e->type != type)
			continue;
		list_take(e);
		list_put(to, e);
		to = &e->next;
	}
	return to;
}

/* Puts the list in the order in which it is revoked, and closes it. */
static void close_book(const struct ledger *lg, struct ledger_book *book)
{
	struct tn_ledger_entry *all = NULL, **to = &book->newest;

	book->closed = true;
	if (book->newest == NULL)
		return;
	all = book->newest;
	all->link = &all;
	book->newest = NULL;
	for (unsigned i = 0; i < lg->nclasses; i++)
		to = move_class(&all, to, lg->classes[i]);
}

/* How many of a class were taken back; classes may come meanwhile. */
struct taken {
	const struct tn_ledger_class *type;
	unsigned n;
};

/* "leaky: took back 2 timer, 3 memory" */
static void tell(
    const struct generation *gen, const struct taken *taken, unsigned n)
{
	const struct tn_system *sys = gen->mod->sys;
	char sentence[SENTENCE_MAX];
	struct text text = { sentence, sizeof(sentence), 0 };
	const char *sep = "took back";

	text_add(&text, "%s: ", gen->mod->name);
	for (unsigned i = 0; i < n; i++) {
		text_add(
		    &text, "%s %u %s", sep, taken[i].n, taken[i].type->name);
		sep = ",";
	}
	sys->port->log(sys->port->ctx, TN_LOG_WARNING, sentence);
}

/* Handles are no entries; this is their name. */
static const struct tn_ledger_class handle_class = { .name = "handle" };

int ledger_revoke_all(struct generation *gen)
{
	struct tn_system *sys = gen->mod->sys;
	/* The list is in the order of classes, and takes nothing more. */
	struct taken taken[LEDGER_CLASSES + 1];
	struct tn_ledger_entry *e;
	unsigned ntaken = 0, handles;
	int n = 0;

	ledger_lock(sys);
	close_book(&sys->ledger, &gen->book);
	fires_settle(gen);
	/* What is being revoked may itself give back what comes later. */
	while ((e = gen->book.newest) != NULL) {
		const struct tn_ledger_class *type = e->type;

		if (ntaken == 0 || taken[ntaken - 1].type != type)
			taken[ntaken++] = (struct taken){ type, 0 };
		taken[ntaken - 1].n++;
		ledger_remove_locked(sys, e);
		ledger_unlock(sys);
		type->revoke(e);
		n++;
		ledger_lock(sys);
	}
	/* The list is empty: were the count not 0, an entry would be lost. */
	if (gen->book.count != 0)
		__builtin_trap();
	ledger_unlock(sys);
	/* Nothing runs any more that could take another. */
	handles = hold_put_handles(gen);
	if (handles != 0)
		taken[ntaken++] = (struct taken){ &handle_class, handles };
	if (ntaken != 0)
		tell(gen, taken, ntaken);
	return n;
}

/* --- introspection */

bool ledger_runs_here(const struct generation *gen)
{
	struct tn_system *sys = gen->mod->sys;
	bool here;

	ledger_lock(sys);
	here = fires_here(sys, gen, NULL);
	ledger_unlock(sys);
	return here;
}

size_t tn_ledger_count(
    struct tn_module *mod, const struct tn_ledger_class *type)
{
	const struct tn_ledger_entry *e;
	size_t n = 0;

	ledger_lock(mod->sys);
	e = mod->gen != NULL ? mod->gen->book.newest : NULL;
	for (; e != NULL; e = e->next)
		n += type == NULL || e->type == type;
	ledger_unlock(mod->sys);
	return n;
}

typedef int item_fn(void *arg, const struct tn_ledger_item *item);

static void set_site(
    struct tn_ledger_item *item, const struct generation *gen, const void *site)
{
	item->in_init = hold_was_in_init(gen, site);
	item->site = item->in_init ? NULL : site;
}

static int each_entry(const struct generation *gen, item_fn *fn, void *arg)
{
	const struct tn_ledger_entry *e = gen != NULL ? gen->book.newest : NULL;
	int stop = 0;

	for (; e != NULL && stop == 0; e = e->next) {
		char text[ITEM_MAX] = "";
		struct tn_ledger_item item = {
			.type = e->type->name, .text = text, .id = e->id
		};

		set_site(&item, gen, e->site);
		if (e->type->describe != NULL)
			e->type->describe(e, text, sizeof(text));
		stop = fn(arg, &item);
	}
	return stop;
}

/* These have lists of their own, and are never in the ledger. */
static int each_export(const struct generation *gen, item_fn *fn, void *arg)
{
	const struct export_block *b = gen->exports;
	struct tn_ledger_item item = { .type = "export" };
	int stop = 0;

	for (uint32_t i = 0; b != NULL && i < b->n && stop == 0; i++) {
		item.text = b->records[i].name;
		stop = fn(arg, &item);
	}
	item.type = "import";
	for (uint32_t i = 0; i < gen->nproviders && stop == 0; i++) {
		item.text = gen->providers[i]->name;
		stop = fn(arg, &item);
	}
	return stop;
}

struct handle_items {
	const struct generation *gen;
	item_fn *fn;
	void *arg;
	int stop;
};

static const char *name_of(
    const struct tn_system *sys, const struct tn_gate_target *target)
{
	const struct list *pos;

	list_for_each (pos, &sys->list) {
		const struct tn_module *mod = module_at(pos);

		if (&mod->target == target)
			return mod->name;
	}
	return HOLD_PROGRAM;
}

static void pass_handle(void *arg, const struct gate_holder *h)
{
	struct handle_items *s = arg;
	struct tn_ledger_item item = { .type = handle_class.name,
		.text = name_of(s->gen->mod->sys, h->target) };

	set_site(&item, s->gen, h->site);
	/* A revoked one holds nothing, and its target may be gone. */
	if (s->stop == 0 && tn_handle_is_held(h->handle))
		s->stop = s->fn(s->arg, &item);
}

/* Registry lock. */
static int each_handle(const struct generation *gen, item_fn *fn, void *arg)
{
	struct handle_items s = { gen, fn, arg, 0 };

	hold_each_handle(gen, pass_handle, &s);
	return s.stop;
}

/* Registry lock. */
static int each_interface(const struct generation *gen, item_fn *fn, void *arg)
{
	struct tn_ledger_item item = { .type = "interface" };
	const struct list *pos;
	int stop = 0;

	list_for_each (pos, &gen->provisions) {
		item.text = CONTAINER_OF(
		    (struct list *)(uintptr_t)pos, struct provision, in_owner)
				->iface->name;
		stop = fn(arg, &item);
		if (stop != 0)
			return stop;
	}
	item.type = "bond";
	list_for_each (pos, &gen->bonds) {
		const struct bond *b = CONTAINER_OF(
		    (struct list *)(uintptr_t)pos, struct bond, in_holder);

		item.text = b->iface->name;
		set_site(&item, gen, b->site);
		stop = fn(arg, &item);
		if (stop != 0)
			return stop;
	}
	return 0;
}

/* Registry lock. */
static int each_listed(const struct generation *gen, item_fn *fn, void *arg)
{
	int stop = each_interface(gen, fn, arg);

	if (stop == 0)
		stop = each_handle(gen, fn, arg);
	return stop != 0 ? stop : each_export(gen, fn, arg);
}

int tn_ledger_each(struct tn_module *mod, item_fn *fn, void *arg)
{
	int stop;

	ledger_lock(mod->sys);
	ledger_rest_begin(mod->sys);
	stop = each_entry(mod->gen, fn, arg);
	ledger_rest_end(mod->sys);
	ledger_unlock(mod->sys);
	if (stop != 0)
		return stop;
	registry_lock_to_read(mod->sys);
	if (mod->gen != NULL)
		stop = each_listed(mod->gen, fn, arg);
	registry_unlock_read(mod->sys);
	return stop;
}
