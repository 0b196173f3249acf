/* SPDX-License-Identifier: MIT */
/*
 * Graphs of files that tests have made: see graphing.h.
 */
#include "graphing.h"

#include <stdio.h>
#include <string.h>

#include <test/test.h>

bool graphing_begin(struct graphing *f)
{
	memset(f, 0, sizeof(*f));
	f->hidden = MAX_FILES;
	return world_open(&f->w, NULL, 0);
}

void graphing_end(struct graphing *f)
{
	tn_graph_free(f->g);
	for (unsigned i = 0; i < f->n; i++)
		author_free(&f->a[i]);
	CHECK(world_close(&f->w));
}

struct author *graphing_file(
    struct graphing *f, const char *name, const char *info)
{
	struct author *a = &f->a[f->n++];
	char symbol[32];

	*a = author_new(isa_here()->machine, name);
	snprintf(symbol, sizeof(symbol), "%s_sym", name);
	author_export(a, (struct author_export){ .name = symbol,
			     .symbol = author_word(a, symbol, 0),
			     .gpl = f->n % 2 == 0 });
	if (info != NULL)
		author_info(a, info);
	return a;
}

void graphing_imports(struct author *a, const char *symbol)
{
	char name[32];

	snprintf(name, sizeof(name), "p_%s", symbol);
	author_pointer(a, name, object_undefined(a->o, symbol), 0);
}

void graphing_imports_weakly(struct author *a, const char *symbol)
{
	char name[32];

	snprintf(name, sizeof(name), "w_%s", symbol);
	author_pointer(a, name,
	    object_symbol(
		a->o, symbol, OBJECT_SYM(STB_WEAK, STT_NOTYPE), SHN_UNDEF, 0),
	    0);
}

struct tn_load_args graphing_args(struct author *a)
{
	const struct span s = object_file(a->o);

	return (struct tn_load_args){ .size = sizeof(struct tn_load_args),
		.data = s.p,
		.data_size = s.n };
}

/* Is there such an entry in its .modinfo? */
static bool says(struct author *a, const char *key, const char *value)
{
	char entry[80];
	const struct span s = object_file(a->o);
	const size_t n =
	    (size_t)snprintf(entry, sizeof(entry), "%s%s", key, value) + 1;

	return memmem(s.p, s.n, entry, n) != NULL;
}

static int find(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	struct graphing *f = arg;

	f->asked++;
	snprintf(f->last, sizeof(f->last), "%s%s", name != NULL ? "" : "@",
	    name != NULL ? name : symbol);
	if (f->find_error != 0)
		return f->find_error;
	for (unsigned i = f->hidden; i < f->n; i++) {
		struct author *a = &f->a[i];

		if ((name != NULL && says(a, "name=", name)) ||
		    (symbol != NULL && says(a, "exports=", symbol))) {
			*out = graphing_args(a);
			return 0;
		}
	}
	return -TN_ENOENT;
}

int graphing_resolve(struct graphing *f)
{
	int err = tn_graph_create(f->w.sys, find, f, &f->g);

	tn_diag_fini(&f->w.diag);
	for (unsigned i = 0; i < f->n && i < f->hidden && err == 0; i++) {
		const struct tn_load_args args = graphing_args(&f->a[i]);

		err = tn_graph_add(f->g, &args, &f->w.diag);
	}
	return err != 0 ? err : tn_graph_resolve(f->g, &f->w.diag);
}

const char *graphing_order(struct graphing *f)
{
	size_t n = 0;

	f->text[0] = '\0';
	for (size_t i = 0; tn_graph_node(f->g, i) != NULL; i++)
		n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%s%s",
		    i != 0 ? " " : "", tn_graph_node(f->g, i)->name);
	return f->text;
}

void graphing_refused(struct graphing *f, enum tn_errno error,
    const char *reason, const char *text)
{
	CHECK_EQ(graphing_resolve(f), -(int)error);
	tn_diag_text(&f->w.diag, f->text, sizeof(f->text));
	CHECK_STR(tn_reason_name(f->w.diag.reason), reason);
	CHECK_STR(f->text, text);
	CHECK_EQ(tn_graph_count(f->g), 0);
	CHECK(tn_graph_node(f->g, 0) == NULL);
}
