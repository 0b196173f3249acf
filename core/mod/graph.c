/* SPDX-License-Identifier: MIT */
/*
 * Graphs of modules: nodes, edges, and the order (Kahn's algorithm).
 *
 * Each node counts the nodes that it still waits for, hard and soft. One that
 * waits for nobody is next; when there is none, one that waits for soft ones
 * only breaks their cycle. When there is none of these either, the nodes that
 * are left contain a hard cycle: each of them has a need among them, so
 * following needs from any of them comes back to where it was.
 *
 * Everything is linear in nodes, edges and names; nothing recurses.
 */
#include "graph.h"

#include <base/format.h>
#include <base/string.h>

#include "depend.h"
#include "hold.h"

int tn_graph_create(
    struct tn_system *sys, tn_find_fn *find, void *arg, struct tn_graph **out)
{
	struct tn_graph *g = port_alloc(sys->port, sizeof(*g));

	if (g == NULL)
		return -TN_ENOMEM;
	g->sys = sys;
	g->port = sys->port;
	g->find = find;
	g->find_arg = arg;
	tables_init(&g->tables, g->port);
	index_init(&g->names, g->port, sys->config.seed);
	index_init(&g->exports, g->port, sys->config.seed);
	index_init(&g->provides, g->port, sys->config.seed);
	*out = g;
	return 0;
}

static void free_node(struct tn_graph *g, struct graph_node *node)
{
	provides_free(g->port, node->provides);
	if (node->pub.mod != NULL)
		hold_drop(node->pub.mod, NULL);
	else
		load_release(&node->load);
	port_free(g->port, node, sizeof(*node));
}

void tn_graph_free(struct tn_graph *g)
{
	for (uint32_t i = 0; i < g->nnodes; i++)
		free_node(g, g->nodes[i]);
	index_fini(&g->names);
	index_fini(&g->exports);
	index_fini(&g->provides);
	tables_free(&g->tables);
	tn_diag_fini(&g->scratch);
	port_free(g->port, g, sizeof(*g));
}

int graph_no_memory(struct tn_graph *g, struct tn_diag *diag)
{
	return diag_fail_memory(diag, TN_STAGE_DEPENDS, sizeof(*g));
}

/* --- nodes */

/* Makes room for one more node in all tables. */
static struct graph_node *new_node(struct tn_graph *g)
{
	if (tables_grow(&g->tables, (void **)&g->nodes, g->nnodes,
		&g->max_nodes, sizeof(struct graph_node *)) != 0)
		return NULL;
	return index_reserve(&g->names, 1) == 0
		   ? port_alloc(g->port, sizeof(struct graph_node))
		   : NULL;
}

static int fail_double(struct graph_node *node)
{
	return load_fail_other(
	    &node->load, TN_REASON_DUPLICATE_MODULE, node->load.name);
}

/* From here on it is freed with the graph. */
static int join(struct tn_graph *g, struct graph_node *node)
{
	node->key.name = node->pub.name = node->load.name;
	node->number = g->nnodes;
	if (index_find(&g->names, node->load.name) != NULL)
		return fail_double(node);
	if (provides_read(g->port, node->load.modinfo, node, &node->provides) !=
		0 ||
	    provides_add(&g->provides, node->provides) != 0)
		return graph_no_memory(g, node->load.diag);
	(void)index_insert(&g->names, &node->key);
	/* Of two that export one name the first is meant; the load of the
	   other will be refused. */
	for (uint32_t i = 0; i < node->nexports; i++)
		(void)index_insert(&g->exports, &node->exports[i].key);
	g->nodes[g->nnodes++] = node;
	return 0;
}

/* What a load would find in the file before it looks around. */
static int read_file(struct graph_node *node)
{
	struct tn_load *l = &node->load;
	int err = load_source(l);

	load_go_offline(l); /* DT_NEEDED may name what is no module yet */
	if (err == 0)
		err = load_check(l);
	if (err == 0 && l->name[0] == '\0')
		err = load_fail(l, TN_REASON_NO_NAME)->error;
	return err;
}

/*
 * What could not be read as far as its name is called as load_check would call
 * it, or by its number: there are several.
 */
static void name_failure(const struct tn_graph *g,
    const struct tn_load_args *args, struct tn_diag *d)
{
	struct text t = { d->module, sizeof(d->module), 0 };

	if (d->module[0] != '\0' || d->reason == TN_REASON_UNREADABLE)
		return; /* which names the path */
	if (args->path != NULL ? !tn_module_name(args->path, d->module)
			       : args->name == NULL ||
				     !module_name_take(args->name, d->module))
		text_add(&t, "file %u", g->nnodes + 1);
}

int graph_add(struct tn_graph *g, const struct tn_load_args *args, bool found,
    struct tn_diag *diag)
{
	struct graph_node *node = new_node(g);
	int err = -TN_EINVAL;

	if (node == NULL)
		return graph_no_memory(g, diag);
	node->args = *args;
	node->pub.args = &node->args;
	node->pub.is_found = found;
	if (load_begin(&node->load, g->sys, &node->args, diag))
		err = read_file(node);
	if (err == 0)
		err = needs_exports(g, node);
	if (err == 0)
		err = join(g, node);
	if (err != 0) {
		name_failure(g, args, diag);
		free_node(g, node);
	}
	return err;
}

int tn_graph_add(
    struct tn_graph *g, const struct tn_load_args *args, struct tn_diag *diag)
{
	if (g->is_resolved)
		return -TN_EALREADY;
	return graph_add(g, args, false, diag != NULL ? diag : &g->scratch);
}

static int fail_absent(struct graph_node *node, const struct tn_module *mod)
{
	const int err =
	    load_fail_other(&node->load, TN_REASON_NOT_LOADED, mod->name);

	node->load.diag->module[0] = '\0';
	return err;
}

/*
 * Force does not ask who holds references; a module whose generation is looked
 * at is pinned besides. False: it is not running any more.
 */
static bool pin(struct graph_node *node)
{
	struct tn_module *mod = node->pub.mod;

	if (!module_pin(mod))
		return false;
	node->load.modinfo = mod->gen->modinfo;
	return true;
}

int tn_graph_add_module(
    struct tn_graph *g, struct tn_module *mod, struct tn_diag *diag)
{
	struct graph_node *node;
	int err;

	if (g->is_resolved)
		return -TN_EALREADY;
	diag = diag != NULL ? diag : &g->scratch;
	node = new_node(g);
	if (node == NULL)
		return graph_no_memory(g, diag);
	node->load = (struct tn_load){ .sys = g->sys,
		.port = g->port,
		.diag = diag,
		.stage = TN_STAGE_DEPENDS };
	(void)str_copy(node->load.name, sizeof(node->load.name), mod->name);
	/* Graphs are the program's, whoever has asked for this one. */
	err = hold_take(mod, NULL, NULL);
	if (err != 0) {
		err = err == -TN_ENOMEM ? graph_no_memory(g, diag)
					: fail_absent(node, mod);
		port_free(g->port, node, sizeof(*node));
		return err;
	}
	node->pub.mod = mod;
	if (pin(node)) {
		err = join(g, node);
		module_unpin(mod);
	} else {
		err = fail_absent(node, mod);
	}
	if (err != 0)
		free_node(g, node);
	else
		g->nmodules++;
	return err;
}

struct graph_node *graph_find(const struct tn_graph *g, const char *name)
{
	struct graph_node *node =
	    (struct graph_node *)index_find(&g->names, name);

	const struct provided *word = provides_find(&g->provides, name);

	return node != NULL || word == NULL ? node : word->owner;
}

/* --- edges */

int graph_connect(struct tn_graph *g, uint32_t from, uint32_t to, bool soft)
{
	struct graph_node *user = g->nodes[from], *need = g->nodes[to];
	struct graph_edge *e;

	/* Nothing waits for itself softly. */
	if (need->seen == from + 1 || (from == to && soft))
		return 0;
	if (tables_grow(&g->tables, (void **)&g->edges, g->nedges,
		&g->max_edges, sizeof(*g->edges)) != 0)
		return -TN_ENOMEM;
	e = &g->edges[g->nedges++];
	*e = (struct graph_edge){ from, to, user->first_need, need->first_user,
		soft };
	user->first_need = need->first_user = g->nedges;
	if (soft)
		user->soft++;
	else
		user->hard++;
	/* a soft edge does not keep a hard one from coming */
	if (!soft)
		need->seen = from + 1;
	return 0;
}

/* --- the order */

struct queue {
	uint32_t *at;
	uint32_t head, tail;
};

static void push(struct queue *q, uint32_t i)
{
	q->at[q->tail++] = i;
}

static void look_at(
    struct tn_graph *g, uint32_t i, struct queue *ready, struct queue *later)
{
	struct graph_node *node = g->nodes[i];

	if (node->hard != 0 || node->is_done)
		return;
	if (node->soft == 0) {
		push(ready, i);
	} else if (!node->is_later) {
		node->is_later = true;
		push(later, i);
	}
}

static bool pop(const struct tn_graph *g, struct queue *ready,
    struct queue *later, uint32_t *i)
{
	if (ready->head < ready->tail) {
		*i = ready->at[ready->head++];
		return true;
	}
	while (later->head < later->tail) {
		*i = later->at[later->head++];
		if (!g->nodes[*i]->is_done)
			return true;
	}
	return false;
}

static void place(
    struct tn_graph *g, uint32_t i, struct queue *ready, struct queue *later)
{
	uint32_t e = g->nodes[i]->first_user;

	g->nodes[i]->is_done = true;
	g->order[g->nordered++] = i;
	while (e != 0) {
		const struct graph_edge *edge = &g->edges[e - 1];
		struct graph_node *user = g->nodes[edge->from];

		if (edge->soft)
			user->soft--;
		else
			user->hard--;
		look_at(g, edge->from, ready, later);
		e = edge->next_user;
	}
}

/* A need of the node that has no place, and is hard. */
static uint32_t next_in_cycle(const struct tn_graph *g, uint32_t i)
{
	uint32_t e = g->nodes[i]->first_need;

	while (g->edges[e - 1].soft || g->nodes[g->edges[e - 1].to]->is_done)
		e = g->edges[e - 1].next_need;
	return g->edges[e - 1].to;
}

static int fail_cycle(struct tn_graph *g, struct tn_diag *diag)
{
	struct text t = { diag->other, sizeof(diag->other), 0 };
	struct tn_load *l;
	uint32_t i = 0, start, inside, n = 0;

	while (g->nodes[i]->is_done)
		i++;
	/* Each waits for a hard need: who is met again is in the cycle. */
	for (; g->nodes[i]->hard != 0; i = next_in_cycle(g, i))
		g->nodes[i]->hard = 0;
	start = inside = i;
	/* told from that node on which was added first */
	do {
		i = next_in_cycle(g, i);
		start = i < start ? i : start;
		n++;
	} while (i != inside);
	l = &g->nodes[start]->load;
	l->diag = diag;
	l->stage = TN_STAGE_DEPENDS;
	(void)load_fail(l, TN_REASON_CYCLE);
	i = start;
	text_add(&t, "%s", g->nodes[i]->pub.name);
	do {
		i = next_in_cycle(g, i);
		text_add(&t, " -> %s", g->nodes[i]->pub.name);
	} while (i != start);
	text_mark_cut(&t);
	diag->value = n;
	return diag->error;
}

static int put_in_order(struct tn_graph *g, struct tn_diag *diag)
{
	/* Each node is in each of the three once at most. */
	uint32_t *room =
	    tables_add(&g->tables, 3 * (uint64_t)g->nnodes, sizeof(*room));
	struct queue ready = { room, 0, 0 }, later = { NULL, 0, 0 };
	uint32_t i;

	if (room == NULL)
		return graph_no_memory(g, diag);
	later.at = room + g->nnodes;
	g->order = room + 2 * (size_t)g->nnodes;
	for (i = 0; i < g->nnodes; i++)
		look_at(g, i, &ready, &later);
	while (pop(g, &ready, &later, &i))
		place(g, i, &ready, &later);
	if (g->nordered == g->nnodes)
		return 0;
	g->nordered = 0;
	return fail_cycle(g, diag);
}

/* Pins the modules; *@n of the nodes have been passed. */
static int pin_modules(struct tn_graph *g, uint32_t *n, struct tn_diag *diag)
{
	for (*n = 0; *n < g->nnodes; (*n)++) {
		struct graph_node *node = g->nodes[*n];

		node->load.diag = diag;
		if (node->pub.mod != NULL && !pin(node))
			return fail_absent(node, node->pub.mod);
	}
	return 0;
}

static void unpin_modules(const struct tn_graph *g, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (g->nodes[i]->pub.mod != NULL)
			module_unpin(g->nodes[i]->pub.mod);
}

int tn_graph_resolve(struct tn_graph *g, struct tn_diag *diag)
{
	uint32_t pinned;
	int err;

	diag = diag != NULL ? diag : &g->scratch;
	if (g->is_resolved)
		return -TN_EALREADY;
	err = pin_modules(g, &pinned, diag);
	/* what the finder adds comes to the end, and has its turn */
	for (uint32_t i = 0; err == 0 && i < g->nnodes; i++)
		err = needs_connect(g, i, diag);
	unpin_modules(g, pinned);
	if (err == 0 && g->nnodes != 0)
		err = put_in_order(g, diag);
	g->is_resolved = err == 0;
	return err;
}

/* --- looking at it */

size_t tn_graph_count(const struct tn_graph *g)
{
	return g->nordered;
}

const struct tn_node *tn_graph_node(const struct tn_graph *g, size_t i)
{
	return i < g->nordered ? &g->nodes[g->order[i]]->pub : NULL;
}

bool tn_graph_depends(const struct tn_graph *g, size_t i, size_t on)
{
	uint32_t e;

	if (i >= g->nordered || on >= g->nordered)
		return false;
	e = g->nodes[g->order[i]]->first_need;
	while (e != 0 &&
	       (g->edges[e - 1].soft || g->edges[e - 1].to != g->order[on]))
		e = g->edges[e - 1].next_need;
	return e != 0;
}
