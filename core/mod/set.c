/* SPDX-License-Identifier: MIT */
/*
 * Loading a set: what the graph has put in order is loaded one by one, from
 * the bytes that it has read, so that no file can change in between.
 */
#include <base/format.h>
#include <base/string.h>

#include "graph.h"

/* What is there already has been loaded by somebody else. */
static bool is_there(
    const struct tn_node *node, int err, const struct tn_diag *diag)
{
	return node->is_found && err == -TN_EEXIST &&
	       diag->reason == TN_REASON_DUPLICATE_MODULE;
}

static int load_node(struct tn_graph *g, const struct tn_node *node,
    struct tn_module **mod, struct tn_diag *diag)
{
	const struct graph_node *full = CONTAINER_OF(
	    (struct tn_node *)(uintptr_t)node, struct graph_node, pub);
	struct tn_load_args args = *node->args;
	int err;

	/* What another thread loads at this moment is not ours to take back. */
	args.flags |= TN_LOAD_EXCLUSIVE;
	args.name = node->name;
	args.path = NULL;
	args.data = full->load.bytes.p;
	args.data_size = full->load.bytes.n;
	err = tn_load(g->sys, &args, mod, diag);
	if (!is_there(node, err, diag))
		return err;
	tn_diag_fini(diag);
	return 0;
}

/* Of a set that has failed a note tells nothing but what stays. */
static void drop_notes(struct tn_diag *diag)
{
	diag->nnotes = 0;
	diag->note[0] = '\0';
}

/* @mod could not be taken back, as @why says: adds it to the note of @diag. */
static void note_stays(struct tn_diag *diag, const struct tn_module *mod,
    const struct tn_diag *why)
{
	const bool is_first = diag->nnotes++ == 0;
	struct text t = { diag->note, sizeof(diag->note),
		is_first ? 0 : str_len(diag->note) };

	text_add(&t, "%s%s (%s)", is_first ? "stays loaded: " : ", ", mod->name,
	    tn_reason_name(why->reason));
	text_mark_cut(&t);
}

/*
 * Frees the record of @mod, which has been taken back, if this set has made it
 * and alone knows it: not if another load has shared it, or claimed it since.
 */
static void forget(struct tn_system *sys, struct tn_module *mod)
{
	registry_lock(sys);
	if (mod->was == TN_STATE_EMPTY)
		(void)module_forget_locked(mod);
	registry_unlock(sys);
}

/*
 * Takes back what has been loaded, the users first. What cannot be taken out,
 * being permanent or used by somebody by now, stays and is told.
 */
static void unwind(
    struct tn_system *sys, struct tn_set *set, struct tn_diag *diag)
{
	struct tn_diag why;

	tn_diag_init(&why);
	drop_notes(diag);
	while (set->n != 0) {
		struct tn_module *mod = set->modules[--set->n];
		const int err = tn_unload(sys, mod, &why);

		if (err == 0)
			forget(sys, mod);
		/* Somebody else may have unloaded it. */
		else if (why.reason != TN_REASON_NOT_LOADED)
			note_stays(diag, mod, &why);
		tn_diag_fini(&why);
	}
	tn_set_fini(set);
}

static int load_all(
    struct tn_graph *g, struct tn_set *set, struct tn_diag *diag)
{
	int err = 0;

	set->port = g->port;
	set->bytes = (tn_graph_count(g) + 1) * sizeof(*set->modules);
	set->modules = port_alloc(g->port, set->bytes);
	if (set->modules == NULL)
		return graph_no_memory(g, diag);
	for (size_t i = 0; i < tn_graph_count(g) && err == 0; i++) {
		struct tn_module *mod = NULL;

		err = load_node(g, tn_graph_node(g, i), &mod, diag);
		if (err == 0 && mod != NULL)
			set->modules[set->n++] = mod;
	}
	if (err != 0)
		unwind(g->sys, set, diag);
	return err;
}

/* The finder's answers are loaded with the flags of the set. */
static int find(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	const struct tn_set_args *args = arg;

	out->flags = args->flags;
	return args->find != NULL
		   ? args->find(args->find_arg, name, symbol, out)
		   : -TN_ENOENT;
}

static int load_set(struct tn_system *sys, const struct tn_set_args *args,
    struct tn_set *set, struct tn_diag *diag)
{
	struct tn_graph *g;
	int err = tn_graph_create(sys, find, (void *)(uintptr_t)args, &g);

	if (err != 0) {
		tn_diag_fini(diag);
		diag->error = err;
		diag->stage = TN_STAGE_DEPENDS;
		diag->reason = TN_REASON_NO_MEMORY;
		diag->value = sizeof(*g);
		return err;
	}
	for (size_t i = 0; i < args->nsources && err == 0; i++)
		err = graph_add(g, &args->sources[i], false, diag);
	if (err == 0)
		err = tn_graph_resolve(g, diag);
	if (err != 0)
		drop_notes(diag);
	else
		err = load_all(g, set, diag);
	tn_graph_free(g);
	return err;
}

int tn_load_set(struct tn_system *sys, const struct tn_set_args *args,
    struct tn_set *out, struct tn_diag *diag)
{
	struct tn_set set = { .n = 0 };
	struct tn_diag scratch;
	struct tn_diag *d = diag != NULL ? diag : &scratch;
	int err = -TN_EINVAL;

	tn_diag_init(&scratch);
	if (args->size != sizeof(*args)) {
		tn_diag_fini(d);
		d->error = err;
		d->reason = TN_REASON_BAD_ARGUMENT;
		(void)str_copy(
		    d->other, sizeof(d->other), "size of struct tn_set_args");
	} else {
		err = load_set(sys, args, &set, d);
	}
	if (err == 0)
		*out = set;
	tn_diag_fini(&scratch);
	return err;
}

void tn_set_fini(struct tn_set *set)
{
	port_free(set->port, set->modules, set->bytes);
	*set = (struct tn_set){ .n = 0 };
}
