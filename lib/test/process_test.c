/* SPDX-License-Identifier: MIT */
/*
 * What the process around an engine may do: take signals, call from threads
 * of its own with small stacks, enter a sandbox. Forks are in module_test.c,
 * dlclose is in shared_test.c and embed/closed.c.
 */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <host/epoch.h>
#include <tenon/tenon.h>
#include <test/sandbox.h>

#include "kit.h"

/* --- signals */

static struct {
	struct tn_system *sys;
	struct tn_module *held;
	struct tn_handle handle;    /* on it */
	struct tn_interface *iface; /* of the world */
	_Atomic unsigned runs, bad;
} handler;

#define ENOUGH 200

static long (*hello_add)(long, long); /* of the module that is held */

static int look_for_held(
    void *arg, const char *name, uint64_t addr, uint64_t size)
{
	(void)arg;
	(void)addr;
	(void)size;
	return strcmp(name, "hello") == 0;
}

static bool look_at_held(void)
{
	char last[TN_MODULE_NAME_MAX];
	struct tn_origin origin;
	struct tn_location at;

	tn_last_unloaded(handler.sys, last);
	return tn_symbolize(handler.sys, (uintptr_t)hello_add, &at) == 0 &&
	       at.module == handler.held &&
	       tn_symbolize_origin(
		   handler.sys, (uintptr_t)hello_add, &origin) == -TN_ENOENT &&
	       tn_symbolize_each(handler.sys, look_for_held, NULL) == 1 &&
	       !tn_module_running(handler.held) && strcmp(last, "hello") != 0;
}

static bool go_through_gates(void)
{
	struct tn_gate *gate = &handler.iface->gate;
	struct tn_gate_frame frame;

	if (!tn_handle_is_held(handler.handle) ||
	    tn_handle_enter(handler.handle) != 0)
		return false;
	tn_handle_exit(handler.handle);
	if (!tn_gate_enter(gate))
		return false;
	tn_gate_exit(gate);
	if (!tn_guard_enter(gate, &frame))
		return false;
	tn_guard_exit(gate, &frame);
	return true;
}

/* Every call that docs/embedding.md allows here. */
static void on_signal(int number)
{
	struct tn_symbol sym;
	char text[80];
	struct tn_diag diag;

	(void)number;
	/* A slow machine does nothing but handle signals. */
	if (atomic_fetch_add(&handler.runs, 1) >= ENOUGH)
		return;
	if (tn_symbol_find(handler.sys, "hello_add", &sym) != 0 ||
	    sym.owner != handler.held || hello_add(40, 2) != 42)
		atomic_fetch_add(&handler.bad, 1);
	(void)tn_symbol_find(handler.sys, "provider_add", &sym); /* perhaps */
	if (!look_at_held() || !go_through_gates())
		atomic_fetch_add(&handler.bad, 1);
	tn_diag_init(&diag);
	diag.reason = TN_REASON_IN_USE;
	if (tn_diag_text(&diag, text, sizeof(text)) == 0 || !tn_version()[0])
		atomic_fetch_add(&handler.bad, 1);
}

/* Provided by the world, so that it is there whatever comes and goes. */
static bool bind_interface(void)
{
	static const struct tn_ops_head ops = { sizeof(ops), 1 };
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.flags = TN_INTERFACE_GUARDED,
		.name = "signal",
		.ops = &ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_INTERFACE_GUARDED,
		.name = "signal",
		.holder = "a handler" };

	return EXPECT(tn_interface_provide(handler.sys, NULL, &desc) == 0) &&
	       EXPECT(
		   tn_interface_bind(handler.sys, &want, &handler.iface) == 0);
}

static atomic_bool enough;

static void *send_signals(void *arg)
{
	const pthread_t to = *(pthread_t *)arg;
	const struct timespec nap = { 0, 50000 };

	while (!atomic_load(&enough)) {
		pthread_kill(to, SIGUSR1);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

TEST(process, handlers_look_up_and_call_while_modules_come_and_go)
{
	NEED_MODULES();
	struct sigaction old, act = { .sa_handler = on_signal };
	pthread_t me = pthread_self(), sender;
	struct tn_symbol sym;

	CHECK_EQ(tn_open(NULL, &handler.sys), 0);
	handler.held = kit_load(handler.sys, "hello");
	CHECK(handler.held);
	/* The first look-up of a thread must not be a handler's. */
	CHECK_EQ(tn_symbol_find(handler.sys, "hello_add", &sym), 0);
	memcpy(&hello_add, &sym.addr, sizeof(hello_add));
	CHECK(bind_interface());
	CHECK_EQ(tn_handle_get(handler.held, "a handler", &handler.handle), 0);
	atomic_store(&enough, false);
	sigaction(SIGUSR1, &act, &old);
	CHECK_EQ(pthread_create(&sender, NULL, send_signals, &me), 0);
	for (int i = 0; i < 100000 && atomic_load(&handler.runs) < ENOUGH;
	     i++) {
		struct tn_module *a = kit_load(handler.sys, "provider");
		struct tn_module *b = kit_load(handler.sys, "tiny");

		if (!EXPECT(a && b))
			break;
		EXPECT(tn_unload(handler.sys, b, NULL) == 0);
		EXPECT(tn_unload(handler.sys, a, NULL) == 0);
	}
	atomic_store(&enough, true);
	pthread_join(sender, NULL);
	sigaction(SIGUSR1, &old, NULL);
	CHECK_EQ(atomic_load(&handler.bad), 0);
	CHECK(atomic_load(&handler.runs) >= ENOUGH);
	CHECK_EQ(tn_handle_put(handler.handle), 0);
	CHECK_EQ(tn_unload(handler.sys, handler.held, NULL), 0);
	CHECK_EQ(tn_close(handler.sys), 0);
}

/* --- threads */

static void *load_and_unload(void *arg)
{
	struct tn_system *sys = arg;

	for (int i = 0; i < 3; i++)
		kit_check_pair(sys);
	return NULL;
}

/* What docs/embedding.md promises; sanitizers need more of their own. */
#define STACK ((size_t)64 << 10)

TEST(process, a_thread_that_the_engine_does_not_know_needs_a_small_stack)
{
	NEED_MODULES();
	struct tn_system *sys;
	pthread_attr_t attr;
	pthread_t t;

	CHECK_EQ(tn_open(NULL, &sys), 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, TEST_SANITIZED ? 16 * STACK : STACK);
	CHECK_EQ(pthread_create(&t, &attr, load_and_unload, sys), 0);
	pthread_join(t, NULL);
	pthread_attr_destroy(&attr);
	CHECK_EQ(tn_close(sys), 0);
}

/* --- sandboxes */

/* Then only changing permissions works, and that is not what is asked for. */
static int ask_for_two_views(void)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .mode = TN_HOST_DUAL
	};
	struct tn_system *sys;

	if (!sandbox_forbid(SYS_memfd_create))
		return SANDBOX_NONE;
	return tn_open(&config, &sys) == -TN_EOPNOTSUPP ? 0 : 1;
}

TEST(process, a_mode_that_does_not_work_is_refused)
{
	CHECK_IN_CHILD(ask_for_two_views);
}

/* An engine that is open already notices what its process gave up since. */
static int open_then_forbid(void)
{
	struct tn_system *sys;

	if (tn_open(NULL, &sys) != 0)
		return 2;
	if (!sandbox_forbid(SYS_memfd_create) ||
	    !sandbox_forbid(SYS_membarrier))
		return SANDBOX_NONE;
	for (int i = 0; i < 5; i++)
		kit_check_pair(sys);
	if (tn_host_mode(sys) != TN_HOST_FLIP || test_failed())
		return 3;
	return tn_close(sys) == 0 ? 0 : 4;
}

static int load_then_forbid(void)
{
	struct tn_module *mod;
	struct tn_system *sys;

	if (tn_open(NULL, &sys) != 0 || !(mod = kit_load(sys, "hello")))
		return 2;
	if (!sandbox_forbid(SYS_membarrier))
		return SANDBOX_NONE;
	for (int i = 0; i < 5; i++)
		kit_check_pair(sys);
	if (test_failed() || tn_unload(sys, mod, NULL) != 0)
		return 3;
	return tn_close(sys) == 0 ? 0 : 4;
}

/*
 * A thread that has been inside of a gate before membarrier was forbidden, and
 * so has no fences.
 */
struct guest {
	struct tn_system *sys;
	pthread_t thread;
	atomic_bool in, leave;
};

static void *guest_run(void *arg)
{
	struct guest *g = arg;
	struct tn_symbol sym;

	(void)tn_symbol_find(g->sys, "hello_add", &sym); /* a section */
	atomic_store(&g->in, true);
	while (!atomic_load(&g->leave))
		(void)tn_symbol_find(g->sys, "provider_add", &sym);
	return NULL;
}

static bool guest_come(struct guest *g, struct tn_system *sys)
{
	*g = (struct guest){ .sys = sys };
	if (pthread_create(&g->thread, NULL, guest_run, g) != 0)
		return false;
	while (!atomic_load(&g->in))
		sched_yield();
	return true;
}

static void guest_go(struct guest *g)
{
	atomic_store(&g->leave, true);
	pthread_join(g->thread, NULL);
}

/* Threads that have relied on membarrier are waited for without it. */
static int forbid_with_threads(void)
{
	struct tn_system *sys;
	struct guest g;

	if (tn_open(NULL, &sys) != 0 || !guest_come(&g, sys))
		return 2;
	if (!sandbox_forbid(SYS_membarrier))
		return SANDBOX_NONE;
	for (int i = 0; i < 20; i++)
		kit_check_pair(sys);
	guest_go(&g);
	if (test_failed())
		return 3;
	return tn_close(sys) == 0 ? 0 : 4;
}

/* Or, where that is forbidden too, unloads and loads are refused by name. */
static int forbid_every_barrier(void)
{
	struct tn_module *mod, *other;
	struct tn_system *sys;
	struct tn_diag diag;
	struct guest g;
	int err;

	if (tn_open(NULL, &sys) != 0 || !(mod = kit_load(sys, "hello")) ||
	    !guest_come(&g, sys))
		return 2;
	if (!sandbox_forbid(SYS_membarrier) ||
	    !sandbox_forbid(SYS_sched_setaffinity))
		return SANDBOX_NONE;
	tn_diag_init(&diag);
	err = tn_unload(sys, mod, &diag);
	if (err != -TN_EOPNOTSUPP || diag.reason != TN_REASON_NO_BARRIER ||
	    kit_call(sys, "provider_inner", 5) != LONG_MIN)
		return 3;
	if (kit_try(sys, "provider", &other, &diag) != -TN_EOPNOTSUPP ||
	    diag.reason != TN_REASON_NO_BARRIER)
		return 4;
	if (!tn_module_get(mod))
		return 5;
	tn_module_put(mod);
	guest_go(&g);
	/* Who comes now has fences. */
	if (!guest_come(&g, sys) || tn_unload(sys, mod, &diag) != 0)
		return 6;
	guest_go(&g);
	tn_diag_fini(&diag);
	return tn_close(sys) == 0 ? 0 : 7;
}

/* Loads and unloads @n times while another thread is in and out. */
static int open_with_a_guest(const struct tn_host_config *config, int n)
{
	struct tn_system *sys;
	struct guest g;

	if (tn_open(config, &sys) != 0 || !guest_come(&g, sys))
		return 2;
	for (int i = 0; i < n; i++)
		kit_check_pair(sys);
	guest_go(&g);
	if (test_failed())
		return 3;
	return tn_close(sys) == 0 ? 0 : 4;
}

/* Who finds none at the first use has fences, and needs no barrier then. */
static int forbid_before_the_first(void)
{
	return sandbox_forbid(SYS_membarrier) &&
		       sandbox_forbid(SYS_sched_setaffinity)
		   ? open_with_a_guest(NULL, 5)
		   : SANDBOX_NONE;
}

/* The flag means it: a call would end the process. */
static int never_membarrier(void)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .flags = TN_HOST_NO_MEMBARRIER
	};

	return sandbox_kill(SYS_membarrier) ? open_with_a_guest(&config, 20)
					    : SANDBOX_NONE;
}

/* Neither way to executable memory is left: a named refusal, twice. */
static int forbid_everything(void)
{
	struct tn_module *mod;
	struct tn_system *sys;
	struct tn_diag diag;
	char text[300];

	if (tn_open(NULL, &sys) != 0)
		return 2;
	if (!sandbox_forbid(SYS_memfd_create) || !sandbox_forbid(SYS_mprotect))
		return SANDBOX_NONE;
	tn_diag_init(&diag);
	for (int i = 0; i < 2; i++) {
		if (kit_try(sys, "hello", &mod, &diag) != -TN_EOPNOTSUPP)
			return 3;
	}
	tn_diag_text(&diag, text, sizeof(text));
	tn_diag_fini(&diag);
	if (!strstr(text, "executable memory"))
		return 4;
	if (tn_symbol_count(sys) != tn_guaranteed_count ||
	    tn_host_mode(sys) != TN_HOST_AUTO)
		return 5;
	return tn_close(sys) == 0 ? 0 : 6;
}

static int load_in_torn_child(void)
{
	struct tn_module *mod;
	struct tn_system *sys;
	int status;
	pid_t pid;

	if (tn_open(NULL, &sys) != 0 || !kit_load(sys, "hello"))
		return 2;
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		if (kit_call(sys, "provider_inner", 5) == 15)
			_exit(3);
		_exit(
		    kit_try(sys, "provider", &mod, NULL) == -TN_EAGAIN ? 0 : 4);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 5;
	/* Emulators do not wipe the page that tells. */
	return WEXITSTATUS(status) == 4 ? SANDBOX_NONE : WEXITSTATUS(status);
}

TEST(process, a_sandbox_entered_before_the_first_load_is_noticed)
{
	NEED_MODULES();
	CHECK_IN_CHILD(open_then_forbid);
}

TEST(process, a_sandbox_entered_after_a_load_is_noticed)
{
	NEED_MODULES();
	CHECK_IN_CHILD(load_then_forbid);
}

TEST(process, without_any_executable_memory_loads_are_refused_by_name)
{
	NEED_MODULES();
	CHECK_IN_CHILD(forbid_everything);
}

TEST(process, a_child_that_fork_has_not_made_refuses_to_load)
{
	NEED_MODULES();
	CHECK_IN_CHILD(load_in_torn_child);
}

/* Another test of this process may have made it use fences. */
static void check_before_fences(int (*fn)(void), const char *test)
{
	int status;

	if (!epoch_fences()) {
		CHECK_IN_CHILD(fn);
		return;
	}
	status = sandbox_again(test);
	if (status == SANDBOX_NONE)
		SKIP("there is no membarrier here");
	CHECK_EQ(status, 0);
}

TEST(process, threads_are_waited_for_where_membarrier_was_forbidden_since)
{
	NEED_MODULES();
	check_before_fences(forbid_with_threads, "threads_are_waited_for");
}

TEST(process, without_any_barrier_unloads_and_loads_are_refused_by_name)
{
	NEED_MODULES();
	check_before_fences(forbid_every_barrier, "without_any_barrier");
}

/* In a program that has not used gates before. */
static void check_from_the_start(int (*fn)(void), const char *test)
{
	const int status = sandbox_again(test);

	if (status == SANDBOX_NONE)
		CHECK_IN_CHILD(fn);
	else
		CHECK_EQ(status, 0);
}

TEST(process, without_membarrier_from_the_start_no_barrier_is_needed)
{
	NEED_MODULES();
	check_from_the_start(
	    forbid_before_the_first, "without_membarrier_from_the_start");
}

TEST(process, with_the_flag_no_gate_calls_membarrier)
{
	NEED_MODULES();
	check_from_the_start(never_membarrier, "with_the_flag_no_gate");
}
