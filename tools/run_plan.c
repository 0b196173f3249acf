/* SPDX-License-Identifier: MIT */
/*
 * Which files are loaded, and in which order: the engine's graph says so, and
 * asks here for the file of what is not there. Nothing has been loaded when
 * something is missing, has another version or needs itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/graph.h>

#include "applets.h"
#include "interrupt.h"
#include "output.h"
#include "run_tell.h"

struct search {
	struct run *run;
	struct tn_graph *graph;
	bool has_told;                    /* the finder has */
	char unfound[TN_MODULE_NAME_MAX]; /* the last that has no file */
};

static bool open_file(struct run *r, const char *path, struct modfile **out)
{
	struct tn_diag diag;
	bool ok;

	tn_diag_init(&diag);
	ok = modpath_add(&r->path, r->sys, path, out, &diag) == 0;
	if (!ok)
		tell_diag(r, &diag, path);
	tn_diag_fini(&diag);
	if (!ok || !(*out)->is_archive)
		return ok;
	tell_failure(r, "archive", NULL, "%s: " ARCHIVE_HINT, path);
	return false;
}

static bool is_file_name(const char *word)
{
	return strchr(word, '/') != NULL || strchr(word, '.') != NULL;
}

static bool give_params(struct run *r, struct modfile *f, const char *params)
{
	char *text = NULL;

	if (params == NULL)
		return true;
	if (asprintf(&text, "%s%s%s", f->params != NULL ? f->params : "",
		f->params != NULL ? " " : "", params) < 0) {
		tell_failure(r, "no_memory", f->name, "no memory");
		return false;
	}
	free(f->params);
	f->params = text;
	return true;
}

/* What the words are, each opened once. */
struct roots {
	struct run *run;
	struct modfile **file; /* of each source; NULL of parameters */
};

/* The module that the user has named before source @i, or NULL. */
static struct modfile *root_before(const struct roots *t, size_t i)
{
	while (i-- > 0)
		if (!t->run->sources[i].is_param)
			return t->file[i];
	return NULL;
}

/* What would help to find a file: "" or " (..)", to be freed; NULL: nothing. */
static char *search_hint(const struct run *r)
{
	const struct depfile *df = modpath_distrusted(&r->path);
	const bool nowhere = r->path.nfolders == 0;
	char *text;

	if (!nowhere && df == NULL)
		return strdup("");
	if (asprintf(&text, " (%s%s%s%s%s)", df != NULL ? df->folder : "",
		df != NULL ? "modules.dep is not followed: " : "",
		df != NULL ? df->distrust : "",
		df != NULL && nowhere ? "; " : "",
		nowhere ? "-L DIR says where to look" : "") < 0)
		return NULL;
	return text;
}

static void tell_no_file(const struct roots *t, size_t i, const char *name)
{
	const struct modfile *before = root_before(t, i);
	char *hint = search_hint(t->run);

	tell_failure(t->run, "no_file", name,
	    "no file found for module %s%s%s%s%s", t->run->sources[i].word,
	    hint != NULL ? hint : "", before != NULL ? ", and " : "",
	    before != NULL ? before->name : "",
	    before != NULL ? " has no parameter of that name" : "");
	free(hint);
}

/* A name: a known file, one that is found, or a parameter without a value. */
static bool take_name(const struct roots *t, size_t i)
{
	struct run_source *s = &t->run->sources[i];
	struct modfile *before = root_before(t, i);
	char name[TN_MODULE_NAME_MAX];
	char *path;
	bool ok;

	if (tn_module_name(s->word, name))
		t->file[i] = modpath_known(&t->run->path, name);
	if (t->file[i] != NULL)
		return true;
	path = modpath_find(&t->run->path, name);
	if (path != NULL) {
		ok = open_file(t->run, path, &t->file[i]);
		free(path);
		return ok;
	}
	s->is_param = before != NULL && modfile_declares(before, s->word);
	if (!s->is_param)
		tell_no_file(t, i, name);
	return s->is_param && give_params(t->run, before, s->word);
}

static bool take_source(const struct roots *t, size_t i)
{
	const struct run_source *s = &t->run->sources[i];
	const bool ok = is_file_name(s->word)
			    ? open_file(t->run, s->word, &t->file[i])
			    : take_name(t, i);

	return ok &&
	       give_params(t->run, s->is_param ? root_before(t, i) : t->file[i],
		   s->params);
}

/* Files that are named are known before names are looked for: any order. */
static bool take_sources(const struct roots *t)
{
	bool ok = true;

	for (unsigned names = 0; names < 2 && ok; names++) {
		for (size_t i = 0; i < t->run->nsources && ok; i++) {
			const char *word = t->run->sources[i].word;

			if (is_file_name(word) == (names == 0))
				ok = take_source(t, i);
		}
	}
	return ok;
}

static bool same_name(const struct roots *t, size_t i, size_t k)
{
	return t->file[i] != NULL && t->file[k] != NULL &&
	       strcmp(t->file[i]->name, t->file[k]->name) == 0;
}

/* The engine would call the second one loaded already. */
static bool check_doubles(const struct roots *t)
{
	for (size_t i = 0; i < t->run->nsources; i++) {
		for (size_t k = 0; k < i; k++) {
			const struct modfile *a = t->file[k], *b = t->file[i];

			if (!same_name(t, i, k))
				continue;
			if (a == b || output_is_same(a->path, b->path))
				tell_failure(t->run, "named_twice", a->name,
				    "module %s is named twice", a->name);
			else
				tell_failure(t->run, "named_twice", a->name,
				    "%s and %s are both called %s", a->path,
				    b->path, a->name);
			return false;
		}
	}
	return true;
}

static struct tn_load_args load_args(
    const struct run *r, const struct modfile *f)
{
	return (struct tn_load_args){
		.size = sizeof(struct tn_load_args),
		.flags = r->options.load_flags,
		.path = f->path,
		.params = f->params,
	};
}

/* A tn_find_fn. Nobody knows here which file exports a symbol. */
static int find(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	struct search *s = arg;
	struct modfile *f = NULL;
	char *path;

	(void)symbol;
	path = name != NULL ? modpath_find(&s->run->path, name) : NULL;
	if (path == NULL) {
		if (name != NULL)
			(void)snprintf(
			    s->unfound, sizeof(s->unfound), "%s", name);
		return -TN_ENOENT;
	}
	const bool ok = open_file(s->run, path, &f);

	free(path);
	if (!ok || f == NULL) {
		s->has_told = true;
		return -TN_EIO;
	}
	*out = load_args(s->run, f);
	return 0;
}

/*
 * What the engine cannot know: that a file would have helped. Where symbols are
 * missing it may be one that the module can do without.
 */
static void tell_unfound(const struct search *s, const struct tn_diag *diag)
{
	struct run *r = s->run;
	char *hint = search_hint(r);

	if (s->unfound[0] == '\0' || hint == NULL) {
		free(hint);
		return;
	}
	if (diag->reason == TN_REASON_MISSING_SYMBOL)
		tell_failure(r, "no_file", s->unfound,
		    "%s: no file found for %s, which it names%s", diag->module,
		    s->unfound, hint);
	if (diag->reason == TN_REASON_DEPENDS_MISSING &&
	    asprintf(&r->hint, ": no file found for %s%s", s->unfound, hint) <
		0)
		r->hint = NULL;
	free(hint);
}

static bool add_file(struct search *s, const struct modfile *f)
{
	const struct tn_load_args args = load_args(s->run, f);
	struct tn_diag diag;
	bool ok;

	tn_diag_init(&diag);
	ok = tn_graph_add(s->graph, &args, &diag) == 0;
	if (!ok)
		tell_unloadable(s->run, &diag, f);
	tn_diag_fini(&diag);
	return ok;
}

/* A file and what modules.dep says of it: all that it needs, at any depth. */
static bool add_root(struct search *s, const struct modfile *root)
{
	bool ok = add_file(s, root);

	for (size_t i = 0; i < root->nneeds && ok; i++) {
		char name[TN_MODULE_NAME_MAX];
		struct modfile *f;

		if (tn_module_name(root->needs[i], name) &&
		    modpath_known(&s->run->path, name) != NULL)
			continue;
		ok = open_file(s->run, root->needs[i], &f) && add_file(s, f);
	}
	return ok;
}

/* The nodes of the graph in their order, as files. */
static bool take_order(struct search *s)
{
	struct run *r = s->run;
	const size_t n = tn_graph_count(s->graph);

	r->plan = calloc(n + 1, sizeof(struct modfile *));
	if (r->plan == NULL) {
		tell_failure(r, "no_memory", NULL, "no memory");
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		const struct tn_node *node = tn_graph_node(s->graph, i);
		size_t file = 0;

		/* The graph has kept our pointer. */
		while (r->path.files[file]->path != node->args->path)
			file++;
		r->plan[r->nplan++] = r->path.files[file];
	}
	return true;
}

static bool resolve(struct search *s)
{
	struct tn_diag diag;
	bool ok;

	tn_diag_init(&diag);
	ok = tn_graph_resolve(s->graph, &diag) == 0;
	if (!ok && !s->has_told) {
		tell_unfound(s, &diag);
		tell_diag(s->run, &diag, "modules");
	}
	tn_diag_fini(&diag);
	return ok && take_order(s);
}

static bool order(const struct roots *t)
{
	struct run *r = t->run;
	struct search s = { .run = r };
	bool ok = true;

	if (tn_graph_create(r->sys, find, &s, &s.graph) != 0) {
		tell_failure(r, "no_memory", NULL, "no memory");
		return false;
	}
	for (size_t i = 0; i < r->nsources && ok; i++)
		ok = interrupt_pending() == 0 &&
		     (t->file[i] == NULL || add_root(&s, t->file[i]));
	ok = ok && resolve(&s);
	tn_graph_free(s.graph);
	return ok;
}

bool plan_make(struct run *r)
{
	const struct roots roots = { r,
		calloc(r->nsources, sizeof(struct modfile *)) };
	bool ok = roots.file != NULL;

	if (!ok)
		tell_failure(r, "no_memory", NULL, "no memory");
	ok = ok && take_sources(&roots) && check_doubles(&roots) &&
	     order(&roots);
	free(roots.file);
	return ok;
}
