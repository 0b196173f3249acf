/* SPDX-License-Identifier: MIT */
/*
 * From an address to a symbol: see symbolize.h.
 */
#include "symbolize.h"

#include "keep.h"
#include "module.h"

#include <base/string.h>
#include <tenon/inspect.h>

#define LEAF_RANGES 42 /* a leaf is 1 KiB */
#define ROOT_STEP   15 /* a root has room for a multiple of it */

struct range {
	uint64_t start, end;
	struct generation *gen;
};

struct range_leaf {
	uint32_t n;
	struct range at[LEAF_RANGES];
};

/* Entry i holds what starts at .start or above, and below that of i + 1. */
struct root_entry {
	uint64_t start; /* the first one's is 0 */
	_Atomic(struct range_leaf *) leaf;
};

struct range_root {
	uint32_t n, max;
	struct root_entry at[];
};

static size_t root_size(uint32_t max)
{
	return sizeof(struct range_root) + max * sizeof(struct root_entry);
}

static struct range_root *root_of(const struct tn_system *sys)
{
	/* seq_cst: comes after the count of the reader that asks */
	return atomic_load(&sys->symbolizer.root);
}

static struct range_leaf *leaf_of(const struct root_entry *e)
{
	return atomic_load(&e->leaf);
}

/* --- readers */

/*
 * All of this is sequentially consistent. A reader counts itself and then
 * loads the root and a leaf; a writer stores one of them and then looks at the
 * counts. So either the writer sees the reader or the reader the new pointer.
 */
static uint32_t read_begin(struct symbolizer *s)
{
	const uint32_t phase = atomic_load(&s->phase) & 1;

	atomic_fetch_add(&s->readers[phase], 1);
	return phase;
}

static void read_end(struct symbolizer *s, uint32_t phase)
{
	atomic_fetch_sub(&s->readers[phase], 1);
}

void symbolize_after_fork(struct tn_system *sys)
{
	struct symbolizer *s = &sys->symbolizer;

	for (size_t i = 0; i < ARRAY_SIZE(s->readers); i++)
		atomic_store(&s->readers[i], 0);
}

void symbolize_wait(struct tn_system *sys)
{
	const struct tn_port *port = sys->port;
	struct symbolizer *s = &sys->symbolizer;

	for (int turn = 0; turn < 2; turn++) {
		const uint32_t was = atomic_fetch_add(&s->phase, 1) & 1;

		/* Without other threads whoever has begun has ended too. */
		while (
		    port->relax != NULL && atomic_load(&s->readers[was]) != 0)
			port->relax(port->ctx);
	}
}

/* --- searching */

/*
 * Of @n records, ordered by a number of which the first one's is at @first and
 * the others' are @stride bytes apart: how many have @key or less?
 */
static uint32_t count_upto(
    const uint64_t *first, size_t stride, uint32_t n, uint64_t key)
{
	uint32_t low = 0;

	while (n > 0) {
		const uint32_t half = (n + 1) / 2;
		const uint64_t *at =
		    (const uint64_t *)(const void *)((const char *)first +
						     (low + half - 1) * stride);

		low = *at <= key ? low + half : low;
		n -= half;
	}
	return low;
}

/* The last entry of the root whose start is not above @addr. */
static uint32_t root_search(const struct range_root *root, uint64_t addr)
{
	return count_upto(
		   &root->at[0].start, sizeof(root->at[0]), root->n, addr) -
	       1;
}

/* How many ranges of the leaf start at @addr or below. */
static uint32_t leaf_search(const struct range_leaf *leaf, uint64_t addr)
{
	return count_upto(
	    &leaf->at[0].start, sizeof(leaf->at[0]), leaf->n, addr);
}

static const struct range *range_find(
    const struct tn_system *sys, uint64_t addr)
{
	const struct range_root *root = root_of(sys);
	const struct range_leaf *leaf =
	    leaf_of(&root->at[root_search(root, addr)]);
	const uint32_t i = leaf_search(leaf, addr);

	return i != 0 && addr < leaf->at[i - 1].end ? &leaf->at[i - 1] : NULL;
}

/* --- changing: registry lock */

static struct range_leaf *leaf_new(const struct tn_port *port)
{
	return port_alloc(port, sizeof(struct range_leaf));
}

static void leaf_free(const struct tn_port *port, struct range_leaf *leaf)
{
	port_free(port, leaf, sizeof(*leaf));
}

/* Publishes @leaf; the one that was there becomes the spare one. */
static void leaf_replace(
    struct tn_system *sys, struct root_entry *e, struct range_leaf *leaf)
{
	struct range_leaf *old = leaf_of(e);

	atomic_store(&e->leaf, leaf);
	symbolize_wait(sys);
	sys->symbolizer.spare = old;
}

static void root_add(
    struct range_root *root, uint64_t start, struct range_leaf *leaf)
{
	struct root_entry *e = &root->at[root->n++];

	e->start = root->n == 1 ? 0 : start;
	atomic_init(&e->leaf, leaf);
}

/*
 * Publishes a root with the @n leaves at @leaves in the place of entry @i, of
 * which the first keeps its start. False without memory.
 */
static bool root_replace(struct tn_system *sys, uint32_t i,
    struct range_leaf *const *leaves, uint32_t n)
{
	struct range_root *old = root_of(sys);
	const uint32_t was = old->n;
	const uint32_t max = (was + n) / ROOT_STEP * ROOT_STEP + ROOT_STEP;
	struct range_root *root = port_alloc(sys->port, root_size(max));

	if (root == NULL)
		return false;
	root->max = max;
	for (uint32_t k = 0; k < was; k++) {
		const uint64_t start = old->at[k].start;

		if (k != i)
			root_add(root, start, leaf_of(&old->at[k]));
		for (uint32_t j = 0; k == i && j < n; j++)
			root_add(root, j == 0 ? start : leaves[j]->at[0].start,
			    leaves[j]);
	}
	atomic_store(&sys->symbolizer.root, root);
	symbolize_wait(sys);
	port_free(sys->port, old, root_size(old->max));
	return true;
}

static void leaf_copy(struct range_leaf *to, const struct range_leaf *from,
    uint32_t first, uint32_t n)
{
	memcpy(to->at, &from->at[first], n * sizeof(to->at[0]));
	to->n = n;
}

/* Nobody else sees @leaf yet. */
static void leaf_insert(struct range_leaf *leaf, uint32_t i, struct range r)
{
	memmove(&leaf->at[i + 1], &leaf->at[i],
	    (leaf->n - i) * sizeof(leaf->at[0]));
	leaf->at[i] = r;
	leaf->n++;
}

/*
 * A full leaf becomes two: halves, or itself and one for what stands behind
 * it, since addresses mostly ascend.
 */
static int leaf_split(
    struct tn_system *sys, uint32_t i, uint32_t at, struct range r)
{
	struct range_leaf *old = leaf_of(&root_of(sys)->at[i]);
	const uint32_t cut = at == LEAF_RANGES ? at : LEAF_RANGES / 2;
	struct range_leaf *low = leaf_new(sys->port);
	struct range_leaf *high = leaf_new(sys->port);
	struct range_leaf *const both[] = { low, high };

	if (low == NULL || high == NULL)
		goto out_free;
	leaf_copy(low, old, 0, cut);
	leaf_copy(high, old, cut, LEAF_RANGES - cut);
	if (at < cut)
		leaf_insert(low, at, r);
	else
		leaf_insert(high, at - cut, r);
	if (!root_replace(sys, i, both, 2))
		goto out_free;
	leaf_free(sys->port, old);
	return 0;

out_free:
	leaf_free(sys->port, low);
	leaf_free(sys->port, high);
	return -TN_ENOMEM;
}

/* The bounds never shrink: then they need no order with what they bound. */
static void widen(struct symbolizer *s, const struct range *r)
{
	if (r->start < atomic_load(&s->lowest))
		atomic_store(&s->lowest, r->start);
	if (r->end > atomic_load(&s->highest))
		atomic_store(&s->highest, r->end);
}

static int range_add(struct tn_system *sys, struct range r)
{
	struct range_leaf *fresh;
	struct root_entry *e;
	uint32_t i, at;

	widen(&sys->symbolizer, &r);
	i = root_search(root_of(sys), r.start);
	e = &root_of(sys)->at[i];
	at = leaf_search(leaf_of(e), r.start);
	if (leaf_of(e)->n == LEAF_RANGES)
		return leaf_split(sys, i, at, r);
	fresh = sys->symbolizer.spare;
	leaf_copy(fresh, leaf_of(e), 0, leaf_of(e)->n);
	leaf_insert(fresh, at, r);
	leaf_replace(sys, e, fresh);
	return 0;
}

/* An empty leaf that cannot be dropped without memory does no harm. */
static void leaf_drop(struct tn_system *sys, uint32_t i)
{
	struct range_leaf *leaf = leaf_of(&root_of(sys)->at[i]);

	if (leaf->n == 0 && root_of(sys)->n > 1 &&
	    root_replace(sys, i, NULL, 0))
		leaf_free(sys->port, leaf);
}

static void range_remove(
    struct tn_system *sys, uint64_t start, const struct generation *gen)
{
	struct range_leaf *fresh = sys->symbolizer.spare;
	const struct range *r = range_find(sys, start);
	struct range_leaf *leaf;
	uint32_t i;

	if (r == NULL || r->start != start || r->gen != gen)
		return;
	i = root_search(root_of(sys), start);
	leaf = leaf_of(&root_of(sys)->at[i]);
	const uint32_t at = (uint32_t)(r - leaf->at);

	leaf_copy(fresh, leaf, 0, leaf->n);
	fresh->n--;
	memmove(&fresh->at[at], &leaf->at[at + 1],
	    (fresh->n - at) * sizeof(leaf->at[0]));
	leaf_replace(sys, &root_of(sys)->at[i], fresh);
	leaf_drop(sys, i);
}

static void remove_kind(struct generation *gen, unsigned kind)
{
	const struct kept_image *img = gen->image;

	for (unsigned i = 0; i < img->nparts; i++)
		if (img->part[i].kind == kind && img->part[i].size != 0)
			range_remove(gen->mod->sys, img->part[i].addr, gen);
}

int symbolize_add(struct generation *gen)
{
	int err = 0;

	for (unsigned i = 0; i < gen->image->nparts && err == 0; i++) {
		const struct kept_part *p = &gen->image->part[i];

		if (p->size != 0 &&
		    (p->kind == TN_TEXT || p->kind == TN_INIT_TEXT))
			err = range_add(gen->mod->sys,
			    (struct range){ p->addr, p->addr + p->size, gen });
	}
	if (err != 0) {
		remove_kind(gen, TN_TEXT);
		remove_kind(gen, TN_INIT_TEXT);
	}
	return err;
}

void symbolize_drop_init(struct generation *gen)
{
	remove_kind(gen, TN_INIT_TEXT);
}

void symbolize_remove(struct generation *gen)
{
	struct symbolizer *s = &gen->mod->sys->symbolizer;
	const uint32_t older = 1 - atomic_load(&s->newer);

	/* The wait of the removal before has ended who read this one. */
	memcpy(s->last[older], gen->mod->name, sizeof(s->last[older]));
	atomic_store(&s->newer, older);
	remove_kind(gen, TN_TEXT);
	remove_kind(gen, TN_INIT_TEXT);
	symbolize_wait(gen->mod->sys);
}

int symbolize_init(struct tn_system *sys)
{
	struct range_root *root = port_alloc(sys->port, root_size(ROOT_STEP));
	struct range_leaf *leaf;

	if (root == NULL)
		return -TN_ENOMEM;
	root->max = ROOT_STEP;
	atomic_init(&sys->symbolizer.root, root);
	atomic_init(&sys->symbolizer.lowest, UINT64_MAX);
	leaf = leaf_new(sys->port);
	sys->symbolizer.spare = leaf_new(sys->port);
	if (leaf != NULL)
		root_add(root, 0, leaf);
	return leaf != NULL && sys->symbolizer.spare != NULL ? 0 : -TN_ENOMEM;
}

void symbolize_fini(struct tn_system *sys)
{
	struct range_root *root = root_of(sys);

	for (uint32_t i = 0; root != NULL && i < root->n; i++)
		leaf_free(sys->port, leaf_of(&root->at[i]));
	if (root != NULL)
		port_free(sys->port, root, root_size(root->max));
	leaf_free(sys->port, sys->symbolizer.spare);
}

/* --- names: a reader's side */

/* The symbol that the address falls into, if one does. */
static void fill_kept(const struct kept_symbols *k, const struct range *r,
    uint64_t addr, struct tn_location *out)
{
	const uint64_t offset = addr - k->base;
	const uint64_t limit = r->end - k->base;
	uint32_t low = 0;

	for (uint32_t n = k->n; n > 0;) {
		const uint32_t half = (n + 1) / 2;

		low = k->at[low + half - 1].offset <= offset ? low + half : low;
		n -= half;
	}
	if (low == 0 || k->at[low - 1].offset < r->start - k->base)
		return;
	const struct kept_symbol *sym = &k->at[low - 1];
	const uint64_t next =
	    low < k->n && k->at[low].offset < limit ? k->at[low].offset : limit;
	const uint64_t size = sym->size != 0 ? sym->size : next - sym->offset;

	if (offset - sym->offset >= size)
		return;
	(void)str_copy(out->symbol, sizeof(out->symbol), k->names + sym->name);
	out->offset = offset - sym->offset;
	out->size = size;
	out->exact = sym->size != 0;
}

/* The nearest export in the same text, up to the next one in it. */
static void fill_export(struct export_block *b, const struct range *r,
    uint64_t addr, struct tn_location *out)
{
	const struct export_place at = export_find(b, addr);

	if (at.before == NULL || at.before->value < r->start)
		return;
	(void)str_copy(out->symbol, sizeof(out->symbol), at.before->name);
	out->offset = addr - at.before->value;
	out->size =
	    (at.after != NULL && at.after->value < r->end ? at.after->value
							  : r->end) -
	    at.before->value;
}

static void fill(const struct range *r, uint64_t addr, struct tn_location *out)
{
	const struct generation *gen = r->gen;

	out->module = gen->mod;
	memcpy(out->module_name, gen->mod->name, sizeof(out->module_name));
	out->symbol[0] = '\0';
	out->offset = addr - r->start;
	out->size = r->end - r->start;
	out->exact = false;
	if (gen->symbols != NULL)
		fill_kept(gen->symbols, r, addr, out);
	else if (gen->exports != NULL)
		fill_export(gen->exports, r, addr, out);
}

int tn_symbolize(struct tn_system *sys, uint64_t addr, struct tn_location *out)
{
	const uint32_t phase = read_begin(&sys->symbolizer);
	const struct range *r = range_find(sys, addr);

	if (r != NULL)
		fill(r, addr, out);
	read_end(&sys->symbolizer, phase);
	return r != NULL ? 0 : -TN_ENOENT;
}

struct generation *symbolize_owner(struct tn_system *sys, uint64_t addr)
{
	const uint32_t phase = read_begin(&sys->symbolizer);
	const struct range *r = range_find(sys, addr);
	struct generation *gen = r != NULL ? r->gen : NULL;

	read_end(&sys->symbolizer, phase);
	return gen;
}

/* The section that @addr falls into; true when there is one. */
static bool fill_origin(
    const struct kept_sections *k, uint64_t addr, struct tn_origin *out)
{
	uint32_t i = 0;

	while (i < k->n && addr - k->at[i].addr >= k->at[i].size)
		i++;
	if (i == k->n && k->n != 0)
		return false;
	out->section[0] = '\0';
	out->offset = addr - k->base;
	if (i < k->n) {
		(void)str_copy(
		    out->section, sizeof(out->section), k->at[i].name);
		out->offset = addr - k->at[i].addr;
	}
	if (str_copy(out->path, sizeof(out->path), k->path) >=
	    sizeof(out->path))
		out->path[0] = '\0';
	return true;
}

int tn_symbolize_origin(
    struct tn_system *sys, uint64_t addr, struct tn_origin *out)
{
	const uint32_t phase = read_begin(&sys->symbolizer);
	const struct range *r = range_find(sys, addr);
	const bool found = r != NULL && r->gen->sections != NULL &&
			   fill_origin(r->gen->sections, addr, out);

	read_end(&sys->symbolizer, phase);
	return found ? 0 : -TN_ENOENT;
}

/* The first range behind @addr, by a reader. */
static const struct range *range_after(
    const struct tn_system *sys, uint64_t addr)
{
	const struct range_root *root = root_of(sys);
	uint32_t i = root_search(root, addr);
	const struct range_leaf *leaf = leaf_of(&root->at[i]);
	uint32_t k = leaf_search(leaf, addr);

	/* Leaves may be empty. */
	while (k == leaf->n && ++i < root->n) {
		leaf = leaf_of(&root->at[i]);
		k = 0;
	}
	return k < leaf->n ? &leaf->at[k] : NULL;
}

/* Whoever is called is not inside of a reading: nobody waits for it. */
int tn_symbolize_each(struct tn_system *sys,
    int (*fn)(void *arg, const char *name, uint64_t addr, uint64_t size),
    void *arg)
{
	struct symbolizer *s = &sys->symbolizer;
	char name[TN_MODULE_NAME_MAX];
	uint64_t start = 0, size;
	int stop = 0;

	while (stop == 0) {
		const uint32_t phase = read_begin(s);
		const struct range *r = range_after(sys, start);

		if (r != NULL) {
			memcpy(name, r->gen->mod->name, sizeof(name));
			start = r->start;
			size = r->end - start;
		}
		read_end(s, phase);
		if (r == NULL)
			break;
		stop = fn(arg, name, start, size);
	}
	return stop;
}

void tn_last_unloaded(struct tn_system *sys, char name[TN_MODULE_NAME_MAX])
{
	struct symbolizer *s = &sys->symbolizer;
	const uint32_t phase = read_begin(s);

	memcpy(name, s->last[atomic_load(&s->newer)], TN_MODULE_NAME_MAX);
	read_end(s, phase);
}
