/* SPDX-License-Identifier: MIT */
/*
 * Sets: everything is loaded in the right order, or nothing is; what somebody
 * else has loaded is used; and every allocation fails once at every position.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tenon/graph.h>
#include <test/test.h>

#include "files.h"
#include "world.h"

#define FILES 4

static char told[64]; /* inits and exits, a letter each */

static void tell(char c)
{
	const size_t n = strlen(told);

	told[n] = c;
	told[n + 1] = '\0';
}

#define HOOKS(letter, upper)                                                   \
	static int init_##letter(void)                                         \
	{                                                                      \
		tell(#letter[0]);                                              \
		return 0;                                                      \
	}                                                                      \
	static void exit_##letter(void)                                        \
	{                                                                      \
		tell(upper);                                                   \
	}

HOOKS(a, 'A')
HOOKS(b, 'B')
HOOKS(c, 'C')

static int init_bad(void)
{
	tell('!');
	return -TN_EIO;
}

static const struct tn_export hooks[] = {
	WORLD_EXPORT(init_a),
	WORLD_EXPORT(exit_a),
	WORLD_EXPORT(init_b),
	WORLD_EXPORT(exit_b),
	WORLD_EXPORT(init_c),
	WORLD_EXPORT(exit_c),
	WORLD_EXPORT(init_bad),
};

/* Files a, b and c; a needs b, b needs c. */
struct fixture {
	struct world w;
	struct author a[FILES];
	struct tn_load_args args[FILES];
	unsigned n;
	unsigned nsources; /* the rest is the finder's */
	struct tn_set set;
};

static void add(struct fixture *f, const char *name, const char *init,
    const char *exit, const char *needs)
{
	struct author *a = &f->a[f->n];
	char text[64];

	*a = author_new(isa_here()->machine, name);
	author_jump(a, "init_module", init);
	if (exit != NULL)
		author_jump(a, "cleanup_module", exit);
	snprintf(text, sizeof(text), "tenon.depends=%s", needs);
	author_info(a, text);
	const struct span s = object_file(a->o);

	f->args[f->n++] = (struct tn_load_args){
		.size = sizeof(*f->args), .data = s.p, .data_size = s.n
	};
}

static bool begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	told[0] = '\0';
	if (!world_open(&f->w, hooks, ARRAY_SIZE(hooks)))
		return false;
	add(f, "a", "init_a", "exit_a", "b");
	add(f, "b", "init_b", "exit_b", "c");
	add(f, "c", "init_c", "exit_c", "");
	f->nsources = f->n;
	return true;
}

static void end(struct fixture *f)
{
	for (unsigned i = 0; i < f->n; i++)
		author_free(&f->a[i]);
	CHECK(world_close(&f->w));
}

static int find(
    void *arg, const char *name, const char *symbol, struct tn_load_args *out)
{
	struct fixture *f = arg;

	(void)symbol;
	for (unsigned i = f->nsources; name != NULL && i < f->n; i++)
		if (name[0] == "abcd"[i]) {
			*out = f->args[i];
			return 0;
		}
	return -TN_ENOENT;
}

static int load_set(struct fixture *f)
{
	const struct tn_set_args args = { .size = sizeof(args),
		.sources = f->args,
		.nsources = f->nsources,
		.find = find,
		.find_arg = f };

	tn_diag_fini(&f->w.diag);
	return tn_load_set(f->w.sys, &args, &f->set, &f->w.diag);
}

static void unload_set(struct fixture *f)
{
	for (size_t i = f->set.n; i-- > 0;)
		CHECK_EQ(world_unload(&f->w, f->set.modules[i]), 0);
	tn_set_fini(&f->set);
}

TEST(set, loads_in_order_and_unloads_in_reverse)
{
	struct fixture f;

	PROVES("L12 L16 H25");
	CHECK(begin(&f));
	CHECK_EQ(load_set(&f), 0);
	CHECK_EQ(f.set.n, 3);
	CHECK_STR(told, "cba");
	/* what is used cannot go */
	CHECK_EQ(world_unload(&f.w, f.set.modules[0]), -TN_EBUSY);
	unload_set(&f);
	CHECK_STR(told, "cbaABC");
	end(&f);
}

TEST(set, finder_supplies_what_is_missing)
{
	struct fixture f;

	CHECK(begin(&f));
	f.nsources = 1;
	CHECK_EQ(load_set(&f), 0);
	CHECK_EQ(f.set.n, 3);
	CHECK_STR(told, "cba");
	unload_set(&f);
	end(&f);
}

/* Is the set refused in words that begin so when its file b is @args? */
static void check_file_told(const struct tn_load_args *args, const char *start)
{
	struct fixture f;
	char text[1024];

	CHECK(begin(&f));
	f.args[1] = *args;
	f.args[1].size = sizeof(f.args[1]);
	CHECK(load_set(&f) < 0);
	tn_diag_text(&f.w.diag, text, sizeof(text));
	text[strlen(start)] = '\0';
	CHECK_STR(text, start);
	CHECK_STR(told, "");
	end(&f);
}

/* It has not been read as far as its name; not all worlds unpack gzip. */
TEST(set, a_file_that_cannot_be_unpacked_or_read_is_named)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b, 8, 0, 1, 2, 3, 4 };
	struct tn_load_args args = { .data = gzip, .data_size = sizeof(gzip) };
	struct file_path path;
	char words[600];

	check_file_told(&args, "file 2: ");
	args.name = "given-name";
	check_file_told(&args, "given_name: ");
	CHECK(file_write(&path, (struct span){ gzip, sizeof(gzip) }));
	args.path = path.text;
	CHECK(tn_module_name(path.text, words));
	strcat(words, ": ");
	check_file_told(&args, words);
	CHECK_EQ(unlink(path.text), 0);
	snprintf(words, sizeof(words), "cannot read %s: there is no such file",
	    path.text);
	check_file_told(&args, words);
	args = (struct tn_load_args){ .data = "no", .data_size = 2 };
	check_file_told(
	    &args, "file 2: is shorter than an ELF header, value 0x2");
}

TEST(set, when_one_fails_nothing_is_left)
{
	struct fixture f;
	uint64_t before;
	char text[128];

	PROVES("H25");
	CHECK(begin(&f));
	add(&f, "d", "init_bad", NULL, "a");
	f.nsources = 4;
	before = world_state(&f.w);
	CHECK_EQ(load_set(&f), -TN_EIO);
	CHECK_STR(told, "cba!ABC");
	tn_diag_text(&f.w.diag, text, sizeof(text));
	CHECK_STR(text, "d: init failed with -5");
	CHECK_EQ(f.w.diag.nnotes, 0);
	tn_diag_fini(&f.w.diag);
	CHECK_EQ(world_state(&f.w), before);
	CHECK(f.set.modules == NULL);
	end(&f);
}

/* b is permanent and uses c; a goes, and d is the one that fails. */
TEST(set, what_cannot_be_taken_back_is_named)
{
	static struct fixture f; /* for good, with its modules */

	CHECK(begin(&f));
	author_info(&f.a[1], "tenon.flags=essential");
	const struct span s = object_file(f.a[1].o);

	f.args[1].data = s.p;
	f.args[1].data_size = s.n;
	add(&f, "d", "init_bad", NULL, "a");
	f.nsources = 4;
	CHECK_EQ(load_set(&f), -TN_EIO);
	CHECK_STR(told, "cba!A");
	CHECK_STR(f.w.diag.module, "d");
	CHECK_EQ(f.w.diag.reason, TN_REASON_INIT_FAILED);
	CHECK_EQ(f.w.diag.nnotes, 2);
	CHECK_STR(f.w.diag.note, "stays loaded: b (essential), c (in_use)");
	tn_diag_fini(&f.w.diag);
	for (unsigned i = 0; i < f.n; i++)
		author_free(&f.a[i]);
}

TEST(set, that_cannot_be_resolved_loads_nothing)
{
	struct fixture f;
	uint64_t before;

	PROVES("H25");
	CHECK(begin(&f));
	add(&f, "d", "init_a", "exit_a", "nowhere");
	f.nsources = 4;
	before = world_state(&f.w);
	CHECK_EQ(load_set(&f), -TN_ENOENT);
	CHECK_EQ(f.w.diag.reason, TN_REASON_DEPENDS_MISSING);
	CHECK_STR(told, "");
	tn_diag_fini(&f.w.diag);
	CHECK_EQ(world_state(&f.w), before);
	end(&f);
}

TEST(set, source_that_runs_already_is_refused)
{
	struct fixture f;
	struct tn_module *c;

	CHECK(begin(&f));
	CHECK_EQ(world_load(&f.w, f.a[2].o, 0, &c), 0);
	CHECK_EQ(load_set(&f), -TN_EEXIST);
	CHECK_EQ(f.w.diag.reason, TN_REASON_DUPLICATE_MODULE);
	CHECK_STR(told, "c");
	/* as a dependency it is used as it is */
	f.nsources = 2;
	CHECK_EQ(load_set(&f), 0);
	CHECK_EQ(f.set.n, 2);
	CHECK_STR(told, "cba");
	unload_set(&f);
	CHECK_EQ(world_unload(&f.w, c), 0);
	end(&f);
}

/* Records that were there before stay when the set is taken back. */
TEST(set, names_that_were_known_stay_known)
{
	struct fixture f;
	struct tn_module *c;
	uint64_t before;

	CHECK(begin(&f));
	CHECK_EQ(world_load(&f.w, f.a[2].o, 0, &c), 0);
	CHECK_EQ(tn_unload(f.w.sys, c, NULL), 0);
	before = world_state(&f.w);
	add(&f, "d", "init_bad", NULL, "a");
	f.nsources = 4;
	CHECK_EQ(load_set(&f), -TN_EIO);
	tn_diag_fini(&f.w.diag);
	CHECK_EQ(world_state(&f.w), before);
	CHECK_EQ(tn_module_forget(f.w.sys, c), 0);
	end(&f);
}

TEST(set, sources_have_parameters_of_their_own)
{
	struct fixture f;

	CHECK(begin(&f));
	f.args[1].params = "none=1";
	CHECK_EQ(load_set(&f), -TN_ENOENT);
	CHECK_EQ(f.w.diag.reason, TN_REASON_PARAM_UNKNOWN);
	CHECK_STR(told, "cC");
	end(&f);
}

TEST(set, bad_table_is_refused)
{
	struct tn_set_args args = { .size = 1 };
	struct fixture f;

	CHECK(begin(&f));
	CHECK_EQ(tn_load_set(f.w.sys, &args, &f.set, &f.w.diag), -TN_EINVAL);
	CHECK_EQ(tn_load_set(f.w.sys, &args, &f.set, NULL), -TN_EINVAL);
	CHECK_EQ(f.w.diag.reason, TN_REASON_BAD_ARGUMENT);
	args.size = sizeof(args);
	CHECK_EQ(tn_load_set(f.w.sys, &args, &f.set, &f.w.diag), 0);
	CHECK_EQ(f.set.n, 0);
	tn_set_fini(&f.set);
	end(&f);
}

/* --- every allocation and every call of the port fails once */

TEST(set, fails_at_every_call_and_leaves_nothing)
{
	struct fixture f;
	uint64_t before;
	unsigned n;
	char line[64];

	CHECK(begin(&f));
	author_export(&f.a[2], (struct author_export){ .name = "sym",
				   .symbol = author_word(&f.a[2], "sym", 0) });
	author_info(&f.a[2], "tenon.provides=clock, time");
	f.args[2].data = object_file(f.a[2].o).p;
	f.args[2].data_size = object_bytes(f.a[2].o).n;
	f.nsources = 2;
	CHECK_EQ(load_set(&f), 0); /* tables grow to their size */
	unload_set(&f);
	before = world_state(&f.w);
	for (n = 1;; n++) {
		told[0] = '\0';
		tn_diag_fini(&f.w.diag);
		rig_arm(&f.w.rig, n);
		const int err = load_set(&f);
		const bool reached = f.w.rig.calls >= n;

		rig_arm(&f.w.rig, 0);
		if (!reached) {
			CHECK_EQ(err, 0);
			break;
		}
		CHECK(err == -TN_ENOMEM || err == -TN_EACCES);
		CHECK_EQ(f.w.diag.error, err);
		CHECK(f.w.diag.reason == TN_REASON_NO_MEMORY ||
		      f.w.diag.reason == TN_REASON_PROTECT);
		tn_diag_fini(&f.w.diag);
		CHECK_EQ(world_state(&f.w), before);
		CHECK(f.w.rig.misuse == NULL);
	}
	unload_set(&f);
	snprintf(line, sizeof(line), "inject set: %u positions\n", n - 1);
	test_write(line, strlen(line));
	CHECK(n > 40);
	end(&f);
}
