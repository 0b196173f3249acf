/* SPDX-License-Identifier: MIT */
/*
 * A copy of the registry. One walk under the registry lock counts the bytes,
 * the next fills them in; the memory comes between the two, since the port's
 * alloc does not sleep. Only holders come and go without the lock, so they are
 * copied behind all else; those that do not fit are left out.
 */
#include <tenon/inspect.h>

#include <base/overflow.h>
#include <base/string.h>

#include "module.h"
#include "param_value.h"

#define SLACK 2048 /* for the holders that have come since the counting */

struct build {
	struct tn_system *sys;
	uint64_t now;
	char *base; /* NULL: only count */
	size_t used, size;
};

/* Zeroed memory of the block, or NULL: counting, or no room. */
static void *take(struct build *b, size_t size)
{
	const size_t at = b->used;

	b->used += align_up(size, 8);
	return b->base != NULL && b->used <= b->size ? b->base + at : NULL;
}

static const char *keep(struct build *b, const char *s)
{
	const size_t size = s != NULL ? str_len(s) + 1 : 1;
	char *copy = take(b, size);

	if (copy == NULL)
		return "";
	(void)str_copy(copy, size, s != NULL ? s : "");
	return copy;
}

/* --- one module */

REQUIRES(registry_role)
static void copy_holders(
    struct build *b, struct tn_module *mod, struct tn_snapshot_module *m)
{
	struct tn_holder *out = NULL;
	size_t room = 0, n;

	if (b->base != NULL && b->used < b->size) {
		out = (void *)(b->base + b->used);
		room = (b->size - b->used) / sizeof(*out);
	}
	n = holders_find_locked(mod, false, out, room);
	if (b->base != NULL && n > room)
		n = room;
	(void)take(b, n * sizeof(*out));
	m->holders = out;
	m->nholders = n;
}

static void copy_providers(
    struct build *b, const struct generation *gen, struct tn_snapshot_module *m)
{
	const char **names = take(b, gen->nproviders * sizeof(*names));

	for (uint32_t i = 0; i < gen->nproviders; i++) {
		const char *name = keep(b, gen->providers[i]->name);

		if (names != NULL)
			names[i] = name;
	}
	m->providers = names;
	m->nproviders = names != NULL ? gen->nproviders : 0;
}

static void copy_param(struct build *b, const struct generation *gen,
    const struct tenon_param *p, struct tn_snapshot_param *out)
{
	struct text text;

	out->name = keep(b, p->name);
	text = (struct text){ out->value, sizeof(out->value), 0 };
	params_lock(b->sys);
	/* A charp that points somewhere shows as nothing. */
	if (param_get(gen, p, &text) != 0)
		out->value[0] = '\0';
	params_unlock(b->sys);
}

static void copy_params(
    struct build *b, const struct generation *gen, struct tn_snapshot_module *m)
{
	struct tn_snapshot_param *out = take(b, gen->nparams * sizeof(*out));

	m->params = out;
	for (uint32_t i = 0; i < gen->nparams; i++) {
		const struct tenon_param *p = &gen->params[i];

		if (p->perm == 0)
			continue;
		if (out != NULL)
			copy_param(b, gen, p, &out[m->nparams]);
		else
			(void)keep(b, p->name);
		m->nparams++;
	}
}

static void copy_module(
    struct build *b, struct tn_module *mod, struct tn_snapshot_module *m)
{
	*m = (struct tn_snapshot_module){ .nparams = 0 };
	tn_module_info(mod, &m->info);
	m->info.name = keep(b, m->info.name);
	m->info.version = keep(b, m->info.version);
	m->info.license = keep(b, m->info.license);
	for (unsigned k = 0; k < TN_PART_KINDS; k++) {
		size_t size;

		tn_module_part(
		    mod, (enum tn_part_kind)k, &m->parts[k].addr, &size);
		m->parts[k].size = size;
	}
	copy_providers(b, mod->gen, m);
	copy_params(b, mod->gen, m);
}

/* --- all of them */

typedef void copy_fn(
    struct build *b, struct tn_module *mod, struct tn_snapshot_module *m);

/* Calls @copy for each module. Returns how many there are. */
static size_t copy_each(
    struct build *b, struct tn_snapshot_module *modules, copy_fn *copy)
{
	struct tn_snapshot_module scratch;
	const struct list *pos;
	size_t n = 0;

	list_for_each (pos, &b->sys->list) {
		struct tn_module *mod = module_at(pos);

		copy(b, mod, modules != NULL ? &modules[n] : &scratch);
		n++;
	}
	return n;
}

/* Returns how many there are; fills @s and what is behind it when it is one. */
static size_t copy_all(struct build *b, struct tn_snapshot *s)
{
	struct tn_snapshot_module *modules = NULL;
	size_t n;

	(void)take(b, sizeof(*s));
	if (s != NULL)
		modules = take(b, s->nmodules * sizeof(*modules));
	n = copy_each(b, modules, copy_module);
	if (s == NULL)
		(void)take(b, n * sizeof(*modules));
	else
		s->modules = modules;
	(void)copy_each(b, modules, copy_holders);
	return n;
}

REQUIRES(registry_role)
static struct tn_snapshot *take_locked(struct tn_system *sys)
{
	struct build b = { .sys = sys };
	struct tn_snapshot *s;

	b.now = sys->port->now_ns(sys->port->ctx);
	const size_t n = copy_all(&b, NULL);

	b.size = b.used + SLACK;
	b.used = 0;
	s = port_alloc(sys->port, b.size);
	if (s == NULL)
		return NULL;
	s->owner = sys;
	s->bytes = b.size;
	s->number = sys->changes;
	s->time_ns = b.now;
	s->nmodules = n;
	b.base = (char *)s;
	(void)copy_all(&b, s);
	return s;
}

int tn_snapshot_take(struct tn_system *sys, struct tn_snapshot **out)
{
	struct tn_snapshot *s;

	registry_lock(sys);
	s = take_locked(sys);
	registry_unlock(sys);
	if (s == NULL)
		return -TN_ENOMEM;
	*out = s;
	return 0;
}

void tn_snapshot_free(struct tn_snapshot *snapshot)
{
	if (snapshot != NULL)
		port_free(snapshot->owner->port, snapshot, snapshot->bytes);
}
