/* SPDX-License-Identifier: MIT */
/*
 * From a line to its verb: a table of verbs with the fields that each takes. A
 * field that a verb does not know is refused, so that a client learns what it
 * asked for in vain.
 */
#include "host.h"

#include <string.h>

#include <tenon/err.h>

#define KEYS_MAX 8

static const struct verb {
	const char *name;
	verb_fn *run;
	bool takes_files; /* descriptors */
	const char *keys[KEYS_MAX];
} verbs[] = {
	// clang-format off
	{ "call", verb_call, false, { "symbol", "module", "args" } },
	{ "get", verb_get, false, { "module", "param" } },
	{ "holders", verb_holders, false, { "module" } },
	{ "info", verb_info, false, { "module" } },
	{ "insmod", verb_insmod, true,
		{ "file", "path", "params", "unmarked", "direct" } },
	{ "ledger", verb_ledger, false, { "module" } },
	{ "list", verb_list, false, { NULL } },
	{ "load", verb_load, true,
		{ "names", "files", "unmarked", "direct" } },
	{ "params", verb_params, false, { "module" } },
	{ "ping", verb_ping, false, { NULL } },
	{ "requests", verb_requests, false, { NULL } },
	{ "rmmod", verb_rmmod, false, { "names", "force", "wait" } },
	{ "set", verb_set, false, { "module", "param", "value" } },
	{ "start", verb_start, false, { "module" } },
	{ "status", verb_status, false, { NULL } },
	{ "stop", verb_stop, false, { "module", "wait" } },
	{ "subscribe", verb_subscribe, false, { NULL } },
	{ "symbol", verb_symbol, false, { "symbol" } },
	{ "symbols", verb_symbols, false, { "module" } },
	{ "unsubscribe", verb_unsubscribe, false, { NULL } },
	{ "where", verb_where, false, { "address" } },
	// clang-format on
};

static const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static bool knows(const struct verb *v, const char *key)
{
	if (strcmp(key, "fds") == 0)
		return v->takes_files;
	for (size_t i = 0; i < KEYS_MAX && v->keys[i] != NULL; i++)
		if (strcmp(v->keys[i], key) == 0)
			return true;
	return false;
}

void request_run(struct request *q)
{
	const struct verb *v = verb_find(q->line->word);

	if (v == NULL) {
		reply_fail(q, -TN_ENOSYS, "verb", "there is no request '%s'",
		    q->line->word);
		return;
	}
	for (size_t i = 0; i < q->line->nfields; i++) {
		if (!knows(v, q->line->fields[i].key)) {
			reply_fail(q, -TN_EINVAL, "field",
			    "%s has no field '%s'", v->name,
			    q->line->fields[i].key);
			return;
		}
	}
	doing_begin(q, v->name);
	v->run(q);
	doing_end();
}

/* --- fields */

bool need(struct request *q, const char *key, const char **out)
{
	*out = wire_get(q->line, key);
	if (*out != NULL && **out != '\0')
		return true;
	reply_fail(q, -TN_EINVAL, "field", "%s needs the field '%s'",
	    q->line->word, key);
	return false;
}

bool list_of(struct request *q, const char *key, char **out)
{
	const char *text;

	if (!need(q, key, &text))
		return false;
	if (*text == ',' || text[strlen(text) - 1] == ',' ||
	    strstr(text, ",,") != NULL) {
		reply_fail(q, -TN_EINVAL, "field",
		    "%s: a word of the list '%s' is empty", key, text);
		return false;
	}
	*out = strdup(text);
	if (*out == NULL)
		reply_no_memory(q);
	return *out != NULL;
}

bool number(struct request *q, const char *key, uint64_t max, uint64_t *out)
{
	if (wire_get_number(q->line, key, max, out) != -TN_EINVAL)
		return true;
	reply_fail(q, -TN_EINVAL, "field",
	    "%s: %s is no number of at most %llu", key, wire_get(q->line, key),
	    (unsigned long long)max);
	return false;
}

bool flag(struct request *q, const char *key, bool *out)
{
	uint64_t value = 0;

	if (!number(q, key, 1, &value))
		return false;
	*out = value != 0;
	return true;
}

static int match(void *arg, struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	return strcmp(info.name, arg) == 0 && info.state == TN_STATE_RUNNING;
}

bool module_of(struct request *q, const char *key, struct tn_module **out)
{
	char name[TN_MODULE_NAME_MAX];
	const char *word;

	if (!need(q, key, &word))
		return false;
	*out = tn_module_name(word, name) ? tn_module_find(q->host->sys, name)
					  : NULL;
	if (*out != NULL)
		return true;
	/* It runs, so what was missing is memory for our reference. */
	if (tn_module_each(q->host->sys, match, name) != 0)
		reply_no_memory(q);
	else
		reply_fail(q, -TN_ENOENT, "not_loaded",
		    "no module %s is running", word);
	return false;
}
