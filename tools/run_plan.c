/* SPDX-License-Identifier: MIT */
/*
 * Which files are loaded, and in which order: depth-first over what they need,
 * with a stack of our own, so a long chain costs memory and no recursion.
 * Nothing has been loaded when something is missing or needs itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applets.h"
#include "interrupt.h"
#include "run_tell.h"

struct frame {
	struct modfile *file;
	size_t next; /* need to look at */
};

struct search {
	struct frame *stack;
	size_t n, cap;
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

/* The file of source @i, which is opened unless it is known. */
static struct modfile *source_file(struct run *r, size_t i)
{
	const char *word = r->sources[i].word;
	char name[TN_MODULE_NAME_MAX];
	struct modfile *f = NULL;
	char *path;

	if (is_file_name(word))
		return open_file(r, word, &f) ? f : NULL;
	if (tn_module_name(word, name))
		f = modpath_known(&r->path, name);
	if (f != NULL)
		return f;
	path = modpath_find(&r->path, NULL, name);
	if (path == NULL)
		tell_failure(r, "no_file", name,
		    "no file found for module %s%s", word,
		    r->path.nfolders == 0 ? " (-L DIR says where to look)"
					  : "");
	else if (!open_file(r, path, &f))
		f = NULL;
	free(path);
	return f;
}

/*
 * Sets *@out to the file of a need, or to NULL when there is none and none is
 * needed.
 */
static bool find_need(struct run *r, const struct modfile *f,
    const struct modfile_need *need, struct modfile **out)
{
	char *path;
	bool ok = true;

	*out = modpath_known(&r->path, need->name);
	if (*out != NULL)
		return true;
	path = modpath_find(&r->path, f, need->name);
	if (path != NULL) {
		ok = open_file(r, path, out);
	} else if (!need->soft) {
		tell_failure(r, "no_file", f->name,
		    "%s: no file found for its dependency %s", f->name,
		    need->name);
		ok = false;
	}
	free(path);
	return ok;
}

/* "a -> b -> a", from where @f is on the stack. */
static bool refuse_cycle(
    struct run *r, const struct search *s, const struct modfile *f)
{
	size_t first = 0, cap = 1;
	char *text;

	while (s->stack[first].file != f)
		first++;
	for (size_t i = first; i < s->n; i++)
		cap += strlen(s->stack[i].file->name) + 4;
	text = malloc(cap + TN_MODULE_NAME_MAX);
	if (text == NULL) {
		tell_failure(
		    r, "cycle", f->name, "%s: depends on itself", f->name);
		return false;
	}
	char *end = text;

	for (size_t i = first; i < s->n; i++)
		end = stpcpy(stpcpy(end, s->stack[i].file->name), " -> ");
	(void)stpcpy(end, f->name);
	tell_failure(
	    r, "cycle", f->name, "%s: depends on itself: %s", f->name, text);
	free(text);
	return false;
}

static bool push(struct run *r, struct search *s, struct modfile *f)
{
	if (s->n == s->cap) {
		const size_t cap = s->cap * 2 + 16;
		struct frame *more = realloc(s->stack, cap * sizeof(*more));

		if (more == NULL) {
			tell_failure(r, "no_memory", f->name, "no memory");
			return false;
		}
		s->stack = more;
		s->cap = cap;
	}
	f->state = MODFILE_ACTIVE;
	s->stack[s->n++] = (struct frame){ .file = f };
	return true;
}

/* All that the top of the stack needs has its place: now it gets one. */
static bool finish(struct run *r, struct search *s)
{
	struct modfile *f = s->stack[--s->n].file;
	struct modfile **more =
	    realloc(r->plan, (r->nplan + 1) * sizeof(struct modfile *));

	if (more == NULL) {
		tell_failure(r, "no_memory", f->name, "no memory");
		return false;
	}
	r->plan = more;
	r->plan[r->nplan++] = f;
	f->state = MODFILE_DONE;
	return true;
}

static bool visit(struct run *r, struct search *s, struct modfile *root)
{
	bool ok = root->state != MODFILE_NEW || push(r, s, root);

	while (ok && s->n != 0 && interrupt_pending() == 0) {
		struct frame *top = &s->stack[s->n - 1];
		const struct modfile *f = top->file;
		struct modfile *on;

		if (top->next == f->nneeds) {
			ok = finish(r, s);
			continue;
		}
		const struct modfile_need *need = &f->needs[top->next++];

		ok = find_need(r, f, need, &on);
		if (!ok || on == NULL)
			continue;
		if (on->state == MODFILE_NEW)
			ok = push(r, s, on);
		else if (on->state == MODFILE_ACTIVE && !need->soft)
			ok = refuse_cycle(r, s, on);
	}
	return ok;
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

/* Files that are named are known before names are looked for: any order. */
bool plan_make(struct run *r)
{
	struct modfile **roots = calloc(r->nsources, sizeof(struct modfile *));
	struct search s = { 0 };
	bool ok = roots != NULL;

	for (unsigned names = 0; names < 2 && ok; names++) {
		for (size_t i = 0; i < r->nsources && ok; i++) {
			if (is_file_name(r->sources[i].word) != (names == 0))
				continue;
			roots[i] = source_file(r, i);
			ok = roots[i] != NULL &&
			     give_params(r, roots[i], r->sources[i].params);
		}
	}
	for (size_t i = 0; i < r->nsources && ok; i++)
		ok = visit(r, &s, roots[i]);
	free(s.stack);
	free(roots);
	return ok;
}
