/* SPDX-License-Identifier: MIT */
/*
 * The writer of module files: see author.h.
 */
#include "author.h"

#include <stdio.h>
#include <string.h>

static const uint8_t note_common[36] = {
	6, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, /* sizes, type */
	'T', 'e', 'n', 'o', 'n', 0, 0, 0,    /* name, padded */
	1, 0, 0, 0, 1, 0, 0, 0,              /* note version, profile */
	1, 0, 0, 0, 0, 0, 0, 0,              /* ABI */
};

struct author author_new(unsigned machine, const char *name)
{
	struct author a = { .o = object_new(machine), .isa = isa_of(machine) };

	a.text = object_section(
	    a.o, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
	a.data =
	    object_section(a.o, ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	a.modinfo = object_section(a.o, ".modinfo", SHT_PROGBITS, SHF_ALLOC);
	a.note = object_section(a.o, ".note.tenon", SHT_NOTE, SHF_ALLOC);
	object_add(a.o, a.note, note_common, sizeof(note_common));
	object_add(a.o, a.modinfo, "name=", 5);
	author_info(&a, name);
	author_info(&a, "license=GPL");
	return a;
}

void author_free(struct author *a)
{
	object_free(a->o);
}

void author_info(struct author *a, const char *entry)
{
	object_add(a->o, a->modinfo, entry, strlen(entry) + 1);
}

struct span author_one_name(struct author *a)
{
	char name[20000], other[8];
	uint32_t first, n = 500;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	first = object_undefined(a->o, name);
	for (uint32_t i = 1; i < n; i++) {
		snprintf(other, sizeof(other), "%u", i);
		(void)object_undefined(a->o, other);
	}
	object_file(a->o);
	for (uint32_t i = 1; i < n; i++)
		object_sym(a->o, first + i)->st_name =
		    object_sym(a->o, first)->st_name + (i % 2 != 0 ? i : 0);
	return object_bytes(a->o);
}

static uint32_t function(struct author *a, const char *name, uint64_t at)
{
	return object_symbol(
	    a->o, name, OBJECT_SYM(STB_GLOBAL, STT_FUNC), a->text, at);
}

uint32_t author_jump(struct author *a, const char *name, const char *target)
{
	return function(
	    a, name, isa_jump(a->o, a->text, object_undefined(a->o, target)));
}

uint32_t author_return(struct author *a, const char *name)
{
	return function(a, name, isa_return(a->o, a->text));
}

uint32_t author_got(struct author *a, const char *name, uint32_t symbol)
{
	return function(a, name, isa_got(a->o, a->text, symbol));
}

uint32_t author_word(struct author *a, const char *name, uint64_t value)
{
	return object_symbol(a->o, name, OBJECT_SYM(STB_GLOBAL, STT_OBJECT),
	    a->data, object_add64(a->o, a->data, value));
}

uint32_t author_pointer(
    struct author *a, const char *name, uint32_t symbol, int64_t addend)
{
	const uint64_t at = object_add64(a->o, a->data, 0);

	object_rela(a->o, a->data,
	    (struct object_fix){ at, a->isa->abs64, symbol, addend });
	return object_symbol(
	    a->o, name, OBJECT_SYM(STB_GLOBAL, STT_OBJECT), a->data, at);
}

/* --- exports */

static uint64_t add_string(struct author *a, const char *s)
{
	if (a->strings == 0) {
		a->strings = object_section(
		    a->o, "__ksymtab_strings", SHT_PROGBITS, SHF_ALLOC);
		a->strings_symbol = object_symbol(a->o, "",
		    OBJECT_SYM(STB_LOCAL, STT_SECTION), a->strings, 0);
		object_skip(a->o, a->strings, 1);
	}
	return object_add(a->o, a->strings, s, strlen(s) + 1);
}

/* One word of an entry: the address of @symbol plus @addend. */
static void add_word(
    struct author *a, uint32_t table, uint32_t symbol, uint64_t addend)
{
	const bool wide = a->isa->machine == EM_RISCV;
	const uint64_t at = object_skip(a->o, table, wide ? 8 : 4);

	object_rela(a->o, table,
	    (struct object_fix){ at, wide ? a->isa->abs64 : a->isa->prel32,
		symbol, (int64_t)addend });
}

void author_export(struct author *a, struct author_export e)
{
	static const char *const names[] = { "__ksymtab", "__ksymtab_gpl" };
	static const char *const crcs[] = { "__kcrctab", "__kcrctab_gpl" };
	uint32_t *table = &a->ksymtab[e.gpl], *crc = &a->kcrctab[e.gpl];
	const uint64_t name = add_string(a, e.name);

	if (*table == 0)
		*table =
		    object_section(a->o, names[e.gpl], SHT_PROGBITS, SHF_ALLOC);
	if (*crc == 0 && e.crc != 0)
		*crc =
		    object_section(a->o, crcs[e.gpl], SHT_PROGBITS, SHF_ALLOC);
	add_word(a, *table, e.symbol, 0);
	add_word(a, *table, a->strings_symbol, name);
	add_word(a, *table, a->strings_symbol,
	    e.ns != NULL ? add_string(a, e.ns) : 0);
	if (*crc != 0)
		object_add32(a->o, *crc, e.crc);
}

void author_version(struct author *a, const char *name, uint32_t crc)
{
	char record[56] = { 0 };

	if (a->versions == 0)
		a->versions =
		    object_section(a->o, "__versions", SHT_PROGBITS, SHF_ALLOC);
	strncpy(record, name, sizeof(record) - 1);
	object_add64(a->o, a->versions, crc);
	object_add(a->o, a->versions, record, sizeof(record));
}

/* --- parameters */

static void add_address(
    struct author *a, uint32_t section, uint32_t symbol, int64_t addend)
{
	const uint64_t at = object_add64(a->o, section, 0);

	if (symbol != 0)
		object_rela(a->o, section,
		    (struct object_fix){ at, a->isa->abs64, symbol, addend });
}

void author_ops(struct author *a, const struct author_ops *ops)
{
	const uint32_t s = object_section(
	    a->o, ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	uint32_t table;

	object_add32(a->o, s, ops->size != 0 ? ops->size : 8 + 8 * AUTHOR_OPS);
	object_add32(a->o, s, ops->abi != 0 ? ops->abi : 1);
	for (unsigned i = 0; i < AUTHOR_OPS; i++)
		add_address(a, s,
		    ops->target[i] != NULL ? author_jump(a, "", ops->target[i])
					   : 0,
		    0);
	table =
	    object_symbol(a->o, "", OBJECT_SYM(STB_LOCAL, STT_OBJECT), s, 0);
	object_symbol(a->o, "__tenon_module_ops",
	    OBJECT_SYM(STB_GLOBAL, STT_OBJECT), s, 8 + 8 * AUTHOR_OPS);
	add_address(a, s, table, 0);
}

void author_param(struct author *a, struct author_param p)
{
	uint32_t name = p.name_symbol;
	uint64_t at = 0;

	if (a->params == 0) {
		a->params = object_section(
		    a->o, "__tenon_param", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
		a->names = object_section(
		    a->o, ".rodata.names", SHT_PROGBITS, SHF_ALLOC);
		a->names_symbol = object_symbol(
		    a->o, "", OBJECT_SYM(STB_LOCAL, STT_SECTION), a->names, 0);
	}
	if (name == 0 && p.name != NULL) {
		name = a->names_symbol;
		at = object_add(a->o, a->names, p.name, strlen(p.name) + 1);
	}
	object_add32(a->o, a->params, p.type | p.perm << 16);
	object_add32(a->o, a->params, p.flags);
	add_address(a, a->params, name, (int64_t)at);
	add_address(a, a->params, p.symbol, p.addend);
	add_address(a, a->params, p.count, 0);
	object_add32(a->o, a->params, p.capacity != 0 ? p.capacity : 1);
	object_add32(a->o, a->params, p.size);
	object_add64(a->o, a->params, (uint64_t)p.min);
	object_add64(a->o, a->params, (uint64_t)p.max);
	object_add64(a->o, a->params, p.reserved);
}

/* --- further sections */

void author_array(
    struct author *a, const char *section, unsigned type, uint32_t fn)
{
	const uint32_t s =
	    object_section(a->o, section, type, SHF_ALLOC | SHF_WRITE);

	object_add64(a->o, s, 0);
	object_rela(a->o, s, (struct object_fix){ 0, a->isa->abs64, fn, 0 });
}

uint32_t author_bss(struct author *a, uint64_t size)
{
	if (a->bss == 0)
		a->bss = object_section(
		    a->o, ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE);
	object_skip(a->o, a->bss, size);
	return a->bss;
}
