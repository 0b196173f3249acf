/* SPDX-License-Identifier: MIT */
/*
 * What a file is and what it may call itself: names, the profile note, the
 * machine, the verification hook, the tables of a caller. Each refusal by its
 * stable name, its error number and its sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <test/test.h>

#include "files.h"
#include "world.h"

static int plain_word, other_word;

static const struct tn_export exports[] = {
	WORLD_EXPORT(plain_word),
	WORLD_EXPORT(other_word),
};

static bool open_here(struct world *w)
{
	return world_open(w, exports, ARRAY_SIZE(exports));
}

static void loads(struct world *w, struct author *a)
{
	struct tn_module *mod;

	CHECK_EQ(world_load(w, a->o, 0, &mod), 0);
	CHECK_EQ(world_unload(w, mod), 0);
}

/* --- names */

TEST(identity, a_name_is_used_once)
{
	struct author a = author_new(isa_here()->machine, "same-name");
	struct author b = author_new(isa_here()->machine, "same_name");
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_REFUSED(&w, b.o, TN_EEXIST, "duplicate_module",
	    "a module called same_name is loaded already or on its way");
	CHECK_EQ(world_unload(&w, mod), 0);
	loads(&w, &b);
	author_free(&a);
	author_free(&b);
	CHECK(world_close(&w));
}

TEST(identity, names_that_are_none_are_refused)
{
	struct author empty = author_new(isa_here()->machine, "");
	struct author blank = author_new(isa_here()->machine, "two words");
	char name[80], text[160];
	struct world w;

	CHECK(open_here(&w));
	CHECK_REFUSED(
	    &w, empty.o, TN_EINVAL, "bad_name", "'' is not a module name");
	CHECK_REFUSED(&w, blank.o, TN_EINVAL, "bad_name",
	    "'two words' is not a module name");
	for (size_t n = 55; n <= 56; n++) {
		memset(name, 'n', n);
		name[n] = '\0';
		struct author a = author_new(isa_here()->machine, name);

		snprintf(text, sizeof(text), "'%s' is not a module name", name);
		if (n == 55)
			loads(&w, &a);
		else
			CHECK_REFUSED(&w, a.o, TN_EINVAL, "bad_name", text);
		author_free(&a);
	}
	author_free(&empty);
	author_free(&blank);
	CHECK(world_close(&w));
}

static int load_as(
    struct world *w, struct object *o, const char *name, struct tn_module **mod)
{
	const struct span file = object_file(o);
	const struct tn_load_args args = { .size = sizeof(args),
		.name = name,
		.data = file.p,
		.data_size = file.n };

	return tn_load(w->sys, &args, mod, &w->diag);
}

/* Loads a file that says no name of its own, and whose path ends like this. */
static int load_from(
    struct world *w, struct object *o, const char *end, struct tn_module **mod)
{
	const struct span file = object_file(o);
	uint8_t *copy = malloc(file.n);
	struct file_path path, whole;
	int err = -TN_EIO;

	memcpy(copy, file.p, file.n);
	memcpy(memmem(copy, file.n, "name=own", 8), "none", 4);
	if (file_write(&path, (struct span){ copy, file.n })) {
		const struct tn_load_args args = { .size = sizeof(args),
			.path = whole.text };

		snprintf(
		    whole.text, sizeof(whole.text), "%.64s%s", path.text, end);
		if (rename(path.text, whole.text) == 0)
			err = tn_load(w->sys, &args, mod, &w->diag);
		unlink(whole.text);
	}
	free(copy);
	return err;
}

TEST(identity, a_path_names_a_module_as_far_as_it_is_a_name)
{
	static const char *const bad[] = { "a b.ko", "\x1b[31m.ko", ",b.ko",
		"\xff.ko" };
	struct author a = author_new(isa_here()->machine, "own");
	struct tn_module_info info;
	struct tn_module *mod;
	struct world w;
	char text[128];

	CHECK(open_here(&w));
	CHECK_EQ(load_from(&w, a.o, "a-b.1.ko.gz", &mod), 0);
	tn_module_info(mod, &info);
	CHECK(strstr(info.name, "a_b.1") != NULL);
	CHECK_EQ(world_unload(&w, mod), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		CHECK_EQ(load_from(&w, a.o, bad[i], &mod), -TN_EINVAL);
		CHECK_EQ(w.diag.reason, TN_REASON_BAD_NAME);
	}
	CHECK_EQ(load_from(&w, a.o, bad[0], &mod), -TN_EINVAL);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK(strstr(text, "a b.ko' is not a module name") != NULL);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, the_caller_may_name_a_module)
{
	struct author a = author_new(isa_here()->machine, "own");
	struct tn_module_info info;
	struct tn_module *mod[2];
	struct world w;

	CHECK(open_here(&w));
	CHECK_EQ(load_as(&w, a.o, "given-name", &mod[0]), 0);
	CHECK_EQ(load_as(&w, a.o, NULL, &mod[1]), 0);
	tn_module_info(mod[0], &info);
	CHECK_STR(info.name, "given_name");
	CHECK_EQ(load_as(&w, a.o, "a/b", &mod[0]), -TN_EINVAL);
	CHECK_EQ(w.diag.reason, TN_REASON_BAD_NAME);
	CHECK_EQ(world_unload(&w, mod[1]), 0);
	mod[0] = tn_module_find(w.sys, "given_name");
	CHECK(mod[0] != NULL);
	tn_module_put(mod[0]);
	CHECK_EQ(world_unload(&w, mod[0]), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, a_file_from_memory_without_a_name_is_refused)
{
	struct author a = author_new(isa_here()->machine, "own");
	uint8_t *p;
	struct world w;

	CHECK(open_here(&w));
	object_file(a.o);
	p = (uint8_t *)(uintptr_t)object_bytes(a.o).p +
	    object_shdr(a.o, a.modinfo)->sh_offset;
	p[0] = 'N';
	CHECK_SPOILT(
	    &w, a.o, TN_EINVAL, "no_name", "the file states no module name");
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- the note */

/* Writes word @i of the note's descriptor. */
static void set_note(struct author *a, unsigned i, uint32_t word)
{
	object_file(a->o);
	put_le32((uint8_t *)(uintptr_t)object_bytes(a->o).p +
		     object_shdr(a->o, a->note)->sh_offset + 20 + 4 * i,
	    word);
}

TEST(identity, an_unknown_profile_is_refused)
{
	static const uint32_t bad[] = { 0, 3, UINT32_MAX };
	struct author a = author_new(isa_here()->machine, "strange");
	struct world w;
	char text[80];

	CHECK(open_here(&w));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		set_note(&a, 1, bad[i]);
		snprintf(text, sizeof(text),
		    "strange: has the unknown profile %u", bad[i]);
		CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "profile", text);
	}
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, another_abi_is_refused)
{
	struct author a = author_new(isa_here()->machine, "new");
	struct world w;

	CHECK(open_here(&w));
	set_note(&a, 2, 2);
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "abi",
	    "new: was built for engine ABI 2.0, this is 1.0");
	set_note(&a, 2, 1);
	set_note(&a, 3, 1);
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "abi",
	    "new: was built for engine ABI 1.1, this is 1.0");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, a_newer_note_is_refused)
{
	struct author a = author_new(isa_here()->machine, "new");
	struct world w;

	CHECK(open_here(&w));
	set_note(&a, 0, 2);
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "profile",
	    "new: has the unknown note version 2");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, a_hosted_module_needs_a_world_with_symbols)
{
	struct author a = author_new(isa_here()->machine, "hosted");
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	set_note(&a, 1, TN_PROFILE_HOSTED);
	CHECK_EQ(world_load_bytes(&w, object_bytes(a.o), 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	w.rig.port.host_symbol = NULL;
	CHECK_SPOILT(&w, a.o, TN_EOPNOTSUPP, "profile_world",
	    "hosted: is of profile hosted, which cannot run here");
	author_free(&a);
	CHECK(world_close(&w));
}

/* Symbols of the process are for hosted modules alone. */
TEST(identity, a_common_module_does_not_see_the_process)
{
	struct author a = author_new(isa_here()->machine, "reach");
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	author_pointer(&a, "p", object_undefined(a.o, "malloc"), 0);
	CHECK_REFUSED(&w, a.o, TN_ENOENT, "missing_symbol",
	    "reach: 1 missing symbol: malloc");
	set_note(&a, 1, TN_PROFILE_HOSTED);
	CHECK_EQ(world_load_bytes(&w, object_bytes(a.o), 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, an_unmarked_file_runs_only_when_asked)
{
	struct author a = author_new(isa_here()->machine, "plain");
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	object_file(a.o);
	object_shdr(a.o, a.note)->sh_type = SHT_PROGBITS;
	CHECK_SPOILT(&w, a.o, TN_ENOEXEC, "unmarked",
	    "plain: carries no .note.tenon, so it is no module for running");
	CHECK_EQ(
	    world_load_bytes(&w, object_bytes(a.o), TN_LOAD_UNMARKED, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, a_second_note_is_refused)
{
	struct author a = author_new(isa_here()->machine, "two");
	struct tn_module *mod;
	struct world w;
	uint8_t note[36];

	CHECK(open_here(&w));
	object_file(a.o);
	memcpy(note, object_bytes(a.o).p + object_shdr(a.o, a.note)->sh_offset,
	    sizeof(note));
	object_add(a.o, a.note, note, sizeof(note));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), -TN_EOPNOTSUPP);
	CHECK_EQ(w.diag.reason, TN_REASON_PROFILE);
	author_free(&a);
	CHECK(world_close(&w));
}

/* A note that is cut anywhere is none, or one of no profile. */
TEST(identity, a_torn_note_never_counts)
{
	struct author a = author_new(isa_here()->machine, "torn");
	struct tn_module *mod;
	struct world w;

	CHECK(open_here(&w));
	for (unsigned n = 0; n < 36; n++) {
		object_file(a.o);
		object_shdr(a.o, a.note)->sh_size = n;
		CHECK(world_load_bytes(&w, object_bytes(a.o), 0, &mod) < 0);
		CHECK(w.diag.reason == TN_REASON_UNMARKED ||
		      w.diag.reason == TN_REASON_PROFILE);
	}
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, another_machine_is_named)
{
	struct world w;
	char text[80];

	CHECK(open_here(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct author a = author_new(isas[i].machine, "foreign");

		snprintf(text, sizeof(text), "foreign: is for %s, not for %s",
		    isas[i].name, isa_here()->name);
		if (&isas[i] != isa_here())
			CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "machine", text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* --- arguments and the hook */

static int verify_result;

static int verify(void *arg, const void *data, size_t size)
{
	const uint8_t *p = data;

	*(size_t *)arg = size;
	return size > 4 && p[0] == 0x7f ? verify_result : 0;
}

TEST(identity, the_hook_sees_every_file_before_it_is_parsed)
{
	struct author a = author_new(isa_here()->machine, "checked");
	struct tn_module *mod;
	struct world w;
	size_t seen = 0;

	CHECK(open_here(&w));
	CHECK_EQ(tn_system_destroy(w.sys), 0);
	const struct tn_config config = { .size = sizeof(config),
		.abi = 1,
		.verify = verify,
		.verify_arg = &seen };
	CHECK_EQ(tn_system_create(&w.rig.port, &config, &w.sys), 0);
	verify_result = 0;
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(seen, object_bytes(a.o).n);
	CHECK_EQ(world_unload(&w, mod), 0);
	verify_result = 1;
	CHECK_REFUSED(
	    &w, a.o, TN_EACCES, "verify", "refused by the verification hook");
	/* also what is no ELF file at all */
	CHECK_EQ(world_load_bytes(
		     &w, (struct span){ (const uint8_t *)"junk", 4 }, 0, &mod),
	    -TN_ENOEXEC);
	CHECK_EQ(seen, 4);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(identity, arguments_are_checked)
{
	struct tn_load_args args = { .size = sizeof(args) };
	struct tn_linked *linked;
	struct tn_module *mod;
	struct world w;
	char text[80];

	CHECK(open_here(&w));
	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), -TN_EINVAL);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "bad argument: neither path nor data");
	args.size = 4;
	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), -TN_EINVAL);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "bad argument: size or flags of struct tn_load_args");
	tn_diag_fini(&w.diag);
	CHECK_EQ(tn_link(w.sys, &args, &linked, &w.diag), -TN_EINVAL);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "bad argument: size or flags of struct tn_load_args");
	CHECK_EQ(tn_load(w.sys, &args, &mod, NULL), -TN_EINVAL);
	CHECK(world_close(&w));
}

TEST(identity, system_checks_its_tables)
{
	struct tn_config config = { .size = sizeof(config), .abi = 1 };
	const struct tn_export twice[] = { exports[0], exports[1], exports[0] };
	struct tn_system *sys;
	struct world w;

	CHECK(open_here(&w));
	config.abi = 2;
	CHECK_EQ(tn_system_create(&w.rig.port, &config, &sys), -TN_EINVAL);
	config.abi = 1;
	config.size = 8;
	CHECK_EQ(tn_system_create(&w.rig.port, &config, &sys), -TN_EINVAL);
	config.size = sizeof(config);
	config.exports = twice;
	config.nexports = 3;
	CHECK_EQ(tn_system_create(&w.rig.port, &config, &sys), -TN_EEXIST);
	w.rig.port.abi = 2;
	CHECK_EQ(tn_system_create(&w.rig.port, &config, &sys), -TN_EINVAL);
	w.rig.port.abi = 1;
	CHECK(world_close(&w));
}
