/* SPDX-License-Identifier: MIT */
/*
 * Unloading: who is named when it is refused, waiting, force, sets of which
 * all go or none, and what a module's own code may ask for.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <tenon/interfaces.h>
#include <test/test.h>

#include "actor.h"

#define PLAIN                                                                  \
	(1u << ACTOR_INIT | 1u << ACTOR_START | 1u << ACTOR_STOP |             \
	    1u << ACTOR_CLEANUP)
#define SECOND UINT64_C(1000000000)

static int unload_with(struct tn_module *mod, unsigned flags, uint64_t ns)
{
	const struct tn_unload_args args = {
		.size = sizeof(args), .flags = flags, .timeout_ns = ns
	};

	return tn_unload_with(play.w.sys, mod, &args, &play.w.diag);
}

static int unload_set(struct tn_module *const *mods, uint32_t n)
{
	return tn_unload_set(play.w.sys, mods, n, NULL, &play.w.diag);
}

/* a <- b <- c, each importing from the one before. */
static void load_chain(struct author a[3], struct tn_module *mod[3])
{
	static const char *const names[] = { "a", "b", "c" };
	static const char *const symbols[] = { "of_a", "of_b", "of_c" };

	for (int i = 0; i < 3; i++) {
		a[i] = actor_new(names[i], ACTOR_ALL);
		actor_export(&a[i], symbols[i]);
		if (i != 0)
			actor_import(&a[i], symbols[i - 1]);
		CHECK_EQ(actor_load(&a[i], 0, &mod[i]), 0);
	}
	(void)play_text();
}

static void free_chain(struct author a[3])
{
	for (int i = 0; i < 3; i++)
		author_free(&a[i]);
}

/* --- holders */

static bool text_begins(const char *s, const char *start)
{
	return strncmp(s, start, strlen(start)) == 0;
}

TEST(unload, names_everybody_who_holds_the_module)
{
	struct author a[3];
	struct tn_module *mod[3];
	struct tn_handle h;
	const struct tn_diag *d = &play.w.diag;

	PROVES("L19 L20");
	CHECK(play_open(0));
	load_chain(a, mod);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_STR(play_sentence(), "Module a is in use by b");
	CHECK_EQ(d->value, 1);
	CHECK(tn_module_get(mod[0]));
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK(text_begins(play_sentence(),
	    "Module a is in use by b, the program (reference taken at 0x"));
	CHECK_EQ(tn_handle_get(mod[0], "the test", &h), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(d->nholders, 3);
	CHECK_EQ(d->holders[0].kind, TN_HOLDER_IMPORTER);
	CHECK_EQ(d->holders[1].kind, TN_HOLDER_REFERENCE);
	CHECK_EQ(d->holders[2].kind, TN_HOLDER_HANDLE);
	CHECK_STR(d->holders[2].name, "the test");
	CHECK(d->holders[2].site != NULL);
	CHECK(d->holders[2].age_ns < 3600 * SECOND);
	tn_module_put(mod[0]);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK(text_begins(play_sentence(),
	    "Module a is in use by b, the test (handle taken at 0x"));
	CHECK_EQ(tn_unload(play.w.sys, mod[2], NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[1], NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(d->nholders, 1);
	CHECK_EQ(tn_handle_put(h), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), 0);
	tn_diag_fini(&play.w.diag);
	free_chain(a);
	CHECK(play_close());
}

/* Without memory for the list it still says how many there are. */
TEST(unload, says_how_many_when_it_cannot_name_them)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	load_chain(a, mod);
	rig_arm(&play.w.rig, 1);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.rig.calls, 1);
	rig_arm(&play.w.rig, 0);
	CHECK_STR(play_sentence(), "Module a is in use by 1 holder");
	CHECK_EQ(unload_set(mod, 3), 0);
	free_chain(a);
	CHECK(play_close());
}

/* --- by name */

TEST(unload, works_by_name)
{
	struct author a = actor_new("a", PLAIN);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(
	    tn_unload_name(play.w.sys, "a", NULL, &play.w.diag), -TN_ENOENT);
	CHECK_STR(play_sentence(), "a is not loaded");
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_unload_name(play.w.sys, "a", NULL, NULL), 0);
	CHECK_EQ(tn_unload_name(play.w.sys, "a", NULL, NULL), -TN_ENOENT);
	CHECK_STR(play_text(), "aiasapax");
	author_free(&a);
	CHECK(play_close());
}

TEST(unload, refuses_arguments_that_are_not_ours)
{
	struct author a = actor_new("a", PLAIN);
	struct tn_module *mod, *two[2];
	struct tn_unload_args args = { .size = 4 };

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(
	    tn_unload_with(play.w.sys, mod, &args, &play.w.diag), -TN_EINVAL);
	CHECK_EQ(play.w.diag.reason, TN_REASON_BAD_ARGUMENT);
	CHECK_EQ(unload_with(mod, 1024, 0), -TN_EINVAL);
	two[0] = two[1] = mod;
	CHECK_EQ(unload_set(two, 2), -TN_EINVAL);
	CHECK_STR(
	    play_sentence(), "bad argument: a module that is listed twice");
	args = (struct tn_unload_args){ .size = sizeof(args),
		.flags = TN_UNLOAD_FORCE };
	CHECK_EQ(tn_unload_set(play.w.sys, two, 2, &args, NULL), -TN_EINVAL);
	CHECK_EQ(unload_set(two, 0), 0);
	CHECK_EQ(unload_set(&mod, 1), 0);
	author_free(&a);
	CHECK(play_close());
}

/* --- waiting */

static atomic_bool quiet;

static void tell_quiet(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	(void)letter;
	if (op == ACTOR_QUIESCE)
		atomic_store(&quiet, true);
}

/* When the unload has begun. */
static void *put_later(void *arg)
{
	while (!atomic_load(&quiet))
		sched_yield();
	tn_module_put(arg);
	return NULL;
}

TEST(unload, waits_until_the_last_reference_is_put)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	pthread_t thread;

	PROVES("L05");
	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	(void)play_text();
	CHECK(tn_module_get(mod));
	atomic_store(&quiet, false);
	play.inside = tell_quiet;
	CHECK_EQ(pthread_create(&thread, NULL, put_later, mod), 0);
	CHECK_EQ(unload_with(mod, TN_UNLOAD_WAIT, 60 * SECOND), 0);
	pthread_join(thread, NULL);
	CHECK_STR(play_text(), "aqapax");
	author_free(&a);
	CHECK(play_close());
}

TEST(unload, waits_no_longer_than_it_was_told)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	(void)play_text();
	CHECK(tn_module_get(mod));
	CHECK_EQ(unload_with(mod, TN_UNLOAD_WAIT, 2000000), -TN_ETIMEDOUT);
	CHECK(text_begins(play_sentence(),
	    "Module a is in use by the program (reference taken at 0x"));
	CHECK_EQ(unload_with(mod, TN_UNLOAD_WAIT, 0), -TN_EBUSY);
	CHECK_STR(play_text(), "aqaraqar");
	tn_module_put(mod);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* --- permanent, and force */

TEST(unload, force_takes_what_is_permanent_or_held)
{
	struct author a = actor_new("a", 1u << ACTOR_INIT);
	struct author b = actor_new("b", PLAIN);
	struct tn_module *mod;
	struct tn_module_info info;
	struct tn_handle h;

	CHECK(play_open(0));
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.diag.reason, TN_REASON_NO_EXIT);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK_EQ(unload_with(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_taints(play.w.sys), TN_TAINT_FORCED_UNLOAD);
	CHECK_EQ(actor_load(&b, 0, &mod), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.taints, 0);
	CHECK(tn_module_get(mod));
	CHECK_EQ(tn_handle_get(mod, "the test", &h), 0);
	CHECK_EQ(tn_handle_enter(h), 0);
	tn_handle_exit(h);
	CHECK_EQ(unload_with(mod, TN_UNLOAD_FORCE, 0), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.taints, TN_TAINT_FORCED_UNLOAD);
	CHECK_EQ(tn_handle_enter(h), -TN_ESTALE);
	/* The reference is still to be put: until then the next one stays. */
	CHECK_EQ(actor_load(&b, 0, &mod), 0);
	CHECK_EQ(actor_refs(mod), 1);
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), -TN_EBUSY);
	tn_module_put(mod);
	(void)tn_handle_put(h);
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* --- force that comes to nothing */

static struct {
	struct tn_handle handle;
	atomic_bool inside, leave;
} guest;

static void *stay_inside(void *arg)
{
	(void)arg;
	EXPECT(tn_handle_enter(guest.handle) == 0);
	atomic_store(&guest.inside, true);
	while (!atomic_load(&guest.leave))
		sched_yield();
	tn_handle_exit(guest.handle);
	return NULL;
}

/* Long ago: whoever is waited for is late at once. */
static uint64_t no_time(void *ctx)
{
	(void)ctx;
	return 0;
}

static void handle_is_good(void)
{
	CHECK_EQ(tn_handle_enter(guest.handle), 0);
	tn_handle_exit(guest.handle);
}

TEST(unload, force_is_refused_while_somebody_is_inside_and_changes_nothing)
{
	struct author a = actor_new("a", PLAIN);
	struct tn_module *mod;
	pthread_t thread;

	memset(&guest, 0, sizeof(guest));
	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_handle_get(mod, "a user", &guest.handle), 0);
	CHECK_EQ(pthread_create(&thread, NULL, stay_inside, NULL), 0);
	while (!atomic_load(&guest.inside))
		sched_yield();
	const uint64_t before = world_state(&play.w);

	play.w.rig.port.now_ns = no_time;
	EXPECT(unload_with(mod, TN_UNLOAD_FORCE, 0) == -TN_EBUSY);
	play.w.rig.port.now_ns = play.w.rig.world->now_ns;
	EXPECT(text_begins(play_sentence(),
	    "Module a is in use by a user (handle taken at 0x"));
	tn_diag_fini(&play.w.diag);
	EXPECT(world_state(&play.w) == before);
	EXPECT(tn_taints(play.w.sys) == 0);
	handle_is_good();
	atomic_store(&guest.leave, true);
	pthread_join(thread, NULL);
	CHECK_EQ(unload_with(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_handle_enter(guest.handle), -TN_ESTALE);
	author_free(&a);
	CHECK(play_close());
}

TEST(unload, force_that_cannot_stop_the_module_changes_nothing)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_handle_get(mod, "a user", &guest.handle), 0);
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(unload_with(mod, TN_UNLOAD_FORCE, 0), -TN_EIO);
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	handle_is_good();
	CHECK_EQ(tn_handle_put(guest.handle), 0);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(unload_with(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	author_free(&a);
	CHECK(play_close());
}

/* Nothing was in the way: no force was needed, nothing is tainted. */
TEST(unload, force_that_is_not_needed_does_not_taint)
{
	struct author a = actor_new("a", PLAIN);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(unload_with(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	author_free(&a);
	CHECK(play_close());
}

TEST(unload, force_does_not_take_a_provider_from_its_importers)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	load_chain(a, mod);
	CHECK_EQ(unload_with(mod[0], TN_UNLOAD_FORCE, 0), -TN_EBUSY);
	CHECK_STR(play_sentence(), "Module a is in use by b");
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK(tn_module_get(mod[0]));
	tn_module_put(mod[0]);
	play.result['a'][ACTOR_QUIESCE] = -TN_EBUSY;
	CHECK_EQ(unload_with(mod[0], TN_UNLOAD_FORCE, 0), -TN_EPERM);
	play.result['a'][ACTOR_QUIESCE] = 0;
	CHECK_EQ(unload_set(mod, 3), 0);
	free_chain(a);
	CHECK(play_close());
}

TEST(unload, what_a_load_needed_taints)
{
	struct author a = author_new(isa_here()->machine, "closed");
	struct tn_module *mod;
	struct tn_module_info info;

	CHECK(play_open(0));
	author_info(&a, "license=Proprietary");
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.taints, TN_TAINT_PROPRIETARY);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_EQ(tn_taints(play.w.sys), TN_TAINT_PROPRIETARY);
	author_free(&a);
	CHECK(play_close());
}

/* --- sets */

TEST(unload, a_set_goes_users_first_in_whatever_order_it_is_given)
{
	static const int orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 },
		{ 1, 2, 0 } };
	struct author a[3];
	struct tn_module *mod[3], *set[3];

	PROVES("L16");
	CHECK(play_open(0));
	for (unsigned k = 0; k < ARRAY_SIZE(orders); k++) {
		load_chain(a, mod);
		for (int i = 0; i < 3; i++)
			set[i] = mod[orders[k][i]];
		CHECK_EQ(unload_set(set, 3), 0);
		CHECK_STR(play_text(), "cqbqaqcpbpapcxbxax");
		free_chain(a);
	}
	CHECK(play_close());
}

TEST(unload, a_veto_in_a_set_undoes_all)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	load_chain(a, mod);
	play.result['a'][ACTOR_QUIESCE] = -TN_EIO;
	CHECK_EQ(unload_set(mod, 3), -TN_EPERM);
	CHECK_STR(play_text(), "cqbqaqbrcr");
	for (int i = 0; i < 3; i++)
		CHECK_EQ(actor_state(mod[i]), TN_STATE_RUNNING);
	play.result['a'][ACTOR_QUIESCE] = 0;
	CHECK_EQ(unload_set(mod, 3), 0);
	free_chain(a);
	CHECK(play_close());
}

TEST(unload, a_set_of_which_one_is_in_use_stays)
{
	struct author a[3];
	struct tn_module *mod[3];
	uint64_t before;

	CHECK(play_open(0));
	load_chain(a, mod);
	CHECK(tn_module_get(mod[1]));
	before = world_state(&play.w);
	CHECK_EQ(unload_set(mod, 3), -TN_EBUSY);
	CHECK(text_begins(play_sentence(),
	    "Module b is in use by the program (reference taken at 0x"));
	CHECK_EQ(unload_set(mod, 2), -TN_EBUSY); /* c imports from b */
	CHECK(text_begins(play_sentence(),
	    "Module b is in use by c, the program (reference taken at 0x"));
	tn_diag_fini(&play.w.diag);
	CHECK_EQ(world_state(&play.w), before);
	tn_module_put(mod[1]);
	(void)play_text();
	CHECK_EQ(unload_set(mod, 3), 0);
	free_chain(a);
	CHECK(play_close());
}

/* c has stopped, b cannot: c is started again, and a never knew. */
TEST(unload, a_set_of_which_one_cannot_stop_goes_on)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	load_chain(a, mod);
	play.result['b'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(unload_set(mod, 3), -TN_EIO);
	CHECK_STR(play_text(), "cqbqaqcpbparbrcs");
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(actor_state(mod[i]), TN_STATE_RUNNING);
		CHECK(tn_module_get(mod[i]));
		tn_module_put(mod[i]);
	}
	/* one that cannot be started again stays stopped, and says so */
	play.result['c'][ACTOR_START] = -TN_EIO;
	CHECK_EQ(unload_set(mod, 3), -TN_EIO);
	CHECK_EQ(actor_state(mod[2]), TN_STATE_STOPPED);
	CHECK(!tn_module_get(mod[2]));
	play.result['b'][ACTOR_STOP] = 0;
	CHECK_EQ(unload_set(mod, 3), 0);
	free_chain(a);
	CHECK(play_close());
}

TEST(unload, a_set_with_one_that_is_absent_or_permanent_stays)
{
	struct author a = actor_new("a", PLAIN), b = actor_new("b", PLAIN);
	struct author p = actor_new("p", 1u << ACTOR_INIT);
	struct tn_module *mod[3];

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod[0]), 0);
	CHECK_EQ(actor_load(&p, 0, &mod[1]), 0);
	CHECK_EQ(actor_load(&b, 0, &mod[2]), 0);
	CHECK_EQ(unload_set(mod, 3), -TN_EBUSY);
	CHECK_EQ(play.w.diag.reason, TN_REASON_NO_EXIT);
	CHECK_EQ(unload_with(mod[1], TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(unload_set(mod, 3), -TN_ENOENT);
	CHECK_EQ(actor_state(mod[0]), TN_STATE_RUNNING);
	mod[1] = mod[2];
	CHECK_EQ(unload_set(mod, 2), 0);
	author_free(&a);
	author_free(&b);
	author_free(&p);
	CHECK(play_close());
}

/* Many at once are no deep nesting. */
TEST(unload, a_set_may_be_large)
{
	enum {
		MANY = 100
	};
	static struct author a[MANY];
	struct tn_module *mod[MANY];
	char name[8];

	CHECK(play_open(0));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		a[i] = actor_new(name, PLAIN);
		actor_export(&a[i], name);
		if (i != 0) {
			snprintf(name, sizeof(name), "m%d", i - 1);
			actor_import(&a[i], name);
		}
		CHECK_EQ(actor_load(&a[i], 0, &mod[i]), 0);
	}
	CHECK_EQ(unload_set(mod, MANY), 0);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(actor_state(mod[i]), TN_STATE_REGISTERED);
		author_free(&a[i]);
	}
	CHECK(play_close());
}

TEST(unload, a_set_may_be_short_of_memory)
{
	struct author a[3];
	struct tn_module *mod[3];
	unsigned n = 1;
	int err;

	CHECK(play_open(0));
	load_chain(a, mod);
	for (;; n++) {
		const uint64_t before = world_state(&play.w);

		tn_diag_fini(&play.w.diag);
		rig_arm(&play.w.rig, n);
		err = unload_set(mod, 3);
		if (play.w.rig.calls < n)
			break;
		rig_arm(&play.w.rig, 0);
		CHECK_EQ(err, -TN_ENOMEM);
		CHECK_EQ(play.w.diag.reason, TN_REASON_NO_MEMORY);
		CHECK_EQ(world_state(&play.w), before);
	}
	rig_arm(&play.w.rig, 0);
	CHECK_EQ(err, 0);
	CHECK(n > 1);
	free_chain(a);
	CHECK(play_close());
}

/* --- interfaces */

struct echo_ops {
	struct tn_ops_head head;
	int (*echo)(void *instance, int n);
};

static int echo(void *instance, int n)
{
	(void)instance;
	return n;
}

static const struct echo_ops echo_ops = { { sizeof(echo_ops), 1 }, echo };

/* @user is bound to what @provider provides; NULL: the test itself. */
static struct tn_interface *bind(
    struct tn_module *provider, struct tn_module *user)
{
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = "echo",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &echo_ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.name = "echo",
		.version = TN_INTERFACE_VERSION(1, 0),
		.module = user,
		.holder = "the test" };
	struct tn_interface *iface = NULL;

	if (provider != NULL)
		EXPECT(tn_interface_provide(play.w.sys, provider, &desc) == 0);
	EXPECT(tn_interface_bind(play.w.sys, &want, &iface) == 0);
	return iface;
}

#define ECHO(iface, n) tn_call(iface, const struct echo_ops, echo, n)

/* A bond inside of a set does not count, one from outside does. */
TEST(unload, bonds_keep_a_module_but_for_its_own_set)
{
	struct author a = actor_new("a", ACTOR_ALL), b = actor_new("b", PLAIN);
	struct tn_module *mod[2];
	struct tn_interface *iface;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod[0]), 0);
	CHECK_EQ(actor_load(&b, 0, &mod[1]), 0);
	iface = bind(mod[0], mod[1]);
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.diag.holders[0].kind, TN_HOLDER_BOND);
	CHECK_STR(play.w.diag.holders[0].interface, "echo");
	CHECK(text_begins(
	    play_sentence(), "Module a is in use by b (interface echo, for "));
	CHECK_EQ(unload_with(mod[0], TN_UNLOAD_FORCE, 0), -TN_EBUSY);
	CHECK_EQ(ECHO(iface, 7), 7);
	CHECK(bind(NULL, NULL) == iface);
	CHECK_EQ(unload_set(mod, 2), -TN_EBUSY);
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_STR(play.w.diag.holders[0].name, "the test");
	CHECK_EQ(ECHO(iface, 8), 8);
	CHECK_EQ(tn_interface_unbind(iface, NULL, "the test"), 0);
	/* The set has stayed: its bonds count again. */
	CHECK_EQ(tn_unload(play.w.sys, mod[0], &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_EQ(unload_set(mod, 2), 0);
	CHECK_EQ(ECHO(iface, 9), -TN_ENODEV);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* A module that is bound to itself can go. */
TEST(unload, a_bond_of_its_own_does_not_keep_a_module)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	struct tn_interface *iface;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	iface = bind(mod, mod);
	CHECK_EQ(ECHO(iface, 1), 1);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK_EQ(ECHO(iface, 1), -TN_ENODEV);
	author_free(&a);
	CHECK(play_close());
}

/* Stopped, it provides nothing; started, it does again. */
TEST(unload, a_stop_takes_interfaces_away_and_a_start_brings_them_back)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	struct tn_interface *iface;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	iface = bind(mod, mod);
	CHECK_EQ(tn_stop(play.w.sys, mod, NULL, NULL), 0);
	CHECK_EQ(ECHO(iface, 1), -TN_ENODEV);
	CHECK_EQ(tn_start(play.w.sys, mod, NULL), 0);
	CHECK_EQ(ECHO(iface, 1), 1);
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), -TN_EIO);
	CHECK_EQ(ECHO(iface, 1), 1);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* Who is inside of a call would wait for himself. */
TEST(unload, is_not_for_who_is_inside_of_a_call)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	struct tn_interface *iface;
	static const struct tn_unload_args force = { .size = sizeof(force),
		.flags = TN_UNLOAD_FORCE };

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	iface = bind(mod, mod);
	CHECK(tn_interface_enter(iface) != NULL);
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EDEADLK);
	CHECK_STR(play_sentence(),
	    "called from inside of a call that must not sleep");
	CHECK_EQ(tn_unload_with(play.w.sys, mod, &force, NULL), -TN_EDEADLK);
	tn_gate_exit(&iface->gate);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* --- what a module's own code asks for */

static int unload_owner(void *instance, int n)
{
	(void)n;
	return tn_unload(play.w.sys, instance, &play.w.diag);
}

static const struct echo_ops suicide_ops = { { sizeof(suicide_ops), 1 },
	unload_owner };

/* What a guarded call does is done by the module, wherever the code is. */
TEST(unload, is_not_for_a_guarded_call_of_the_module)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;
	struct tn_interface_desc desc = { .size = sizeof(desc),
		.flags = TN_INTERFACE_GUARDED,
		.name = "last",
		.ops = &suicide_ops };
	struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_INTERFACE_GUARDED | TN_BIND_WEAK,
		.name = "last",
		.holder = "the test" };
	struct tn_interface *iface;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	(void)play_text();
	desc.instance = mod;
	CHECK_EQ(tn_interface_provide(play.w.sys, mod, &desc), 0);
	CHECK_EQ(tn_interface_bind(play.w.sys, &want, &iface), 0);
	CHECK_EQ(tn_call_guarded(iface, const struct echo_ops, echo, 1),
	    -TN_EDEADLK);
	CHECK_EQ(play.w.diag.reason, TN_REASON_INSIDE);
	CHECK_STR(play_text(), "");
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	CHECK(play_close());
}

static int own[ACTOR_OPS];

static void unload_self(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)letter;
	own[op] = tn_unload(play.w.sys, mod, &play.w.diag);
}

TEST(unload, is_not_for_the_modules_own_operations)
{
	struct author a = actor_new("a", ACTOR_ALL);
	struct tn_module *mod;

	memset(own, 0, sizeof(own));
	CHECK(play_open(0));
	play.inside = unload_self;
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(play.w.diag.reason, TN_REASON_OWN_CODE);
	CHECK_STR(play_sentence(),
	    "a: its own code cannot have it started, stopped or unloaded");
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	for (int i = 0; i <= ACTOR_QUIESCE; i++)
		CHECK_EQ(own[i], -TN_EDEADLK);
	author_free(&a);
	CHECK(play_close());
}
