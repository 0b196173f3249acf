/* SPDX-License-Identifier: MIT */
/*
 * Why modules are loaded, and by whom a symbol is provided, in words and as
 * JSON (docs/kmod.md lists the fields).
 */
#include "modprobe.h"

#include <stdio.h>
#include <string.h>

#include <kmod/clean.h>
#include <kmod/json.h>
#include <tenon/err.h>

static const char *const found_words[] = {
	[FOUND_NAME] = "name",
	[FOUND_CONFIG_ALIAS] = "configured alias",
	[FOUND_SYMBOL] = "symbol",
	[FOUND_COMMAND] = "command",
	[FOUND_ALIAS] = "alias",
	[FOUND_BUILTIN] = "builtin",
	[FOUND_BUILTIN_ALIAS] = "builtin alias",
	[FOUND_FILE] = "file",
};

static const char *const why_words[] = {
	[PLAN_WANTED] = "requested",
	[PLAN_NEEDED] = "dependency",
	[PLAN_BEFORE] = "softdep pre",
	[PLAN_AFTER] = "softdep post",
};

void modprobe_show_found(
    struct modprobe *mp, const char *name, const struct module *m)
{
	struct json j;

	if (!mp->o.json) {
		clean_print(stdout, "%s\n", m->name);
		return;
	}
	json_begin(&j, stdout);
	json_text(&j, "name", name);
	json_text(&j, "module", m->name);
	json_text(&j, "by", found_words[m->by]);
	json_end(&j);
}

static const char *word_of(struct modprobe *mp, const struct action *a)
{
	if (a->command != NULL)
		return "install";
	if (module_is_builtin(&mp->catalog, a->step->module))
		return "builtin";
	return a->step->module->path != NULL ? "insmod" : "missing";
}

static void explain_json(struct modprobe *mp, const struct action *a)
{
	const struct plan_reason *r = &a->step->reason;
	const struct module *m = a->step->module;
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "module", m->name);
	json_text(&j, "action", word_of(mp, a));
	json_text(&j, "path", m->path);
	json_text(&j, "command", a->command);
	json_text(&j, "options", a->options);
	json_text(&j, "why", why_words[r->why]);
	json_text(&j, "of", r->of != NULL ? r->of->name : NULL);
	json_text(&j, "by", found_words[m->by]);
	json_text(&j, "alias", m->alias);
	json_text(&j, "file", r->softdep != NULL ? r->softdep->file : NULL);
	json_unsigned(&j, "line", r->softdep != NULL ? r->softdep->line : 0);
	json_end(&j);
}

static void explain_options(struct modprobe *mp, const struct module *m)
{
	const struct config_entry *e = mp->catalog.config.first[CONFIG_OPTIONS];

	for (; e != NULL; e = e->next) {
		if (!module_has_options(m, e))
			continue;
		clean_print(stdout, "    options %s: %s", e->value, e->file);
		if (e->line != 0)
			clean_print(stdout, " line %u", e->line);
		putchar('\n');
	}
}

static void explain_reason(const struct plan_reason *r)
{
	switch (r->why) {
	case PLAN_WANTED: printf("requested"); break;
	case PLAN_NEEDED:
		clean_print(stdout, "%s needs it", r->of->name);
		break;
	default:
		clean_print(stdout, "%s of %s (%s line %u)", why_words[r->why],
		    r->of->name, r->softdep->file, r->softdep->line);
	}
}

void modprobe_explain(struct modprobe *mp, const struct action *a)
{
	struct module *m = a->step->module;

	if (mp->o.json) {
		explain_json(mp, a);
		return;
	}
	clean_print(stdout, "%s: ", m->name);
	explain_reason(&a->step->reason);
	if (m->alias != NULL)
		clean_print(stdout, ", by %s %s", found_words[m->by], m->alias);
	if (a->command != NULL)
		clean_print(stdout, "; installed by: %s", a->command);
	else if (module_is_builtin(&mp->catalog, m))
		printf("; built in");
	else if (m->path == NULL)
		printf("; there is no file of it");
	putchar('\n');
	explain_options(mp, m);
}

int modprobe_provides(struct modprobe *mp, const char *symbol)
{
	char *key = arena_join(&mp->catalog.arena, "symbol:", symbol);
	struct found *f;
	int err =
	    key == NULL ? -TN_ENOMEM : catalog_find(&mp->catalog, key, &f);

	if (err)
		return err;
	if (f == NULL) {
		report(&mp->report, REPORT_FATAL, "no module in %s exports %s",
		    mp->catalog.dir, symbol);
		return -TN_ENOENT;
	}
	for (; f != NULL; f = f->next)
		modprobe_show_found(mp, symbol, f->module);
	return 0;
}
