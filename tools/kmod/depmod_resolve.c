/* SPDX-License-Identifier: MIT */
/*
 * Who needs whom: depmod_resolve. All exports go into one table, where the last
 * module that exports a name has it; then each import is looked up. What is
 * not there is taken to be the kernel's, unless the kernel's own symbols are
 * given (-E, -F) and missing ones are to be told (-e).
 */
#include "depmod.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

#include "kmodhash.h"
#include "strsort.h"

#define KSYMTAB   "__ksymtab_"
#define BLANKS    " \t"
#define LINE_ROOM 10240

/* What resolving keeps besides the symbols. */
struct resolve {
	struct depmod *d;
	struct buffer crcs;  /* of struct names' entries, when versions count */
	struct buffer needs; /* of the module at hand */
	uint32_t *needed_by; /* of each module: who needed it last, and 1 */
};

static const char *full_path(
    const struct depmod *d, const char *path, struct buffer *scratch)
{
	if (path[0] == '/')
		return path;
	scratch->n = 0;
	buffer_text(scratch, d->folder);
	buffer_char(scratch, '/');
	buffer_add(scratch, path, strlen(path) + 1);
	return scratch->failed ? path : scratch->p;
}

/* --- the table */

static int add_symbol(
    struct resolve *r, const char *name, uint64_t crc, uint32_t owner)
{
	struct depmod *d = r->d;
	bool is_new;
	struct names_entry *entry =
	    names_add(&d->symbols, name, names_hash(name, d->seed), &is_new);

	if (entry == NULL)
		return -TN_ENOMEM;
	entry->value = owner;
	if (is_new)
		buffer_add(&r->crcs, &crc, sizeof(crc));
	else if (r->crcs.p != NULL)
		memcpy(r->crcs.p +
			   (size_t)(entry - d->symbols.entries) * sizeof(crc),
		    &crc, sizeof(crc));
	return r->crcs.failed ? -TN_ENOMEM : 0;
}

/* The same of a name that is not kept otherwise. */
static int add_kernel_symbol(struct resolve *r, const char *name, uint64_t crc)
{
	name = arena_text(&r->d->arena, name, strlen(name));
	return name != NULL ? add_symbol(r, name, crc, NOBODY) : -TN_ENOMEM;
}

static const char *without_prefix(const struct depmod *d, const char *name)
{
	return name[0] != '\0' && name[0] == d->options.prefix ? name + 1
							       : name;
}

static int add_exports(struct resolve *r, uint32_t module)
{
	const struct depmod *d = r->d;
	const struct facts *f = &d->modules[module].facts;
	const char *name = facts_first(f, FACTS_EXPORTS);
	int err = 0;

	for (uint32_t i = 0; !err && i < f->n[FACTS_EXPORTS]; i++) {
		const uint64_t crc = f->details != NULL ? f->details[i].crc : 0;

		err = add_symbol(r, without_prefix(d, name), crc, module);
		name = facts_next(name);
	}
	return err;
}

/* --- symbols of the kernel */

/* A line of Module.symvers: CRC, name, who has it, and more. */
static int take_symver(struct resolve *r, char *line, unsigned number)
{
	const struct depmod *d = r->d;
	char *rest, *end;
	const char *crc = strtok_r(line, BLANKS, &rest);
	const char *name = strtok_r(NULL, BLANKS, &rest);
	const char *where = strtok_r(NULL, BLANKS, &rest);
	uint64_t value;

	if (where == NULL || strcmp(where, "vmlinux") != 0)
		return 0;
	value = strtoull(crc, &end, 16);
	if (*end != '\0') {
		report(&d->report, REPORT_ERROR,
		    "%s:%u Invalid symbol version %s", d->options.symvers,
		    number, crc);
		return 0;
	}
	return add_kernel_symbol(r, without_prefix(d, name), value);
}

/* A line of System.map: address, kind, "__ksymtab_NAME". */
static int take_map_line(struct resolve *r, char *line, unsigned number)
{
	const struct depmod *d = r->d;
	char *p = strchr(line, ' ');

	p = p != NULL ? strchr(p + 1, ' ') : NULL;
	if (p == NULL) {
		report(&d->report, REPORT_ERROR, "%s:%u: invalid line: %s",
		    d->options.system_map, number, line);
		return 0;
	}
	p = (char *)line + (without_prefix(d, p + 1) - line);
	if (strncmp(p, KSYMTAB, strlen(KSYMTAB)) != 0)
		return 0;
	p[strcspn(p, "\n")] = '\0';
	return add_kernel_symbol(r, p + strlen(KSYMTAB), 0);
}

typedef int take_line_fn(struct resolve *r, char *line, unsigned number);

static int take_lines(struct resolve *r, const char *path, take_line_fn *take)
{
	static const char *const fakes[] = { "__this_module",
		"_GLOBAL_OFFSET_TABLE_", "TOC." };
	FILE *f = fopen(path, "re");
	char line[LINE_ROOM];
	unsigned number = 0;
	int err = 0;

	if (f == NULL) {
		report(
		    &r->d->report, REPORT_FATAL, "could not load %s: %m", path);
		return -TN_EIO;
	}
	while (!err && fgets(line, sizeof(line), f) != NULL)
		err = take(r, line, ++number);
	if (!err && ferror(f)) {
		report(&r->d->report, REPORT_FATAL, "could not read %s", path);
		err = -TN_EIO;
	}
	(void)fclose(f);
	for (size_t i = 0; !err && i < ARRAY_SIZE(fakes); i++)
		err = add_kernel_symbol(r, fakes[i], 0);
	return err;
}

static int kernel_symbols(struct resolve *r)
{
	const struct depmod_options *o = &r->d->options;

	if (o->symvers != NULL)
		return take_lines(r, o->symvers, take_symver);
	if (o->system_map != NULL)
		return take_lines(r, o->system_map, take_map_line);
	return 0;
}

/* --- imports */

static const struct names_entry *find_symbol(
    const struct depmod *d, const char *name, uint32_t hash)
{
	const char *plain = name[0] == '.' ? name + 1 : name;

	plain = without_prefix(d, plain);
	if (plain != name)
		hash = names_hash(plain, d->seed);
	return names_find(&d->symbols, plain, hash);
}

/* What -e tells about an import. */
static void tell_import(struct resolve *r, const struct dep_module *m,
    const char *name, const struct names_entry *entry,
    const struct symbol_detail *detail)
{
	const struct depmod *d = r->d;
	struct buffer scratch = { 0 };
	uint64_t crc;

	if (!d->options.errsyms || detail == NULL || detail->is_weak)
		return;
	if (entry == NULL) {
		report(&d->report, REPORT_WARNING, "%s needs unknown symbol %s",
		    full_path(d, m->path, &scratch), name);
	} else if (d->options.symvers != NULL && r->crcs.p != NULL) {
		memcpy(&crc,
		    r->crcs.p +
			(size_t)(entry - d->symbols.entries) * sizeof(crc),
		    sizeof(crc));
		if (crc != detail->crc)
			report(&d->report, REPORT_WARNING,
			    "%s disagrees about version of symbol %s",
			    full_path(d, m->path, &scratch), name);
	}
	buffer_free(&scratch);
}

/* What -v tells about a new dependency. */
static void tell_need(const struct depmod *d, const struct dep_module *m,
    const char *name, const struct dep_module *owner)
{
	struct buffer a = { 0 }, b = { 0 };

	printf("%s needs \"%s\": %s\n", full_path(d, m->path, &a), name,
	    full_path(d, owner->path, &b));
	buffer_free(&a);
	buffer_free(&b);
}

static void add_need(
    struct resolve *r, uint32_t module, const struct names_entry *entry)
{
	struct depmod *d = r->d;
	const uint32_t owner = entry->value;

	if (owner == NOBODY || r->needed_by[owner] == module + 1)
		return;
	r->needed_by[owner] = module + 1;
	buffer_add(&r->needs, &owner, sizeof(owner));
	d->modules[owner].users++;
	if (d->options.verbose)
		tell_need(
		    d, &d->modules[module], entry->name, &d->modules[owner]);
}

static int keep_needs(struct resolve *r, struct dep_module *m)
{
	if (r->needs.failed)
		return -TN_ENOMEM;
	if (r->needs.n == 0)
		return 0;
	m->needs = arena_alloc(&r->d->arena, r->needs.n);
	if (m->needs == NULL)
		return -TN_ENOMEM;
	memcpy(m->needs, r->needs.p, r->needs.n);
	m->nneeds = (uint32_t)(r->needs.n / sizeof(uint32_t));
	return 0;
}

static int resolve_module(struct resolve *r, uint32_t module)
{
	struct depmod *d = r->d;
	struct dep_module *m = &d->modules[module];
	const struct facts *f = &m->facts;
	const uint32_t first = f->n[FACTS_EXPORTS];
	const char *name = facts_first(f, FACTS_IMPORTS);

	r->needs.n = 0;
	for (uint32_t i = 0; i < f->n[FACTS_IMPORTS]; i++) {
		const struct names_entry *entry =
		    find_symbol(d, name, f->hashes[first + i]);

		if (d->options.errsyms)
			tell_import(r, m, name, entry,
			    f->details != NULL ? &f->details[first + i] : NULL);
		if (entry != NULL)
			add_need(r, module, entry);
		name = facts_next(name);
	}
	return keep_needs(r, m);
}

/* --- the symbols of modules, in order */

static const char *export_name(const void *exports, uint32_t i)
{
	return ((const struct names_entry *const *)exports)[i]->name;
}

/* exports[] sorted by name, and by_bucket[] as kmod's table lists them. */
static int order_exports(struct depmod *d)
{
	const size_t n = d->symbols.n + 1;
	const struct names_entry **found =
	    arena_alloc(&d->arena, n * sizeof(*found));
	struct kmodhash_texts texts = { .text = export_name };
	uint32_t *sorted = arena_alloc(&d->arena, n * sizeof(*sorted));
	int err;

	d->by_bucket = arena_alloc(&d->arena, n * sizeof(*d->by_bucket));
	if (found == NULL || sorted == NULL || d->by_bucket == NULL)
		return -TN_ENOMEM;
	for (uint32_t i = 0; i < d->symbols.n; i++)
		if (d->symbols.entries[i].value != NOBODY)
			found[d->nexports++] = &d->symbols.entries[i];
	err = strsort(export_name, found, d->nexports, sorted);
	if (err)
		return err;
	d->exports = found;
	d->by_name = sorted;
	texts.arg = found;
	texts.n = d->nexports;
	texts.sorted = sorted;
	return kmodhash_order(&texts, KMODHASH_SYMBOLS, d->by_bucket);
}

int depmod_resolve(struct depmod *d)
{
	struct resolve r = { .d = d };
	int err = kernel_symbols(&r);

	for (uint32_t i = 0; !err && i < d->nmodules; i++)
		err = add_exports(&r, i);
	r.needed_by =
	    arena_alloc(&d->arena, (d->nmodules + 1) * sizeof(*r.needed_by));
	if (!err && r.needed_by == NULL)
		err = -TN_ENOMEM;
	for (uint32_t i = 0; !err && i < d->nmodules; i++)
		err = resolve_module(&r, i);
	if (!err)
		err = order_exports(d);
	buffer_free(&r.crcs);
	buffer_free(&r.needs);
	return err;
}
