/* SPDX-License-Identifier: MIT */
/*
 * Unloading by force: what is permanent or held goes, what is used does not,
 * and a force that comes to nothing changes nothing. Taints.
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <tenon/param.h>
#include <tenon/registry.h>
#include <test/test.h>

#include "actor.h"
#include "tuned.h"

TEST(unload, force_takes_what_is_permanent_or_held)
{
	struct author a = actor_new("a", 1u << ACTOR_INIT);
	struct author b = actor_new("b", ACTOR_PLAIN);
	struct tn_module *mod;
	struct tn_module_info info;
	struct tn_handle h;

	CHECK(play_open(0));
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK_EQ(actor_load(&a, 0, &mod), 0);
	CHECK_EQ(tn_unload(play.w.sys, mod, &play.w.diag), -TN_EBUSY);
	CHECK_EQ(play.w.diag.reason, TN_REASON_NO_EXIT);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_taints(play.w.sys), TN_TAINT_FORCED_UNLOAD);
	CHECK_EQ(actor_load(&b, 0, &mod), 0);
	tn_module_info(mod, &info);
	CHECK_EQ(info.taints, 0);
	CHECK(tn_module_get(mod));
	CHECK_EQ(tn_handle_get(mod, "the test", &h), 0);
	CHECK_EQ(tn_handle_enter(h), 0);
	tn_handle_exit(h);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_FORCE, 0), 0);
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
	struct tn_module *mod = play_alone(ACTOR_PLAIN);
	pthread_t thread;

	memset(&guest, 0, sizeof(guest));
	CHECK(mod != NULL);
	CHECK_EQ(tn_handle_get(mod, "a user", &guest.handle), 0);
	CHECK_EQ(pthread_create(&thread, NULL, stay_inside, NULL), 0);
	while (!atomic_load(&guest.inside))
		sched_yield();
	const uint64_t before = world_state(&play.w);

	play.w.rig.port.now_ns = no_time;
	EXPECT(play_unload(mod, TN_UNLOAD_FORCE, 0) == -TN_EBUSY);
	play.w.rig.port.now_ns = play.w.rig.world->now_ns;
	EXPECT(play_says("Module a is in use by a user (handle taken at 0x"));
	tn_diag_fini(&play.w.diag);
	EXPECT(world_state(&play.w) == before);
	EXPECT(tn_taints(play.w.sys) == 0);
	handle_is_good();
	atomic_store(&guest.leave, true);
	pthread_join(thread, NULL);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_handle_enter(guest.handle), -TN_ESTALE);
	CHECK(play_close());
}

static struct {
	struct tn_module *mod;
	atomic_uint looks;
	bool
	    sound; /* each look has shown a state and, while it ran, the text */
} looker;

static void *look(void *arg)
{
	struct tn_module_info info;

	(void)arg;
	do {
		tn_module_info(looker.mod, &info);
		looker.sound &=
		    info.state < TN_STATES &&
		    (info.state != TN_STATE_RUNNING || info.text_addr != 0);
		atomic_fetch_add(&looker.looks, 1);
	} while (info.state != TN_STATE_REGISTERED);
	return NULL;
}

/* Who has a reference may look at the module, though that goes by force. */
TEST(unload, force_may_meet_a_look_at_the_module)
{
	pthread_t thread;

	looker.mod = play_alone(ACTOR_PLAIN);
	looker.sound = true;
	atomic_store(&looker.looks, 0);
	CHECK(looker.mod != NULL);
	CHECK(tn_module_get(looker.mod));
	CHECK_EQ(pthread_create(&thread, NULL, look, NULL), 0);
	while (atomic_load(&looker.looks) < 100)
		sched_yield();
	EXPECT(play_unload(looker.mod, TN_UNLOAD_FORCE, 0) == 0);
	pthread_join(thread, NULL);
	CHECK(looker.sound);
	tn_module_put(looker.mod);
	CHECK(play_close());
}

static int force_unload(void *arg, const struct tn_param *p)
{
	struct tuned *s = arg;
	const struct tn_unload_args args = { .size = sizeof(args),
		.flags = TN_UNLOAD_FORCE };

	(void)p;
	return tn_unload_with(s->w.sys, s->mod, &args, NULL);
}

/* It reads the module's image, and nobody has asked for that reference. */
TEST(unload, force_is_refused_while_the_engine_itself_is_inside)
{
	struct tuned s;

	CHECK(tuned_begin(&s));
	CHECK(tn_module_get(s.mod));
	CHECK_EQ(tn_param_each(s.mod, force_unload, &s), -TN_EBUSY);
	CHECK_EQ(tn_taints(s.w.sys), 0);
	CHECK_EQ(force_unload(&s, NULL), 0);
	tn_module_put(s.mod);
	CHECK(world_close(&s.w));
	author_free(&s.a);
}

TEST(unload, force_that_cannot_stop_the_module_changes_nothing)
{
	struct tn_module *mod = play_alone(ACTOR_ALL);

	CHECK(mod != NULL);
	CHECK_EQ(tn_handle_get(mod, "a user", &guest.handle), 0);
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(play_unload(mod, TN_UNLOAD_FORCE, 0), -TN_EIO);
	CHECK_EQ(actor_state(mod), TN_STATE_RUNNING);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	handle_is_good();
	CHECK_EQ(tn_handle_put(guest.handle), 0);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(play_unload(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK(play_close());
}

/* Nothing was in the way: no force was needed, nothing is tainted. */
TEST(unload, force_that_is_not_needed_does_not_taint)
{
	struct tn_module *mod = play_alone(ACTOR_PLAIN);

	CHECK(mod != NULL);
	CHECK_EQ(play_unload(mod, TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK(play_close());
}

TEST(unload, force_does_not_take_a_provider_from_its_importers)
{
	struct author a[3];
	struct tn_module *mod[3];

	CHECK(play_open(0));
	actor_chain(a, mod);
	CHECK_EQ(play_unload(mod[0], TN_UNLOAD_FORCE, 0), -TN_EBUSY);
	CHECK_STR(play_sentence(), "Module a is in use by b");
	CHECK_EQ(tn_taints(play.w.sys), 0);
	CHECK(tn_module_get(mod[0]));
	tn_module_put(mod[0]);
	play.result['a'][ACTOR_QUIESCE] = -TN_EBUSY;
	CHECK_EQ(play_unload(mod[0], TN_UNLOAD_FORCE, 0), -TN_EPERM);
	play.result['a'][ACTOR_QUIESCE] = 0;
	CHECK_EQ(play_unload_set(mod, 3), 0);
	actor_chain_free(a);
	CHECK(play_close());
}

static int count_module(void *arg, struct tn_module *mod)
{
	(void)mod;
	++*(unsigned *)arg;
	return 0;
}

static int count_item(void *arg, const struct tn_ledger_item *item)
{
	(void)item;
	++*(unsigned *)arg;
	return 0;
}

TEST(unload, a_reference_that_force_left_finds_nothing)
{
	struct author a[3];
	struct tn_module *mod[3];
	unsigned n = 0;

	CHECK(play_open(0));
	actor_chain(a, mod);
	CHECK(tn_module_get(mod[2]));
	CHECK_EQ(play_unload(mod[2], TN_UNLOAD_FORCE, 0), 0);
	CHECK_EQ(tn_module_providers(mod[2], count_module, &n), 0);
	CHECK_EQ(tn_ledger_each(mod[2], count_item, &n), 0);
	CHECK_EQ(tn_ledger_count(mod[2], NULL), 0);
	CHECK_EQ(n, 0);
	/* It stands nowhere, so nothing is behind it; its reference is put. */
	CHECK(tn_module_next(mod[2]) == NULL);
	CHECK_EQ(actor_refs(mod[2]), 0);
	CHECK_EQ(play_unload_set(mod, 2), 0);
	actor_chain_free(a);
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
