/* SPDX-License-Identifier: MIT */
/*
 * ELF64 structures and numbers, from the System V gABI (draft of 2013) and
 * the GNU extensions that modules use. Little-endian only (decision 29).
 */
#pragma once

#include <stdint.h>

#define EI_CLASS    4
#define EI_DATA     5
#define EI_VERSION  6
#define EI_NIDENT   16
#define ELFCLASS64  2
#define ELFDATA2LSB 1
#define EV_CURRENT  1

enum {
	ET_REL = 1,
	ET_EXEC = 2,
	ET_DYN = 3
};
enum {
	EM_X86_64 = 62,
	EM_AARCH64 = 183,
	EM_RISCV = 243
};

enum {
	SHN_UNDEF = 0,
	SHN_LORESERVE = 0xff00,
	SHN_ABS = 0xfff1,
	SHN_COMMON = 0xfff2,
	SHN_XINDEX = 0xffff,
};

enum {
	SHT_NULL = 0,
	SHT_PROGBITS = 1,
	SHT_SYMTAB = 2,
	SHT_STRTAB = 3,
	SHT_RELA = 4,
	SHT_NOTE = 7,
	SHT_NOBITS = 8,
	SHT_REL = 9,
	SHT_DYNSYM = 11,
	SHT_INIT_ARRAY = 14,
	SHT_FINI_ARRAY = 15,
	SHT_PREINIT_ARRAY = 16,
	SHT_GROUP = 17,
	SHT_SYMTAB_SHNDX = 18,
	SHT_RELR = 19,
	SHT_CREL = 0x40000014,
};

#define SHF_WRITE      0x1u
#define SHF_ALLOC      0x2u
#define SHF_EXECINSTR  0x4u
#define SHF_MERGE      0x10u
#define SHF_TLS        0x400u
#define SHF_COMPRESSED 0x800u

enum {
	PT_LOAD = 1,
	PT_DYNAMIC = 2,
	PT_NOTE = 4,
	PT_TLS = 7
};
#define PT_GNU_RELRO 0x6474e552u
#define PF_X         1u
#define PF_W         2u
#define PF_R         4u

enum {
	STB_LOCAL = 0,
	STB_GLOBAL = 1,
	STB_WEAK = 2,
	STB_GNU_UNIQUE = 10
};
enum {
	STT_NOTYPE = 0,
	STT_OBJECT = 1,
	STT_FUNC = 2,
	STT_SECTION = 3,
	STT_FILE = 4,
	STT_COMMON = 5,
	STT_TLS = 6,
	STT_GNU_IFUNC = 10,
};

enum {
	DT_NULL = 0,
	DT_NEEDED = 1,
	DT_PLTRELSZ = 2,
	DT_HASH = 4,
	DT_STRTAB = 5,
	DT_SYMTAB = 6,
	DT_RELA = 7,
	DT_RELASZ = 8,
	DT_RELAENT = 9,
	DT_STRSZ = 10,
	DT_SYMENT = 11,
	DT_INIT = 12,
	DT_FINI = 13,
	DT_SONAME = 14,
	DT_REL = 17,
	DT_PLTREL = 20,
	DT_TEXTREL = 22,
	DT_JMPREL = 23,
	DT_INIT_ARRAY = 25,
	DT_FINI_ARRAY = 26,
	DT_INIT_ARRAYSZ = 27,
	DT_FINI_ARRAYSZ = 28,
	DT_FLAGS = 30,
	DT_PREINIT_ARRAY = 32,
	DT_RELR = 36,
};
#define DT_GNU_HASH 0x6ffffef5
#define DF_TEXTREL  0x4u

struct elf_ehdr {
	uint8_t e_ident[EI_NIDENT];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint64_t e_entry;
	uint64_t e_phoff;
	uint64_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};

struct elf_shdr {
	uint32_t sh_name;
	uint32_t sh_type;
	uint64_t sh_flags;
	uint64_t sh_addr;
	uint64_t sh_offset;
	uint64_t sh_size;
	uint32_t sh_link;
	uint32_t sh_info;
	uint64_t sh_addralign;
	uint64_t sh_entsize;
};

struct elf_phdr {
	uint32_t p_type;
	uint32_t p_flags;
	uint64_t p_offset;
	uint64_t p_vaddr;
	uint64_t p_paddr;
	uint64_t p_filesz;
	uint64_t p_memsz;
	uint64_t p_align;
};

struct elf_sym {
	uint32_t st_name;
	uint8_t st_info;
	uint8_t st_other;
	uint16_t st_shndx;
	uint64_t st_value;
	uint64_t st_size;
};

struct elf_rela {
	uint64_t r_offset;
	uint64_t r_info;
	int64_t r_addend;
};

struct elf_dyn {
	int64_t d_tag;
	uint64_t d_val;
};

struct elf_nhdr {
	uint32_t n_namesz;
	uint32_t n_descsz;
	uint32_t n_type;
};

_Static_assert(sizeof(struct elf_ehdr) == 64, "gABI Elf64_Ehdr");
_Static_assert(sizeof(struct elf_shdr) == 64, "gABI Elf64_Shdr");
_Static_assert(sizeof(struct elf_phdr) == 56, "gABI Elf64_Phdr");
_Static_assert(sizeof(struct elf_sym) == 24, "gABI Elf64_Sym");
_Static_assert(sizeof(struct elf_rela) == 24, "gABI Elf64_Rela");
_Static_assert(sizeof(struct elf_dyn) == 16, "gABI Elf64_Dyn");

static inline uint32_t elf_rela_type(const struct elf_rela *r)
{
	return (uint32_t)r->r_info;
}

static inline uint32_t elf_rela_sym(const struct elf_rela *r)
{
	return (uint32_t)(r->r_info >> 32);
}

static inline unsigned elf_sym_bind(const struct elf_sym *s)
{
	return s->st_info >> 4;
}

static inline unsigned elf_sym_type(const struct elf_sym *s)
{
	return s->st_info & 15u;
}
