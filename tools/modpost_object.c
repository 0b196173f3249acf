/* SPDX-License-Identifier: MIT */
/*
 * What the joined object says: its undefined symbols, its export entries and
 * its .modinfo. An entry of __ksymtab is three fields, each of which is one
 * relocation (module-format.md 4.1): the strings are found through these, so
 * the local labels may be stripped.
 */
#include "modpost.h"

#include <stdlib.h>
#include <string.h>

#include <elf/tables.h>

enum field {
	VALUE,
	NAME,
	NAMESPACE,
	FIELDS
};

/* One of the two export tables. */
struct table {
	const struct object *obj;
	struct span entries;
	size_t width; /* of a field */
	const struct elf_rela *relas;
	size_t nrelas;
};

const char *mp_modinfo_next(struct span *rest, const char *key)
{
	const size_t n = strlen(key);
	const char *entry;

	while (elf_modinfo_next(rest, &entry))
		if (strncmp(entry, key, n) == 0 && entry[n] == '=')
			return entry + n + 1;
	return NULL;
}

/* The relocations of section @target. */
static void table_relas(struct table *t, uint32_t target)
{
	const struct elf_file *elf = &t->obj->elf;

	for (uint32_t i = 1; i < elf->nsections; i++) {
		const struct elf_shdr *sh = &elf->sections[i];

		if (sh->sh_type != SHT_RELA || sh->sh_info != target)
			continue;
		const struct span bytes = elf_section_bytes(elf, i);

		t->relas = (const void *)bytes.p;
		t->nrelas = bytes.n / sizeof(struct elf_rela);
	}
}

static const struct elf_rela *field_rela(
    const struct table *t, size_t entry, enum field field)
{
	const uint64_t at = (entry * FIELDS + field) * t->width;

	for (size_t i = 0; i < t->nrelas; i++) {
		/* Nearly always in order: start where it should be. */
		const size_t k = (entry * FIELDS + field + i) % t->nrelas;
		const struct elf_rela *r = &t->relas[k];

		if (r->r_offset == at && elf_rela_sym(r) < t->obj->symtab.n)
			return r;
	}
	return NULL;
}

/* The string that a field points to; @none when the field is empty. */
static const char *field_string(
    const struct table *t, size_t entry, enum field field, const char *none)
{
	const struct object *obj = t->obj;
	const struct elf_rela *r = field_rela(t, entry, field);

	if (r == NULL)
		return none;
	const uint32_t sym = elf_rela_sym(r);
	const uint32_t section = elf_symtab_section(&obj->symtab, sym);

	if (section == 0 || section >= obj->elf.nsections)
		return NULL;
	const struct span s = elf_section_bytes(&obj->elf, section);
	const uint64_t at =
	    obj->symtab.syms[sym].st_value + (uint64_t)r->r_addend;

	if (at >= s.n || memchr(s.p + at, '\0', s.n - at) == NULL)
		return NULL;
	return (const char *)s.p + at;
}

static bool is_global_definition(const struct object *obj, uint32_t sym)
{
	return elf_sym_bind(&obj->symtab.syms[sym]) != STB_LOCAL &&
	       obj->symtab.syms[sym].st_shndx != SHN_UNDEF;
}

static bool table_read(struct modpost *mp, const struct table *t, bool gpl)
{
	const size_t n = t->entries.n / (FIELDS * t->width);

	for (size_t i = 0; i < n; i++) {
		const struct elf_rela *value = field_rela(t, i, VALUE);
		struct export e = {
			.name = field_string(t, i, NAME, NULL),
			.ns = field_string(t, i, NAMESPACE, ""),
			.gpl = gpl,
		};

		if (value == NULL || e.name == NULL || e.ns == NULL ||
		    !mp_is_plain_name(e.name)) {
			mp_fail(
			    mp, "entry %zu of the export table is damaged", i);
			return false;
		}
		e.global = is_global_definition(t->obj, elf_rela_sym(value));
		mp->object.exports[mp->object.nexports++] = e;
	}
	return true;
}

/* riscv64 has whole addresses in its entries, the others distances. */
static size_t field_width(const struct object *obj)
{
	return obj->elf.ehdr->e_machine == EM_RISCV ? 8 : 4;
}

static bool exports_read(struct modpost *mp)
{
	static const char *const names[] = { "__ksymtab", "__ksymtab_gpl" };
	struct object *obj = &mp->object;
	struct table tables[2];
	size_t room = 0;

	for (size_t i = 0; i < 2; i++) {
		const uint32_t section = elf_section_find(&obj->elf, names[i]);

		tables[i] = (struct table){ .obj = obj };
		tables[i].width = field_width(obj);
		if (section != 0) {
			tables[i].entries =
			    elf_section_bytes(&obj->elf, section);
			table_relas(&tables[i], section);
		}
		room += tables[i].entries.n / (FIELDS * tables[i].width);
	}
	obj->exports = calloc(room + 1, sizeof(*obj->exports));
	if (obj->exports == NULL) {
		mp_fail(mp, "out of memory");
		return false;
	}
	return table_read(mp, &tables[0], false) &&
	       table_read(mp, &tables[1], true);
}

/* Names that the loader itself defines. */
static bool is_loaders_own(const char *name)
{
	return strcmp(name, "__this_module") == 0 ||
	       strcmp(name, "_GLOBAL_OFFSET_TABLE_") == 0;
}

static bool imports_read(struct modpost *mp)
{
	struct object *obj = &mp->object;

	obj->imports = calloc(obj->symtab.n + 1, sizeof(*obj->imports));
	if (obj->imports == NULL) {
		mp_fail(mp, "out of memory");
		return false;
	}
	for (uint32_t i = 1; i < obj->symtab.n; i++) {
		const struct elf_sym *sym = &obj->symtab.syms[i];
		const char *name = elf_symtab_name(&obj->symtab, i);

		if (elf_sym_type(sym) == STT_TLS ||
		    elf_sym_type(sym) == STT_GNU_IFUNC)
			mp_complain(mp, "'%s' is %s, which no loader supports",
			    name != NULL ? name : "?",
			    elf_sym_type(sym) == STT_TLS
				? "thread-local"
				: "an indirect function");
		if (sym->st_shndx != SHN_UNDEF || name == NULL ||
		    *name == '\0' || is_loaders_own(name))
			continue;
		obj->imports[obj->nimports++] = (struct import){
			.name = name,
			.weak = elf_sym_bind(sym) == STB_WEAK,
			.from = mp_known_find(mp, name),
		};
	}
	return true;
}

bool mp_object_read(struct modpost *mp)
{
	struct object *obj = &mp->object;
	struct elf_where where = { 0 };

	if (!mp_file_read(mp, mp->input, &obj->file))
		return false;
	const struct span bytes = { (const uint8_t *)obj->file.data,
		obj->file.size };

	if (!elf_open(&obj->elf, bytes, 0, &where) ||
	    !elf_symtab_open(&obj->elf, SHT_SYMTAB, &obj->symtab, &where)) {
		mp_fail(mp, "%s %s", mp->input, elf_fault_text(where.fault));
		return false;
	}
	if (obj->elf.ehdr->e_type != ET_REL) {
		mp_fail(mp, "%s is no relocatable object", mp->input);
		return false;
	}
	const uint32_t modinfo = elf_section_find(&obj->elf, ".modinfo");

	if (modinfo != 0)
		obj->modinfo = elf_section_bytes(&obj->elf, modinfo);
	return imports_read(mp) && exports_read(mp);
}
