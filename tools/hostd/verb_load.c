/* SPDX-License-Identifier: MIT */
/*
 * Requests that load: insmod, one file as it is; load, a set with what it needs
 * from the host's folders, all of it or nothing.
 */
#include "host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>
#include <tenon/graph.h>

static bool load_flags(struct request *q, uint32_t *out)
{
	bool unmarked = false, direct = false;

	if (!flag(q, "unmarked", &unmarked) || !flag(q, "direct", &direct))
		return false;
	*out = q->host->config.load_flags | (unmarked ? TN_LOAD_UNMARKED : 0) |
	       (direct ? TN_LOAD_DIRECT : 0);
	return true;
}

/* What has been loaded; by now somebody else may have unloaded it again. */
struct arrival {
	struct request *q;
	const struct tn_module *mod;
};

static int show_arrival(void *arg, struct tn_module *mod)
{
	struct arrival *a = arg;
	struct tn_module_info info;

	if (mod != a->mod)
		return 0;
	tn_module_info(mod, &info);
	wire_add(a->q->out, "module", info.name);
	wire_add(a->q->out, "version", info.version);
	wire_add(a->q->out, "state", tn_state_name(info.state));
	wire_add_number(a->q->out, "bytes", info.bytes);
	return 1;
}

static void add_module(struct request *q, const struct tn_module *mod)
{
	struct arrival a = { q, mod };

	(void)tn_module_each(q->host->sys, show_arrival, &a);
}

/* --- insmod */

/* The descriptor that came with it, else the path. */
static bool open_source(struct request *q, struct source *out)
{
	const char *file = wire_get(q->line, "file"), *path, *why;
	int err;

	if (q->nfds == 1) {
		err = source_read(q->host, q->fds[0], out, &why);
		path = file != NULL ? file : "the descriptor";
		if (err == 0 && file != NULL &&
		    !tn_module_name(file, out->name))
			out->name[0] = '\0'; /* too long: it is none */
	} else if (q->nfds != 0) {
		reply_fail(q, -TN_EINVAL, "descriptors",
		    "insmod takes one descriptor, load several");
		return false;
	} else if (!need(q, "path", &path)) {
		return false;
	} else if (!q->host->config.paths) {
		reply_fail(q, -TN_EACCES, "path",
		    "this host opens no paths; send a descriptor");
		return false;
	} else {
		err = source_open(q->host, path, out, &why);
	}
	if (err != 0)
		reply_fail(q, err, "unreadable", "%s: %s", path, why);
	return err == 0;
}

static int load_one(struct request *q, struct tn_load_args *args,
    const struct source *s, struct tn_module **mod, struct tn_diag *diag)
{
	int err = tn_load(q->host->sys, args, mod, diag);

	/* Then it has the name of its file. */
	if (err != 0 && diag->reason == TN_REASON_NO_NAME &&
	    s->name[0] != '\0') {
		tn_diag_fini(diag);
		tn_diag_init(diag);
		args->name = s->name;
		err = tn_load(q->host->sys, args, mod, diag);
	}
	return err;
}

static void tell_unloaded(
    struct request *q, const struct tn_diag *diag, const struct source *s)
{
	const char *file = wire_get(q->line, q->nfds != 0 ? "file" : "path");
	char name[TN_MODULE_NAME_MAX];

	if (diag->reason == TN_REASON_NO_NAME && file != NULL &&
	    !tn_module_name(file, name))
		reply_fail(q, diag->error, tn_reason_name(diag->reason),
		    "%s: states no module name, and the file's is too long for "
		    "one: more than %d characters",
		    file, TN_MODULE_NAME_MAX - 1);
	else
		reply_diag(q, diag, s->name);
}

void verb_insmod(struct request *q)
{
	struct tn_load_args args = { .size = sizeof(args) };
	struct tn_module *mod;
	struct tn_diag diag;
	struct source s;

	if (!load_flags(q, &args.flags) || !open_source(q, &s))
		return;
	args.data = s.data;
	args.data_size = s.size;
	args.params = wire_get(q->line, "params");
	tn_diag_init(&diag);
	if (load_one(q, &args, &s, &mod, &diag) != 0) {
		tell_unloaded(q, &diag, &s);
	} else {
		reply_begin_ok(q);
		add_module(q, mod);
		wire_add_number(q->out, "notes", diag.nnotes);
		if (diag.nnotes != 0)
			wire_add(q->out, "note", diag.note);
		wire_end(q->out);
	}
	tn_diag_fini(&diag);
	source_free(&s);
}

/* --- load */

#define SET_MAX 256 /* files, found ones included */

/* What is read for one set; the engine has pointers into it. */
struct set {
	struct request *q;
	uint32_t flags;
	struct source sources[SET_MAX];
	struct tn_load_args args[SET_MAX];
	size_t n;
	bool has_told; /* why a file that somebody needs cannot be read */
};

static struct tn_load_args *set_add(struct set *set)
{
	struct tn_load_args *a = &set->args[set->n];
	const struct source *s = &set->sources[set->n++];

	*a = (struct tn_load_args){
		.size = sizeof(*a),
		.flags = set->flags,
		.data = s->data,
		.data_size = s->size,
	};
	return a;
}

static int find(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	struct set *set = arg;
	const char *why;
	int err;

	(void)symbol; /* which file has it, folders do not say */
	if (name == NULL || set->n == SET_MAX)
		return -TN_ENOENT;
	err = source_find(set->q->host, name, &set->sources[set->n], &why);
	if (err == -TN_EINVAL) /* what cannot be a file is not there */
		err = -TN_ENOENT;
	if (err == 0) {
		*out = *set_add(set);
	} else if (err != -TN_ENOENT) {
		reply_fail(set->q, err, "unreadable", "%s: %s", name, why);
		set->has_told = true;
	}
	return err;
}

/* Takes a word of a list, which is what a file is called. */
static const char *take_name(const char *list, char name[TN_MODULE_NAME_MAX])
{
	const size_t n = strcspn(list, ",");
	char path[NAME_MAX + 1];

	(void)snprintf(path, sizeof(path), "%.*s", (int)n, list);
	if (!tn_module_name(path, name))
		name[0] = '\0';
	return list + n + (list[n] == ',');
}

static bool add_files(struct set *set)
{
	struct request *q = set->q;
	const char *files = wire_get(q->line, "files"), *why;

	if (files == NULL)
		files = "";
	for (size_t i = 0; i < q->nfds; i++) {
		struct source *s = &set->sources[set->n];
		const int err = source_read(q->host, q->fds[i], s, &why);

		if (err != 0) {
			reply_fail(
			    q, err, "unreadable", "file %zu: %s", i + 1, why);
			return false;
		}
		files = take_name(files, s->name);
		(void)set_add(set);
	}
	return true;
}

/* Files may have the name of another, or of a module that is not theirs. */
static bool has_name(const struct set *set, const char *name)
{
	for (size_t i = set->q->nfds; i < set->n; i++)
		if (strcmp(set->sources[i].name, name) == 0)
			return true;
	return false;
}

/* False: the request has failed. */
static bool add_name(struct set *set, const char *name)
{
	struct request *q = set->q;
	struct source *s = &set->sources[set->n];
	const char *why;
	int err;

	if (set->n == SET_MAX) {
		reply_fail(q, -TN_EFBIG, "field", "a set of more than %u files",
		    SET_MAX);
		return false;
	}
	err = source_find(q->host, name, s, &why);
	if (err != 0) {
		reply_fail(q, err, "unreadable", "%s: %s", name, why);
	} else if (has_name(set, s->name)) {
		source_free(s);
		reply_fail(q, -TN_EINVAL, "field",
		    "names: %s stands there twice", name);
	} else {
		(void)set_add(set);
		return true;
	}
	return false;
}

/* The engine calls a file whose name it could not read "file 2". */
static void name_file(const struct set *set, struct tn_diag *diag)
{
	const bool is_number = strncmp(diag->module, "file ", 5) == 0;
	const unsigned long i =
	    is_number ? strtoul(diag->module + 5, NULL, 10) : 0;

	if (i > 0 && i <= set->n && set->sources[i - 1].name[0] != '\0')
		(void)snprintf(diag->module, sizeof(diag->module), "%s",
		    set->sources[i - 1].name);
}

static void load_set(struct set *set)
{
	const struct tn_set_args args = {
		.size = sizeof(args),
		.flags = set->flags,
		.sources = set->args,
		.nsources = set->n,
		.find = find,
		.find_arg = set,
	};
	struct tn_diag diag;
	struct tn_set loaded;

	tn_diag_init(&diag);
	if (tn_load_set(set->q->host->sys, &args, &loaded, &diag) != 0) {
		name_file(set, &diag);
		if (!set->has_told)
			reply_diag(set->q, &diag, "");
	} else {
		for (size_t i = 0; i < loaded.n; i++) {
			reply_begin(set->q, "loaded");
			add_module(set->q, loaded.modules[i]);
			wire_end(set->q->out);
		}
		reply_begin_ok(set->q);
		wire_add_number(set->q->out, "modules", loaded.n);
		wire_end(set->q->out);
		tn_set_fini(&loaded);
	}
	tn_diag_fini(&diag);
}

void verb_load(struct request *q)
{
	const char *names = wire_get(q->line, "names"), *name;
	char *list = NULL, *rest;
	struct set *set;
	bool good;

	if ((q->nfds == 0 || (names != NULL && *names != '\0')) &&
	    !list_of(q, "names", &list))
		return;
	set = calloc(1, sizeof(*set));
	if (set == NULL) {
		reply_no_memory(q);
	} else if (load_flags(q, &set->flags)) {
		set->q = q;
		good = add_files(set);
		rest = list;
		while (good && (name = strsep(&rest, ",")) != NULL)
			good = add_name(set, name);
		if (good)
			load_set(set);
	}
	for (size_t i = 0; set != NULL && i < set->n; i++)
		source_free(&set->sources[i]);
	free(set);
	free(list);
}
