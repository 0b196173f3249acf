/* SPDX-License-Identifier: MIT */
/*
 * --call: a function of a module, with integers. It is an export, or a symbol
 * that a shared object shows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/ledger.h>

#include "interrupt.h"
#include "run_tell.h"

typedef int call_fn(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

/* Decimal, 0x1f or 017; up to 64 bits, with or without a sign. */
static bool parse_integer(const char *text, int64_t *out)
{
	char *end;

	if (*text == '\0' || strchr(" \t\n\v\f\r+", *text) != NULL)
		return false;
	errno = 0;
	*out = strtoll(text, &end, 0);
	if (errno == ERANGE && *text != '-') {
		errno = 0;
		*out = (int64_t)strtoull(text, &end, 0);
	}
	return errno == 0 && *end == '\0';
}

bool call_parse(struct run_action *a)
{
	char *rest = a->text;

	a->name = strsep(&rest, ",");
	while (rest != NULL) {
		if (a->nargs == MAX_CALL_ARGS ||
		    !parse_integer(strsep(&rest, ","), &a->args[a->nargs]))
			return false;
		a->nargs++;
	}
	return *a->name != '\0';
}

/* A function to call, and its module with a reference on it. */
struct target {
	struct tn_module *owner;
	uint64_t addr;
};

static bool is_code(struct tn_module *mod, uint64_t at)
{
	uint64_t addr;
	size_t size;

	tn_module_part(mod, TN_TEXT, &addr, &size);
	return at - addr < size;
}

/* Exports go first; then shared objects in the order of loading. */
static bool find(struct run *r, const char *name, struct target *out)
{
	struct tn_symbol sym;
	void *addr;

	if (tn_symbol_get(r->sys, name, &sym) == 0 && sym.owner != NULL) {
		*out = (struct target){ sym.owner, sym.addr };
		return true;
	}
	for (size_t i = 0; i < r->nloaded; i++) {
		const struct run_loaded *l = &r->loaded[i];

		if (l->is_gone || !tn_module_get(l->mod))
			continue;
		if (tn_module_symbol(l->mod, name, &addr) == 0) {
			*out = (struct target){ l->mod, (uintptr_t)addr };
			return true;
		}
		tn_module_put(l->mod);
	}
	return false;
}

static int is_export(void *arg, const struct tn_ledger_item *item)
{
	return strcmp(item->type, "export") == 0 &&
	       strcmp(item->text, arg) == 0;
}

/* Nobody has it, or whoever has it is not running. */
static void tell_unfound(struct run *r, char *name)
{
	struct tn_module_info info;

	for (size_t i = 0; i < r->nloaded; i++) {
		const struct run_loaded *l = &r->loaded[i];

		if (l->is_gone || tn_ledger_each(l->mod, is_export, name) == 0)
			continue;
		tn_module_info(l->mod, &info);
		tell_failure(r, "state", l->name,
		    "%s: '%s' cannot be called while it is %s", l->name, name,
		    tn_state_name(info.state));
		return;
	}
	tell_failure(r, "no_export", NULL, "no module exports '%s'", name);
}

bool call_run(struct run *r, const struct run_action *a)
{
	const int64_t *n = a->args;
	struct tn_module_info info;
	struct target t;

	if (!find(r, a->name, &t)) {
		tell_unfound(r, a->text); /* of which the name is the first */
		return false;
	}
	tn_module_info(t.owner, &info);
	if (!is_code(t.owner, t.addr)) {
		tell_failure(r, "no_function", info.name,
		    "'%s' of %s is data, not a function", a->name, info.name);
		tn_module_put(t.owner);
		return false;
	}
	interrupt_calls(info.name);
	const int result =
	    ((call_fn *)(uintptr_t)t.addr)(n[0], n[1], n[2], n[3], n[4], n[5]);

	interrupt_calls(NULL);
	tn_module_put(t.owner);
	tell_called(r, a, result);
	return true;
}
