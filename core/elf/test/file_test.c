/* SPDX-License-Identifier: MIT */
/*
 * Opening files: the views of a small file, and that no cut or changed byte
 * of it makes them lie. core/mod tests what a loader makes of the same.
 */
#include <stdlib.h>
#include <string.h>

#include <elf/dynamic.h>
#include <elf/file.h>
#include <test/test.h>

/* header | .text | symbols | strings | section indices | names | headers */
enum {
	NONE,
	TEXT,
	BSS,
	SYMTAB,
	STRTAB,
	SHNDX,
	SHSTRTAB,
	SECTIONS
};

struct file {
	struct elf_ehdr eh;
	uint8_t text[16];
	struct elf_sym syms[4];
	char strings[16];
	uint32_t shndx[4];
	char names[48];
	struct elf_shdr sh[SECTIONS];
};

#define AT(member) offsetof(struct file, member)
#define SECTION(number, name, kind, member)                                    \
	f->sh[number] = (struct elf_shdr)                                      \
	{                                                                      \
		.sh_name = (name), .sh_type = (kind), .sh_offset = AT(member), \
		.sh_size = sizeof(f->member), .sh_addralign = 8                \
	}

static const char names[] = "\0.text\0.bss\0.symtab\0.strtab\0.shstrtab";

static void make(struct file *f)
{
	memset(f, 0, sizeof(*f));
	f->eh = (struct elf_ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		    EV_CURRENT },
		.e_type = ET_REL,
		.e_machine = EM_RISCV,
		.e_version = EV_CURRENT,
		.e_shoff = AT(sh),
		.e_ehsize = sizeof(struct elf_ehdr),
		.e_shentsize = sizeof(struct elf_shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SHSTRTAB,
	};
	memcpy(f->strings, "\0alpha\0beta", 12);
	memcpy(f->names, names, sizeof(names));
	f->syms[1] = (struct elf_sym){ .st_name = 1, .st_shndx = TEXT };
	f->syms[2] = (struct elf_sym){ .st_name = 7, .st_shndx = SHN_XINDEX };
	f->syms[3] = (struct elf_sym){ .st_name = 99, .st_shndx = SHN_ABS };
	f->shndx[2] = BSS;
	SECTION(TEXT, 1, SHT_PROGBITS, text);
	SECTION(BSS, 7, SHT_NOBITS, text);
	f->sh[BSS].sh_size = UINT64_MAX; /* of no bytes in the file */
	SECTION(SYMTAB, 12, SHT_SYMTAB, syms);
	f->sh[SYMTAB].sh_link = STRTAB;
	f->sh[SYMTAB].sh_entsize = sizeof(struct elf_sym);
	SECTION(STRTAB, 20, SHT_STRTAB, strings);
	SECTION(SHNDX, 0, SHT_SYMTAB_SHNDX, shndx);
	f->sh[SHNDX].sh_link = SYMTAB;
	SECTION(SHSTRTAB, 28, SHT_STRTAB, names);
}

static bool open_all(struct elf_file *f, struct span bytes, unsigned machine,
    enum elf_fault *fault)
{
	struct elf_where where = { ELF_OK, 0, 0 };
	const bool ok = elf_open(f, bytes, machine, &where);

	*fault = where.fault;
	return ok;
}

TEST(file, views_show_sections_and_symbols)
{
	struct file file;
	struct elf_where where;
	struct elf_symtab tab;
	enum elf_fault fault;
	struct elf_file f;

	make(&file);
	CHECK(open_all(&f, (struct span){ (uint8_t *)&file, sizeof(file) },
	    EM_RISCV, &fault));
	CHECK_EQ(f.nsections, SECTIONS);
	CHECK_STR(elf_section_name(&f, SYMTAB), ".symtab");
	CHECK_EQ(elf_section_find(&f, ".strtab"), STRTAB);
	CHECK_EQ(elf_section_find(&f, ".str"), 0);
	CHECK_EQ(elf_section_bytes(&f, TEXT).n, 16);
	CHECK(elf_section_bytes(&f, TEXT).p == file.text);
	CHECK_EQ(elf_section_bytes(&f, BSS).n, 0);
	CHECK(elf_symtab_open(&f, SHT_SYMTAB, &tab, &where));
	CHECK_EQ(tab.n, 4);
	CHECK_EQ(tab.section, SYMTAB);
	CHECK_STR(elf_symtab_name(&tab, 1), "alpha");
	CHECK_STR(elf_symtab_name(&tab, 2), "beta");
	CHECK(elf_symtab_name(&tab, 3) == NULL);
	CHECK_EQ(elf_symtab_section(&tab, 1), TEXT);
	CHECK_EQ(elf_symtab_section(&tab, 2), BSS); /* through the index */
	CHECK(!elf_symtab_is_reserved(&tab, 2));
	CHECK(elf_symtab_is_reserved(&tab, 3));
	CHECK(elf_symtab_open(&f, SHT_DYNSYM, &tab, &where));
	CHECK_EQ(tab.n, 0);
}

TEST(file, another_machine_is_refused_when_one_is_wanted)
{
	struct file file;
	enum elf_fault fault;
	struct elf_file f;
	const struct span s = { (uint8_t *)&file, sizeof(file) };

	make(&file);
	CHECK(open_all(&f, s, 0, &fault));
	CHECK(!open_all(&f, s, EM_X86_64, &fault));
	CHECK_EQ(fault, ELF_WRONG_MACHINE);
}

TEST(file, bytes_must_be_aligned)
{
	uint8_t *p = malloc(sizeof(struct file) + 8);
	enum elf_fault fault;
	struct elf_file f;
	struct file file;

	CHECK(p != NULL);
	make(&file);
	for (unsigned i = 0; i < 8; i++) {
		memcpy(p + i, &file, sizeof(file));
		CHECK_EQ(open_all(&f, (struct span){ p + i, sizeof(file) }, 0,
			     &fault),
		    i == 0);
		CHECK_EQ(fault, i == 0 ? ELF_OK : ELF_MISALIGNED);
	}
	free(p);
}

/* An index table that is shorter than its symbols is not used. */
TEST(file, a_short_index_table_is_left_alone)
{
	struct file file;
	struct elf_where where;
	struct elf_symtab tab;
	enum elf_fault fault;
	struct elf_file f;

	make(&file);
	file.sh[SHNDX].sh_size = 15;
	CHECK(open_all(
	    &f, (struct span){ (uint8_t *)&file, sizeof(file) }, 0, &fault));
	CHECK(elf_symtab_open(&f, SHT_SYMTAB, &tab, &where));
	CHECK(tab.shndx == NULL);
	CHECK_EQ(elf_symtab_section(&tab, 2), SHN_XINDEX);
}

static volatile size_t sum;

/* Looks at all that the views give. */
static void walk(const struct elf_file *f)
{
	struct elf_where where;
	struct elf_symtab tab;

	for (uint32_t i = 0; i < f->nsections; i++) {
		const struct span s = elf_section_bytes(f, i);

		sum += strlen(elf_section_name(f, i));
		sum += s.n != 0 ? s.p[s.n - 1] : 0;
	}
	if (!elf_symtab_open(f, SHT_SYMTAB, &tab, &where))
		return;
	for (uint32_t i = 0; i < tab.n; i++) {
		const char *name = elf_symtab_name(&tab, i);

		sum += name != NULL ? strlen(name) : 0;
		sum += elf_symtab_section(&tab, i);
	}
}

static bool survives(const uint8_t *bytes, size_t n)
{
	uint8_t *p = malloc(n != 0 ? n : 1);
	struct elf_dynamic dyn;
	struct elf_where where;
	enum elf_fault fault;
	struct elf_file f;
	bool ok;

	if (p == NULL)
		abort();
	memcpy(p, bytes, n);
	ok = open_all(&f, (struct span){ p, n }, 0, &fault);
	if (ok)
		walk(&f);
	if (ok && elf_dynamic_open(&f, &dyn, &where))
		(void)elf_dynamic_string(&dyn, 0);
	free(p);
	return ok == (fault == ELF_OK) && elf_fault_text(fault) != NULL;
}

TEST(file, every_cut_is_survived)
{
	struct file file;

	make(&file);
	for (size_t n = 0; n <= sizeof(file); n++)
		CHECK(survives((uint8_t *)&file, n));
}

TEST(file, every_flipped_bit_is_survived)
{
	struct file file;
	uint8_t *p = (uint8_t *)&file;

	make(&file);
	for (size_t i = 0; i < sizeof(file) * 8; i++) {
		p[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK(survives(p, sizeof(file)));
		p[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

/* Pairs of wrong fields: offset and size that only together leave the file. */
TEST(file, sums_that_wrap_around_are_seen)
{
	static const uint64_t sizes[] = { 1, 8, 0x1000, 1ull << 32,
		UINT64_MAX - 7, UINT64_MAX };
	struct file file;
	enum elf_fault fault;
	struct elf_file f;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		make(&file);
		file.sh[TEXT].sh_offset = 0 - sizes[i];
		file.sh[TEXT].sh_size = sizes[i];
		CHECK(!open_all(&f,
		    (struct span){ (uint8_t *)&file, sizeof(file) }, 0,
		    &fault));
		CHECK_EQ(fault, ELF_SECTION_BOUNDS);
	}
}

TEST(file, every_fault_has_words)
{
	for (int i = 0; i < ELF_FAULTS; i++) {
		const char *text = elf_fault_text((enum elf_fault)i);

		CHECK(strlen(text) > 8);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(text, elf_fault_text((enum elf_fault)k)) !=
			      0);
	}
	CHECK_STR(elf_fault_text(ELF_FAULTS), "is damaged");
}
