/* SPDX-License-Identifier: MIT */
/*
 * A module file that leaks one resource of each class: what it leaves the
 * engine takes back, at unload and when init fails, while its timer, its work
 * and its thread run.
 */
#include <sched.h>
#include <string.h>
#include <time.h>

#include <tenon/ledger.h>
#include <test/test.h>

#include "files.h"
#include "world.h"

#define EVENT 1u

static char log_text[256];

static void keep_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	strncpy(log_text, text, sizeof(log_text) - 1);
}

static bool begin(struct world *w, struct file_path *path)
{
	memset(log_text, 0, sizeof(log_text));
	if (!world_open_guaranteed(w))
		return false;
	w->rig.port.log = keep_log;
	return file_of_module(path, isa_here()->name, "leaky");
}

static int load(struct world *w, const struct file_path *path,
    const char *params, struct tn_module **mod)
{
	const struct tn_load_args args = {
		.size = sizeof(args), .path = path->text, .params = params
	};

	tn_diag_fini(&w->diag);
	return tn_load(w->sys, &args, mod, &w->diag);
}

/* Its operations run: the timer's, and those of what the timer sets off. */
static bool runs(struct tn_module *mod)
{
	const time_t end = time(NULL) + 30;
	world_fn *count = world_function(mod, "leaky_count");
	const uint64_t before = count(0, 0);

	while (count(0, 0) < before + 20 && time(NULL) < end)
		sched_yield();
	return count(0, 0) >= before + 20;
}

/* A sleeping call may be inside at the moment; then it is refused. */
static int unload_at_last(struct world *w, struct tn_module *mod)
{
	int err;

	do
		err = world_unload(w, mod);
	while (err == -TN_EBUSY);
	return err;
}

#define HAVE_FILE(w, path)                                                     \
	do {                                                                   \
		if (!begin(w, path)) {                                         \
			CHECK(world_close(w));                                 \
			SKIP("module files are not built");                    \
		}                                                              \
	} while (0)

static int list_type(void *arg, const struct tn_ledger_item *item)
{
	char *text = arg;

	strcat(text, item->type);
	strcat(text, " ");
	return 0;
}

#define LOOKS 1000000

/*
 * Does the module hold one of each? Its thread takes and gives back a piece of
 * memory at each step, so a look may find one more.
 */
static bool holds_one_of_each(struct tn_module *mod)
{
	static const char all[] =
	    "memory thread work timer callback interface bond export ";

	for (int i = 0; i < LOOKS; i++) {
		char text[256] = "";

		if (tn_ledger_count(mod, NULL) == 5 &&
		    tn_ledger_each(mod, list_type, text) == 0 &&
		    strcmp(text, all) == 0)
			return true;
	}
	return false;
}

TEST(leaky, leaves_everything_to_the_engine)
{
	struct file_path path;
	struct tn_module *mod;
	struct world w;

	HAVE_FILE(&w, &path);
	CHECK_EQ(load(&w, &path, NULL, &mod), 0);
	CHECK(holds_one_of_each(mod));
	CHECK(runs(mod));
	CHECK_EQ(tn_notify(w.sys, EVENT), 1);
	CHECK_EQ(unload_at_last(&w, mod), 0);
	CHECK(strstr(log_text, "leaky: took back 1 timer, 1 work, 1 thread, "
			       "1 callback, 1 memory") != NULL);
	CHECK_EQ(tn_notify(w.sys, EVENT), 0);
	CHECK(world_close(&w));
}

TEST(leaky, init_that_fails_leaves_nothing)
{
	struct file_path path;
	struct tn_module *mod;
	struct world w;
	uint64_t before;

	PROVES("L17");
	HAVE_FILE(&w, &path);
	/* the engine's threads and heaps, once */
	CHECK_EQ(load(&w, &path, "fail=1", &mod), -TN_ENODEV);
	before = world_state(&w);
	log_text[0] = '\0';
	CHECK_EQ(load(&w, &path, "fail=1", &mod), -TN_ENODEV);
	CHECK_EQ(w.diag.reason, TN_REASON_INIT_FAILED);
	CHECK_STR(log_text, "leaky: took back 1 timer, 1 work, 1 thread, "
			    "1 callback, 1 memory");
	CHECK_EQ(world_state(&w), before);
	CHECK_EQ(tn_notify(w.sys, EVENT), 0);
	CHECK(world_close(&w));
}

/* Exit ends the timer, the work and the thread, whose interface is shut. */
TEST(leaky, exit_may_give_everything_back)
{
	struct file_path path;
	struct tn_module *mod;
	struct world w;

	HAVE_FILE(&w, &path);
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(load(&w, &path, "tidy=1", &mod), 0);
		CHECK(runs(mod));
		CHECK_EQ(unload_at_last(&w, mod), 0);
		CHECK_STR(log_text, "");
	}
	CHECK(world_close(&w));
}

/* The other world runs the same check: kernel/smoke.c. */
TEST(guaranteed, symbols_work_in_a_process)
{
	struct file_path path;
	struct tn_module *mod;
	struct world w;

	HAVE_FILE(&w, &path);
	CHECK(file_of_module(&path, isa_here()->name, "guaranteed"));
	CHECK_EQ(load(&w, &path, NULL, &mod), 0);
	/* printk is silent here, which it sees (4) */
	CHECK_EQ(world_function(mod, "guaranteed_check")(0, 0), 4);
	CHECK_EQ(tn_ledger_count(mod, NULL), 0);
	CHECK_EQ(world_unload(&w, mod), 0);
	CHECK(world_close(&w));
}

/* Every allocation and every thread that init asks for fails once. */
TEST(leaky, init_fails_at_every_call)
{
	struct file_path path;
	struct tn_module *mod;
	struct world w;
	unsigned n = 0;
	bool reached = true;

	HAVE_FILE(&w, &path);
	CHECK_EQ(load(&w, &path, NULL, &mod), 0);
	CHECK_EQ(unload_at_last(&w, mod), 0);
	while (reached) {
		const uint64_t before = world_state(&w);

		rig_arm(&w.rig, ++n);
		const int err = load(&w, &path, "fail=1", &mod);

		reached = w.rig.calls >= n;
		rig_arm(&w.rig, 0);
		CHECK(err < 0);
		CHECK_EQ(world_state(&w), before);
		CHECK(w.rig.misuse == NULL);
	}
	CHECK(n > 20);
	CHECK(world_close(&w));
}
