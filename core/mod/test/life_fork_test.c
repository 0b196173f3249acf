/* SPDX-License-Identifier: MIT */
/*
 * The child of a fork in the middle of what another thread does to a module:
 * that thread is not in the child, which can unload the module and load it
 * anew. Init and exit that were left in the middle are not followed by others.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/interfaces.h>
#include <tenon/param.h>
#include <test/test.h>

#include "../activity.h"
#include "../module.h"
#include "actor.h"
#include "firing.h"

static struct {
	struct author a;
	struct tn_module *mod;
	enum actor_op stays_in; /* or ACTOR_OPS: in the free of the image */
	sem_t inside, go_on;
	atomic_int once; /* stays in a function of the port, the next time */
} split;

static void stay(void)
{
	sem_post(&split.inside);
	while (sem_wait(&split.go_on) != 0)
		;
}

static void stay_in_hook(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	(void)letter;
	if (op == split.stays_in)
		stay();
}

static void stay_in_free(void *arg, const struct tn_image *img)
{
	(void)arg;
	(void)img;
	if (split.stays_in == ACTOR_OPS)
		stay();
}

static void *load_and_unload(void *arg)
{
	(void)arg;
	EXPECT(actor_load(&split.a, 0, &split.mod) == 0);
	EXPECT(tn_unload(play.w.sys, split.mod, NULL) == 0);
	return NULL;
}

/* Nothing of it is held any more, either. */
static void *come_and_go(void *arg)
{
	(void)load_and_unload(arg);
	EXPECT(tn_module_forget(play.w.sys, split.mod) == 0);
	return NULL;
}

static void *load_in_vain(void *arg)
{
	(void)arg;
	play.result['a'][ACTOR_START] = -TN_EIO;
	EXPECT(actor_load(&split.a, 0, &split.mod) == -TN_EIO);
	return NULL;
}

/* The exit status of the child. */
static int use_it(const char *played)
{
	struct tn_module *mod;

	alarm(60); /* a hang is a failure */
	split.stays_in = ACTOR_INIT;
	play.inside = NULL;
	play.result['a'][ACTOR_START] = 0;
	registry_lock(play.w.sys);
	tn_system_before_fork(play.w.sys);
	tn_system_after_fork(play.w.sys, true);
	registry_unlock(play.w.sys);
	(void)tn_unload_name(play.w.sys, "a", NULL, NULL);
	if (strcmp(play_text(), played) != 0)
		return 1;
	if (actor_load(&split.a, 0, &mod) != 0)
		return 2;
	if (tn_unload(play.w.sys, mod, NULL) != 0)
		return 3;
	return strcmp(play_text(), "aiasapax") != 0 ? 4 : 0;
}

/*
 * A child while @fn is in @op, where the module's code was called for @played,
 * until it was unloaded; in the parent for @whole.
 */
static void split_in(enum actor_op op, void *(*fn)(void *), const char *played,
    const char *whole)
{
	pthread_t thread;
	int status = -1;
	pid_t child;

	CHECK(play_open(0));
	split.a = actor_new("a", ACTOR_PLAIN);
	split.stays_in = op;
	sem_init(&split.inside, 0, 0);
	sem_init(&split.go_on, 0, 0);
	play.inside = stay_in_hook;
	play.w.rig.on_free = stay_in_free;
	CHECK_EQ(pthread_create(&thread, NULL, fn, NULL), 0);
	while (sem_wait(&split.inside) != 0)
		;
	child = fork();
	if (child == 0)
		_exit(use_it(played));
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(status == 0);
	sem_post(&split.go_on);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_STR(play_text(), whole);
	author_free(&split.a);
	CHECK(play_close());
}

TEST(life_fork, init_that_was_left_in_the_middle_is_followed_by_no_exit)
{
	PROVES("L17");
	split_in(ACTOR_INIT, come_and_go, "ai", "aiasapax");
}

TEST(life_fork, exit_that_was_left_in_the_middle_is_not_called_again)
{
	split_in(ACTOR_CLEANUP, come_and_go, "aiasapax", "aiasapax");
}

TEST(life_fork, module_that_was_all_but_gone_can_be_loaded)
{
	split_in(ACTOR_OPS, come_and_go, "aiasapax", "aiasapax");
}

/* It is there still, and has come as far as to be started. */
TEST(life_fork, failed_start_that_was_being_unwound_is_not_begun_again)
{
	split_in(ACTOR_CLEANUP, load_in_vain, "aiasax", "aiasax");
}

/* --- what is only on its way into the list, or out of it, has providers */

static void stay_once(void)
{
	if (atomic_exchange(&split.once, false))
		stay();
}

static int stay_and_seal(void *ctx, struct tn_image *img)
{
	(void)ctx;
	stay_once();
	return play.w.rig.world->image_seal(play.w.rig.world->ctx, img);
}

static void stay_and_synchronize(void *ctx)
{
	(void)ctx;
	stay_once();
	play.w.rig.world->synchronize(play.w.rig.world->ctx);
}

/* The exit status of a child in which @provider has no user any more. */
static int unload_provider(struct tn_module *provider)
{
	struct tn_module *mod;

	alarm(60); /* a hang is a failure */
	registry_lock(play.w.sys);
	tn_system_before_fork(play.w.sys);
	tn_system_after_fork(play.w.sys, true);
	registry_unlock(play.w.sys);
	if (actor_load(&split.a, 0, &mod) != 0 ||
	    tn_unload(play.w.sys, provider, NULL) != -TN_EBUSY)
		return 1;
	if (tn_unload(play.w.sys, mod, NULL) != 0)
		return 2;
	return tn_unload(play.w.sys, provider, &play.w.diag) != 0 ? 3 : 0;
}

/* Another thread stays where the port has been told to, beside a fork. */
static void split_providers(void)
{
	struct author p = actor_new("p", ACTOR_PLAIN);
	struct tn_module *provider;
	pthread_t thread;
	int status = -1;
	pid_t child;

	split.a = actor_new("a", ACTOR_PLAIN);
	split.stays_in = ACTOR_OPS;
	actor_export(&p, "of_p");
	actor_import(&split.a, "of_p");
	CHECK_EQ(actor_load(&p, 0, &provider), 0);
	sem_init(&split.inside, 0, 0);
	sem_init(&split.go_on, 0, 0);
	atomic_store(&split.once, true);
	CHECK_EQ(pthread_create(&thread, NULL, load_and_unload, NULL), 0);
	while (sem_wait(&split.inside) != 0)
		;
	child = fork();
	if (child == 0)
		_exit(unload_provider(provider));
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	sem_post(&split.go_on);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(world_unload(&play.w, split.mod), -TN_ENOENT);
	CHECK_EQ(tn_module_forget(play.w.sys, split.mod), 0);
	CHECK_EQ(world_unload(&play.w, provider), 0);
	author_free(&split.a);
	author_free(&p);
	CHECK(play_close());
}

TEST(life_fork, a_load_that_is_not_there_holds_no_provider)
{
	CHECK(play_open(0));
	play.w.rig.port.image_seal = stay_and_seal;
	split_providers();
}

TEST(life_fork, an_unload_that_is_not_there_holds_no_provider)
{
	CHECK(play_open(0));
	play.w.rig.port.synchronize = stay_and_synchronize;
	split_providers();
}

/* --- interfaces of modules of which it was not decided whether they go */

static struct {
	struct tn_module *mod[2];      /* a and b, of which b stops first */
	struct tn_interface *iface[2]; /* what they provide */
} gates;

struct get_ops {
	struct tn_ops_head head;
	int (*get)(void *instance);
};

static int get(void *instance)
{
	return (int)(uintptr_t)instance;
}

static const struct get_ops get_ops = { { sizeof(get_ops), 1 }, get };

#define GET(i) tn_call(gates.iface[i], const struct get_ops, get)

static int bind_to(unsigned flags, const char *name, unsigned i)
{
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = flags,
		.name = name,
		.holder = "the test" };

	return tn_interface_bind(play.w.sys, &want, &gates.iface[i]);
}

static void provide_letter(unsigned i)
{
	char name[2] = { (char)('a' + i), '\0' };
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = name,
		.ops = &get_ops,
		.instance = (void *)(uintptr_t)(i + 1) };

	EXPECT(tn_interface_provide(play.w.sys, gates.mod[i], &desc) == 0);
	EXPECT(bind_to(TN_BIND_WEAK, name, i) == 0);
}

static void be_the_child(void)
{
	alarm(60); /* a hang is a failure */
	play.inside = NULL;
	registry_lock(play.w.sys);
	tn_system_before_fork(play.w.sys);
	tn_system_after_fork(play.w.sys, true);
	registry_unlock(play.w.sys);
}

/* The exit status of a child in which a is running and b has stopped. */
static int call_them(void)
{
	struct tn_interface_info info;

	be_the_child();
	if (actor_state(gates.mod[0]) != TN_STATE_RUNNING ||
	    actor_state(gates.mod[1]) != TN_STATE_STOPPED)
		return 1;
	if (GET(0) != 1 || GET(1) != -TN_ENODEV)
		return 2;
	if (tn_interface_info(play.w.sys, "b", &info) != 0 || info.provided ||
	    bind_to(0, "b", 1) != -TN_ENODEV)
		return 3;
	if (tn_start(play.w.sys, gates.mod[1], NULL) != 0 || GET(1) != 2)
		return 4;
	return tn_unload_set(play.w.sys, gates.mod, 2, NULL, NULL) != 0;
}

static void *unload_both(void *arg)
{
	(void)arg;
	EXPECT(tn_unload_set(play.w.sys, gates.mod, 2, NULL, NULL) == 0);
	return NULL;
}

static void open_gates(
    void (*inside)(enum actor_op op, struct tn_module *mod, char letter))
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);

	EXPECT(play_open(0));
	EXPECT(actor_load(&a, 0, &gates.mod[0]) == 0);
	EXPECT(actor_load(&b, 0, &gates.mod[1]) == 0);
	provide_letter(0);
	provide_letter(1);
	author_free(&a);
	author_free(&b);
	play.inside = inside;
}

static void stay_in_stop_of_a(
    enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	if (op == ACTOR_STOP && letter == 'a')
		stay();
}

TEST(life_fork, interfaces_of_the_stopped_are_nobodys_and_the_others_open)
{
	pthread_t thread;
	int status = -1;
	pid_t child;

	sem_init(&split.inside, 0, 0);
	sem_init(&split.go_on, 0, 0);
	open_gates(stay_in_stop_of_a);
	CHECK_EQ(pthread_create(&thread, NULL, unload_both, NULL), 0);
	while (sem_wait(&split.inside) != 0)
		;
	child = fork();
	if (child == 0)
		_exit(call_them());
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	sem_post(&split.go_on);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(play_close());
}

/* The unload goes on in the child: the thread that works on it is there. */
static void fork_in_stop_of_a(
    enum actor_op op, struct tn_module *mod, char letter)
{
	int status = -1;
	pid_t child;

	(void)mod;
	if (op != ACTOR_STOP || letter != 'a')
		return;
	child = fork();
	if (child == 0) {
		be_the_child();
		for (int i = 0; i < 2; i++)
			if (tn_gate_wait(&gates.iface[i]->gate, 0) !=
			    -TN_ETIMEDOUT)
				_exit(1);
		_exit(0);
	}
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(status == 0);
}

TEST(life_fork, by_who_decides_leaves_it_undecided)
{
	open_gates(fork_in_stop_of_a);
	CHECK_EQ(tn_unload_set(play.w.sys, gates.mod, 2, NULL, NULL), 0);
	CHECK_EQ(GET(0), -TN_ENODEV);
	CHECK(play_close());
}

/* --- references that are being taken */

static void *take_a_reference(void *mod)
{
	sem_post(&split.inside);
	EXPECT(tn_module_get(mod));
	tn_module_put(mod);
	return NULL;
}

static void *take_one_for_a_call(void *mod)
{
	sem_post(&split.inside);
	EXPECT(tn_param_set(mod, "none", "1", NULL) == -TN_ENOENT);
	return NULL;
}

/*
 * Whoever takes one while a fork has the locks waits for them: it must not be
 * counted before, since in the child nobody would record it or put it.
 */
static void split_from(void *(*takes)(void *mod))
{
	struct tn_module *mod = play_alone(ACTOR_PLAIN);
	struct tn_system *sys = play.w.sys;
	pthread_t thread;

	CHECK(mod != NULL);
	sem_init(&split.inside, 0, 0);
	registry_lock(sys);
	tn_system_before_fork(sys);
	EXPECT(pthread_create(&thread, NULL, takes, mod) == 0);
	while (sem_wait(&split.inside) != 0)
		;
	/* It has time to come to the lock. */
	for (int i = 0; i < 1000; i++)
		sched_yield();
	EXPECT(gate_target_count(&mod->target) == 0);
	tn_system_after_fork(sys, false);
	registry_unlock(sys);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(actor_refs(mod), 0);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	CHECK(play_close());
}

TEST(life_fork, finds_no_reference_that_is_not_recorded)
{
	split_from(take_a_reference);
}

TEST(life_fork, finds_no_reference_of_a_call_that_waits_for_it)
{
	split_from(take_one_for_a_call);
}

/* --- an operation that another thread is in */

static struct firing_world fires;

/* Another thread that is in the middle of the module's exit. */
static void *be_in_exit(void *arg)
{
	struct activity act;

	(void)arg;
	registry_lock(fires.w.sys);
	activity_init(&act, fires.w.sys);
	EXPECT(activity_begin_locked(
		   &act, ACTIVITY_UNLOAD, fires.mod, &fires.w.diag) == 0);
	fires.mod->state = TN_STATE_GOING;
	registry_unlock(fires.w.sys);
	stay();
	registry_lock(fires.w.sys);
	fires.mod->state = TN_STATE_RUNNING;
	activity_end_locked(&act, 0, NULL);
	registry_unlock(fires.w.sys);
	return NULL;
}

/* Another thread that is in nothing but the operation. */
static void *be_elsewhere(void *arg)
{
	(void)arg;
	stay();
	return NULL;
}

static int unload_in_child(void)
{
	alarm(60); /* a hang is a failure */
	registry_lock(fires.w.sys);
	tn_system_before_fork(fires.w.sys);
	tn_system_after_fork(fires.w.sys, true);
	registry_unlock(fires.w.sys);
	return tn_unload_name(fires.w.sys, "holder", NULL, NULL);
}

static void split_operation(void *(*beside)(void *arg))
{
	struct probe p;
	pthread_t thread;
	int status = -1;
	pid_t child;

	CHECK(firing_open(&fires));
	p = probe_new(&fires, 'p');
	CHECK_EQ(SET_UP(&fires, work, &p, work, OP_BLOCK), 0);
	CHECK_EQ(resource_work_schedule(&p.work), 1);
	CHECK(reaches(&p.inside, 1));
	sem_init(&split.inside, 0, 0);
	sem_init(&split.go_on, 0, 0);
	CHECK_EQ(pthread_create(&thread, NULL, beside, NULL), 0);
	while (sem_wait(&split.inside) != 0)
		;
	child = fork();
	if (child == 0)
		_exit(unload_in_child() == 0 ? 0 : 1);
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(status == 0);
	sem_post(&split.go_on);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	atomic_store(&p.go, true);
	(void)resource_work_cancel(&p.work);
	CHECK(firing_close(&fires));
}

TEST(life_fork, operation_of_a_thread_that_is_not_there_is_not_waited_for)
{
	split_operation(be_in_exit);
}

TEST(life_fork, operation_of_a_running_module_is_not_waited_for_either)
{
	split_operation(be_elsewhere);
}
