/* SPDX-License-Identifier: MIT */
/*
 * Requests that reach into modules: calling a function with integers, and
 * parameters.
 */
#include "host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#define CALL_ARGS 4

/* Decimal, 0x1f or 017; 64 bits, with or without a sign. */
static bool parse_integer(const char *text, uint64_t *out)
{
	char *end;

	if (*text == '\0' || strchr(" \t\n\v\f\r+", *text) != NULL)
		return false;
	errno = 0;
	if (*text == '-')
		*out = (uint64_t)strtoll(text, &end, 0);
	else
		*out = strtoull(text, &end, 0);
	return errno == 0 && *end == '\0';
}

static bool parse_args(struct request *q, uint64_t args[CALL_ARGS])
{
	const char *text = wire_get(q->line, "args");
	char *copy = strdup(text != NULL ? text : ""), *rest = copy, *word;
	bool ok = true;
	unsigned n = 0;

	if (copy == NULL) {
		reply_no_memory(q);
		return false;
	}
	if (*copy == '\0')
		rest = NULL;
	while (ok && (word = strsep(&rest, ",")) != NULL)
		ok = n < CALL_ARGS && parse_integer(word, &args[n++]);
	free(copy);
	if (!ok)
		reply_fail(q, -TN_EINVAL, "field",
		    "args: '%s' is not up to %u integers", text, CALL_ARGS);
	return ok;
}

/* The module that has the function, with a reference. */
static bool find_function(
    struct request *q, const char *symbol, struct tn_module **out)
{
	struct tn_symbol sym;
	uint64_t addr;
	size_t size;
	void *at = NULL;
	int err;

	*out = NULL;
	if (wire_get(q->line, "module") != NULL) {
		if (!module_of(q, "module", out))
			return false;
		if (tn_module_symbol(*out, symbol, &at) != 0)
			at = NULL;
	} else {
		err = tn_symbol_get(q->host->sys, symbol, &sym);
		if (err == -TN_ENOMEM) {
			reply_no_memory(q);
			return false;
		}
		if (err == 0 && sym.owner != NULL) {
			*out = sym.owner;
			at = (void *)(uintptr_t)sym.addr;
		}
	}
	if (at == NULL) {
		reply_fail(q, -TN_ENOENT, "no_export", "%s '%s'",
		    *out != NULL ? "that module does not export"
				 : "no module exports",
		    symbol);
	} else {
		tn_module_part(*out, TN_TEXT, &addr, &size);
		if ((uintptr_t)at - addr < size)
			return true;
		reply_fail(q, -TN_EINVAL, "no_function",
		    "'%s' is data, not a function", symbol);
	}
	if (*out != NULL)
		tn_module_put(*out);
	return false;
}

void verb_call(struct request *q)
{
	uint64_t args[CALL_ARGS] = { 0 }, result = 0;
	struct tn_module *mod;
	const char *symbol;
	int err;

	if (!need(q, "symbol", &symbol) || !parse_args(q, args) ||
	    !find_function(q, symbol, &mod))
		return;
	err = tn_module_call4(mod, symbol, args, &result);
	tn_module_put(mod);
	if (err != 0) {
		reply_fail(q, err, "no_export", "'%s' is gone", symbol);
		return;
	}
	reply_begin_ok(q);
	/* What an int function leaves in the upper half means nothing. */
	wire_add_signed(q->out, "result", (int32_t)(uint32_t)result);
	wire_add_signed(q->out, "wide", (int64_t)result);
	wire_end(q->out);
}

/* --- parameters */

/* The value as text, to be freed, or NULL and an error. */
static char *value_of(struct tn_module *mod, const char *name, int *err)
{
	size_t length = 0, got;
	char *text = NULL;

	*err = tn_param_get(mod, name, NULL, 0, &length);
	if (*err != 0)
		return NULL;
	text = calloc(1, length + 1);
	*err = text == NULL ? -TN_ENOMEM
			    : tn_param_get(mod, name, text, length + 1, &got);
	if (*err == 0)
		return text;
	free(text);
	return NULL;
}

struct show {
	struct request *q;
	struct tn_module *mod;
	int err; /* of a value that could not be had */
};

static int show_param(void *arg, const struct tn_param *p)
{
	struct show *s = arg;
	char *value = value_of(s->mod, p->name, &s->err);

	if (s->err == -TN_ENOMEM)
		return 1;
	reply_begin(s->q, "param");
	wire_add(s->q->out, "name", p->name);
	wire_add(s->q->out, "value", value);
	wire_add(s->q->out, "type", tn_param_type_name(p->type));
	wire_add_number(s->q->out, "writable", (p->perm & 0222) != 0);
	wire_add(s->q->out, "help", p->help);
	wire_end(s->q->out);
	free(value);
	return 0;
}

void verb_params(struct request *q)
{
	struct show s = { .q = q };

	if (!module_of(q, "module", &s.mod))
		return;
	(void)tn_param_each(s.mod, show_param, &s);
	tn_module_put(s.mod);
	if (s.err == -TN_ENOMEM)
		reply_no_memory(q);
	else
		reply_ok(q);
}

void verb_get(struct request *q)
{
	struct tn_module *mod;
	const char *name;
	char *value;
	int err;

	if (!need(q, "param", &name) || !module_of(q, "module", &mod))
		return;
	value = value_of(mod, name, &err);
	tn_module_put(mod);
	if (err == -TN_ENOMEM) {
		reply_no_memory(q);
		return;
	}
	if (err == -TN_EOPNOTSUPP) {
		reply_fail(q, err, "no_value",
		    "%s: the value of parameter '%s' cannot be read: it is not "
		    "in memory of the module's",
		    wire_get(q->line, "module"), name);
		return;
	}
	if (err != 0) {
		reply_fail(q, err, "no_parameter",
		    "%s: it shows no parameter '%s'",
		    wire_get(q->line, "module"), name);
		return;
	}
	reply_begin_ok(q);
	wire_add(q->out, "value", value);
	wire_end(q->out);
	free(value);
}

void verb_set(struct request *q)
{
	struct tn_module *mod;
	struct tn_diag diag;
	const char *name;

	if (!need(q, "param", &name) || !module_of(q, "module", &mod))
		return;
	tn_diag_init(&diag);
	if (tn_param_set(mod, name, wire_get(q->line, "value"), &diag) != 0)
		reply_diag(q, &diag, wire_get(q->line, "module"));
	else
		reply_ok(q);
	tn_module_put(mod);
	tn_diag_fini(&diag);
}
