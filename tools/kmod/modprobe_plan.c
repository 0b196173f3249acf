/* SPDX-License-Identifier: MIT */
/*
 * The order of loading, kmod's: what a module needs comes before it, each of
 * these between its own soft dependencies; then the module between its own. A
 * module that is begun is not begun again, but what somebody needs directly is
 * listed for each who needs it: loading skips what is loaded by then.
 */
#include "modprobe.h"

#include <tenon/err.h>

static int plan_module(struct plan *p, struct module *m, bool bare,
    const struct plan_reason *reason);

static int append(
    struct plan *p, struct module *m, const struct plan_reason *reason)
{
	struct plan_step *s = arena_alloc(&p->catalog->arena, sizeof(*s));

	if (s == NULL)
		return -TN_ENOMEM;
	s->module = m;
	s->reason = *reason;
	*p->end = s;
	p->end = &s->next;
	return 0;
}

/* A name that nobody knows is left out: the dependency is soft. */
static int add_names(struct plan *p, const struct config_names *names,
    const struct plan_reason *reason)
{
	for (size_t i = 0; i < names->n; i++) {
		struct found *f;
		int err = catalog_find(p->catalog, names->names[i], &f);

		if (err == -TN_ENOMEM)
			return err;
		if (err != 0 || f == NULL) {
			report(p->catalog->report,
			    err ? REPORT_ERROR : REPORT_INFO,
			    "soft dependency '%s' %s, continuing without",
			    names->names[i],
			    err ? "is no name" : "is not found");
			continue;
		}
		for (; err == 0 && f != NULL; f = f->next)
			err = plan_module(p, f->module, false, reason);
		if (err)
			return err;
	}
	return 0;
}

/* Does any of @names stand for a module? */
static bool somebody_is_there(struct plan *p, const struct config_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		struct found *f;

		if (catalog_find(p->catalog, names->names[i], &f) == 0 &&
		    f != NULL)
			return true;
	}
	return false;
}

/* @m between its soft dependencies, which make its command void. */
static int add_with_softdeps(
    struct plan *p, struct module *m, const struct plan_reason *reason)
{
	const struct config_entry *e =
	    config_match(&p->catalog->config, CONFIG_SOFTDEP, m->name);
	const struct plan_reason before = { PLAN_BEFORE, m, e };
	const struct plan_reason after = { PLAN_AFTER, m, e };
	int err;

	if (e == NULL)
		return append(p, m, reason);
	err = add_names(p, &e->pre, &before);
	if (err == 0)
		err = append(p, m, reason);
	if (somebody_is_there(p, &e->pre) || somebody_is_there(p, &e->post))
		m->bare = true;
	return err ? err : add_names(p, &e->post, &after);
}

/* Recursion: through soft dependencies only, once for each module. */
static int plan_module(struct plan *p, struct module *m, bool bare,
    const struct plan_reason *reason)
{
	const struct plan_reason needed = { PLAN_NEEDED, m, NULL };
	int err;

	if (m->visited)
		return 0;
	m->visited = true;
	err = module_look_up(p->catalog, m);
	if (reason->why == PLAN_WANTED) {
		m->required = true;
		for (size_t i = 0; i < m->nneeds; i++)
			m->needs[i]->required = true;
	}
	for (size_t i = 0; err == 0 && i < m->nneeds; i++)
		err = add_with_softdeps(p, m->needs[i], &needed);
	if (err)
		return err;
	m->bare = bare;
	return bare ? append(p, m, reason) : add_with_softdeps(p, m, reason);
}

static void forget_last_plan(struct catalog *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(c->buckets); i++)
		for (struct module *m = c->buckets[i]; m != NULL; m = m->next)
			m->visited = m->required = m->bare = false;
}

int probe_plan(struct plan *p, struct catalog *c, struct module *m, bool bare)
{
	static const struct plan_reason wanted = { PLAN_WANTED, NULL, NULL };

	*p = (struct plan){ .catalog = c };
	p->end = &p->first;
	forget_last_plan(c);
	return plan_module(p, m, bare, &wanted);
}

const char *module_command(
    const struct catalog *c, const struct module *m, enum config_kind kind)
{
	const struct config_entry *e = m->command;

	if (e == NULL || e->kind != kind)
		e = config_match(&c->config, kind, m->name);
	return e != NULL ? e->value : NULL;
}
