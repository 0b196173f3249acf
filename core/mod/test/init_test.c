/* SPDX-License-Identifier: MIT */
/*
 * A module's life as its own code sees it: constructors, init, exit,
 * destructors, and what becomes of the parts of its image in between. The
 * functions of the modules jump into this file, which writes down who came.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <test/test.h>

#include "world.h"

static struct {
	char text[64];
	int init_result;
	struct world *w;
} trace;

static void note(char c)
{
	const size_t n = strlen(trace.text);

	if (n + 1 < sizeof(trace.text))
		trace.text[n] = c;
}

static int t_init(void)
{
	note('i');
	return trace.init_result;
}

static void t_exit(void)
{
	note('x');
}

static void t_a(void)
{
	note('a');
}

static void t_b(void)
{
	note('b');
}

static void t_c(void)
{
	note('c');
}

static void t_d(void)
{
	note('d');
}

static const struct tn_export exports[] = {
	WORLD_EXPORT(t_init),
	WORLD_EXPORT(t_exit),
	WORLD_EXPORT(t_a),
	WORLD_EXPORT(t_b),
	WORLD_EXPORT(t_c),
	WORLD_EXPORT(t_d),
};

static bool begin(struct world *w)
{
	memset(&trace, 0, sizeof(trace));
	return world_open(w, exports, ARRAY_SIZE(exports));
}

static struct author with_entries(const char *name)
{
	struct author a = author_new(isa_here()->machine, name);

	author_jump(&a, "init_module", "t_init");
	author_jump(&a, "cleanup_module", "t_exit");
	return a;
}

TEST(init, runs_at_load_and_exit_at_unload)
{
	struct author a = with_entries("life");
	struct tn_module_info info;
	struct tn_module *mod;
	struct world w;

	PROVES("L02 L06 K5.1 K5.3");
	CHECK(begin(&w));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "i");
	tn_module_info(mod, &info);
	CHECK_EQ(info.state, TN_STATE_RUNNING);
	CHECK_STR(info.name, "life");
	CHECK_EQ(info.refs, 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_STR(trace.text, "ix");
	CHECK(tn_module_find(w.sys, "life") == NULL);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(init, can_be_left_out_and_then_exit_is_too)
{
	struct author a = with_entries("quiet");
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	author_array(
	    &a, ".init_array", SHT_INIT_ARRAY, author_jump(&a, "ctor", "t_a"));
	author_array(
	    &a, ".fini_array", SHT_FINI_ARRAY, author_jump(&a, "dtor", "t_b"));
	CHECK_EQ(world_load(&w, a.o, TN_LOAD_NO_INIT, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_STR(trace.text, "");
	author_free(&a);
	CHECK(world_close(&w));
}

/* L17: not in the list, memory freed, the error returned, exit not called. */
TEST(init, that_fails_leaves_nothing_and_exit_is_not_called)
{
	struct author a = with_entries("failing");
	struct world w;

	PROVES("L03 L17");
	CHECK(begin(&w));
	author_array(
	    &a, ".init_array", SHT_INIT_ARRAY, author_jump(&a, "ctor", "t_a"));
	author_array(
	    &a, ".fini_array", SHT_FINI_ARRAY, author_jump(&a, "dtor", "t_b"));
	trace.init_result = -TN_EIO;
	/* The second time as the first: the name is free again. */
	for (int i = 0; i < 2; i++) {
		trace.text[0] = '\0';
		memset(trace.text, 0, sizeof(trace.text));
		CHECK_REFUSED(&w, a.o, TN_EIO, "init_failed",
		    "failing: init failed with -5");
		CHECK_EQ(w.diag.stage, TN_STAGE_NONE); /* emptied */
		CHECK_STR(trace.text, "aib");
		CHECK(tn_module_find(w.sys, "failing") == NULL);
		CHECK_EQ(tn_symbol_count(w.sys), ARRAY_SIZE(exports));
	}
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(init, with_a_positive_result_has_failed)
{
	struct author a = with_entries("positive");
	struct world w;

	CHECK(begin(&w));
	trace.init_result = 3;
	CHECK_REFUSED(
	    &w, a.o, TN_EINVAL, "init_failed", "positive: init failed with 3");
	author_free(&a);
	CHECK(world_close(&w));
}

/* By ascending priority, one without a number last; back in reverse. */
TEST(init, arrays_run_by_priority_and_back_in_reverse)
{
	struct author a = with_entries("order");
	struct tn_module *mod;
	struct world w;
	uint32_t fn[4];

	CHECK(begin(&w));
	fn[0] = author_jump(&a, "fa", "t_a");
	fn[1] = author_jump(&a, "fb", "t_b");
	fn[2] = author_jump(&a, "fc", "t_c");
	fn[3] = author_jump(&a, "fd", "t_d");
	author_array(&a, ".init_array", SHT_INIT_ARRAY, fn[3]);
	author_array(&a, ".init_array.00200", SHT_INIT_ARRAY, fn[1]);
	author_array(&a, ".init_array.00101", SHT_INIT_ARRAY, fn[0]);
	author_array(&a, ".init_array.65535", SHT_INIT_ARRAY, fn[2]);
	author_array(&a, ".fini_array.00101", SHT_FINI_ARRAY, fn[0]);
	author_array(&a, ".fini_array", SHT_FINI_ARRAY, fn[3]);
	author_array(&a, ".fini_array.00200", SHT_FINI_ARRAY, fn[1]);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "abcdi");
	memset(trace.text, 0, sizeof(trace.text));
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_STR(trace.text, "xdba");
	author_free(&a);
	CHECK(world_close(&w));
}

/* Within one table forwards and backwards; 0 and -1 are no functions. */
TEST(init, an_array_runs_forwards_and_back_and_skips_fillers)
{
	struct author a = with_entries("table");
	struct tn_module *mod;
	struct world w;
	uint32_t fn[2], s;

	CHECK(begin(&w));
	fn[0] = author_jump(&a, "fa", "t_a");
	fn[1] = author_jump(&a, "fb", "t_b");
	for (unsigned i = 0; i < 2; i++) {
		s = object_section(a.o, i ? ".fini_array" : ".init_array",
		    i ? SHT_FINI_ARRAY : SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE);
		object_add64(a.o, s, 0);
		object_skip(a.o, s, 16);
		object_add64(a.o, s, UINT64_MAX);
		for (unsigned k = 0; k < 2; k++)
			object_rela(a.o, s,
			    (struct object_fix){
				8 + 8 * k, a.isa->abs64, fn[k], 0 });
	}
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "abi");
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK_STR(trace.text, "abixba");
	author_free(&a);
	CHECK(world_close(&w));
}

/* docs/module-format.md 3: .preinit_array comes before .init_array. */
TEST(init, preinit_array_runs_first)
{
	struct author a = with_entries("pre");
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	author_array(&a, ".init_array.00101", SHT_INIT_ARRAY,
	    author_jump(&a, "fb", "t_b"));
	author_array(&a, ".preinit_array", SHT_PREINIT_ARRAY,
	    author_jump(&a, "fa", "t_a"));
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "abi");
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* A table that its file has not aligned is read all the same. */
TEST(init, an_array_may_stand_at_any_address)
{
	struct author a = with_entries("odd");
	struct tn_module *mod;
	struct world w;
	uint32_t pad, s;

	CHECK(begin(&w));
	pad = object_section(
	    a.o, ".data.rel.ro", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	object_skip(a.o, pad, 3);
	s = object_section(
	    a.o, ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE);
	object_align(a.o, s, 1);
	object_skip(a.o, s, 8);
	object_rela(a.o, s,
	    (struct object_fix){
		0, a.isa->abs64, author_jump(&a, "fa", "t_a"), 0 });
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "ai");
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(init, entry_outside_of_text_is_refused)
{
	static const char *const entries[] = { "init_module",
		"cleanup_module" };
	struct world w;

	CHECK(begin(&w));
	for (unsigned i = 0; i < 2; i++) {
		struct author a = author_new(isa_here()->machine, "lost");
		char text[80];

		author_word(&a, entries[i], 0);
		snprintf(text, sizeof(text),
		    "lost: entry point '%s' is not in the module's text",
		    entries[i]);
		CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "entry", text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(init, entry_without_a_section_is_refused)
{
	static const uint32_t where[] = { SHN_ABS, SHN_COMMON };
	struct world w;

	CHECK(begin(&w));
	for (unsigned i = 0; i < 2; i++) {
		struct author a = author_new(isa_here()->machine, "nowhere");

		object_symbol(a.o, "init_module",
		    OBJECT_SYM(STB_GLOBAL, STT_NOTYPE), where[i], 8);
		CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "entry",
		    "nowhere: entry point 'init_module' is not in the module's "
		    "text");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* clang -fno-use-init-array makes them. */
TEST(init, constructors_that_nobody_would_run_are_refused)
{
	static const char *const names[] = { ".ctors", ".dtors.65434" };
	struct world w;

	CHECK(begin(&w));
	for (unsigned i = 0; i < 2; i++) {
		struct author a = author_new(isa_here()->machine, "old");
		char text[128];

		object_skip(a.o,
		    object_section(
			a.o, names[i], SHT_PROGBITS, SHF_ALLOC | SHF_WRITE),
		    8);
		snprintf(text, sizeof(text),
		    "old: a table of constructors from before .init_array is "
		    "not supported (section %s)",
		    names[i]);
		CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported", text);
		author_free(&a);
	}
	CHECK(world_close(&w));
}

TEST(init, entry_behind_the_end_of_text_is_refused)
{
	struct author a = author_new(isa_here()->machine, "beyond");
	struct world w;

	CHECK(begin(&w));
	author_return(&a, "f");
	object_symbol(a.o, "init_module", OBJECT_SYM(STB_GLOBAL, STT_FUNC),
	    a.text, object_size(a.o, a.text));
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "entry",
	    "beyond: entry point 'init_module' is not in the module's text");
	author_free(&a);
	CHECK(world_close(&w));
}

/* What runs at unload must still be there. */
TEST(init, exit_that_init_frees_is_refused)
{
	struct author a = author_new(isa_here()->machine, "brief");
	struct world w;
	uint32_t s;

	CHECK(begin(&w));
	s = object_section(
	    a.o, ".init.text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
	object_symbol(a.o, "cleanup_module", OBJECT_SYM(STB_GLOBAL, STT_FUNC),
	    s, isa_return(a.o, s));
	CHECK_REFUSED(&w, a.o, TN_ENOEXEC, "entry",
	    "brief: entry point 'cleanup_module' is not in the module's text");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(init, destructors_that_init_frees_are_refused)
{
	struct author a = author_new(isa_here()->machine, "brief");
	struct world w;

	CHECK(begin(&w));
	author_array(
	    &a, ".init.fini_array", SHT_FINI_ARRAY, author_return(&a, "f"));
	CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported",
	    "brief: a destructor table that is freed after init is not "
	    "supported (section .init.fini_array)");
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(init, an_array_of_broken_entries_is_refused)
{
	static const unsigned types[] = { SHT_PREINIT_ARRAY, SHT_INIT_ARRAY,
		SHT_FINI_ARRAY };
	struct world w;

	CHECK(begin(&w));
	for (unsigned i = 0; i < 3; i++) {
		struct author a = author_new(isa_here()->machine, "broken");

		object_skip(a.o,
		    object_section(
			a.o, ".array", types[i], SHF_ALLOC | SHF_WRITE),
		    15);
		CHECK_REFUSED(&w, a.o, TN_EOPNOTSUPP, "unsupported",
		    "broken: a table that is no whole number of functions is "
		    "not supported (section .array)");
		author_free(&a);
	}
	CHECK(world_close(&w));
}

/* A local function of that name is the module's own business. */
TEST(init, a_local_init_module_is_no_entry)
{
	struct author a = author_new(isa_here()->machine, "local");
	struct tn_module *mod;
	struct world w;
	uint64_t at;

	CHECK(begin(&w));
	at = isa_jump(a.o, a.text, object_undefined(a.o, "t_init"));
	object_symbol(
	    a.o, "init_module", OBJECT_SYM(STB_LOCAL, STT_FUNC), a.text, at);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "");
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(init, without_exit_makes_a_module_permanent)
{
	struct author a = author_new(isa_here()->machine, "fixed");
	static struct world w; /* for good, with its module */
	struct tn_module *mod;
	char text[128];

	PROVES("L19");
	CHECK(begin(&w));
	author_jump(&a, "init_module", "t_init");
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), -TN_EBUSY);
	CHECK_EQ(w.diag.reason, TN_REASON_NO_EXIT);
	CHECK_EQ(w.diag.stage, TN_STAGE_UNLOAD);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "fixed: has init but no exit: it is permanent");
	CHECK_EQ(tn_system_destroy(w.sys), -TN_EBUSY);
	author_free(&a);
}

/* An init that has not run binds nobody. */
TEST(init, without_exit_unloads_when_init_has_not_run)
{
	struct author a = author_new(isa_here()->machine, "unbound");
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w));
	author_jump(&a, "init_module", "t_init");
	CHECK_EQ(world_load(&w, a.o, TN_LOAD_NO_INIT, &mod), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- parts */

static uint32_t init_section(
    struct author *a, const char *name, uint64_t flags, size_t size)
{
	const uint32_t s =
	    object_section(a->o, name, SHT_PROGBITS, SHF_ALLOC | flags);

	object_skip(a->o, s, size);
	return s;
}

TEST(init, parts_for_init_are_given_back_after_it)
{
	struct author a = author_new(isa_here()->machine, "freed");
	struct tn_module_info info;
	struct tn_module *mod;
	struct world w;
	uint32_t text;
	uint64_t addr, at;
	size_t size;

	CHECK(begin(&w));
	text = init_section(&a, ".init.text", SHF_EXECINSTR, 0);
	at = isa_jump(a.o, text, object_undefined(a.o, "t_init"));
	object_symbol(
	    a.o, "init_module", OBJECT_SYM(STB_GLOBAL, STT_FUNC), text, at);
	author_jump(&a, "cleanup_module", "t_exit");
	init_section(&a, ".init.rodata", 0, 100);
	init_section(&a, ".init.data", SHF_WRITE, 200);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	CHECK_STR(trace.text, "i");
	tn_module_info(mod, &info);
	CHECK_EQ(info.init_bytes, object_size(a.o, text) + 300);
	for (int k = TN_INIT_TEXT; k <= TN_INIT_DATA; k++) {
		tn_module_part(mod, (enum tn_part_kind)k, &addr, &size);
		CHECK_EQ(size, 0);
	}
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* May the kernel write into these bytes for us? */
static bool is_writable(uint64_t addr)
{
	int fd[2];
	bool ok;

	if (pipe(fd) != 0 || write(fd[1], "w", 1) != 1)
		return false;
	ok = read(fd[0], (void *)(uintptr_t)addr, 1) == 1;
	close(fd[0]);
	close(fd[1]);
	return ok;
}

TEST(init, ro_after_init_is_written_by_init_and_read_only_after)
{
	struct author a = author_new(isa_here()->machine, "roafter");
	struct tn_module *mod;
	struct world w;
	uint64_t ro, rodata, data, text;
	size_t size;

	CHECK(begin(&w));
	author_word(&a, "plain", 1);
	author_return(&a, "code");
	init_section(&a, ".data..ro_after_init", SHF_WRITE, 8);
	init_section(&a, ".rodata", 0, 8);
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_part(mod, TN_RO_AFTER_INIT, &ro, &size);
	CHECK_EQ(size, 8);
	tn_module_part(mod, TN_RODATA, &rodata, &size);
	tn_module_part(mod, TN_DATA, &data, &size);
	tn_module_part(mod, TN_TEXT, &text, &size);
	CHECK(is_writable(data));
	CHECK(!is_writable(ro));
	CHECK(!is_writable(rodata));
	CHECK(!is_writable(text));
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- what a load has taken */

/* A clock that each look at it moves on; @ctx of the port is the rig. */
static uint64_t step_clock(void *ctx)
{
	static uint64_t now;

	(void)ctx;
	return now += 1000;
}

TEST(init, each_step_of_a_load_is_timed)
{
	struct author a = with_entries("timed");
	struct tn_module_info info;
	struct tn_module *mod;
	struct world w;

	PROVES("G31");
	CHECK(begin(&w));
	w.rig.port.now_ns = step_clock;
	CHECK_EQ(world_load(&w, a.o, 0, &mod), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.timing.source, 1000);
	CHECK_EQ(info.timing.link, 1000);
	CHECK_EQ(info.timing.protect, 1000);
	CHECK_EQ(info.timing.init, 1000);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}
