/* SPDX-License-Identifier: MIT */
/*
 * Graphs of modules, as the engine's own files see them.
 *
 * graph.c holds the nodes and their edges and puts them in order; needs.c
 * reads from files what depends on what; set.c loads in that order.
 */
#pragma once

#include <stdint.h>

#include <base/compiler.h>
#include <tenon/graph.h>

#include "load.h"
#include "provides.h"

struct graph_edge {
	uint32_t from, to;  /* from depends on to */
	uint32_t next_need; /* index + 1 of the next with this from */
	uint32_t next_user; /* the same with this to */
	bool soft;          /* an order, not a need */
};

/* An export of a file. */
struct graph_export {
	struct index_key key; /* first */
	uint32_t node;
};

struct graph_node {
	struct index_key key; /* first: its name */
	struct tn_node pub;
	struct tn_load
	    load; /* a file's: read and checked; else name, modinfo */
	struct tn_load_args args;
	struct graph_export *exports;
	uint32_t nexports;
	struct provides *provides;       /* or NULL */
	uint32_t first_need, first_user; /* index + 1 into edges */
	uint32_t hard, soft; /* needs that have no place in the order yet */
	uint32_t seen;       /* index + 1 of the last node with an edge here */
	uint32_t number;     /* its index */
	bool is_done, is_later;
};

struct tn_graph {
	struct tn_system *sys;
	const struct tn_port *port;
	tn_find_fn *find;
	void *find_arg;
	struct tables tables; /* .nodes, .edges, .order */
	struct graph_node **nodes;
	uint32_t nnodes, max_nodes;
	uint32_t nmodules; /* nodes that are modules */
	uint32_t nordered; /* in .order: all when it is resolved */
	struct graph_edge *edges;
	uint32_t nedges, max_edges;
	uint32_t *order;
	struct tn_diag scratch; /* what nobody wants to know */
	bool is_resolved;       /* nothing can be added any more */
	struct index names, exports;
	struct index provides; /* of words, owned by nodes */
};

/* The error of a failed allocation, in @diag too. */
int graph_no_memory(struct tn_graph *g, struct tn_diag *diag);

/* The node of this name, or one that provides it, or NULL. */
struct graph_node *graph_find(const struct tn_graph *g, const char *name);

/* @from depends on @to: once, and rather hard than soft when that comes first.
   -TN_ENOMEM. */
int graph_connect(struct tn_graph *g, uint32_t from, uint32_t to, bool soft)
    MUST_CHECK;

/* Adds the file of @args as a node. */
int graph_add(struct tn_graph *g, const struct tn_load_args *args, bool found,
    struct tn_diag *diag) MUST_CHECK;

/* --- needs.c */

/* Lists what the file exports. */
int needs_exports(struct tn_graph *g, struct graph_node *node) MUST_CHECK;
/* Connects the node with all that it needs. */
int needs_connect(struct tn_graph *g, uint32_t i, struct tn_diag *diag)
    MUST_CHECK;
