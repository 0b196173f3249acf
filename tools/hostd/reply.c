/* SPDX-License-Identifier: MIT */
/*
 * Answers to requests. A failure is one line with the error's name, the reason
 * and the sentence, and the fields of the engine's record; before it stand a
 * line for each missing symbol and for each holder.
 */
#include "host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <tenon/err.h>

/* Encoded three times as long and with all other fields it is still a line. */
#define TEXT_MAX 8192
#define LIST_MAX 512 /* missing symbols and holders that are named */

void reply_begin(struct request *q, const char *word)
{
	wire_begin(q->out, q->line->id, word);
}

void reply_begin_ok(struct request *q)
{
	reply_begin(q, "ok");
}

void reply_ok(struct request *q)
{
	reply_begin_ok(q);
	wire_end(q->out);
}

static void begin_error(struct request *q, int error, const char *reason)
{
	reply_begin(q, "error");
	wire_add(q->out, "code", tn_error_name(error));
	wire_add_signed(q->out, "error", error);
	wire_add(q->out, "reason", reason);
}

void reply_fail(
    struct request *q, int error, const char *reason, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	begin_error(q, error, reason);
	wire_add(q->out, "text", text);
	wire_end(q->out);
}

void reply_no_memory(struct request *q)
{
	reply_fail(q, -TN_ENOMEM, "no_memory", "no memory");
}

static void add_missing(struct request *q, const struct tn_diag *d)
{
	for (size_t i = 0; d->missing != NULL && i < d->nmissing; i++) {
		if (i == LIST_MAX)
			return;
		reply_begin(q, "missing");
		wire_add(q->out, "symbol", d->missing[i].symbol);
		wire_add(q->out, "nearest", d->missing[i].nearest);
		wire_end(q->out);
	}
}

void reply_holder(struct request *q, const struct tn_holder *h)
{
	static const char *const kinds[] = {
		[TN_HOLDER_IMPORTER] = "importer",
		[TN_HOLDER_BOND] = "bond",
		[TN_HOLDER_HANDLE] = "handle",
		[TN_HOLDER_REFERENCE] = "reference",
		[TN_HOLDER_RUNNING] = "running",
		[TN_HOLDER_LOADING] = "loading",
	};

	reply_begin(q, "holder");
	wire_add(q->out, "kind", kinds[h->kind]);
	wire_add(q->out, "name", h->name);
	if (h->interface[0] != '\0')
		wire_add(q->out, "interface", h->interface);
	if (h->kind != TN_HOLDER_IMPORTER && h->kind != TN_HOLDER_LOADING)
		wire_add_number(q->out, "age_ns", h->age_ns);
	if (h->kind == TN_HOLDER_REFERENCE)
		wire_add_number(q->out, "count", h->count);
	wire_end(q->out);
}

static void add_holders(struct request *q, const struct tn_diag *d)
{
	for (size_t i = 0; d->holders != NULL && i < d->nholders; i++) {
		if (i == LIST_MAX)
			return;
		reply_holder(q, &d->holders[i]);
	}
}

static void add_text(struct wire_text *t, const char *key, const char *value)
{
	if (value != NULL && *value != '\0')
		wire_add(t, key, value);
}

/* Who is in the way. */
static void add_worker(
    struct request *q, const char *module, char *text, size_t room)
{
	struct worker w;

	if (doing_find(q->host, module, &w))
		(void)snprintf(text, room,
		    " (%s of client %s, process %d, for %llu s)", w.verb,
		    w.client, (int)w.pid,
		    (unsigned long long)(host_now_ns() - w.since_ns) /
			1000000000u);
}

/* The engine knows no name of what it could not unpack: that is @name then. */
static void add_sentence(
    struct request *q, const struct tn_diag *d, const char *name)
{
	const struct hostd_config *config = &q->host->config;
	const bool large =
	    d->reason == TN_REASON_UNSUPPORTED && d->error == -TN_EFBIG;
	const bool packed = large || d->reason == TN_REASON_UNPACK ||
			    d->reason == TN_REASON_NO_UNPACKER;
	char text[TEXT_MAX] = "";
	size_t n = 0;

	if (packed && d->module[0] == '\0')
		n = (size_t)snprintf(text, TEXT_MAX / 2,
		    "%s: ", name[0] != '\0' ? name : "the file");
	n += tn_diag_text(d, text + n, TEXT_MAX - n);
	if (n >= TEXT_MAX)
		n = TEXT_MAX - 1; /* it was cut */
	if (large)
		(void)snprintf(text + n, TEXT_MAX - n,
		    " (the limit is %zu MiB: four times --max-file)",
		    4 * config->max_file >> 20);
	if (d->reason == TN_REASON_VERIFY && config->doubt != NULL)
		(void)snprintf(text + n, TEXT_MAX - n, ": %s", config->doubt());
	if (d->reason == TN_REASON_WAIT_TIME)
		add_worker(q, d->other, text + n, TEXT_MAX - n);
	if (d->reason == TN_REASON_IN_PROGRESS)
		add_worker(q, d->module, text + n, TEXT_MAX - n);
	wire_add(q->out, "text", text);
}

void reply_diag(struct request *q, const struct tn_diag *diag, const char *name)
{
	struct wire_text *t = q->out;

	if (diag->reason == TN_REASON_NONE) {
		reply_fail(q, -TN_ENOMEM, "no_memory", "%s: no memory", name);
		return;
	}
	add_missing(q, diag);
	add_holders(q, diag);
	begin_error(q, diag->error, tn_reason_name(diag->reason));
	add_sentence(q, diag, name);
	wire_add(t, "stage", tn_stage_name(diag->stage));
	wire_add(t, "module", diag->module[0] != '\0' ? diag->module : name);
	add_text(t, "section", diag->section);
	add_text(t, "symbol", diag->symbol);
	add_text(t, "other", diag->other);
	add_text(t, "relocation", diag->reloc);
	wire_add_number(t, "offset", diag->offset);
	wire_add_number(t, "value", diag->value);
	wire_add_signed(t, "low", diag->low);
	wire_add_signed(t, "high", diag->high);
	wire_add_number(t, "missing", diag->nmissing);
	wire_add_number(t, "holders", diag->nholders);
	if (diag->nnotes != 0)
		wire_add(t, "note", diag->note);
	wire_end(t);
}
