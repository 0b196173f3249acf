/* SPDX-License-Identifier: MIT */
/*
 * What `tenon run` prints: see run_tell.h. Lines for programs begin with
 * "event"; their keys are documented in the man page and only grow in number.
 */
#include "run_tell.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "applets.h"
#include <kmod/clean.h>
#include <kmod/json.h>

#define PROGRESS_FROM 16 /* steps: fewer are done before they are read */
#define PROGRESS_NS   100000000u

static const char *const holder_kinds[] = {
	[TN_HOLDER_IMPORTER] = "importer",
	[TN_HOLDER_BOND] = "bond",
	[TN_HOLDER_HANDLE] = "handle",
	[TN_HOLDER_REFERENCE] = "reference",
	[TN_HOLDER_RUNNING] = "running",
	[TN_HOLDER_LOADING] = "loading",
};

static void begin(struct json *j, const char *event, const char *module)
{
	json_begin(j, stdout);
	json_text(j, "event", event);
	if (module != NULL)
		json_text(j, "module", module);
}

/* Does @fd understand escape sequences? */
static bool is_screen(int fd)
{
	const char *term = getenv("TERM");

	return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0 &&
	       isatty(fd);
}

static bool use_color(int fd)
{
	const char *no = getenv("NO_COLOR");

	return (no == NULL || *no == '\0') && is_screen(fd);
}

static void say(const char *text, enum clean_as as)
{
	char *copy = strdup(text);

	(void)fputs(use_color(STDERR_FILENO) ? "\033[1;31mtenon run:\033[0m "
					     : "tenon run: ",
	    stderr);
	fprintf(
	    stderr, "%s\n", copy != NULL ? clean_text(copy, as) : "no memory");
	free(copy);
}

/* --- failures */

static void put_lists(struct json *j, const struct tn_diag *d)
{
	json_open(j, "missing", '[');
	for (size_t i = 0; d->missing != NULL && i < d->nmissing; i++) {
		json_open(j, NULL, '{');
		json_text(j, "symbol", d->missing[i].symbol);
		json_text(j, "nearest", d->missing[i].nearest);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_open(j, "holders", '[');
	for (size_t i = 0; d->holders != NULL && i < d->nholders; i++) {
		const struct tn_holder *h = &d->holders[i];

		json_open(j, NULL, '{');
		json_text(j, "kind", holder_kinds[h->kind]);
		json_text(j, "name", h->name);
		json_text(j, "interface", h->interface);
		json_unsigned(j, "site", (uintptr_t)h->site);
		json_unsigned(j, "age_ns", h->age_ns);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_diag(
    const struct tn_diag *d, const char *module, const char *text)
{
	struct json j;

	begin(&j, "failed", module);
	json_text(&j, "text", text);
	json_text(&j, "reason", tn_reason_name(d->reason));
	json_text(&j, "stage", tn_stage_name(d->stage));
	json_number(&j, "error", d->error);
	json_text(&j, "section", d->section);
	json_text(&j, "symbol", d->symbol);
	json_text(&j, "other", d->other);
	json_text(&j, "relocation", d->reloc);
	json_unsigned(&j, "offset", d->offset);
	json_unsigned(&j, "value", d->value);
	json_number(&j, "low", d->low);
	json_number(&j, "high", d->high);
	put_lists(&j, d);
	json_end(&j);
}

/* With what is ours alone: the file, our limit, the reason of the policy. */
static char *sentence_of(
    struct run *r, const struct tn_diag *diag, const char *name)
{
	char *text = diag_sentence(diag), *more;
	const bool doubted = diag->reason == TN_REASON_VERIFY;
	const bool large =
	    diag->reason == TN_REASON_UNSUPPORTED && diag->error == -TN_EFBIG;
	const bool unnamed =
	    diag->module[0] == '\0' &&
	    (doubted || large || diag->reason == TN_REASON_UNPACK ||
		diag->reason == TN_REASON_NO_UNPACKER);

	if (text == NULL ||
	    asprintf(&more, "%s%s%s%s%s%s", unnamed ? name : "",
		unnamed ? ": " : "", text, doubted ? ": " : "",
		doubted ? r->doubt.text
		: large ? " (the limit is " RUN_FILE_MAX_TEXT ")"
			: "",
		r->hint != NULL ? r->hint : "") < 0)
		return text;
	free(text);
	free(r->hint);
	r->hint = NULL;
	return more;
}

void tell_diag(struct run *r, const struct tn_diag *diag, const char *name)
{
	char *text;

	if (diag->reason == TN_REASON_NONE) {
		tell_failure(r, "no_memory", name, "%s: no memory", name);
		return;
	}
	text = sentence_of(r, diag, name);
	say(text != NULL ? text : tn_reason_name(diag->reason), CLEAN_LISTS);
	if (r->options.json)
		put_diag(
		    diag, diag->module[0] != '\0' ? diag->module : name, text);
	free(text);
}

void tell_failure(
    struct run *r, const char *reason, const char *module, const char *fmt, ...)
{
	char *text;
	va_list ap;
	struct json j;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	say(text != NULL ? text : reason, CLEAN_LINE);
	if (r->options.json) {
		begin(&j, "failed", module);
		json_text(&j, "text", text);
		json_text(&j, "reason", reason);
		json_text(&j, "stage", "run");
		json_end(&j);
	}
	free(text);
}

void tell_unloadable(
    struct run *r, struct tn_diag *diag, const struct modfile *f)
{
	char name[TN_MODULE_NAME_MAX];

	if (diag->reason == TN_REASON_NO_NAME &&
	    !tn_module_name(f->path, name)) {
		tell_failure(r, tn_reason_name(diag->reason), name,
		    "%s: states no module name, and the file's is too long for "
		    "one: more than %d characters",
		    f->path, TN_MODULE_NAME_MAX - 1);
		return;
	}
	if (diag->module[0] == '\0')
		(void)snprintf(
		    diag->module, sizeof(diag->module), "%s", f->name);
	tell_diag(r, diag, f->path);
}

void tell_usage(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	say(text != NULL ? text : "no memory", CLEAN_LINE);
	free(text);
}

/* --- what has happened */

static void put_loaded(const struct modfile *f,
    const struct tn_module_info *info, const struct tn_diag *diag)
{
	struct json j;

	begin(&j, "loaded", info->name);
	json_text(&j, "version", info->version);
	json_text(&j, "path", f->path);
	json_text(&j, "sha256", f->sha256);
	json_text(&j, "state", tn_state_name(info->state));
	json_unsigned(&j, "text", info->text_addr);
	json_unsigned(&j, "bytes", info->bytes);
	json_unsigned(&j, "exports", info->nexports);
	json_unsigned(&j, "relocations", info->nrelocs);
	json_unsigned(&j, "cells", info->ncells);
	json_unsigned(&j, "stubs", info->nstubs);
	json_unsigned(&j, "source_ns", info->timing.source);
	json_unsigned(&j, "link_ns", info->timing.link);
	json_unsigned(&j, "protect_ns", info->timing.protect);
	json_unsigned(&j, "init_ns", info->timing.init);
	json_unsigned(&j, "notes", diag->nnotes);
	json_text(&j, "note", diag->note);
	json_end(&j);
}

void tell_loaded(struct run *r, const struct modfile *f, struct tn_module *mod,
    const struct tn_diag *diag)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (r->options.json)
		put_loaded(f, &info, diag);
	else if (r->options.verbose)
		printf("loaded %s sha256=%s text=0x%" PRIx64 " bytes=%zu "
		       "exports=%u relocations=%u cells=%u stubs=%u\n",
		    info.name, f->sha256, info.text_addr, info.bytes,
		    info.nexports, info.nrelocs, info.ncells, info.nstubs);
	else if (!r->options.quiet)
		clean_print(stdout, "loaded %s%s%s, %zu bytes\n", info.name,
		    *info.version != '\0' ? " " : "", info.version, info.bytes);
}

void tell_doubt(struct run *r, const char *module)
{
	struct json j;

	clean_print(
	    stderr, "tenon run: warning: %s: %s\n", module, r->doubt.text);
	if (r->options.json) {
		begin(&j, "warning", module);
		json_text(&j, "text", r->doubt.text);
		json_end(&j);
	}
}

void tell_event(struct run *r, const char *event, const char *module)
{
	struct json j;

	if (r->options.json) {
		begin(&j, event, module);
		json_end(&j);
	} else if (!r->options.quiet) {
		printf("%s%s%s\n", event, module != NULL ? " " : "",
		    module != NULL ? module : "");
	}
}

void tell_kept(struct run *r, const char *module, const struct tn_diag *diag)
{
	char *text = diag_sentence(diag);
	struct json j;

	if (r->options.json) {
		begin(&j, "kept", module);
		json_text(&j, "reason", tn_reason_name(diag->reason));
		json_text(&j, "text", text);
		json_end(&j);
	} else if (!r->options.quiet) {
		printf("kept %s\n", text != NULL ? text : module);
	}
	free(text);
}

void tell_called(struct run *r, const struct run_action *a, int result)
{
	struct json j;

	if (r->options.json) {
		begin(&j, "called", NULL);
		json_text(&j, "symbol", a->name);
		json_open(&j, "arguments", '[');
		for (size_t i = 0; i < a->nargs; i++)
			json_number(&j, NULL, a->args[i]);
		json_close(&j, ']');
		json_number(&j, "result", result);
		json_end(&j);
		return;
	}
	clean_print(stdout, "%s(", a->name);
	for (size_t i = 0; i < a->nargs; i++)
		printf("%s%" PRId64, i != 0 ? ", " : "", a->args[i]);
	printf(") = %d\n", result);
}

void tell_param(struct run *r, const char *event, const struct run_action *a,
    const char *value)
{
	struct json j;

	if (r->options.json) {
		begin(&j, event, a->name);
		json_text(&j, "parameter", a->param);
		json_text(&j, "value", value);
		json_end(&j);
	} else if (!r->options.quiet || strcmp(event, "get") == 0) {
		clean_print(stdout, "%s.%s = %s\n", a->name, a->param, value);
	}
}

void tell_end(struct run *r, int status)
{
	struct json j;

	if (!r->options.json)
		return;
	begin(&j, "end", NULL);
	json_number(&j, "status", status);
	json_end(&j);
}

static uint64_t now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void tell_progress(struct run *r, const char *verb, size_t done, size_t all)
{
	static uint64_t last; /* one thread, one terminal */
	const bool lines = !r->options.quiet && isatty(STDOUT_FILENO);

	if (all < PROGRESS_FROM || lines || !is_screen(STDERR_FILENO))
		return;
	if (done == all) {
		(void)fputs("\r\033[K", stderr);
	} else if (done == 0 || now() - last >= PROGRESS_NS) {
		fprintf(stderr, "\r%s %zu of %zu\033[K", verb, done, all);
		last = now();
	}
}
