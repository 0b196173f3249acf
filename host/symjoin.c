/* SPDX-License-Identifier: MIT */
/*
 * One file for gdb of many: symfile.h.
 *
 * It is what `ld -r` would make of debug information alone. Sections of one
 * name become one, in which each module has a piece; relocations keep their
 * addends, because a module's symbols move with its pieces; gdb applies them.
 * Each module's code keeps sections of its own, with their addresses and no
 * bytes: gdb reads code from the process. Data needs none, so its symbols
 * become absolute, and there are few sections, which gdb sorts at every stop.
 *
 *	0            null
 *	1 + 2 * k    debug_names[k], 2 + 2 * k its relocations; null if
 *	             no module has them
 *	SYMTAB, STRTAB, NAMES
 *	CODE ...     code, as many as there are
 *
 * Files are hostile: only those that symcheck.c has followed to their ends are
 * joined. Another one is an entry of its own, or none if it has no headers.
 *
 * Numbers are known before anything is laid out; only how many symbols are
 * local is counted first, as they stand before the others.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "elfview.h"
#include "symfile.h"

#define MAX_JOIN 256 /* modules: their sections have numbers below 0xff00 */

enum {
	SYMTAB = 1 + 2 * DEBUG_NAMES,
	STRTAB,
	NAMES,
	CODE
};

/* --- growing bytes */

struct buffer {
	char *p;
	size_t n, room;
};

/* The new @n bytes, zeroed; NULL: no memory. */
static void *buffer_add(struct buffer *b, size_t n)
{
	/* Of nothing there is a pointer too. */
	if (!b->p || b->room - b->n < n) {
		const size_t room = (b->room + n + 32) * 2;
		char *p = realloc(b->p, room);

		if (!p)
			return NULL;
		b->p = p;
		b->room = room;
	}
	b->n += n;
	return memset(b->p + b->n - n, 0, n);
}

static MUST_CHECK bool buffer_copy(
    struct buffer *b, const void *bytes, size_t n)
{
	void *p = buffer_add(b, n);

	if (p && n != 0)
		memcpy(p, bytes, n);
	return p != NULL;
}

/* --- joining */

struct debug_section {
	bool is_there; /* it may be empty */
	struct buffer bytes, relas;
};

/* What a section of the module that is being added has become. */
struct place {
	uint16_t section; /* 0: nothing of it is kept */
	uint64_t base;    /* added to the values of its symbols */
};

struct join {
	struct debug_section debug[DEBUG_NAMES];
	struct buffer strings, names, code; /* code: section headers */
	struct buffer locals, globals;
	size_t nlocals; /* of all modules, the null symbol included */
	/* of the module that is being added: */
	const char *data;
	const Elf64_Shdr *symtab;
	struct place *places;
	uint32_t *numbers; /* of its symbols */
};

static MUST_CHECK bool place_debug(
    struct join *j, const Elf64_Shdr *sh, struct place *out)
{
	const unsigned kind = debug_kind(j->data, sh);
	struct debug_section *d = &j->debug[kind];

	d->is_there = true;
	*out = (struct place){ (uint16_t)(1 + 2 * kind), d->bytes.n };
	return buffer_copy(&d->bytes, bytes_of(j->data, sh), sh->sh_size);
}

static MUST_CHECK bool place_code(
    struct join *j, const Elf64_Shdr *sh, struct place *out)
{
	const char *name = name_of(j->data, sh);
	Elf64_Shdr *code = buffer_add(&j->code, sizeof(*code));

	if (!code)
		return false;
	*out = (struct place){ (uint16_t)(CODE + j->code.n / sizeof(*code) - 1),
		0 };
	*code = (Elf64_Shdr){ .sh_name = (Elf64_Word)j->names.n,
		.sh_type = SHT_NOBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = sh->sh_addr,
		.sh_size = sh->sh_size,
		.sh_addralign = sh->sh_addralign };
	return buffer_copy(&j->names, name, strlen(name) + 1);
}

/* Init is over; gdb passes over functions at address 0. */
static MUST_CHECK bool place_section(struct join *j, unsigned i)
{
	const Elf64_Shdr *sh = section_of(j->data, i);
	const bool gone = is_init(j->data, sh);

	if (is_debug(j->data, sh))
		return place_debug(j, sh, &j->places[i]);
	if (is_code(sh) && sh->sh_size != 0 && !gone)
		return place_code(j, sh, &j->places[i]);
	j->places[i] = (struct place){ SHN_ABS, gone ? 0 : sh->sh_addr };
	return true;
}

static bool is_local(const Elf64_Sym *sym)
{
	return ELF64_ST_BIND(sym->st_info) == STB_LOCAL;
}

static MUST_CHECK bool add_symbol(
    struct join *j, const Elf64_Sym *from, size_t strings, uint32_t *number)
{
	struct buffer *to = is_local(from) ? &j->locals : &j->globals;
	Elf64_Sym *sym = buffer_add(to, sizeof(*sym));

	if (!sym)
		return false;
	*number = (uint32_t)((is_local(from) ? 0 : j->nlocals) +
			     to->n / sizeof(*sym) - 1);
	*sym = *from;
	if (from->st_name != 0)
		sym->st_name += (Elf64_Word)strings;
	if (from->st_shndx != SHN_UNDEF && from->st_shndx < SHN_LORESERVE) {
		const struct place *at = &j->places[from->st_shndx];

		sym->st_shndx = at->section;
		sym->st_value += at->base;
	}
	return true;
}

static MUST_CHECK bool add_symbols(struct join *j)
{
	const Elf64_Shdr *strtab = section_of(j->data, j->symtab->sh_link);
	const Elf64_Sym *syms =
	    (const Elf64_Sym *)(const void *)bytes_of(j->data, j->symtab);
	const size_t n = j->symtab->sh_size / sizeof(*syms);
	const size_t strings = j->strings.n;

	for (size_t i = 1; i < n; i++)
		if (!add_symbol(j, &syms[i], strings, &j->numbers[i]))
			return false;
	return buffer_copy(
	    &j->strings, bytes_of(j->data, strtab), strtab->sh_size);
}

static MUST_CHECK bool add_relas(struct join *j, const Elf64_Shdr *sh)
{
	const struct place *at = &j->places[sh->sh_info];
	const Elf64_Rela *from =
	    (const Elf64_Rela *)(const void *)bytes_of(j->data, sh);
	const size_t n = sh->sh_size / sizeof(*from);
	Elf64_Rela *to;

	if (!is_debug(j->data, section_of(j->data, sh->sh_info)))
		return true;
	to =
	    buffer_add(&j->debug[(at->section - 1) / 2].relas, n * sizeof(*to));
	for (size_t i = 0; to && i < n; i++) {
		const uint32_t sym = j->numbers[ELF64_R_SYM(from[i].r_info)];

		to[i] = from[i];
		to[i].r_offset += at->base;
		to[i].r_info = ELF64_R_INFO(sym, ELF64_R_TYPE(from[i].r_info));
	}
	return to != NULL;
}

static MUST_CHECK bool add_parts(struct join *j)
{
	const unsigned n = ((const Elf64_Ehdr *)(const void *)j->data)->e_shnum;
	bool ok = true;

	for (unsigned i = 1; i < n && ok; i++)
		ok = place_section(j, i);
	ok = ok && add_symbols(j);
	for (unsigned i = 1; i < n && ok; i++)
		if (section_of(j->data, i)->sh_type == SHT_RELA)
			ok = add_relas(j, section_of(j->data, i));
	return ok;
}

static MUST_CHECK bool add_module(struct join *j, const void *data)
{
	const Elf64_Ehdr *eh = data;
	bool ok;

	j->data = data;
	j->symtab = section_of(data, symtab_of(data));
	j->places = calloc(eh->e_shnum, sizeof(*j->places));
	j->numbers =
	    calloc(j->symtab->sh_size / sizeof(Elf64_Sym), sizeof(*j->numbers));
	ok = j->places && j->numbers && add_parts(j);
	free(j->places);
	free(j->numbers);
	return ok;
}

static size_t count_locals(const void *data)
{
	const Elf64_Shdr *symtab = section_of(data, symtab_of(data));
	const Elf64_Sym *syms =
	    (const Elf64_Sym *)(const void *)bytes_of(data, symtab);
	size_t n = 0;

	for (size_t i = 1; i < symtab->sh_size / sizeof(*syms); i++)
		n += is_local(&syms[i]);
	return n;
}

/* --- the file */

/* The header with its index is filled for what lies at the end of @file. */
static void describe(Elf64_Shdr *sh, size_t offset, size_t size)
{
	sh->sh_offset = offset;
	sh->sh_size = size;
}

/* Appends bytes to @file, 8-byte aligned, and describes them in @sh. */
static MUST_CHECK bool put(
    struct buffer *file, const struct buffer *bytes, Elf64_Shdr *sh)
{
	if (!buffer_add(file, -file->n & 7u))
		return false;
	describe(sh, file->n, bytes->n);
	return buffer_copy(file, bytes->p, bytes->n);
}

static MUST_CHECK bool put_debug(
    const struct join *j, struct buffer *file, Elf64_Shdr *sh)
{
	bool ok = true;

	for (unsigned i = 0; i < DEBUG_NAMES && ok; i++) {
		const struct debug_section *d = &j->debug[i];
		Elf64_Shdr *bytes = &sh[1 + 2 * i], *relas = bytes + 1;

		if (!d->is_there)
			continue;
		bytes->sh_type = SHT_PROGBITS;
		bytes->sh_addralign = 1;
		ok = put(file, &d->bytes, bytes);
		if (d->relas.n == 0 || !ok)
			continue;
		relas->sh_type = SHT_RELA;
		relas->sh_link = SYMTAB;
		relas->sh_info = 1 + 2 * i;
		relas->sh_entsize = sizeof(Elf64_Rela);
		relas->sh_addralign = 8;
		ok = put(file, &d->relas, relas);
	}
	return ok;
}

static MUST_CHECK bool put_tables(
    const struct join *j, struct buffer *file, Elf64_Shdr *sh)
{
	sh[SYMTAB] = (Elf64_Shdr){ .sh_name = sh[SYMTAB].sh_name,
		.sh_type = SHT_SYMTAB,
		.sh_link = STRTAB,
		.sh_info = (Elf64_Word)j->nlocals,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_addralign = 8 };
	sh[STRTAB].sh_type = SHT_STRTAB;
	sh[NAMES].sh_type = SHT_STRTAB;
	if (!put(file, &j->locals, &sh[SYMTAB]) ||
	    !buffer_copy(file, j->globals.p, j->globals.n))
		return false;
	sh[SYMTAB].sh_size += j->globals.n;
	return put(file, &j->strings, &sh[STRTAB]) &&
	       put(file, &j->names, &sh[NAMES]);
}

static MUST_CHECK bool name_sections(struct join *j, Elf64_Shdr *sh)
{
	static const char symtab[] = ".symtab", strtab[] = ".strtab";
	bool ok = true;

	for (unsigned i = 0; i < DEBUG_NAMES && ok; i++) {
		const char *name = debug_names[i];

		if (!j->debug[i].is_there)
			continue;
		sh[1 + 2 * i].sh_name = (Elf64_Word)j->names.n;
		ok = buffer_copy(&j->names, name, strlen(name) + 1);
	}
	sh[SYMTAB].sh_name = (Elf64_Word)j->names.n;
	ok = ok && buffer_copy(&j->names, symtab, sizeof(symtab));
	sh[STRTAB].sh_name = (Elf64_Word)j->names.n;
	return ok && buffer_copy(&j->names, strtab, sizeof(strtab));
}

/* @headers: CODE of them, zeroed, then those of the code. */
static MUST_CHECK bool put_all(
    struct join *j, struct buffer *file, struct buffer *headers)
{
	Elf64_Ehdr *eh = buffer_add(file, sizeof(*eh));
	Elf64_Shdr *sh = buffer_add(headers, CODE * sizeof(*sh));

	if (!eh || !sh)
		return false;
	*eh = *(const Elf64_Ehdr *)(const void *)j->data;
	if (!name_sections(j, sh) || !put_debug(j, file, sh) ||
	    !put_tables(j, file, sh) ||
	    !buffer_copy(headers, j->code.p, j->code.n) ||
	    !buffer_add(file, -file->n & 7u))
		return false;
	eh = (Elf64_Ehdr *)(void *)file->p; /* it may have moved */
	eh->e_shoff = file->n;
	eh->e_shnum = (Elf64_Half)(headers->n / sizeof(*sh));
	eh->e_shstrndx = NAMES;
	return buffer_copy(file, headers->p, headers->n);
}

static void join_free(struct join *j)
{
	for (unsigned i = 0; i < DEBUG_NAMES; i++) {
		free(j->debug[i].bytes.p);
		free(j->debug[i].relas.p);
	}
	free(j->strings.p);
	free(j->names.p);
	free(j->code.p);
	free(j->locals.p);
	free(j->globals.p);
}

static const struct symfile *file_at(const struct list *pos)
{
	return (const struct symfile *)pos; /* its first member */
}

void *symfile_join(
    const struct list *first, const struct list *last, size_t *size)
{
	struct buffer file = { 0 }, headers = { 0 };
	const struct list *end = last->next;
	struct join j = { .nlocals = 1, .data = file_at(first)->data };
	size_t n = 0;
	bool ok;

	for (const struct list *pos = first; pos != end; pos = pos->next, n++)
		j.nlocals += count_locals(file_at(pos)->data);
	ok = n <= MAX_JOIN && buffer_add(&j.names, 1) &&
	     buffer_add(&j.strings, 1) &&
	     buffer_add(&j.locals, sizeof(Elf64_Sym));
	for (const struct list *pos = first; pos != end && ok; pos = pos->next)
		ok = add_module(&j, file_at(pos)->data);
	ok = ok && put_all(&j, &file, &headers);
	join_free(&j);
	free(headers.p);
	if (!ok) {
		free(file.p);
		return NULL;
	}
	*size = file.n;
	return file.p;
}
