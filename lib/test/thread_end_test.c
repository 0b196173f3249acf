/* SPDX-License-Identifier: MIT */
/*
 * Threads that end inside of a call: who unloads the module does not wait for
 * them, unless the call sleeps. Such a one may be ended by any thread, so
 * nobody can know that it never will.
 */
#include <pthread.h>

#include <gate/world.h>
#include <tenon/interfaces.h>
#include <tenon/tenon.h>
#include <test/test.h>

#include "kit.h"

#define NAME  "end"
#define SOON  1000000u     /* in ns: not after this */
#define NEVER 60000000000u /* as hangs go */

struct end_ops {
	struct tn_ops_head head;
};

struct guest {
	struct tn_system *sys;
	struct tn_module *mod; /* provides it */
	struct tn_interface *iface;
	struct tn_gate_ticket ticket;
	bool was_inside;
};

static void *end_counted(void *arg)
{
	struct guest *g = arg;

	g->was_inside = tn_interface_enter(g->iface) != NULL &&
			tn_interface_enter(g->iface) != NULL;
	return NULL;
}

static void *end_guarded(void *arg)
{
	struct guest *g = arg;
	struct tn_gate_frame frame;

	g->was_inside = tn_interface_guard(g->iface, &frame) != NULL;
	return NULL;
}

static void *end_sleeping(void *arg)
{
	struct guest *g = arg;

	g->was_inside = tn_gate_enter_sleepable(
			    &g->iface->gate, TN_GATE_FOREVER, &g->ticket) == 0;
	return NULL;
}

static bool guest_open(struct guest *g, unsigned flags)
{
	static const struct end_ops ops = { { sizeof(ops), 1 } };
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.flags = flags,
		.name = NAME,
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = flags | TN_BIND_WEAK,
		.name = NAME,
		.version = desc.version,
		.holder = NAME };

	if (!EXPECT(tn_open(NULL, &g->sys) == 0))
		return false;
	g->mod = kit_load(g->sys, "tiny");
	return EXPECT(g->mod != NULL) &&
	       EXPECT(tn_interface_provide(g->sys, g->mod, &desc) == 0) &&
	       EXPECT(tn_interface_bind(g->sys, &want, &g->iface) == 0);
}

static int unload(const struct guest *g, uint64_t timeout_ns)
{
	const struct tn_unload_args args = { .size = sizeof(args),
		.flags = TN_UNLOAD_WAIT,
		.timeout_ns = timeout_ns };

	return tn_unload_with(g->sys, g->mod, &args, NULL);
}

static void run(void *(*fn)(void *arg), struct guest *g)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, g), 0);
	pthread_join(t, NULL);
	CHECK(g->was_inside);
}

/* With the record of the one that has ended, which must be in nothing. */
static void *unload_after(void *arg)
{
	struct guest *g = arg;

	g->was_inside =
	    gate_world()->self(true)->frames == NULL && unload(g, NEVER) == 0;
	return NULL;
}

static void check_end(unsigned flags, void *(*fn)(void *arg))
{
	struct guest g;

	CHECK(guest_open(&g, flags));
	run(fn, &g);
	run(unload_after, &g);
	CHECK_EQ(tn_interface_unbind(g.iface, NULL, NAME), 0);
	CHECK_EQ(tn_close(g.sys), 0);
}

TEST(thread_end, a_counted_or_guarded_call_ends_with_its_thread)
{
	NEED_MODULES();
	for (int i = 0; i < 10; i++) {
		check_end(0, end_counted);
		check_end(TN_INTERFACE_GUARDED, end_guarded);
	}
}

TEST(thread_end, one_that_sleeps_is_left_to_whoever_ends_it)
{
	NEED_MODULES();
	struct guest g;

	CHECK(guest_open(&g, TN_INTERFACE_SLEEPS));
	run(end_sleeping, &g);
	CHECK_EQ(unload(&g, SOON), -TN_ETIMEDOUT);
	tn_gate_exit_sleepable(&g.iface->gate, &g.ticket);
	CHECK_EQ(unload(&g, NEVER), 0);
	CHECK_EQ(tn_interface_unbind(g.iface, NULL, NAME), 0);
	CHECK_EQ(tn_close(g.sys), 0);
}
