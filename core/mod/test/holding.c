/* SPDX-License-Identifier: MIT */
/*
 * See holding.h.
 */
#include "holding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/inspect.h>
#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <test/test.h>

struct holding holding;

static void keep_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(holding.log, sizeof(holding.log), "%s", text);
}

int holding_load_keeper(const char *params)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.path = holding.keeper_file.text,
		.params = params };

	tn_diag_fini(&holding.w.diag);
	return tn_load(holding.w.sys, &args, &holding.keeper, &holding.w.diag);
}

bool holding_load_base(void)
{
	struct tn_module *mod;

	if (world_load(&holding.w, holding.base_file.o, 0, &mod) != 0)
		return false;
	/* When it comes again others look at it, and it is the same. */
	if (holding.base == NULL)
		holding.base = mod;
	return holding.base == mod;
}

/* The guaranteed symbols, and tn_handle_get. */
static bool open_world(void)
{
	const size_t n = tn_guaranteed_count;

	holding.exports = calloc(n + 1, sizeof(*holding.exports));
	if (holding.exports == NULL)
		return false;
	memcpy(holding.exports, tn_guaranteed, n * sizeof(*holding.exports));
	holding.exports[n] = (struct tn_export)WORLD_EXPORT(tn_handle_get);
	return world_open(&holding.w, holding.exports, n + 1);
}

bool holding_open(void)
{
	memset(&holding, 0, sizeof(holding));
	holding.base_file = author_new(isa_here()->machine, "base");
	if (!open_world())
		return false;
	holding.w.rig.port.log = keep_log;
	return holding_load_base();
}

void holding_close(void)
{
	author_free(&holding.base_file);
	CHECK(world_close(&holding.w));
	free(holding.exports);
}

uint32_t holding_refs(struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	return info.refs;
}

/* Calls the keeper's function @name on the base. */
uint64_t holding_call(const char *name)
{
	return world_function(holding.keeper, name)((uintptr_t)holding.base, 0);
}

/* Is an unload of the base refused, in words that begin so? */
bool holding_refused(const char *start)
{
	char text[256];

	if (!EXPECT(tn_unload(holding.w.sys, holding.base, &holding.w.diag) ==
		    -TN_EBUSY))
		return false;
	tn_diag_text(&holding.w.diag, text, sizeof(text));
	return strncmp(text, start, strlen(start)) == 0 ||
	       (test_write(text, strlen(text)), false);
}

bool holding_lies_in(const struct tn_module *mod, const void *site)
{
	struct tn_location where;

	return tn_symbolize(holding.w.sys, (uintptr_t)site, &where) == 0 &&
	       where.module == mod;
}

static int list_item(void *arg, const struct tn_ledger_item *item)
{
	char *text = arg;
	const size_t n = strlen(text);

	if (strcmp(item->type, "export") != 0)
		snprintf(text + n, 256 - n, "%s: %s; ", item->type, item->text);
	return 0;
}

const char *holding_ledger(struct tn_module *mod)
{
	static char text[256];

	text[0] = '\0';
	(void)tn_ledger_each(mod, list_item, text);
	return text;
}
