/* SPDX-License-Identifier: MIT */
/*
 * Requests that only look: what is loaded, who holds it, what it holds, and
 * what the host itself is doing. Lists are of one moment (a snapshot).
 */
#include "host.h"

#include <stdio.h>
#include <string.h>

#include <tenon/err.h>
#include <tenon/inspect.h>
#include <tenon/ledger.h>

#define USERS_BYTES 16384 /* of names that one line lists */

void verb_ping(struct request *q)
{
	reply_ok(q);
}

static int count(void *arg, struct tn_module *mod)
{
	(void)mod;
	(*(size_t *)arg)++;
	return 0;
}

void verb_status(struct request *q)
{
	struct hostd *h = q->host;
	size_t nmodules = 0;
	unsigned nclients;

	(void)tn_module_each(h->sys, count, &nmodules);
	(void)pthread_mutex_lock(&h->lock);
	nclients = h->nsessions;
	(void)pthread_mutex_unlock(&h->lock);
	reply_begin_ok(q);
	wire_add_number(q->out, "modules", nmodules);
	wire_add_number(q->out, "symbols", tn_symbol_count(h->sys));
	wire_add_number(q->out, "taints", tn_taints(h->sys));
	wire_add_number(q->out, "clients", nclients);
	wire_add_number(q->out, "requests", atomic_load(&h->nrequests));
	wire_add_number(q->out, "uptime_ns", host_now_ns() - h->since_ns);
	wire_end(q->out);
}

/* --- snapshots */

static bool snapshot(struct request *q, struct tn_snapshot **out)
{
	if (tn_snapshot_take(q->host->sys, out) == 0)
		return true;
	reply_no_memory(q);
	return false;
}

static bool imports_from(const struct tn_snapshot_module *m, const char *name)
{
	for (size_t i = 0; i < m->nproviders; i++)
		if (strcmp(m->providers[i], name) == 0)
			return true;
	return false;
}

/* "a,b", cut to fit a line, in *@n how many there are. */
static void list_users(const struct tn_snapshot *s, const char *name,
    char text[USERS_BYTES], size_t *n)
{
	size_t length = 0;

	text[0] = '\0';
	*n = 0;
	for (size_t i = s->nmodules; i-- != 0;) {
		const char *user = s->modules[i].info.name;

		if (!imports_from(&s->modules[i], name))
			continue;
		if (length + TN_MODULE_NAME_MAX + 1 < USERS_BYTES)
			length += (size_t)snprintf(text + length,
			    USERS_BYTES - length, "%s%s", *n != 0 ? "," : "",
			    user);
		(*n)++;
	}
}

static void add_worker(struct request *q, const char *module)
{
	struct worker w;

	if (!doing_find(q->host, module, &w))
		return;
	wire_add(q->out, "verb", w.verb);
	wire_add(q->out, "client", w.client);
	wire_add_signed(q->out, "process", w.pid);
	wire_add_number(q->out, "age_ns", host_now_ns() - w.since_ns);
}

static void add_module(struct request *q, const struct tn_snapshot *s,
    const struct tn_snapshot_module *m)
{
	const struct tn_module_info *info = &m->info;
	char users[USERS_BYTES];
	size_t n;

	list_users(s, info->name, users, &n);
	wire_add(q->out, "module", info->name);
	wire_add_number(q->out, "bytes", info->bytes);
	wire_add_number(q->out, "refs", info->refs);
	wire_add(q->out, "users", users);
	wire_add_number(q->out, "nusers", n);
	wire_add(q->out, "state", tn_state_name(info->state));
	wire_add(q->out, "version", info->version);
	wire_add_number(q->out, "address", info->text_addr);
	wire_add_number(q->out, "taints", info->taints);
	if (info->busy)
		add_worker(q, info->name);
}

void verb_list(struct request *q)
{
	struct tn_snapshot *s;

	if (!snapshot(q, &s))
		return;
	for (size_t i = 0; i < s->nmodules; i++) {
		reply_begin(q, "module");
		add_module(q, s, &s->modules[i]);
		wire_end(q->out);
	}
	reply_begin_ok(q);
	wire_add_number(q->out, "modules", s->nmodules);
	wire_end(q->out);
	tn_snapshot_free(s);
}

/* The module that the request names, or NULL and it has failed. */
static const struct tn_snapshot_module *snapshot_of(
    struct request *q, const struct tn_snapshot *s)
{
	char name[TN_MODULE_NAME_MAX];
	const char *word;

	if (!need(q, "module", &word))
		return NULL;
	if (tn_module_name(word, name))
		for (size_t i = 0; i < s->nmodules; i++)
			if (strcmp(s->modules[i].info.name, name) == 0)
				return &s->modules[i];
	reply_fail(q, -TN_ENOENT, "not_loaded", "no module %s is loaded", word);
	return NULL;
}

static void add_details(struct request *q, const struct tn_module_info *info)
{
	static const char *const profiles[] = {
		[TN_PROFILE_NONE] = "none",
		[TN_PROFILE_COMMON] = "common",
		[TN_PROFILE_HOSTED] = "hosted",
	};

	wire_add(q->out, "license", info->license);
	wire_add(q->out, "profile", profiles[info->profile]);
	wire_add_number(q->out, "busy", info->busy);
	wire_add_number(q->out, "exports", info->nexports);
	wire_add_number(q->out, "relocations", info->nrelocs);
	wire_add_number(q->out, "cells", info->ncells);
	wire_add_number(q->out, "stubs", info->nstubs);
	wire_add_number(q->out, "source_ns", info->timing.source);
	wire_add_number(q->out, "link_ns", info->timing.link);
	wire_add_number(q->out, "protect_ns", info->timing.protect);
	wire_add_number(q->out, "init_ns", info->timing.init);
}

void verb_info(struct request *q)
{
	const struct tn_snapshot_module *m;
	struct tn_snapshot *s;

	if (!snapshot(q, &s))
		return;
	m = snapshot_of(q, s);
	for (size_t i = 0; m != NULL && i < m->nproviders; i++) {
		reply_begin(q, "provider");
		wire_add(q->out, "module", m->providers[i]);
		wire_end(q->out);
	}
	if (m != NULL) {
		reply_begin_ok(q);
		add_module(q, s, m);
		add_details(q, &m->info);
		wire_end(q->out);
	}
	tn_snapshot_free(s);
}

void verb_holders(struct request *q)
{
	const struct tn_snapshot_module *m;
	struct tn_snapshot *s;

	if (!snapshot(q, &s))
		return;
	m = snapshot_of(q, s);
	for (size_t i = 0; m != NULL && i < s->nmodules; i++) {
		if (!imports_from(&s->modules[i], m->info.name))
			continue;
		reply_begin(q, "holder");
		wire_add(q->out, "kind", "importer");
		wire_add(q->out, "name", s->modules[i].info.name);
		wire_end(q->out);
	}
	for (size_t i = 0; m != NULL && i < m->nholders; i++)
		if (m->holders[i].kind != TN_HOLDER_IMPORTER)
			reply_holder(q, &m->holders[i]);
	if (m != NULL) {
		reply_begin_ok(q);
		wire_add_number(q->out, "refs", m->info.refs);
		wire_end(q->out);
	}
	tn_snapshot_free(s);
}

/* --- the ledger; what it shows is under a lock, so it is only written down */

struct show {
	struct request *q;
	const char *only; /* a type, or NULL */
	size_t n;
};

static int show_item(void *arg, const struct tn_ledger_item *item)
{
	struct show *show = arg;
	struct request *q = show->q;

	if (show->only != NULL && strcmp(item->type, show->only) != 0)
		return 0;
	reply_begin(q, "item");
	wire_add(q->out, "type", item->type);
	wire_add(q->out, "text", item->text);
	if (item->id != 0)
		wire_add_number(q->out, "id", item->id);
	wire_add_number(q->out, "site", (uintptr_t)item->site);
	wire_end(q->out);
	show->n++;
	return 0;
}

static void show_ledger(struct request *q, const char *only)
{
	struct show show = { .q = q, .only = only };
	struct tn_module *mod;

	if (!module_of(q, "module", &mod))
		return;
	(void)tn_ledger_each(mod, show_item, &show);
	tn_module_put(mod);
	reply_begin_ok(q);
	wire_add_number(q->out, "items", show.n);
	wire_end(q->out);
}

void verb_ledger(struct request *q)
{
	show_ledger(q, NULL);
}

void verb_symbols(struct request *q)
{
	show_ledger(q, "export");
}

/* --- addresses */

void verb_symbol(struct request *q)
{
	struct tn_module_info info;
	struct tn_symbol sym;
	const char *name;
	int err;

	if (!need(q, "symbol", &name))
		return;
	err = tn_symbol_get(q->host->sys, name, &sym);
	if (err == -TN_ENOMEM) {
		reply_no_memory(q);
		return;
	}
	if (err != 0) {
		reply_fail(
		    q, -TN_ENOENT, "no_export", "no module exports '%s'", name);
		return;
	}
	reply_begin_ok(q);
	wire_add_number(q->out, "address", sym.addr);
	wire_add_number(q->out, "crc", sym.crc);
	wire_add_number(q->out, "gpl", (sym.flags & TN_EXPORT_GPL) != 0);
	wire_add(q->out, "namespace", sym.ns);
	if (sym.owner != NULL) {
		tn_module_info(sym.owner, &info);
		wire_add(q->out, "module", info.name);
		tn_module_put(sym.owner);
	}
	wire_end(q->out);
}

void verb_where(struct request *q)
{
	struct tn_location at;
	uint64_t address = 0;
	const char *text;

	if (!need(q, "address", &text) ||
	    !number(q, "address", UINT64_MAX, &address))
		return;
	if (tn_symbolize(q->host->sys, address, &at) != 0) {
		reply_fail(
		    q, -TN_ENOENT, "no_code", "no module has code at %s", text);
		return;
	}
	reply_begin_ok(q);
	wire_add(q->out, "module", at.module_name);
	wire_add(q->out, "symbol", at.symbol);
	wire_add_number(q->out, "offset", at.offset);
	wire_add_number(q->out, "size", at.size);
	wire_end(q->out);
}
