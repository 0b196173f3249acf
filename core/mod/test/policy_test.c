/* SPDX-License-Identifier: MIT */
/*
 * Who may import what: licences, namespaces, versions, missing symbols. Each
 * refusal by its stable name, its error number and its sentence.
 */
#include <stdio.h>
#include <string.h>

#include <test/test.h>

#include "world.h"

static int plain_word, gpl_word, spaced_word, versioned_word;

static const struct tn_export exports[] = {
	WORLD_EXPORT(plain_word),
	{ .name = "gpl_word", .addr = &gpl_word, .flags = TN_EXPORT_GPL },
	{ .name = "spaced_word", .addr = &spaced_word, .ns = "SPACE" },
	{ .name = "versioned_word",
	    .addr = &versioned_word,
	    .crc = 0x12345678 },
};

static bool open_here(struct world *w)
{
	return world_open(w, exports, ARRAY_SIZE(exports));
}

/* A module without licence that imports @symbol. */
static struct author importer(const char *name, const char *symbol)
{
	struct author a = author_new(isa_here()->machine, name);

	author_pointer(&a, "p", object_undefined(a.o, symbol), 0);
	return a;
}

/* Makes the licence of author_new something else, of the same length. */
static void set_license(struct author *a, const char *value)
{
	const struct span file = object_file(a->o);
	uint8_t *p = (uint8_t *)(uintptr_t)file.p +
		     object_shdr(a->o, a->modinfo)->sh_offset;

	while (memcmp(p, "license=", 8) != 0)
		p++;
	memcpy(p + 8, value, 3);
}

static void loads(struct world *w, struct author *a)
{
	struct tn_module *mod;

	CHECK_EQ(world_load(w, a->o, 0, &mod), 0);
	CHECK_EQ(world_unload(w, mod), 0);
}

/* --- licences */

TEST(policy, plain_exports_are_for_all)
{
	struct author a = importer("mit", "plain_word");
	struct tn_module *mod;
	struct world w;

	PROVES("L07");
	CHECK(open_here(&w));
	set_license(&a, "MIT");
	CHECK_EQ(world_load_bytes(&w, object_bytes(a.o), 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(policy, gpl_exports_are_refused_to_other_licences)
{
	struct author a = importer("mit", "gpl_word");
	struct world w;

	PROVES("L08");
	CHECK(open_here(&w));
	loads(&w, &a);
	set_license(&a, "MIT");
	CHECK_SPOILT(&w, a.o, TN_EACCES, "gpl_only",
	    "mit: 'gpl_word' of the engine is for GPL-compatible modules "
	    "only");
	author_free(&a);
	CHECK(world_close(&w));
}

/* docs/module-format.md 7.2: of several licences every one must do. */
TEST(policy, one_licence_of_several_does_not_open_gpl_exports)
{
	static const char *const more[] = { "license=Proprietary",
		"license=Dual MIT/GPL" };
	struct world w;

	PROVES("L08");
	CHECK(open_here(&w));
	for (unsigned i = 0; i < 2; i++) {
		struct author a = importer("both", "gpl_word");

		author_info(&a, more[i]);
		if (i == 0)
			CHECK_REFUSED(&w, a.o, TN_EACCES, "gpl_only",
			    "both: 'gpl_word' of the engine is for "
			    "GPL-compatible modules only");
		else
			loads(&w, &a);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

static void loads_with_license(const char *license, bool ok)
{
	struct author a = importer("licensed", "gpl_word");
	struct tn_module *mod;
	struct world w;
	char entry[64];
	int err;

	CHECK(open_here(&w));
	/* the first one is spoilt into a key of no meaning */
	snprintf(entry, sizeof(entry), "license=%s", license);
	author_info(&a, entry);
	set_license(&a, "GPL");
	uint8_t *p = (uint8_t *)(uintptr_t)object_bytes(a.o).p +
		     object_shdr(a.o, a.modinfo)->sh_offset;
	while (memcmp(p, "license=", 8) != 0)
		p++;
	p[0] = 'x';
	err = world_load_bytes(&w, object_bytes(a.o), 0, &mod);
	CHECK_EQ(err, ok ? 0 : -TN_EACCES);
	if (ok)
		CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(policy, licences_are_those_of_the_specification)
{
	loads_with_license("GPL", true);
	loads_with_license("GPL v2", true);
	loads_with_license("GPL and additional rights", true);
	loads_with_license("Dual BSD/GPL", true);
	loads_with_license("Dual MIT/GPL", true);
	loads_with_license("Dual MPL/GPL", true);
	loads_with_license("GPL v3", false);
	loads_with_license("gpl", false);
	loads_with_license("GPLv2", false);
	loads_with_license("", false);
}

/* --- namespaces and versions */

TEST(policy, namespace_must_be_imported)
{
	struct author a = importer("outside", "spaced_word");
	struct author b = importer("inside", "spaced_word");
	struct author c = importer("beside", "spaced_word");
	struct world w;

	CHECK(open_here(&w));
	CHECK_REFUSED(&w, a.o, TN_EACCES, "namespace",
	    "outside: 'spaced_word' is in namespace SPACE, which is not "
	    "imported");
	author_info(&b, "import_ns=OTHER");
	author_info(&b, "import_ns=SPACE");
	loads(&w, &b);
	author_info(&c, "import_ns=SPACES");
	author_info(&c, "import_ns=SPAC");
	CHECK_REFUSED(&w, c.o, TN_EACCES, "namespace",
	    "beside: 'spaced_word' is in namespace SPACE, which is not "
	    "imported");
	author_free(&a);
	author_free(&b);
	author_free(&c);
	CHECK(world_close(&w));
}

TEST(policy, version_of_an_import_must_be_the_one_it_was_built_with)
{
	struct author right = importer("right", "versioned_word");
	struct author wrong = importer("wrong", "versioned_word");
	struct world w;

	CHECK(open_here(&w));
	author_version(&right, "versioned_word", 0x12345678);
	loads(&w, &right);
	author_version(&wrong, "plain_word", 1); /* has none: fits */
	author_version(&wrong, "versioned_word", 0x12345679);
	CHECK_REFUSED(&w, wrong.o, TN_ENOEXEC, "crc_mismatch",
	    "wrong: disagrees about the version of 'versioned_word': built "
	    "for 0x12345679, present is 0x12345678");
	author_free(&right);
	author_free(&wrong);
	CHECK(world_close(&w));
}

/* docs/module-format.md 4.3: a record for what is not imported is ignored. */
TEST(policy, version_of_what_is_not_imported_does_not_matter)
{
	struct author a = importer("stale", "plain_word");
	struct world w;

	CHECK(open_here(&w));
	author_version(&a, "versioned_word", 99);
	author_version(&a, "module_layout", 98);
	loads(&w, &a);
	author_free(&a);
	CHECK(world_close(&w));
}

/* A table that ends within a record, a name without NUL. */
TEST(policy, version_records_may_be_damaged)
{
	struct author a = importer("torn", "plain_word");
	struct world w;

	CHECK(open_here(&w));
	author_version(&a, "versioned_word", 0x12345678);
	for (unsigned i = 0; i < 64; i++)
		object_add(a.o, a.versions, "v", 1);
	object_add(a.o, a.versions, "torn", 4);
	loads(&w, &a);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- missing symbols */

TEST(policy, all_missing_symbols_are_listed_with_the_nearest)
{
	struct author a = importer("lost", "plain_wort");
	struct author b = importer("lost", "nothing_like_it_at_all");
	struct tn_module *mod;
	struct world w;

	PROVES("L11 K5.2");
	CHECK(open_here(&w));
	author_pointer(&a, "q", object_undefined(a.o, "absent_from_all"), 0);
	author_pointer(&a, "r", object_undefined(a.o, "gpl_words"), 0);
	CHECK_REFUSED(&w, a.o, TN_ENOENT, "missing_symbol",
	    "lost: 3 missing symbols:\n"
	    "  plain_wort (nearest: plain_word)\n"
	    "  absent_from_all\n"
	    "  gpl_words (nearest: gpl_word)");
	CHECK_REFUSED(&w, b.o, TN_ENOENT, "missing_symbol",
	    "lost: 1 missing symbol: nothing_like_it_at_all");
	CHECK_EQ(world_load(&w, a.o, 0, &mod), -TN_ENOENT);
	CHECK_EQ(w.diag.nmissing, 3);
	CHECK_EQ(w.diag.stage, TN_STAGE_RESOLVE);
	CHECK_STR(w.diag.missing[2].symbol, "gpl_words");
	CHECK_STR(w.diag.missing[2].nearest, "gpl_word");
	CHECK(w.diag.missing[1].nearest == NULL);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}

TEST(policy, a_hundred_missing_symbols_are_all_listed)
{
	struct author a = author_new(isa_here()->machine, "poor");
	struct tn_module *mod;
	struct world w;
	char name[32];

	CHECK(open_here(&w));
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "missing_%d", i);
		author_pointer(&a, "p", object_undefined(a.o, name), 0);
	}
	CHECK_EQ(world_load(&w, a.o, 0, &mod), -TN_ENOENT);
	CHECK_EQ(w.diag.nmissing, 100);
	CHECK_STR(w.diag.missing[99].symbol, "missing_99");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(policy, imports_can_be_forbidden)
{
	struct author a = importer("slot", "plain_word");
	struct author b = author_new(isa_here()->machine, "weak_slot");
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	w.flags = TN_LOAD_NO_IMPORTS;
	CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "slot: an imported symbol is not supported (symbol "
	    "'plain_word')");
	/* a weak one is nobody, even where somebody exports it */
	author_export(
	    &b, (struct author_export){ .name = "p",
		    .symbol = author_pointer(&b, "p",
			object_symbol(b.o, "plain_word",
			    OBJECT_SYM(STB_WEAK, STT_NOTYPE), SHN_UNDEF, 0),
			0) });
	CHECK_EQ(world_load(&w, b.o, TN_LOAD_NO_IMPORTS, &mod), 0);
	CHECK_EQ(*(uint64_t *)world_object(mod, "p"), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_EQ(world_load(&w, b.o, 0, &mod), 0);
	CHECK_EQ(*(uint64_t *)world_object(mod, "p"), (uintptr_t)&plain_word);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}
