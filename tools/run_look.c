/* SPDX-License-Identifier: MIT */
/*
 * --list and --ledger: what is loaded, and what a module holds.
 */
#include <inttypes.h>
#include <stdio.h>

#include <tenon/inspect.h>
#include <tenon/ledger.h>
#include <tenon/registry.h>

#include "run_tell.h"
#include <kmod/clean.h>
#include <kmod/json.h>

/* --- --list */

struct users {
	struct json *json; /* or NULL: text */
	unsigned n;
};

static int show_user(void *arg, struct tn_module *mod)
{
	struct users *u = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (u->json != NULL)
		json_text(u->json, NULL, info.name);
	else
		printf("%s%s", u->n != 0 ? "," : " ", info.name);
	u->n++;
	return 0;
}

static void list_json(
    const struct run_loaded *l, const struct tn_module_info *info)
{
	struct json j;
	struct users users = { .json = &j };

	json_begin(&j, stdout);
	json_text(&j, "event", "module");
	json_text(&j, "module", info->name);
	json_text(&j, "version", info->version);
	json_text(&j, "license", info->license);
	json_text(&j, "state", tn_state_name(info->state));
	json_unsigned(&j, "bytes", info->bytes);
	json_unsigned(&j, "references", info->refs);
	json_open(&j, "used_by", '[');
	(void)tn_module_dependents(l->mod, show_user, &users);
	json_close(&j, ']');
	json_end(&j);
}

static void list_text(
    const struct run_loaded *l, const struct tn_module_info *info)
{
	struct users users = { .json = NULL };

	clean_print(stdout, "%-20s %-9s %-11s %8zu %5" PRIu32, info->name,
	    *info->version != '\0' ? info->version : "-",
	    tn_state_name(info->state), info->bytes, info->refs);
	(void)tn_module_dependents(l->mod, show_user, &users);
	(void)putchar('\n');
}

bool look_list(struct run *r)
{
	if (!r->options.json)
		printf("%-20s %-9s %-11s %8s %5s %s\n", "Module", "Version",
		    "State", "Bytes", "Refs", "Used by");
	for (size_t i = 0; i < r->nloaded; i++) {
		struct tn_module_info info;

		if (r->loaded[i].is_gone)
			continue;
		tn_module_info(r->loaded[i].mod, &info);
		if (r->options.json)
			list_json(&r->loaded[i], &info);
		else
			list_text(&r->loaded[i], &info);
	}
	return true;
}

/* --- --ledger */

struct ledger {
	struct run *run;
	const char *module;
	unsigned n;
};

static void ledger_json(
    const struct ledger *l, const struct tn_ledger_item *item, const char *site)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "event", "holds");
	json_text(&j, "module", l->module);
	json_text(&j, "class", item->type);
	json_text(&j, "what", item->text);
	json_unsigned(&j, "id", item->id);
	json_text(&j, "site", site);
	json_end(&j);
}

static int show_item(void *arg, const struct tn_ledger_item *item)
{
	struct ledger *l = arg;
	char at[TN_SYMBOL_NAME_MAX + 32] = "";
	const char *site = item->in_init ? "its init" : at;
	struct tn_location where;

	if (item->site != NULL &&
	    tn_symbolize(l->run->sys, (uintptr_t)item->site, &where) == 0)
		(void)snprintf(at, sizeof(at), "%s+0x%" PRIx64,
		    where.symbol[0] != '\0' ? where.symbol : "text",
		    where.offset);
	if (l->run->options.json)
		ledger_json(l, item, site);
	else
		clean_print(stdout, "  %-10s %s%s%s\n", item->type, item->text,
		    item->in_init   ? "  taken in "
		    : *site != '\0' ? "  taken at "
				    : "",
		    site);
	l->n++;
	return 0;
}

bool look_ledger(struct run *r, const struct run_loaded *loaded)
{
	struct ledger l = { .run = r, .module = loaded->name };

	if (!r->options.json)
		printf("%s holds:\n", loaded->name);
	(void)tn_ledger_each(loaded->mod, show_item, &l);
	if (l.n == 0 && !r->options.json)
		puts("  nothing");
	return true;
}
