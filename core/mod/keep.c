/* SPDX-License-Identifier: MIT */
/*
 * Keeping names: see keep.h. Everything is read from the file, whose tables
 * have been checked, and from the addresses of the finished image.
 */
#include "keep.h"

#include "load.h"

#include <base/sort.h>
#include <base/string.h>

/* The lowest address of text; all text lies within 2 GiB from there. */
static uint64_t text_base(const struct tn_load *l)
{
	uint64_t base = UINT64_MAX;

	for (unsigned i = 0; i < l->image.nparts; i++) {
		const struct tn_part *p = &l->image.part[i];

		if ((p->kind == TN_TEXT || p->kind == TN_INIT_TEXT) &&
		    p->size != 0 && p->addr < base)
			base = p->addr;
	}
	return base;
}

/* By address; of one address in the order of the file. */
static bool key_before(const void *a, const void *b, const void *arg)
{
	const uint64_t *x = a, *y = b;

	(void)arg;
	return *x < *y;
}

/* --- symbols */

/* The table whose functions are kept, and what its values count from. */
struct source {
	struct elf_symtab tab;
	uint64_t base;
};

static bool open_source(struct tn_load *l, struct source *from)
{
	const bool keep = (l->sys->config.flags & TN_CONFIG_KEEP_SYMBOLS) != 0;
	struct elf_where where;

	from->tab = l->symtab;
	from->base = l->gen->base;
	/* Only the dynamic symbols of an ET_DYN file are exports. */
	if (l->is_dyn && keep && l->elf.nsections != 0 &&
	    elf_symtab_open(&l->elf, SHT_SYMTAB, &from->tab, &where) &&
	    from->tab.n == 0)
		from->tab = l->symtab;
	return keep || l->is_dyn;
}

static uint64_t symbol_value(
    const struct tn_load *l, const struct source *from, uint32_t i)
{
	return l->is_dyn ? from->base + from->tab.syms[i].st_value
			 : l->symbols[i].value;
}

/* A function or a label of code, and none that only marks a place. */
static bool is_shown(
    const struct tn_load *l, const struct source *from, uint32_t i)
{
	const struct elf_sym *s = &from->tab.syms[i];
	const char *name = elf_symtab_name(&from->tab, i);
	const unsigned type = elf_sym_type(s);

	return (type == STT_FUNC || type == STT_NOTYPE) &&
	       s->st_shndx != SHN_UNDEF &&
	       !elf_symtab_is_reserved(&from->tab, i) && name != NULL &&
	       name[0] != '\0' && name[0] != '$' && name[0] != '.' &&
	       load_is_text(l, symbol_value(l, from, i), false);
}

/* The size in the image: what ALIGN deletes inside is gone. */
static uint32_t symbol_size(
    const struct tn_load *l, const struct source *from, uint32_t i)
{
	const struct elf_sym *s = &from->tab.syms[i];
	const uint32_t shndx = elf_symtab_section(&from->tab, i);
	uint64_t size = s->st_size;

	if (!l->is_dyn && shndx < l->nsections) {
		const struct section *sec = &l->sections[shndx];

		size = shrink_map(l, sec, s->st_value + s->st_size) -
		       shrink_map(l, sec, s->st_value);
	}
	return size < INT32_MAX ? (uint32_t)size : 0;
}

static void fill_symbols(const struct tn_load *l, const struct source *from,
    const uint64_t *keys, struct kept_symbols *k)
{
	char *names = (char *)&k->at[k->n];
	uint32_t used = 0;

	k->names = names;
	for (uint32_t i = 0; i < k->n; i++) {
		const uint32_t sym = (uint32_t)keys[i];
		const char *name = elf_symtab_name(&from->tab, sym);
		const size_t size = str_len(name) + 1;

		k->at[i] = (struct kept_symbol){
			.offset = (uint32_t)(keys[i] >> 32),
			.size = symbol_size(l, from, sym),
			.name = used,
		};
		memcpy(names + used, name, size);
		used += (uint32_t)size;
	}
}

/* What is shown, and how long its names are together. */
struct shown {
	uint64_t *keys;
	uint32_t n;
	size_t name_bytes;
};

static int collect_keys(
    struct tn_load *l, const struct source *from, struct shown *shown)
{
	const uint64_t base = text_base(l);
	int err = 0;

	for (uint32_t i = 1; i < from->tab.n && err == 0; i++) {
		if (!is_shown(l, from, i))
			continue;
		const size_t n = str_len(elf_symtab_name(&from->tab, i));

		shown->keys[shown->n++] =
		    (symbol_value(l, from, i) - base) << 32 | i;
		shown->name_bytes += n + 1;
		err = load_count_name(l, n);
	}
	return err;
}

static int keep_sorted(
    struct tn_load *l, const struct source *from, uint64_t *keys)
{
	struct shown shown = { keys, 0, 0 };
	const int err = collect_keys(l, from, &shown);
	struct kept_symbols *k;

	/* Offsets of names have 32 bits. */
	if (err != 0 || shown.n == 0 || shown.name_bytes > UINT32_MAX)
		return err;
	heap_sort(keys, shown.n, sizeof(*keys), key_before, NULL);
	const size_t bytes =
	    sizeof(*k) + shown.n * sizeof(k->at[0]) + shown.name_bytes;

	k = load_memory(l, bytes);
	if (k == NULL)
		return l->diag->error;
	k->bytes = bytes;
	k->base = text_base(l);
	k->n = shown.n;
	fill_symbols(l, from, keys, k);
	l->gen->symbols = k;
	return 0;
}

static int keep_symbols(struct tn_load *l)
{
	struct source from;
	uint64_t *keys;
	int err;

	if (!open_source(l, &from) || from.tab.n == 0)
		return 0;
	keys = load_table(l, from.tab.n, sizeof(*keys));
	if (keys == NULL)
		return l->diag->error;
	err = keep_sorted(l, &from, keys);
	tables_drop(&l->tables, keys);
	return err;
}

/* --- sections */

static bool is_kept(const struct tn_load *l, uint32_t i)
{
	const unsigned part = l->sections[i].part;

	return (part == TN_TEXT || part == TN_INIT_TEXT) &&
	       l->sections[i].size != 0;
}

static int keep_sections(struct tn_load *l)
{
	const char *path = l->args->path != NULL ? l->args->path : "";
	struct kept_sections *k;
	size_t bytes = sizeof(*k) + str_len(path) + 1;
	uint32_t n = 0;

	for (uint32_t i = 1; i < l->nsections; i++) {
		if (!is_kept(l, i))
			continue;
		const size_t length = str_len(elf_section_name(&l->elf, i));

		if (load_count_name(l, length) != 0)
			return l->diag->error;
		n++;
		bytes += sizeof(k->at[0]) + length + 1;
	}
	k = load_memory(l, bytes);
	if (k == NULL)
		return l->diag->error;
	char *text = (char *)&k->at[n];

	k->bytes = bytes;
	k->base = l->gen->base;
	k->path = text;
	text += str_copy(text, bytes, path) + 1;
	for (uint32_t i = 1; i < l->nsections; i++) {
		if (!is_kept(l, i))
			continue;
		k->at[k->n++] = (struct kept_section){ l->sections[i].addr,
			l->sections[i].size, text };
		text += str_copy(text, bytes, elf_section_name(&l->elf, i)) + 1;
	}
	l->gen->sections = k;
	return 0;
}

int load_keep(struct tn_load *l)
{
	const int err = keep_symbols(l);

	if (err == 0 && (l->sys->config.flags & TN_CONFIG_KEEP_SYMBOLS) != 0)
		return keep_sections(l);
	return err;
}

void keep_free(const struct tn_port *port, struct generation *gen)
{
	if (gen->symbols != NULL)
		port_free(port, gen->symbols, gen->symbols->bytes);
	if (gen->sections != NULL)
		port_free(port, gen->sections, gen->sections->bytes);
}
