/* SPDX-License-Identifier: MIT */
/*
 * Records of parameters that lie: each field, each address, the table itself.
 * And running out of memory at every position.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/module_param.h>
#include <tenon/param.h>
#include <test/test.h>

#include "world.h"

static struct author make(struct author_param *good)
{
	struct author a = author_new(isa_here()->machine, "liar");

	*good = (struct author_param){
		.name = "p",
		.symbol = author_word(&a, "p", 0),
		.type = TENON_PARAM_int,
		.size = 4,
		.perm = 0644,
	};
	return a;
}

/* A record made wrong is refused, and its field named. */
static void refused(struct author *a, struct author_param p, const char *field)
{
	char text[160];
	struct world w;

	author_param(a, p);
	snprintf(text, sizeof(text),
	    "liar: has a malformed parameter: __tenon_param+0x0: %s", field);
	CHECK(world_open(&w, NULL, 0));
	CHECK_REFUSED(&w, a->o, TN_ENOEXEC, "bad_param", text);
	CHECK(world_close(&w));
	author_free(a);
}

static void accepted(struct author *a, struct author_param p)
{
	struct tn_module *mod;
	struct world w;

	author_param(a, p);
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a->o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
	author_free(a);
}

/* One field differs from a good record. */
#define BAD(member, value, field)                                              \
	do {                                                                   \
		struct author_param p_;                                        \
		struct author a_ = make(&p_);                                  \
		p_.member = (value);                                           \
		refused(&a_, p_, (field));                                     \
	} while (0)

TEST(param_record, with_a_wrong_number_is_refused)
{
	BAD(type, 0, "type");
	BAD(type, 13, "type");
	BAD(type, 0xffff, "type");
	BAD(size, 0, "size of an element");
	BAD(size, 8, "size of an element");
	BAD(perm, 01000, "permissions");
	BAD(perm, 0646, "permissions");
	BAD(flags, 4, "flags");
	BAD(reserved, 1, "reserved field");
	BAD(capacity, 2, "room");
}

TEST(param_record, with_flags_that_its_type_lacks_is_refused)
{
	static const unsigned types[] = { TENON_PARAM_bool, TENON_PARAM_charp,
		TENON_PARAM_string };
	static const unsigned sizes[] = { 1, 8, 1 };
	struct author_param p;
	struct author a;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		a = make(&p);
		p.type = types[i];
		p.size = sizes[i];
		p.flags = TENON_PARAM_RANGE;
		refused(&a, p, "flags");
	}
	a = make(&p);
	p.type = TENON_PARAM_string;
	p.size = 1;
	p.flags = TENON_PARAM_ARRAY;
	refused(&a, p, "flags");
}

TEST(param_record, with_a_wrong_name_is_refused)
{
	struct author_param p;
	struct author a;

	BAD(name, NULL, "name");
	BAD(name, "", "name");
	BAD(name, "two words", "name");
	BAD(name, "a=b", "name");
	BAD(name, "quo\"te", "name");
	BAD(name, "\x7f", "name");
	BAD(name, "\xc3\xa4", "name");
	/* where the module could change it */
	a = make(&p);
	p.name_symbol = author_word(&a, "w", 'w');
	refused(&a, p, "name");
}

TEST(param_record, name_ends_in_its_part)
{
	struct author_param p;
	struct author a = make(&p);
	struct world w;

	author_param(&a, p);
	const uint32_t last =
	    object_section(a.o, ".rodata.last", SHT_PROGBITS, SHF_ALLOC);

	object_add(a.o, last, "open", 4);
	p.name_symbol = object_symbol(
	    a.o, "open", OBJECT_SYM(STB_LOCAL, STT_OBJECT), last, 0);
	author_param(&a, p);
	CHECK(world_open(&w, NULL, 0));
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "bad_param",
	    "liar: has a malformed parameter: __tenon_param+0x40: name");
	CHECK(world_close(&w));
	author_free(&a);
}

TEST(param_record, name_has_63_characters_at_most)
{
	char name[65];
	struct author_param p;
	struct author a;

	memset(name, 'n', sizeof(name));
	name[64] = '\0';
	BAD(name, name, "name");
	name[63] = '\0';
	a = make(&p);
	p.name = name;
	accepted(&a, p);
}

TEST(param_record, with_a_wrong_address_is_refused)
{
	struct author_param p;
	struct author a;

	BAD(symbol, 0, "variable");
	BAD(addend, 2, "variable");
	BAD(addend, INT64_C(1) << 30, "variable");
	BAD(addend, -4096, "variable");
	/* text */
	a = make(&p);
	p.symbol = author_return(&a, "f");
	refused(&a, p, "variable");
	/* constants */
	a = make(&p);
	const uint32_t ro =
	    object_section(a.o, ".rodata", SHT_PROGBITS, SHF_ALLOC);

	object_add64(a.o, ro, 0);
	p.symbol =
	    object_symbol(a.o, "c", OBJECT_SYM(STB_LOCAL, STT_OBJECT), ro, 0);
	refused(&a, p, "variable");
	a = make(&p);
	p.count = author_return(&a, "f");
	refused(&a, p, "counter");
}

TEST(param_record, array_that_leaves_its_part_is_refused)
{
	struct author_param p;
	struct author a = make(&p);

	p.flags = TENON_PARAM_ARRAY;
	p.capacity = UINT32_MAX;
	refused(&a, p, "variable");
	a = make(&p);
	p.flags = TENON_PARAM_ARRAY;
	p.capacity = 2; /* the word has room for two */
	accepted(&a, p);
	a = make(&p);
	p.type = TENON_PARAM_string;
	p.size = 1;
	p.capacity = UINT32_MAX;
	refused(&a, p, "variable");
}

/* What becomes read-only, or goes, after init must not be set later. */
TEST(param_record, variable_lives_as_long_as_its_permissions_promise)
{
	static const struct {
		const char *section;
		unsigned perm;
		bool ok;
	} rows[] = {
		{ ".data..ro_after_init", 0, true },
		{ ".data..ro_after_init", 0444, true },
		{ ".data..ro_after_init", 0644, false },
		{ ".data..ro_after_init", 0020, false },
		{ ".init.data", 0, true },
		{ ".init.data", 0444, false },
		{ ".init.data", 0644, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct author_param p;
		struct author a = make(&p);
		const uint32_t s = object_section(
		    a.o, rows[i].section, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);

		object_add64(a.o, s, 0);
		p.symbol = object_symbol(
		    a.o, "v", OBJECT_SYM(STB_LOCAL, STT_OBJECT), s, 0);
		p.perm = rows[i].perm;
		if (rows[i].ok)
			accepted(&a, p);
		else
			refused(&a, p, "variable");
	}
}

TEST(param_record, in_init_memory_is_set_and_forgotten)
{
	struct author_param p;
	struct author a = make(&p);
	struct tn_module *mod;
	struct world w;
	const uint32_t s = object_section(
	    a.o, ".init.data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);

	object_add64(a.o, s, 0);
	p.symbol =
	    object_symbol(a.o, "v", OBJECT_SYM(STB_LOCAL, STT_OBJECT), s, 0);
	p.perm = 0;
	author_param(&a, p);
	CHECK(world_open(&w, NULL, 0));
	const struct span file = object_file(a.o);
	const struct tn_load_args args = { .size = sizeof(args),
		.data = file.p,
		.data_size = file.n,
		.params = "p=5" };

	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), 0);
	CHECK_EQ(tn_param_set(mod, "p", "6", NULL), -TN_ENOENT);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
	author_free(&a);
}

/* --- the table */

static void table_refused(struct author *a, uint64_t size)
{
	char text[160];
	struct world w;

	snprintf(text, sizeof(text),
	    "liar: has a malformed parameter: __tenon_param+0x%llx: table",
	    (unsigned long long)size);
	CHECK(world_open(&w, NULL, 0));
	CHECK_REFUSED(&w, a->o, TN_ENOEXEC, "bad_param", text);
	CHECK(world_close(&w));
	author_free(a);
}

TEST(param_record, table_is_of_whole_records)
{
	struct author_param p;
	struct author a = make(&p);

	author_param(&a, p);
	object_add(a.o, a.params, "x", 1);
	table_refused(&a, 65);
}

TEST(param_record, table_is_no_text_and_of_init_no_part)
{
	struct author_param p;
	struct author a = make(&p);

	object_add64(a.o,
	    object_section(
		a.o, "__tenon_param", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR),
	    0);
	table_refused(&a, 8);
}

TEST(param_record, empty_and_unloaded_tables_are_none)
{
	struct author_param p;
	struct author a = make(&p);
	struct tn_module *mod;
	struct world w;

	object_section(a.o, "__tenon_param", SHT_PROGBITS, SHF_ALLOC);
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	a = make(&p);
	object_add64(
	    a.o, object_section(a.o, "__tenon_param", SHT_PROGBITS, 0), 1);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(param_record, more_than_1024_are_refused)
{
	struct author_param p;
	struct author a = make(&p);
	struct world w;

	p.perm = 0;
	for (int i = 0; i <= 1024; i++)
		author_param(&a, p);
	CHECK(world_open(&w, NULL, 0));
	CHECK_REFUSED(&w, a.o, TN_EFBIG, "limit",
	    "liar: 1025 parameters are more than the limit of 1024");
	CHECK(world_close(&w));
	author_free(&a);
}

/* --- no memory */

TEST(param, setting_a_text_without_memory_changes_nothing)
{
	struct author_param p;
	struct author a = make(&p);
	struct tn_module *mod;
	struct world w;
	char text[64];
	size_t n;

	p.type = TENON_PARAM_charp;
	p.size = 8;
	author_param(&a, p);
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(tn_param_set(mod, "p", "before", &w.diag), 0);
	const uint64_t before = world_state(&w);

	rig_arm(&w.rig, 1);
	CHECK_EQ(tn_param_set(mod, "p", "after", &w.diag), -TN_ENOMEM);
	CHECK_EQ(w.diag.reason, TN_REASON_NO_MEMORY);
	rig_arm(&w.rig, 0);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "liar: no memory for 5 bytes");
	tn_diag_fini(&w.diag);
	CHECK_EQ(world_state(&w), before);
	CHECK_EQ(tn_param_get(mod, "p", text, sizeof(text), &n), 0);
	CHECK_STR(text, "before");
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
	author_free(&a);
}
