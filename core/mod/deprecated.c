/* SPDX-License-Identifier: MIT */
/*
 * Exports that will go: `tenon.deprecated=symbol:advice` in .modinfo marks the
 * module's own, tn_config.deprecated the world's. A load that imports one
 * succeeds, and says so in the log and in its diagnosis.
 */
#include "deprecated.h"

#include <base/format.h>
#include <base/string.h>

#include "depend.h"
#include "load.h"
#include "metadata.h"

#define KEY        "tenon.deprecated="
#define SYMBOL_MAX 256 /* with its NUL; a longer one cannot be marked */
#define NOTES_MAX  16  /* of one load in the log */

/* "symbol:advice" */
static bool take_symbol(const char *s, char name[SYMBOL_MAX])
{
	size_t n = 0;

	for (; s[n] != '\0' && s[n] != ':' && n + 1 < SYMBOL_MAX; n++)
		name[n] = s[n];
	name[n] = '\0';
	return s[n] == ':';
}

static void mark(const struct index *ix, struct span modinfo)
{
	char name[SYMBOL_MAX];
	const char *s;

	while ((s = modinfo_next(&modinfo, KEY)) != NULL) {
		struct export_record *rec =
		    take_symbol(s, name)
			? (struct export_record *)index_find(ix, name)
			: NULL;

		if (rec != NULL)
			rec->flags |= TN_EXPORT_DEPRECATED;
	}
}

int load_deprecated(struct tn_load *l)
{
	struct export_block *b = l->gen->exports;
	struct span rest = l->gen->modinfo;
	struct index_key *there;
	struct index ix;
	int err = 0;

	if (b == NULL || modinfo_next(&rest, KEY) == NULL)
		return 0;
	l->stage = TN_STAGE_PUBLISH;
	/* by name, so that the cost is linear in both */
	index_init(&ix, l->port, l->sys->config.seed);
	if (index_reserve(&ix, b->n) != 0)
		err = load_fail_memory(l, b->n);
	else
		(void)index_insert_all(&ix, (struct index_key *)b->records,
		    sizeof(b->records[0]), b->n, &there);
	if (err == 0)
		mark(&ix, l->gen->modinfo);
	index_fini(&ix);
	return err;
}

void deprecated_world(struct tn_system *sys)
{
	const struct tn_config *c = &sys->config;

	for (size_t i = 0; i < c->ndeprecated; i++) {
		struct export_record *rec = (struct export_record *)index_find(
		    &sys->exports, c->deprecated[i].symbol);

		if (rec != NULL)
			rec->flags |= TN_EXPORT_DEPRECATED;
	}
}

/* --- telling */

void load_note(struct tn_load *l, const char *text)
{
	struct tn_diag *d = l->diag;

	char line[192];
	struct text t = { line, sizeof(line), 0 };

	text_add(&t, "%s: %s", l->name, text);
	text_clean(&t, 0);
	if (l->nnotes++ == 0)
		(void)str_copy(d->note, sizeof(d->note), line);
	d->nnotes = l->nnotes;
	if (l->nnotes <= NOTES_MAX)
		l->port->log(l->port->ctx, TN_LOG_WARNING, line);
}

static const char *advice_of_world(
    const struct tn_config *c, const char *symbol)
{
	for (size_t i = 0; i < c->ndeprecated; i++)
		if (str_eq(c->deprecated[i].symbol, symbol))
			return c->deprecated[i].advice;
	return "";
}

void deprecated_note(struct tn_load *l)
{
	const struct export_record *rec = l->deprecated;
	const struct tn_module *owner = export_block_of(rec)->owner;
	char text[160];

	/* Finding an advice is a walk: only for those that are told. */
	const char *advice = l->nnotes >= NOTES_MAX ? ""
			     : owner != NULL
				 ? metadata_of(owner->gen, KEY, rec->name)
				 : advice_of_world(&l->sys->config, rec->name);

	(void)text_format(text, sizeof(text), "'%s' of %s is deprecated%s%s",
	    rec->name, owner != NULL ? owner->name : "the engine",
	    advice[0] != '\0' ? ": " : "", advice);
	load_note(l, text);
	l->deprecated = NULL;
}
