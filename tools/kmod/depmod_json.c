/* SPDX-License-Identifier: MIT */
/*
 * `depmod --json`: what is known of each module, in the order of modules.dep,
 * one object a line; tenon-depmod(1) lists the fields.
 */
#include "depmod_json.h"

#include <stdio.h>

#include <kmod/json.h>

#include "depmod.h"

static void put_kind(struct json *j, const char *key, const struct facts *f,
    enum facts_kind kind)
{
	const char *text = facts_first(f, kind);

	json_open(j, key, '[');
	for (uint32_t i = 0; i < f->n[kind]; i++) {
		json_text(j, NULL, text);
		text = facts_next(text);
	}
	json_close(j, ']');
}

static void put_module(const struct depmod *d, const struct dep_module *m)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "module", m->name);
	json_text(&j, "file", m->path);
	json_open(&j, "needs", '[');
	for (uint32_t i = 0; i < m->nneeds; i++)
		json_text(&j, NULL, d->modules[m->needs[i]].name);
	json_close(&j, ']');
	put_kind(&j, "exports", &m->facts, FACTS_EXPORTS);
	put_kind(&j, "imports", &m->facts, FACTS_IMPORTS);
	put_kind(&j, "aliases", &m->facts, FACTS_ALIASES);
	put_kind(&j, "softdeps", &m->facts, FACTS_SOFTDEPS);
	json_bool(&j, "damaged", m->is_damaged);
	json_end(&j);
}

void depmod_json(const struct depmod *d)
{
	for (uint32_t i = 0; i < d->nmodules; i++)
		put_module(d, &d->modules[i]);
}
