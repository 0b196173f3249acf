/* SPDX-License-Identifier: MIT */
/*
 * What a module that leaves does with interfaces, its own and those of others:
 * in its stop, and when all that it has is taken back.
 */
#include <pthread.h>
#include <semaphore.h>

#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <test/test.h>

#include "../module.h"
#include "actor.h"

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

static int provide(struct tn_module *mod, const char *name, uint32_t flags)
{
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.flags = flags,
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &echo_ops };

	return tn_interface_provide(play.w.sys, mod, &desc);
}

static int bind(struct tn_module *mod, const char *name, uint32_t flags,
    struct tn_interface **out)
{
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = flags,
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 0),
		.module = mod,
		.holder = "the test" };

	return tn_interface_bind(play.w.sys, &want, out);
}

/* --- when its interfaces have been taken back */

static struct {
	struct tn_ledger_entry entry;
	int bound, provided; /* what was returned */
} late;

/* As an operation may that is still running then. */
static void join_in(struct tn_ledger_entry *entry)
{
	struct tn_module *mod = ((struct generation *)entry->owner)->mod;
	struct tn_interface *iface;

	late.bound = bind(mod, "echo", 0, &iface);
	late.provided = provide(mod, "late", 0);
}

static const struct tn_ledger_class late_class = { .size = sizeof(late_class),
	.abi = 1,
	.name = "late",
	.order = 50,
	.revoke = join_in };

static void charge_in_init(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)letter;
	if (op == ACTOR_INIT)
		EXPECT(tn_ledger_add(mod, &late_class, &late.entry, NULL) == 0);
}

/* @init: what it returns. */
static void is_refused_when_late(int init)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct tn_interface_info info;
	struct tn_module *mod;

	late.bound = late.provided = 1;
	play.result['a'][ACTOR_INIT] = init;
	CHECK_EQ(actor_load(&a, 0, &mod), init);
	if (init == 0)
		CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	CHECK_EQ(late.bound, -TN_EINVAL);
	CHECK_EQ(late.provided, -TN_ENOENT);
	CHECK_EQ(tn_interface_info(play.w.sys, "echo", &info), 0);
	CHECK_EQ(info.nbonds, 0);
	CHECK_EQ(tn_interface_info(play.w.sys, "late", &info), -TN_ENOENT);
	author_free(&a);
}

TEST(interface, module_that_is_taken_out_neither_binds_nor_provides)
{
	CHECK(play_open(0));
	CHECK_EQ(tn_ledger_class_add(play.w.sys, &late_class), 0);
	CHECK_EQ(provide(NULL, "echo", 0), 0);
	play.inside = charge_in_init;
	is_refused_when_late(-TN_EIO);
	is_refused_when_late(0);
	CHECK(play_close());
}

/* --- while it decides */

/* One of each kind, of one module. */
struct three {
	struct tn_interface *counted, *guarded, *sleeping;
};

static const char *const names[][3] = { { "ac", "ag", "as" },
	{ "bc", "bg", "bs" } };

static struct three three[2];

static void provide_three(struct tn_module *mod, unsigned i)
{
	const uint32_t g = TN_INTERFACE_GUARDED, s = TN_INTERFACE_SLEEPS;

	EXPECT(provide(mod, names[i][0], 0) == 0);
	EXPECT(provide(mod, names[i][1], g) == 0);
	EXPECT(provide(mod, names[i][2], s) == 0);
	EXPECT(bind(NULL, names[i][0], TN_BIND_WEAK, &three[i].counted) == 0);
	EXPECT(
	    bind(NULL, names[i][1], TN_BIND_WEAK | g, &three[i].guarded) == 0);
	EXPECT(
	    bind(NULL, names[i][2], TN_BIND_WEAK | s, &three[i].sleeping) == 0);
}

/* All ways to call what this one provides come to @expected. */
static bool all_come_to(unsigned i, int expected)
{
	const struct tn_binding *b;
	struct tn_handle h;
	int err = tn_interface_acquire(three[i].counted, "it", &h, &b);

	if (err == 0)
		EXPECT(tn_handle_put(h) == 0);
	return tn_call(three[i].counted, const struct echo_ops, echo, 7) ==
		   expected &&
	       tn_call_guarded(three[i].guarded, const struct echo_ops, echo,
		   7) == expected &&
	       tn_call_sleeping(three[i].sleeping, const struct echo_ops, echo,
		   7) == expected &&
	       err == (expected == 7 ? 0 : expected);
}

static bool all_are_refused(unsigned i)
{
	struct tn_interface *iface;

	return all_come_to(i, -TN_EAGAIN) &&
	       bind(NULL, names[i][0], 0, &iface) == -TN_EDEADLK &&
	       tn_interface_prefer(play.w.sys, NULL, names[i][0], UINT64_MAX) ==
		   -TN_EDEADLK;
}

static struct {
	unsigned refused; /* so often */
	pthread_barrier_t meeting;
} at;

static void try_all_in_stop(
    enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	(void)letter;
	if (op == ACTOR_STOP)
		at.refused += all_are_refused(0) && all_are_refused(1);
}

/* Of b, when a is open again. */
static void try_all_in_start(
    enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	(void)letter;
	if (op == ACTOR_START)
		at.refused += all_come_to(0, 7) && all_are_refused(1);
}

static void open_two(struct tn_module *mod[2])
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);

	EXPECT(play_open(0));
	EXPECT(actor_load(&a, 0, &mod[0]) == 0);
	EXPECT(actor_load(&b, 0, &mod[1]) == 0);
	provide_three(mod[0], 0);
	provide_three(mod[1], 1);
	author_free(&a);
	author_free(&b);
	at.refused = 0;
}

TEST(interface, stop_does_not_wait_for_what_its_own_unload_decides)
{
	struct tn_module *mod[2];

	open_two(mod);
	play.inside = try_all_in_stop;
	CHECK_EQ(play_unload_set(mod, 2), 0);
	CHECK_EQ(at.refused, 2);
	CHECK(all_come_to(0, -TN_ENODEV));
	CHECK(play_close());
}

TEST(interface, start_that_undoes_a_stop_does_not_wait_for_it)
{
	struct tn_module *mod[2];

	open_two(mod);
	play.inside = try_all_in_start;
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(play_unload_set(mod, 2), -TN_EIO);
	CHECK_EQ(at.refused, 1);
	CHECK(all_come_to(0, 7));
	CHECK(all_come_to(1, 7));
	play.inside = NULL;
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(play_unload_set(mod, 2), 0);
	CHECK(play_close());
}

/* Each decides what the other one asks for. */
static void try_the_other(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	if (op != ACTOR_STOP)
		return;
	(void)pthread_barrier_wait(&at.meeting);
	EXPECT(all_are_refused(letter == 'a' ? 1 : 0));
	(void)pthread_barrier_wait(&at.meeting);
}

static void *unload(void *mod)
{
	EXPECT(tn_unload(play.w.sys, mod, NULL) == 0);
	return NULL;
}

TEST(interface, stops_of_two_unloads_do_not_wait_for_each_other)
{
	struct tn_module *mod[2];
	pthread_t thread;

	open_two(mod);
	CHECK_EQ(pthread_barrier_init(&at.meeting, NULL, 2), 0);
	play.inside = try_the_other;
	CHECK_EQ(pthread_create(&thread, NULL, unload, mod[0]), 0);
	(void)unload(mod[1]);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(pthread_barrier_destroy(&at.meeting), 0);
	CHECK(play_close());
}

/* --- who waits for the decision, and who does not */

static struct {
	struct tn_module *mod[2]; /* a and b, of which a stops */
	struct tn_module *c;      /* provides nothing, and goes meanwhile */
	int (*wait)(void *ctx, const uint32_t *word, uint32_t value,
	    uint64_t deadline_ns);
	sem_t waiting;                     /* one more does */
	int by_program, by_module, inside; /* what binding returned */
	int provided;
} wake;

/* The lock is free: who has come here is woken, or has missed it already. */
static int wait_and_tell(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	if ((const void *)word == &play.w.sys->interfaces_changed)
		sem_post(&wake.waiting);
	return wake.wait(ctx, word, value, deadline_ns);
}

static void *bind_for_program(void *iface)
{
	wake.by_program = bind(NULL, "ac", 0, iface);
	return NULL;
}

static void *bind_for_c(void *iface)
{
	wake.by_module = bind(wake.c, "ac", 0, iface);
	return NULL;
}

static void *bind_from_inside(void *iface)
{
	struct tn_interface *w;

	EXPECT(bind(NULL, "w", TN_BIND_WEAK, &w) == 0);
	EXPECT(tn_interface_enter(w) != NULL);
	wake.inside = bind(NULL, "ac", 0, iface);
	tn_gate_exit(&w->gate);
	return NULL;
}

static pthread_t binder[2];
static struct tn_interface *bound[3];

static void be_awaited(enum actor_op op, struct tn_module *mod, char letter)
{
	pthread_t thread;

	if (op != ACTOR_STOP || letter != 'a')
		return;
	EXPECT(pthread_create(&thread, NULL, bind_from_inside, &bound[2]) == 0);
	EXPECT(pthread_join(thread, NULL) == 0);
	EXPECT(
	    pthread_create(&binder[0], NULL, bind_for_program, &bound[0]) == 0);
	EXPECT(pthread_create(&binder[1], NULL, bind_for_c, &bound[1]) == 0);
	for (int i = 0; i < 2; i++)
		while (sem_wait(&wake.waiting) != 0)
			;
	wake.provided = provide(mod, "more", 0);
	EXPECT(tn_unload(play.w.sys, wake.c, NULL) == 0);
}

TEST(interface, decision_wakes_those_who_bind)
{
	struct author c = actor_new("c", ACTOR_PLAIN);

	open_two(wake.mod);
	CHECK_EQ(actor_load(&c, 0, &wake.c), 0);
	sem_init(&wake.waiting, 0, 0);
	CHECK_EQ(provide(NULL, "w", 0), 0);
	wake.wait = play.w.rig.port.wait;
	play.w.rig.port.wait = wait_and_tell;
	play.inside = be_awaited;
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(tn_unload(play.w.sys, wake.mod[0], NULL), -TN_EIO);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(binder[i], NULL), 0);
	CHECK_EQ(wake.by_program, 0);
	CHECK_EQ(wake.by_module, -TN_EINVAL); /* it is gone */
	CHECK_EQ(wake.inside, -TN_EDEADLK);
	CHECK_EQ(wake.provided, -TN_EBUSY); /* while it leaves */
	play.inside = NULL;
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(tn_unload(play.w.sys, wake.mod[0], NULL), -TN_EBUSY);
	while (tn_interface_unbind(bound[0], NULL, "the test") == 0)
		;
	CHECK_EQ(play_unload_set(wake.mod, 2), 0);
	author_free(&c);
	CHECK(play_close());
}

/* --- a start that provides and a stop that withdraws */

static void come_and_go(enum actor_op op, struct tn_module *mod, char letter)
{
	if (letter != 'b')
		return;
	if (op == ACTOR_START)
		EXPECT(provide(mod, "echo", 0) == 0);
	if (op == ACTOR_STOP)
		EXPECT(tn_interface_withdraw(
			   play.w.sys, mod, "echo", UINT64_MAX) == 0);
}

TEST(interface, stop_can_withdraw_what_start_provides)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct tn_interface *iface;
	struct tn_module *mod[2];

	CHECK(play_open(0));
	play.inside = come_and_go;
	CHECK_EQ(actor_load(&a, 0, &mod[0]), 0);
	CHECK_EQ(actor_load(&b, 0, &mod[1]), 0);
	CHECK_EQ(bind(mod[0], "echo", 0, &iface), 0);
	CHECK_EQ(tn_stop(play.w.sys, mod[1], NULL, NULL), -TN_EBUSY);
	CHECK_EQ(tn_interface_unbind(iface, mod[0], NULL), 0);
	CHECK_EQ(tn_stop(play.w.sys, mod[1], NULL, NULL), 0);
	CHECK_EQ(tn_call(iface, const struct echo_ops, echo, 1), -TN_ENODEV);
	CHECK_EQ(tn_start(play.w.sys, mod[1], NULL), 0);
	CHECK_EQ(tn_call(iface, const struct echo_ops, echo, 2), 2);
	/* b has stopped when a's stop fails: it is started again. */
	play.result['a'][ACTOR_STOP] = -TN_EIO;
	CHECK_EQ(play_unload_set(mod, 2), -TN_EIO);
	CHECK_EQ(actor_state(mod[1]), TN_STATE_RUNNING);
	CHECK_EQ(tn_call(iface, const struct echo_ops, echo, 3), 3);
	play.result['a'][ACTOR_STOP] = 0;
	CHECK_EQ(play_unload_set(mod, 2), 0);
	CHECK_EQ(tn_call(iface, const struct echo_ops, echo, 4), -TN_ENODEV);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}
