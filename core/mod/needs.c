/* SPDX-License-Identifier: MIT */
/*
 * What a node of a graph needs, read from its file: exports from the
 * relocations of __ksymtab, which point to the names (module-format.md 4.1),
 * imports from the symbol table, declarations from .modinfo, DT_NEEDED.
 *
 * Names that no node fulfils are looked for among what runs, then asked of the
 * finder. What it supplies becomes a node of its own.
 */
#include <base/string.h>
#include <elf/tables.h>

#include "depend.h"
#include "graph.h"
#include "metadata.h"

#define NAME_LENGTH 1024 /* a longer one is left to the load */

/* --- exports */

/* The relocations of section @target. */
static struct rela_table rela_of(const struct elf_file *elf, uint32_t target)
{
	struct rela_table t = { NULL, 0 };

	for (uint32_t i = 1; i < elf->nsections && t.rela == NULL; i++) {
		const struct elf_shdr *sh = &elf->sections[i];

		if (sh->sh_type != SHT_RELA || sh->sh_info != target)
			continue;
		const struct span s = elf_section_bytes(elf, i);

		t.rela = (const struct elf_rela *)(const void *)s.p;
		t.n = (uint32_t)(s.n / sizeof(*t.rela));
	}
	return t;
}

/* The string that a relocation points to, or NULL. */
static const char *target_string(
    const struct tn_load *l, const struct elf_rela *r)
{
	const uint32_t sym = elf_rela_sym(r);
	struct span s;
	uint32_t section;
	uint64_t at;

	if (sym >= l->symtab.n)
		return NULL;
	section = elf_symtab_section(&l->symtab, sym);
	if (section == 0 || section >= l->elf.nsections)
		return NULL;
	at = l->symtab.syms[sym].st_value + (uint64_t)r->r_addend;
	s = elf_section_bytes(&l->elf, section);
	for (uint64_t i = at; i < s.n && i - at < NAME_LENGTH; i++)
		if (s.p[i] == '\0')
			return i != at ? (const char *)s.p + at : NULL;
	return NULL;
}

/* Counts the names in a table of exports, and writes them to @out if any. */
static uint32_t list_exports(
    const struct graph_node *node, const char *table, struct graph_export *out)
{
	const struct tn_load *l = &node->load;
	const uint32_t section = elf_section_find(&l->elf, table);
	const unsigned width = l->machine->prel_exports ? 4 : 8;
	struct rela_table t = { NULL, 0 };
	uint32_t n = 0;

	if (section != 0)
		t = rela_of(&l->elf, section);
	for (uint32_t i = 0; i < t.n; i++) {
		/* fields: value, name, namespace */
		const char *name = t.rela[i].r_offset / width % 3 == 1
				       ? target_string(l, &t.rela[i])
				       : NULL;

		if (name != NULL && out != NULL)
			out[n] =
			    (struct graph_export){ { name }, node->number };
		n += name != NULL;
	}
	return n;
}

int needs_exports(struct tn_graph *g, struct graph_node *node)
{
	static const char *const tables[] = { "__ksymtab", "__ksymtab_gpl" };
	struct graph_export *e;
	uint32_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tables) && !node->load.is_dyn; i++)
		n += list_exports(node, tables[i], NULL);
	if (n == 0)
		return 0;
	e = load_table(&node->load, n, sizeof(*e));
	if (e == NULL)
		return node->load.diag->error;
	node->exports = e;
	node->nexports = n;
	node->number = g->nnodes;
	if (index_reserve(&g->exports, n) != 0)
		return load_fail_memory(&node->load, n);
	n = list_exports(node, tables[0], e);
	(void)list_exports(node, tables[1], e + n);
	return 0;
}

/* --- what fulfils a need */

struct need {
	struct tn_graph *g;
	struct graph_node *node; /* whose need it is */
	struct tn_diag *diag;
};

/* Asks the finder; true when it has added a node. */
static int ask(
    const struct need *n, const char *name, const char *symbol, bool *added)
{
	struct tn_graph *g = n->g;
	struct tn_load_args args = { .size = sizeof(args) };
	const uint32_t before = g->nnodes;
	int err = g->find != NULL ? g->find(g->find_arg, name, symbol, &args)
				  : -TN_ENOENT;

	*added = false;
	if (err == -TN_ENOENT)
		return 0;
	if (err != 0) {
		(void)diag_fail(n->diag, TN_STAGE_DEPENDS, TN_REASON_FINDER,
		    n->node->load.name, name != NULL ? name : symbol);
		return diag_result(n->diag, err);
	}
	err = graph_add(g, &args, true, n->diag);
	/* A file that is there already does not help. */
	if (err == -TN_EEXIST) {
		tn_diag_fini(n->diag);
		err = 0;
	}
	*added = g->nnodes != before;
	return err;
}

static int connect(const struct need *n, const struct graph_node *to, bool soft)
{
	if (graph_connect(n->g, n->node->number, to->number, soft) != 0)
		return graph_no_memory(n->g, n->diag);
	return 0;
}

/* A module that only should come first; no harm is done without it. */
static int prefer(const struct need *n, const char *name)
{
	struct graph_node *to = graph_find(n->g, name);
	struct tn_module *mod;
	bool added;
	int err;

	if (to != NULL)
		return connect(n, to, true);
	mod = module_find_live(n->g->sys, name);
	if (mod != NULL) {
		module_unpin(mod);
		return 0;
	}
	err = ask(n, name, NULL, &added);
	to = graph_find(n->g, name);
	return err == 0 && to != NULL ? connect(n, to, true) : err;
}

static const char *version_of(const struct graph_node *node)
{
	const char *s = elf_modinfo_get(node->load.modinfo, "version");

	return s != NULL ? s : "";
}

/* --- declarations */

/* A running module of this name, or that provides it, with a reference. */
static struct tn_module *find_running(
    const struct tn_graph *g, const struct tn_depend *d)
{
	struct tn_module *mod = module_find_live(g->sys, d->name);

	return mod != NULL ? mod : provides_pin(g->sys, d->name);
}

static int connect_declared(const struct need *n, const struct tn_depend *d)
{
	struct tn_load *l = &n->node->load;
	struct graph_node *to = graph_find(n->g, d->name);
	struct tn_module *mod = to == NULL ? find_running(n->g, d) : NULL;
	bool added;
	int err = 0;

	if (mod != NULL) {
		err = depend_check(l, d, metadata_text(mod->gen, "version"));
		module_unpin(mod);
		return err;
	}
	if (to == NULL) {
		err = ask(n, d->name, NULL, &added);
		to = graph_find(n->g, d->name);
	}
	if (err != 0)
		return err;
	if (to == NULL)
		return d->optional
			   ? 0
			   : depend_fail(l, d, TN_REASON_DEPENDS_MISSING, "");
	err = depend_check(l, d, version_of(to));
	return err != 0 ? err : connect(n, to, false);
}

static int connect_declarations(const struct need *n)
{
	struct span rest = n->node->load.modinfo;
	struct tn_depend d;
	const char *list;
	int more, err = 0;

	while (err == 0 &&
	       (list = modinfo_next(&rest, "tenon.depends=")) != NULL) {
		const char *all = list;

		while (err == 0 && (more = tn_depend_next(&list, &d)) != 0)
			err = more > 0 ? connect_declared(n, &d)
				       : load_fail_other(&n->node->load,
					     TN_REASON_BAD_DEPENDS, all);
	}
	return err;
}

/* The next word of a list that commas and blanks part; false at its end. */
static bool next_word(const char **s, char word[TN_MODULE_NAME_MAX])
{
	size_t n = 0;

	while (**s == ' ' || **s == ',' || **s == '\t')
		(*s)++;
	for (; **s != '\0' && **s != ' ' && **s != ',' && **s != '\t'; (*s)++)
		if (n + 1 < TN_MODULE_NAME_MAX) {
			word[n] = **s;
			if (**s == '-')
				word[n] = '_';
			n++;
		}
	word[n] = '\0';
	return n != 0;
}

/* A node that only should come after this one, if there is one. */
static int precede(const struct need *n, const char *name)
{
	const struct need other = { n->g, graph_find(n->g, name), n->diag };

	return other.node != NULL ? connect(&other, n->node, true) : 0;
}

/* depends=a,b and softdep=pre: a b post: c */
static int connect_linux(const struct need *n, const char *key)
{
	struct span rest = n->node->load.modinfo;
	char word[TN_MODULE_NAME_MAX];
	const char *s;
	int err = 0;

	while (err == 0 && (s = modinfo_next(&rest, key)) != NULL) {
		bool post = false;

		while (err == 0 && next_word(&s, word)) {
			if (str_eq(word, "pre:") || str_eq(word, "post:"))
				post = word[1] == 'o';
			else
				err = post ? precede(n, word) : prefer(n, word);
		}
	}
	return err;
}

/* --- symbols */

static bool is_special(const char *name)
{
	return str_eq(name, "__this_module") ||
	       str_eq(name, "_GLOBAL_OFFSET_TABLE_");
}

static struct graph_node *exporter(
    const struct need *n, const char *symbol, size_t *length)
{
	const struct graph_export *e =
	    (const struct graph_export *)index_find_measured(
		&n->g->exports, symbol, length);

	return e != NULL ? n->g->nodes[e->node] : NULL;
}

/* Is there such a symbol outside of the graph's files? */
static bool is_offered(
    const struct need *n, const char *name, struct graph_node **owner)
{
	const struct tn_load *l = &n->node->load;
	const struct tn_port *port = n->g->port;
	struct tn_symbol sym;
	uint64_t addr;

	if (symbol_get(n->g->sys, name, &sym) != 0)
		return l->profile == TN_PROFILE_HOSTED &&
		       port->host_symbol != NULL &&
		       port->host_symbol(port->ctx, name, &addr) == 0;
	if (sym.owner != NULL) {
		*owner = (struct graph_node *)index_find(
		    &n->g->names, sym.owner->name);
		if (*owner != NULL && (*owner)->pub.mod != sym.owner)
			*owner = NULL;
		module_unpin(sym.owner);
	}
	return true;
}

/* @missing: nobody has it, and it is needed. */
static int connect_symbol(
    const struct need *n, const char *name, bool weak, bool *missing)
{
	size_t length;
	struct graph_node *to = exporter(n, name, &length);
	bool added = false;
	int err = load_count_name(&n->node->load, length);

	*missing = false;
	if (err != 0)
		return err;
	if (to == NULL && is_offered(n, name, &to))
		return to != NULL ? connect(n, to, weak) : 0;
	if (to == NULL && !weak)
		err = ask(n, NULL, name, &added);
	if (added)
		to = exporter(n, name, &length);
	if (err == 0 && to != NULL && to != n->node)
		return connect(n, to, weak);
	*missing = to == NULL && !weak;
	return err;
}

static int note_missing(struct tn_load *l, uint32_t i)
{
	if (l->symbols == NULL) {
		l->nsymbols = l->symtab.n;
		l->symbols = load_table(l, l->nsymbols, sizeof(*l->symbols));
	}
	if (l->symbols == NULL)
		return l->diag->error;
	l->symbols[i].flags |= SYM_DEFERRED;
	l->nmissing++;
	return 0;
}

static bool is_import(const struct tn_load *l, uint32_t i)
{
	const struct elf_sym *s = &l->symtab.syms[i];

	return s->st_shndx == SHN_UNDEF && elf_sym_bind(s) != STB_LOCAL &&
	       s->st_name < l->symtab.strings.n &&
	       !is_special(load_symbol_name(l, i));
}

static int connect_symbols(const struct need *n)
{
	struct tn_load *l = &n->node->load;
	bool refused = false; /* by name, which says more: that is the load's */
	int err = 0;

	for (uint32_t i = 1; i < l->symtab.n && err == 0; i++) {
		const struct elf_sym *sym = &l->symtab.syms[i];
		const bool weak = elf_sym_bind(sym) == STB_WEAK;
		bool missing = false;

		refused |= elf_sym_type(sym) == STT_TLS;

		if (is_import(l, i))
			err = connect_symbol(
			    n, load_symbol_name(l, i), weak, &missing);
		if (err == 0 && missing)
			err = note_missing(l, i);
	}
	return err != 0 || l->nmissing == 0 || refused ? err
						       : load_fail_missing(l);
}

static int connect_needed(const struct need *n)
{
	struct tn_load *l = &n->node->load;
	int err = 0;

	for (uint32_t i = 0; i < l->dyn.nentries && err == 0; i++) {
		const struct elf_dyn *e = &l->dyn.entries[i];
		const char *s = e->d_tag == DT_NEEDED
				    ? elf_dynamic_string(&l->dyn, e->d_val)
				    : NULL;
		struct tn_depend d = { .length = 0 };

		if (s != NULL)
			err = load_count_name(l, str_len(s));
		if (err == 0 && s != NULL && tn_module_name(s, d.name))
			err = connect_declared(n, &d);
		/* It is known by the name that the file has for it. */
		if (err != 0 && l->diag->reason == TN_REASON_DEPENDS_MISSING)
			err = load_fail_other(l, TN_REASON_NEEDED, s);
	}
	return err;
}

/* --- modules */

static int connect_provider(void *arg, struct tn_module *provider)
{
	const struct need *n = arg;
	const struct graph_node *to =
	    (const struct graph_node *)index_find(&n->g->names, provider->name);

	return to != NULL && to->pub.mod == provider ? connect(n, to, false)
						     : 0;
}

int needs_connect(struct tn_graph *g, uint32_t i, struct tn_diag *diag)
{
	struct need n = { g, g->nodes[i], diag };
	struct tn_load *l = &n.node->load;
	int err;

	l->diag = diag;
	l->stage = TN_STAGE_DEPENDS;
	if (n.node->pub.mod != NULL)
		return tn_module_providers(
		    n.node->pub.mod, connect_provider, &n);
	err = connect_declarations(&n);
	if (err == 0)
		err = connect_needed(&n);
	if (err == 0)
		err = connect_linux(&n, "depends=");
	if (err == 0)
		err = connect_linux(&n, "softdep=");
	if (err == 0)
		err = connect_symbols(&n);
	return err;
}
