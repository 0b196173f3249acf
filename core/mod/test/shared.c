/* SPDX-License-Identifier: MIT */
/*
 * The builder of shared objects: see shared.h. File offsets equal addresses.
 */
#include "shared.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SYMBOLS 16
#define MAX_RELAS   32
#define MAX_TAGS    48

struct shared {
	const struct isa *isa;
	unsigned flags;
	struct elf_sym syms[MAX_SYMBOLS];
	uint32_t nsyms;
	char strings[2560];
	uint32_t nstrings;
	struct elf_rela relas[2][MAX_RELAS]; /* DT_RELA, DT_JMPREL */
	uint32_t nrelas[2];
	struct elf_dyn tags[MAX_TAGS];
	uint32_t ntags;
	uint8_t code[1024];
	uint32_t ncode;
	uint64_t words[64];
	uint32_t nwords;
	uint64_t bss;
	/* the finished file: */
	_Alignas(8) uint8_t file[3 * SHARED_PAGE];
	uint64_t used; /* of page 0 */
};

static void has_room(bool room)
{
	if (!room)
		abort();
}

struct shared *shared_new(unsigned machine, unsigned flags)
{
	struct shared *s = calloc(1, sizeof(*s));

	has_room(s != NULL);
	s->isa = isa_of(machine);
	s->flags = flags;
	s->nsyms = 1;
	s->nstrings = 1;
	return s;
}

void shared_free(struct shared *s)
{
	free(s);
}

uint64_t shared_function(struct shared *s, unsigned value)
{
	const uint64_t at = s->ncode;
	uint8_t *p = s->code + at;

	has_room(s->ncode + 8 <= sizeof(s->code) && value < 2048);
	switch (s->isa->machine) {
	case EM_X86_64: /* mov $value, %eax; ret */
		p[0] = 0xb8;
		put_le32(p + 1, value);
		p[5] = 0xc3;
		break;
	case EM_AARCH64: /* movz w0, #value; ret */
		put_le32(p, 0x52800000 | value << 5);
		put_le32(p + 4, 0xd65f03c0);
		break;
	default: /* li a0, value; ret */
		put_le32(p, 0x00000513 | value << 20);
		put_le32(p + 4, 0x00008067);
		break;
	}
	s->ncode += 8;
	return SHARED_TEXT + at;
}

uint64_t shared_word(struct shared *s, uint64_t value)
{
	has_room(s->nwords < 64);
	s->words[s->nwords] = value;
	return SHARED_WORDS + 8 * (uint64_t)s->nwords++;
}

void shared_bss(struct shared *s, uint64_t size)
{
	s->bss = size;
}

uint32_t shared_string(struct shared *s, const char *text)
{
	const uint32_t at = s->nstrings;
	const size_t n = strlen(text) + 1;

	has_room(at + n <= sizeof(s->strings));
	memcpy(s->strings + at, text, n);
	s->nstrings += (uint32_t)n;
	return at;
}

uint32_t shared_symbol(
    struct shared *s, const char *name, uint8_t info, uint64_t addr)
{
	has_room(s->nsyms < MAX_SYMBOLS);
	s->syms[s->nsyms] = (struct elf_sym){
		.st_name = shared_string(s, name),
		.st_info = info,
		.st_shndx = addr != 0 ? 1 : SHN_UNDEF,
		.st_value = addr,
	};
	return s->nsyms++;
}

void shared_rela(struct shared *s, bool plt, const struct elf_rela *r)
{
	has_room(s->nrelas[plt] < MAX_RELAS);
	s->relas[plt][s->nrelas[plt]++] = *r;
}

void shared_tag(struct shared *s, int64_t tag, uint64_t value)
{
	has_room(s->ntags < MAX_TAGS);
	s->tags[s->ntags++] = (struct elf_dyn){ tag, value };
}

/* --- the file */

/* Puts a table into page 0; its address. */
static uint64_t put(struct shared *s, const void *bytes, size_t n)
{
	const uint64_t at = (s->used + 7) & ~UINT64_C(7);

	has_room(at + n <= SHARED_PAGE);
	memcpy(s->file + at, bytes, n);
	s->used = at + n;
	return at;
}

/* DT_HASH: one bucket; the number of chain words is what counts. */
static void put_hash(struct shared *s)
{
	uint32_t table[3 + MAX_SYMBOLS] = { 1, s->nsyms, 0 };

	shared_tag(s, DT_HASH, put(s, table, (3 + s->nsyms) * 4));
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	while (*name != '\0')
		h = h * 33 + (uint8_t)*name++;
	return h;
}

/* DT_GNU_HASH: one bucket that begins at the first defined symbol. */
static void put_gnu_hash(struct shared *s)
{
	uint32_t table[4 + 2 + 1 + MAX_SYMBOLS];
	uint32_t first = 1, n = 7;

	while (first < s->nsyms && s->syms[first].st_shndx == SHN_UNDEF)
		first++;
	table[0] = 1;     /* buckets */
	table[1] = first; /* first hashed symbol */
	table[2] = 1;     /* words of the bloom filter */
	table[3] = 0;
	table[4] = table[5] = UINT32_MAX;
	table[6] = first < s->nsyms ? first : 0;
	for (uint32_t i = first; i < s->nsyms; i++)
		table[n++] = (gnu_hash(s->strings + s->syms[i].st_name) & ~1u) |
			     (i + 1 == s->nsyms);
	shared_tag(s, DT_GNU_HASH, put(s, table, n * 4));
}

static void put_tables(struct shared *s)
{
	static const int64_t at[2] = { DT_RELA, DT_JMPREL };
	static const int64_t size[2] = { DT_RELASZ, DT_PLTRELSZ };

	if (s->flags & SHARED_HASH)
		put_hash(s);
	if (s->flags & SHARED_GNU_HASH)
		put_gnu_hash(s);
	shared_tag(
	    s, DT_SYMTAB, put(s, s->syms, s->nsyms * sizeof(s->syms[0])));
	shared_tag(s, DT_SYMENT, sizeof(s->syms[0]));
	shared_tag(s, DT_STRTAB, put(s, s->strings, s->nstrings));
	shared_tag(s, DT_STRSZ, s->nstrings);
	for (int i = 0; i < 2; i++) {
		const size_t n = s->nrelas[i] * sizeof(struct elf_rela);

		if (n == 0)
			continue;
		shared_tag(s, at[i], put(s, s->relas[i], n));
		shared_tag(s, size[i], n);
	}
	shared_tag(s, DT_RELAENT, sizeof(struct elf_rela));
	shared_tag(s, DT_NULL, 0);
}

static void put_segment(struct shared *s, unsigned i, struct elf_phdr ph)
{
	ph.p_paddr = ph.p_vaddr;
	ph.p_offset = ph.p_vaddr;
	if (ph.p_memsz == 0)
		ph.p_memsz = ph.p_filesz;
	memcpy(shared_phdr(s, i), &ph, sizeof(ph));
}

static void put_segments(struct shared *s)
{
	const uint64_t data = SHARED_WORDS + s->nwords * 8ul - SHARED_DATA;

	put_segment(s, SHARED_R,
	    (struct elf_phdr){ .p_type = PT_LOAD,
		.p_flags = PF_R,
		.p_filesz = s->used,
		.p_align = SHARED_PAGE });
	put_segment(s, SHARED_RX,
	    (struct elf_phdr){ .p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = SHARED_TEXT,
		.p_filesz = s->ncode,
		.p_align = SHARED_PAGE });
	put_segment(s, SHARED_RW,
	    (struct elf_phdr){ .p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_vaddr = SHARED_DATA,
		.p_filesz = data,
		.p_memsz = data + s->bss,
		.p_align = SHARED_PAGE });
	put_segment(s, SHARED_DYN,
	    (struct elf_phdr){ .p_type = PT_DYNAMIC,
		.p_flags = PF_R | PF_W,
		.p_vaddr = SHARED_DATA,
		.p_filesz = s->ntags * sizeof(struct elf_dyn),
		.p_align = 8 });
}

struct span shared_file(struct shared *s)
{
	const struct elf_ehdr eh = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		    EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = (uint16_t)s->isa->machine,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(struct elf_ehdr),
		.e_ehsize = sizeof(struct elf_ehdr),
		.e_phentsize = sizeof(struct elf_phdr),
		.e_phnum = SHARED_SEGMENTS,
	};

	memcpy(s->file, &eh, sizeof(eh));
	s->used = sizeof(eh) + SHARED_SEGMENTS * sizeof(struct elf_phdr);
	put_tables(s);
	has_room(
	    s->ntags * sizeof(struct elf_dyn) <= SHARED_WORDS - SHARED_DATA);
	memcpy(s->file + SHARED_TEXT, s->code, s->ncode);
	memcpy(
	    s->file + SHARED_DATA, s->tags, s->ntags * sizeof(struct elf_dyn));
	memcpy(s->file + SHARED_WORDS, s->words, s->nwords * 8);
	put_segments(s);
	return shared_bytes(s);
}

struct span shared_bytes(const struct shared *s)
{
	return (struct span){ s->file, SHARED_WORDS + (size_t)s->nwords * 8 };
}

struct elf_ehdr *shared_ehdr(struct shared *s)
{
	return (struct elf_ehdr *)(void *)s->file;
}

struct elf_phdr *shared_phdr(struct shared *s, unsigned i)
{
	return (struct elf_phdr *)(void *)(s->file + sizeof(struct elf_ehdr)) +
	       i;
}

struct elf_dyn *shared_dyn(struct shared *s, int64_t tag)
{
	struct elf_dyn *d = (struct elf_dyn *)(void *)(s->file + SHARED_DATA);

	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == tag)
			return d;
	return NULL;
}

uint8_t *shared_at(struct shared *s, uint64_t addr)
{
	return s->file + addr;
}
