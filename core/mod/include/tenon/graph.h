/* SPDX-License-Identifier: MIT */
/*
 * Which module needs which: a graph of files and of modules that are loaded,
 * the order that follows from it, and loading a whole set in that order.
 *
 * Nodes are files that might be loaded, and, when they are added, modules that
 * run. A node depends on another by a symbol that it imports, by declaration
 * (tenon.depends), or by DT_NEEDED; a weak import, `depends=` and `softdep=`
 * only say what comes first where there is a choice. What runs already and is
 * no node fulfils dependencies too.
 *
 * A graph belongs to one thread. It keeps the bytes of its files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Supplies what a set lacks: the file of the module @name, or (@name is NULL)
 * a file that exports @symbol. Fills @out, whose pointers must last as long as
 * the graph, and returns 0; -TN_ENOENT: there is none. Another result ends the
 * resolution with it, -TN_EINVAL if it is positive. It is called without a lock of the engine.
 */
typedef int tn_find_fn(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out);

struct tn_graph;

/* @find may be NULL. -TN_ENOMEM. */
int tn_graph_create(
    struct tn_system *sys, tn_find_fn *find, void *arg, struct tn_graph **out);
void tn_graph_free(struct tn_graph *graph);

/*
 * Reads and checks a file, and adds it. Sleeps. The errors of tn_load up to its
 * check; -TN_EEXIST: there is a node of this name; -TN_EALREADY, without a
 * diagnosis: the graph is resolved. A file whose own name could not be read is
 * called in @diag as its path or @args say, or "file 2".
 */
int tn_graph_add(struct tn_graph *graph, const struct tn_load_args *args,
    struct tn_diag *diag);

/*
 * Adds a running module and keeps a reference on it. -TN_ENOENT: not running;
 * -TN_EEXIST: there is a node of its name; -TN_EALREADY, without a diagnosis:
 * the graph is resolved; -TN_ENOMEM.
 */
int tn_graph_add_module(
    struct tn_graph *graph, struct tn_module *mod, struct tn_diag *diag);

/*
 * Can everything be loaded? Finds what each node needs, asking the finder for
 * what is not there, and the order. Once, after the last tn_graph_add. Sleeps.
 * -TN_ENOENT: a dependency or a symbol is missing, or a module that was added
 * has been unloaded by force; -TN_ERANGE: a dependency has
 * another version; -TN_ELOOP: a cycle, whose path is named; -TN_ENOEXEC: a
 * malformed declaration; what reading a found file gives; -TN_EALREADY,
 * without a diagnosis: it is resolved; -TN_ENOMEM.
 */
int tn_graph_resolve(struct tn_graph *graph, struct tn_diag *diag);

struct tn_node {
	const char *name;
	const struct tn_load_args *args; /* NULL: a module that runs */
	struct tn_module *mod;           /* or NULL: a file */
	bool is_found;                   /* by the finder */
};

/*
 * The resolved nodes in the order in which they can be loaded: each after all
 * that it depends on, as far as possible in the order in which they were added.
 * NULL beyond the last. The order of unloading is the reverse.
 */
const struct tn_node *tn_graph_node(const struct tn_graph *graph, size_t i);
size_t tn_graph_count(const struct tn_graph *graph);

/* Does node @i, in that order, depend on node @on? */
bool tn_graph_depends(const struct tn_graph *graph, size_t i, size_t on);

/* --- sets */

struct tn_set_args {
	uint32_t size;  /* sizeof(struct tn_set_args) */
	uint32_t flags; /* TN_LOAD_*: of files that the finder supplies */
	const struct tn_load_args *sources;
	size_t nsources;
	tn_find_fn *find; /* or NULL */
	void *find_arg;
};

/* What a set has loaded, found dependencies included, in load order. */
struct tn_set {
	struct tn_module **modules;
	size_t n;
	/* private: */
	const struct tn_port *port;
	size_t bytes;
};

/*
 * Loads all sources and what they need, dependencies first, or nothing: when
 * one fails, those before it are unloaded in reverse order. One that cannot be
 * unloaded, being permanent or used by then, stays, and so does what it uses:
 * then @diag->nnotes is their number, else 0, and @diag->note names them and
 * why, cut to fit: "stays loaded: b (no_exit), a (in_use)".
 * A dependency that the finder supplies and somebody else has loaded meanwhile
 * is used as it is. @out is to be freed by tn_set_fini. Sleeps. The errors of
 * tn_graph_resolve and tn_load.
 */
int tn_load_set(struct tn_system *sys, const struct tn_set_args *args,
    struct tn_set *out, struct tn_diag *diag);

/* Frees the list; the modules stay loaded. */
void tn_set_fini(struct tn_set *set);

#ifdef __cplusplus
}
#endif
