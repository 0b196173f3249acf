/* SPDX-License-Identifier: MIT */
/*
 * Exports: what a module offers, found by name with its owner, taken out with
 * it; and export tables that are not what they should be.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "../module.h"
#include "world.h"

static int world_word;

static const struct tn_export exports[] = {
	WORLD_EXPORT(world_word),
};

static bool open_here(struct world *w)
{
	return world_open(w, exports, 1);
}

static struct author provider(const char *name)
{
	return author_new(isa_here()->machine, name);
}

static void add(struct author *a, const char *name)
{
	author_export(a, (struct author_export){
			     .name = name, .symbol = author_word(a, name, 1) });
}

TEST(export, are_found_with_address_owner_and_class)
{
	struct author a = provider("offers");
	struct tn_module_info info;
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;
	uint64_t data;
	size_t size;

	PROVES("L07 L08 L10 K5.2");
	CHECK(open_here(&w));
	author_export(&a, (struct author_export){ .name = "alpha",
			      .symbol = author_word(&a, "alpha", 1),
			      .crc = 0xa1 });
	author_export(&a, (struct author_export){ .name = "beta",
			      .symbol = author_word(&a, "beta", 2),
			      .gpl = true,
			      .ns = "SPACE",
			      .crc = 0xb2 });
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_part(mod, TN_DATA, &data, &size);
	CHECK_EQ(tn_symbol_find(w.sys, "alpha", &sym), 0);
	CHECK_STR(sym.name, "alpha");
	CHECK_EQ(sym.addr, data);
	CHECK(sym.owner == mod);
	CHECK_EQ(sym.crc, 0xa1);
	CHECK_EQ(sym.flags, 0);
	CHECK(sym.ns == NULL);
	CHECK_EQ(tn_symbol_find(w.sys, "beta", &sym), 0);
	CHECK_EQ(sym.addr, data + 8);
	CHECK_EQ(sym.crc, 0xb2);
	CHECK_EQ(sym.flags, TN_EXPORT_GPL);
	CHECK_STR(sym.ns, "SPACE");
	CHECK_EQ(tn_symbol_find(w.sys, "world_word", &sym), 0);
	CHECK(sym.owner == NULL);
	CHECK_EQ(tn_symbol_find(w.sys, "gamma", &sym), -TN_ENOENT);
	CHECK_EQ(tn_symbol_count(w.sys), 3);
	tn_module_info(mod, &info);
	CHECK_EQ(info.nexports, 2);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(tn_symbol_find(w.sys, "alpha", &sym), -TN_ENOENT);
	CHECK_EQ(tn_symbol_count(w.sys), 1);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(export, out_of_order_keep_what_is_said_of_each)
{
	struct author a = author_new(isa_here()->machine, "mixed");
	uint32_t word[4];
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;
	char name[2] = "a", ns[2] = "A";

	for (int i = 0; i < 4; i++, name[0]++)
		word[i] = author_word(&a, name, (uint64_t)i);
	for (int i = 4; i-- > 0;) {
		name[0] = (char)('a' + i);
		ns[0] = (char)('A' + i);
		author_export(&a, (struct author_export){ .name = name,
				      .symbol = word[i],
				      .ns = i != 2 ? ns : NULL,
				      .gpl = i == 1,
				      .crc = (uint32_t)i + 1 });
	}
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	for (int i = 0; i < 4; i++) {
		name[0] = (char)('a' + i);
		ns[0] = (char)('A' + i);
		CHECK_EQ(tn_symbol_find(w.sys, name, &sym), 0);
		CHECK(sym.owner == mod);
		CHECK_EQ(*(uint64_t *)(uintptr_t)sym.addr, i);
		CHECK_EQ(sym.crc, i + 1);
		CHECK_EQ(sym.flags, i == 1 ? TN_EXPORT_GPL : 0);
		CHECK_STR(sym.ns != NULL ? sym.ns : "", i != 2 ? ns : "");
	}
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* What is looked up by its name would be taken from the first alone. */
TEST(export, a_second_table_of_one_name_is_refused)
{
	static const char *const names[] = { "__ksymtab", "__ksymtab_gpl",
		"__ksymtab_strings", "__kcrctab", "__kcrctab_gpl", ".modinfo",
		"__versions", "__tenon_param" };
	struct world w;
	char text[128];

	CHECK(world_open(&w, NULL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct author a = provider("twice");

		for (int k = 0; k < 2; k++)
			object_skip(a.o,
			    object_section(
				a.o, names[i], SHT_PROGBITS, SHF_ALLOC),
			    24);
		snprintf(text, sizeof(text),
		    "twice: a second section of this name is not supported "
		    "(section %s)",
		    names[i]);
		CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported", text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* Linux looks for it without looking at its flags, kmod takes the first. */
TEST(export, a_second_modinfo_is_refused_whatever_its_flags)
{
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	for (int k = 0; k < 2; k++) {
		struct author a = provider("twice");
		const uint32_t second = object_section(
		    a.o, ".modinfo", SHT_PROGBITS, k == 0 ? 0 : SHF_ALLOC);

		object_add(a.o, second, "license=Proprietary", 20);
		(void)object_file(a.o);
		if (k == 1)
			object_shdr(a.o, a.modinfo)->sh_flags = 0;
		CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "unsupported",
		    "twice: a second section of this name is not supported "
		    "(section .modinfo)");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(export, names_of_all_lengths_are_found)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				  "abcdefghijklmnopqrstuvwxyz0123456789";
	struct author a = provider("lengths");
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;

	CHECK(open_here(&w));
	for (const char *name = all; *name != '\0'; name++)
		add(&a, name);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	for (const char *name = all; *name != '\0'; name++) {
		CHECK_EQ(tn_symbol_find(w.sys, name, &sym), 0);
		CHECK_STR(sym.name, name);
	}
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(tn_symbol_count(w.sys), 1);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Its own functions alone, whatever else has the name. */
TEST(export, of_one_module_are_asked_for_alone)
{
	struct author a = provider("one"), b = provider("two");
	struct tn_module *m[2];
	struct world w;
	void *addr;

	CHECK(open_here(&w));
	add(&a, "mine");
	add(&b, "yours");
	CHECK_EQ(world_load(&w, a.o, 0, &m[0]), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &m[1]), 0);
	CHECK_EQ(tn_module_symbol(m[0], "mine", &addr), 0);
	CHECK_EQ(tn_module_symbol(m[0], "yours", &addr), -TN_ENOENT);
	CHECK_EQ(tn_module_symbol(m[0], "world_word", &addr), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, m[1]), 0);
	CHECK_EQ(world_unload(&w, m[0]), 0);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}

/* Nothing that is not exported can be imported: no global leaks out. */
TEST(export, is_what_the_tables_say_not_what_is_global)
{
	struct author a = provider("closed");
	struct tn_module *mod;
	struct tn_symbol sym;
	struct world w;

	CHECK(open_here(&w));
	author_word(&a, "global_but_private", 1);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_symbol_find(w.sys, "global_but_private", &sym), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- doubles */

TEST(export, of_a_name_that_is_taken_is_refused)
{
	struct author a = provider("first"), b = provider("second");
	struct author c = provider("third");
	struct tn_symbol sym;
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	add(&a, "taken");
	/* the others' first names go in and come out again */
	add(&b, "fresh");
	add(&b, "taken");
	add(&c, "fresh_too");
	add(&c, "world_word");
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_REFUSED(&w, b.o, TN_EEXIST, "duplicate_export",
	    "second: exports 'taken', which first exports already");
	CHECK_REFUSED(&w, c.o, TN_EEXIST, "duplicate_export",
	    "third: exports 'world_word', which the engine exports already");
	CHECK_EQ(tn_symbol_find(w.sys, "fresh", &sym), -TN_ENOENT);
	CHECK_EQ(tn_symbol_find(w.sys, "taken", &sym), 0);
	CHECK(sym.owner == mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	author_free(&b);
	author_free(&c);
	CHECK(world_close(&w));
}

TEST(export, twice_in_one_module_is_refused)
{
	struct author a = provider("double");
	struct world w;

	CHECK(open_here(&w));
	add(&a, "same");
	author_export(&a, (struct author_export){ .name = "same",
			      .symbol = author_word(&a, "other", 1),
			      .gpl = true });
	CHECK_REFUSED(&w, a.o, TN_EEXIST, "duplicate_export",
	    "double: exports 'same', which double exports already");
	author_free(&a);
	CHECK(world_close(&w));
}

/* The name of the @i-th export of a large module. */
static const char *numbered(char name[16], const char *prefix, unsigned i)
{
	snprintf(name, 16, "%s_%u", prefix, i);
	return name;
}

/*
 * The last name of many is taken, so all the others have been in the index. Of
 * what is freed then nothing may be looked at again, by a search, by the next
 * module in the same memory, or by the index when it grows: ASan would see it.
 */
TEST(export, a_failed_publish_leaves_nothing_visible)
{
	enum {
		MANY = 300
	};
	struct author a = provider("refused"), b = provider("next");
	struct tn_symbol sym;
	struct tn_module *mod;
	struct world w;
	char name[16];

	CHECK(open_here(&w));
	for (unsigned i = 0; i < MANY; i++) {
		add(&a, numbered(name, "a", i));
		add(&b, numbered(name, "b", i));
	}
	add(&a, "world_word");
	const size_t before = tn_symbol_count(w.sys);

	for (int round = 0; round < 3; round++) {
		CHECK_REFUSED(&w, a.o, TN_EEXIST, "duplicate_export",
		    "refused: exports 'world_word', which the engine exports "
		    "already");
		CHECK_EQ(tn_symbol_count(w.sys), before);
		CHECK(tn_module_find(w.sys, "refused") == NULL);
		CHECK_EQ(world_load(&w, b.o, 0, &mod), 0);
		for (unsigned i = 0; i < MANY; i++) {
			CHECK_EQ(
			    tn_symbol_find(w.sys, numbered(name, "a", i), &sym),
			    -TN_ENOENT);
			CHECK_EQ(
			    tn_symbol_find(w.sys, numbered(name, "b", i), &sym),
			    0);
		}
		CHECK_EQ(world_unload(&w, mod), 0);
	}
	CHECK_EQ(tn_symbol_find(w.sys, "world_word", &sym), 0);
	CHECK(sym.owner == NULL);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}

/* --- malformed tables */

static void refused_at(struct world *w, struct author *a, const char *place)
{
	char text[128];

	snprintf(
	    text, sizeof(text), "bad: has a malformed export table: %s", place);
	CHECK_SPOILT(w, a->o, TN_ENOEXEC, "bad_export", text);
}

static unsigned entry_size(void)
{
	return isa_here()->machine == EM_RISCV ? 24 : 12;
}

/* Entry @i's word @field is relocation 3 * i + field of the table. */
static struct elf_rela *entry_rela(struct author *a, unsigned i, unsigned field)
{
	return object_rel(a->o, a->ksymtab[0], 3 * i + field);
}

static struct author two_exports(struct world *w)
{
	struct author a = provider("bad");

	if (!open_here(w))
		return a;
	add(&a, "one");
	add(&a, "two");
	object_file(a.o);
	return a;
}

static void second_entry(char *place, size_t cap)
{
	snprintf(place, cap, "__ksymtab+0x%x", entry_size());
}

TEST(export, table_of_broken_entries_is_refused)
{
	struct world w;
	struct author a = two_exports(&w);
	struct elf_shdr *sh = object_shdr(a.o, a.ksymtab[0]);
	char place[32];

	for (unsigned cut = 1; cut < entry_size(); cut++) {
		sh->sh_size = 2 * entry_size() - cut;
		/* the relocations must still fit */
		object_shdr(a.o, object_rela_section(a.o, a.ksymtab[0]))
		    ->sh_size = 0;
		snprintf(place, sizeof(place), "__ksymtab+0x%llx",
		    (unsigned long long)sh->sh_size);
		refused_at(&w, &a, place);
	}
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(export, table_without_bytes_is_refused)
{
	struct world w;
	struct author a = two_exports(&w);
	char place[32];

	object_shdr(a.o, a.ksymtab[0])->sh_type = SHT_NOBITS;
	object_shdr(a.o, object_rela_section(a.o, a.ksymtab[0]))->sh_type =
	    SHT_PROGBITS;
	snprintf(place, sizeof(place), "__ksymtab+0x%x", 2 * entry_size());
	refused_at(&w, &a, place);
	author_free(&a);
	CHECK(world_close(&w));
}

/* The name: not in __ksymtab_strings, empty, without NUL, none. */
TEST(export, name_outside_of_the_strings_is_refused)
{
	struct world w;
	struct author a = two_exports(&w);
	struct elf_rela *name = entry_rela(&a, 1, 1);
	const struct elf_rela value = *entry_rela(&a, 1, 0), was = *name;
	char place[32];

	second_entry(place, sizeof(place));
	name->r_info = value.r_info; /* its own data */
	refused_at(&w, &a, place);
	*name = was;
	name->r_addend = 0; /* the empty string */
	refused_at(&w, &a, place);
	name->r_addend = 9; /* behind the last string */
	refused_at(&w, &a, place);
	name->r_addend = -1;
	refused_at(&w, &a, place);
	name->r_addend = 0x40000000;
	refused_at(&w, &a, place);
	*name = was;
	name->r_info = 0; /* R_*_NONE */
	refused_at(&w, &a, place);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Each is hashed as it is published, while nobody else can do anything. */
TEST(export, names_are_in_proportion_to_the_file)
{
	struct author a = author_new(isa_here()->machine, "greedy");
	const uint32_t symbol = author_word(&a, "datum", 7);
	char name[20000], other[8];
	struct tn_module *mod;
	struct world w;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	author_export(
	    &a, (struct author_export){ .name = name, .symbol = symbol });
	for (unsigned i = 1; i < 500; i++) {
		snprintf(other, sizeof(other), "%u", i);
		author_export(&a,
		    (struct author_export){ .name = other, .symbol = symbol });
	}
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	for (unsigned i = 1; i < 500; i++)
		entry_rela(&a, i, 1)->r_addend =
		    entry_rela(&a, 0, 1)->r_addend + i;
	CHECK_EQ(world_load_bytes(&w, object_bytes(a.o), 0, &mod), -TN_EFBIG);
	CHECK_EQ(w.diag.reason, TN_REASON_LIMIT);
	CHECK_STR(w.diag.other, "bytes of names of symbols");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(export, name_without_end_is_refused)
{
	struct world w;
	struct author a = two_exports(&w);
	char place[32];

	/* "\0one\0two\0" loses its last byte */
	object_shdr(a.o, a.strings)->sh_size--;
	second_entry(place, sizeof(place));
	refused_at(&w, &a, place);
	/* and all of them */
	object_shdr(a.o, a.strings)->sh_size = 0;
	refused_at(&w, &a, "__ksymtab+0x0");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(export, namespace_outside_of_the_strings_is_refused)
{
	struct world w;
	struct author a = two_exports(&w);
	struct elf_rela *ns = entry_rela(&a, 1, 2);
	struct tn_module *mod;
	char place[32];

	second_entry(place, sizeof(place));
	ns->r_addend = 9;
	refused_at(&w, &a, place);
	ns->r_info = entry_rela(&a, 1, 0)->r_info;
	refused_at(&w, &a, place);
	ns->r_info = 0; /* without a relocation: no namespace */
	CHECK_EQ(world_load_bytes(&w, object_bytes(a.o), 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Names are looked at as long as the module lives: nobody may write them. */
TEST(export, names_that_can_be_written_are_refused)
{
	struct world w;
	struct author a = two_exports(&w);

	object_shdr(a.o, a.strings)->sh_flags |= SHF_WRITE;
	refused_at(&w, &a, "__ksymtab+0x0");
	author_free(&a);
	CHECK(world_close(&w));
}

/* The value: null, before the module, behind it, freed after init. */
TEST(export, value_outside_of_the_module_is_refused)
{
	struct world w;
	struct author a = two_exports(&w);
	struct elf_rela *value = entry_rela(&a, 1, 0);
	const struct elf_rela was = *value;
	char place[32];

	second_entry(place, sizeof(place));
	value->r_info = 0;
	refused_at(&w, &a, place);
	*value = was;
	value->r_addend = 0x20000000;
	refused_at(&w, &a, place);
	value->r_addend = -0x20000000;
	refused_at(&w, &a, place);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(export, value_in_a_part_that_init_frees_is_refused)
{
	struct author a = provider("bad");
	uint32_t s;
	struct world w;

	CHECK(open_here(&w));
	s = object_section(
	    a.o, ".init.data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	object_skip(a.o, s, 64);
	author_export(&a, (struct author_export){ .name = "brief",
			      .symbol = object_symbol(a.o, "brief",
				  OBJECT_SYM(STB_GLOBAL, STT_OBJECT), s, 16) });
	object_file(a.o);
	refused_at(&w, &a, "__ksymtab+0x0");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(export, checksums_of_another_number_are_refused)
{
	struct author a = provider("bad");
	struct world w;

	CHECK(open_here(&w));
	for (unsigned i = 0; i < 2; i++)
		author_export(
		    &a, (struct author_export){ .name = i ? "one" : "two",
			    .symbol = author_word(&a, "x", 1),
			    .crc = 5 });
	object_file(a.o);
	object_shdr(a.o, a.kcrctab[0])->sh_size = 4;
	refused_at(&w, &a, "__ksymtab+0x0");
	object_shdr(a.o, a.kcrctab[0])->sh_size = 7;
	refused_at(&w, &a, "__ksymtab+0x0");
	author_free(&a);
	CHECK(world_close(&w));
}
