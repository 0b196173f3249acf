/* SPDX-License-Identifier: MIT */
/*
 * The builder of objects: see object.h.
 */
#include "object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECTIONS 64
#define MAX_SYMBOLS  1024

/* Bytes that grow at the end. */
struct buffer {
	uint8_t *p;
	size_t n, cap;
};

struct section {
	char name[64];
	unsigned type;
	uint64_t flags, align;
	struct buffer bytes;
	struct buffer relas; /* struct elf_rela */
	uint64_t size;       /* of SHT_NOBITS */
	uint32_t rela_section;
};

struct object {
	unsigned machine;
	struct section sections[MAX_SECTIONS]; /* from 1 on */
	uint32_t nsections;
	struct elf_sym syms[MAX_SYMBOLS];
	uint32_t nsyms;
	struct buffer strings;
	/* the finished file: */
	struct buffer file;
	struct buffer names;
	struct elf_shdr headers[3 + 2 * MAX_SECTIONS];
	uint32_t nheaders, symtab;
	uint64_t shoff;
};

static uint8_t *buffer_more(struct buffer *b, size_t n)
{
	uint8_t *at;

	if (b->p == NULL || b->n + n > b->cap) {
		b->cap = 2 * b->cap + n + 256;
		b->p = realloc(b->p, b->cap);
		if (b->p == NULL)
			abort();
	}
	at = b->p + b->n;
	memset(at, 0, n);
	b->n += n;
	return at;
}

static size_t buffer_add(struct buffer *b, const void *bytes, size_t n)
{
	const size_t at = b->n;

	if (n != 0)
		memcpy(buffer_more(b, n), bytes, n);
	return at;
}

static uint32_t buffer_string(struct buffer *b, const char *s)
{
	return (uint32_t)buffer_add(b, s, strlen(s) + 1);
}

struct object *object_new(unsigned machine)
{
	struct object *o = calloc(1, sizeof(*o));

	if (o == NULL)
		abort();
	o->machine = machine;
	o->nsections = 1;
	o->nsyms = 1;
	buffer_string(&o->strings, "");
	return o;
}

void object_free(struct object *o)
{
	for (uint32_t i = 1; i < o->nsections; i++) {
		free(o->sections[i].bytes.p);
		free(o->sections[i].relas.p);
	}
	free(o->strings.p);
	free(o->names.p);
	free(o->file.p);
	free(o);
}

unsigned object_machine(const struct object *o)
{
	return o->machine;
}

uint32_t object_section(
    struct object *o, const char *name, unsigned type, uint64_t flags)
{
	struct section *s = &o->sections[o->nsections];

	if (o->nsections == MAX_SECTIONS)
		abort();
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->type = type;
	s->flags = flags;
	s->align = 8;
	return o->nsections++;
}

void object_align(struct object *o, uint32_t section, uint64_t align)
{
	o->sections[section].align = align;
}

uint64_t object_add(
    struct object *o, uint32_t section, const void *bytes, size_t n)
{
	return buffer_add(&o->sections[section].bytes, bytes, n);
}

uint64_t object_add32(struct object *o, uint32_t section, uint32_t word)
{
	return object_add(o, section, &word, sizeof(word));
}

uint64_t object_add64(struct object *o, uint32_t section, uint64_t word)
{
	return object_add(o, section, &word, sizeof(word));
}

uint64_t object_skip(struct object *o, uint32_t section, uint64_t n)
{
	struct section *s = &o->sections[section];
	const uint64_t at = object_size(o, section);

	if (s->type == SHT_NOBITS)
		s->size += n;
	else
		buffer_more(&s->bytes, n);
	return at;
}

uint64_t object_size(const struct object *o, uint32_t section)
{
	const struct section *s = &o->sections[section];

	return s->type == SHT_NOBITS ? s->size : s->bytes.n;
}

uint32_t object_symbol(struct object *o, const char *name, uint8_t info,
    uint32_t section, uint64_t value)
{
	if (o->nsyms == MAX_SYMBOLS)
		abort();
	o->syms[o->nsyms] = (struct elf_sym){
		.st_name = *name ? buffer_string(&o->strings, name) : 0,
		.st_info = info,
		.st_shndx = (uint16_t)section,
		.st_value = value,
	};
	return o->nsyms++;
}

void object_symbol_size(struct object *o, uint32_t symbol, uint64_t size)
{
	o->syms[symbol].st_size = size;
}

uint32_t object_undefined(struct object *o, const char *name)
{
	for (uint32_t i = 1; i < o->nsyms; i++) {
		const struct elf_sym *s = &o->syms[i];

		if (s->st_shndx == SHN_UNDEF &&
		    strcmp((char *)o->strings.p + s->st_name, name) == 0)
			return i;
	}
	return object_symbol(
	    o, name, OBJECT_SYM(STB_GLOBAL, STT_NOTYPE), SHN_UNDEF, 0);
}

void object_rela(struct object *o, uint32_t section, struct object_fix fix)
{
	const struct elf_rela r = {
		.r_offset = fix.offset,
		.r_info = (uint64_t)fix.symbol << 32 | fix.type,
		.r_addend = fix.addend,
	};

	buffer_add(&o->sections[section].relas, &r, sizeof(r));
}

/* --- the file */

static uint64_t file_align(struct object *o, uint64_t align)
{
	const uint64_t a = align > 8 ? 8 : align;

	if (a > 1)
		buffer_more(&o->file, (a - o->file.n % a) % a);
	return o->file.n;
}

/* Appends a section header and the bytes of its section. */
static struct elf_shdr *put_section(struct object *o, const char *name,
    const struct buffer *bytes, struct elf_shdr header)
{
	struct elf_shdr *sh = &o->headers[o->nheaders++];

	*sh = header;
	sh->sh_name = buffer_string(&o->names, name);
	sh->sh_offset = file_align(o, sh->sh_addralign);
	if (sh->sh_type != SHT_NOBITS) {
		sh->sh_size = bytes->n;
		buffer_add(&o->file, bytes->p, bytes->n);
	}
	return sh;
}

static void put_sections(struct object *o)
{
	for (uint32_t i = 1; i < o->nsections; i++) {
		const struct section *s = &o->sections[i];

		put_section(o, s->name, &s->bytes,
		    (struct elf_shdr){ .sh_type = s->type,
			.sh_flags = s->flags,
			.sh_size = s->size,
			.sh_addralign = s->align });
	}
}

static void put_relas(struct object *o)
{
	for (uint32_t i = 1; i < o->nsections; i++) {
		struct section *s = &o->sections[i];
		char name[80];

		if (s->relas.n == 0)
			continue;
		snprintf(name, sizeof(name), ".rela%s", s->name);
		s->rela_section = o->nheaders;
		put_section(o, name, &s->relas,
		    (struct elf_shdr){ .sh_type = SHT_RELA,
			.sh_info = i,
			.sh_addralign = 8,
			.sh_entsize = sizeof(struct elf_rela) });
	}
}

static void put_tables(struct object *o)
{
	const struct buffer syms = { (uint8_t *)o->syms,
		o->nsyms * sizeof(struct elf_sym), 0 };
	uint8_t *names;
	struct elf_shdr *sh;

	o->symtab = o->nheaders;
	put_section(o, ".symtab", &syms,
	    (struct elf_shdr){ .sh_type = SHT_SYMTAB,
		.sh_link = o->symtab + 1,
		.sh_info = 1,
		.sh_addralign = 8,
		.sh_entsize = sizeof(struct elf_sym) });
	put_section(o, ".strtab", &o->strings,
	    (struct elf_shdr){ .sh_type = SHT_STRTAB, .sh_addralign = 1 });
	/* Its own name makes the name table longer: its bytes come last. */
	sh = put_section(o, ".shstrtab", &(struct buffer){ 0 },
	    (struct elf_shdr){ .sh_type = SHT_STRTAB, .sh_addralign = 1 });
	names = buffer_more(&o->file, o->names.n);
	memcpy(names, o->names.p, o->names.n);
	sh->sh_size = o->names.n;
	for (uint32_t i = 1; i < o->nheaders; i++)
		if (o->headers[i].sh_type == SHT_RELA)
			o->headers[i].sh_link = o->symtab;
}

struct span object_file(struct object *o)
{
	struct elf_ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		    EV_CURRENT },
		.e_type = ET_REL,
		.e_machine = (uint16_t)o->machine,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(struct elf_ehdr),
		.e_shentsize = sizeof(struct elf_shdr),
	};

	o->file.n = 0;
	o->names.n = 0;
	o->nheaders = 1;
	buffer_string(&o->names, "");
	buffer_more(&o->file, sizeof(eh));
	put_sections(o);
	put_relas(o);
	put_tables(o);
	o->shoff = file_align(o, 8);
	buffer_add(&o->file, o->headers, o->nheaders * sizeof(o->headers[0]));
	eh.e_shoff = o->shoff;
	eh.e_shnum = (uint16_t)o->nheaders;
	eh.e_shstrndx = (uint16_t)(o->nheaders - 1);
	memcpy(o->file.p, &eh, sizeof(eh));
	return (struct span){ o->file.p, o->file.n };
}

struct span object_bytes(const struct object *o)
{
	return (struct span){ o->file.p, o->file.n };
}

struct elf_ehdr *object_ehdr(struct object *o)
{
	return (struct elf_ehdr *)(void *)o->file.p;
}

struct elf_shdr *object_shdr(struct object *o, uint32_t section)
{
	return (struct elf_shdr *)(void *)(o->file.p + o->shoff) + section;
}

struct elf_sym *object_sym(struct object *o, uint32_t symbol)
{
	const struct elf_shdr *sh = object_shdr(o, o->symtab);

	return (struct elf_sym *)(void *)(o->file.p + sh->sh_offset) + symbol;
}

struct elf_rela *object_rel(struct object *o, uint32_t section, uint32_t i)
{
	const struct elf_shdr *sh =
	    object_shdr(o, object_rela_section(o, section));

	return (struct elf_rela *)(void *)(o->file.p + sh->sh_offset) + i;
}

uint32_t object_rela_section(const struct object *o, uint32_t section)
{
	return o->sections[section].rela_section;
}

uint32_t object_symtab_section(const struct object *o)
{
	return o->symtab;
}
