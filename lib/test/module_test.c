/* SPDX-License-Identifier: MIT */
/*
 * Module files in a process: every way of keeping their memory, fork, the
 * fixed-memory mode, threads. The files are those of modules/test, found from
 * where this program lies: build/CONFIG/bin beside build/modules.
 */
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

/* Writes the path of a module of the common profile. */
static void module_path(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX - 100];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct utsname machine;

	self[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(self, '/');

		if (slash)
			*slash = '\0';
	}
	uname(&machine);
	snprintf(path, PATH_MAX, "%s/modules/%.20s/common/%.50s.ko", self,
	    machine.machine, name);
}

static struct tn_module *load(struct tn_system *sys, const char *name)
{
	char path[PATH_MAX], text[500];
	const struct tn_load_args args = { .size = sizeof(args), .path = path };
	struct tn_module *mod = NULL;
	struct tn_diag diag;

	module_path(name, path);
	tn_diag_init(&diag);
	if (tn_load(sys, &args, &mod, &diag) != 0) {
		tn_diag_text(&diag, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", path, text);
	}
	tn_diag_fini(&diag);
	return mod;
}

/* Calls `long symbol(long)`; LONG_MIN when there is no such. */
static long call(struct tn_system *sys, const char *symbol, long x)
{
	struct tn_symbol found;
	union {
		uintptr_t bits;
		long (*fn)(long x);
	} code;

	if (tn_symbol_find(sys, symbol, &found) != 0)
		return LONG_MIN;
	code.bits = (uintptr_t)found.addr;
	return code.fn(x);
}

/* Loads a provider and its user, calls through both, and unloads. */
static void check_pair(struct tn_system *sys)
{
	struct tn_module *provider = load(sys, "provider");
	struct tn_module *user = load(sys, "user");

	CHECK(provider && user);
	CHECK_EQ(call(sys, "user_sum", 1), 3 * 18);
	CHECK_EQ(tn_unload(sys, provider, NULL), -TN_EBUSY);
	CHECK_EQ(tn_close(sys), -TN_EBUSY);
	CHECK_EQ(tn_unload(sys, user, NULL), 0);
	CHECK_EQ(tn_unload(sys, provider, NULL), 0);
	CHECK_EQ(call(sys, "user_sum", 1), LONG_MIN);
}

static struct tn_system *open_with(enum tn_host_mode mode, unsigned flags)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .mode = mode, .flags = flags
	};
	struct tn_system *sys = NULL;

	return tn_open(&config, &sys) == 0 ? sys : NULL;
}

TEST(module, loads_calls_and_unloads_in_every_mode)
{
	static const unsigned flags[] = { 0, TN_HOST_STRICT,
		TN_HOST_NO_MEMBARRIER, TN_HOST_STRICT | TN_HOST_NO_MEMBARRIER };

	PROVES("L08");
	for (int f = 0; f < 4; f++) {
		for (int m = TN_HOST_DUAL; m <= TN_HOST_FLIP; m++) {
			struct tn_system *sys =
			    open_with((enum tn_host_mode)m, flags[f]);

			CHECK(sys);
			for (int i = 0; i < 3; i++)
				check_pair(sys);
			CHECK_EQ(tn_close(sys), 0);
		}
	}
}

static sigjmp_buf trapped;

static void on_trap(int number)
{
	siglongjmp(trapped, number);
}

TEST(module, data_is_read_only_after_init)
{
	struct sigaction old, act = { .sa_handler = on_trap };
	struct tn_system *volatile sys = open_with(TN_HOST_AUTO, 0);
	struct tn_module *volatile mod = load(sys, "roafter");
	volatile long poked = 0;

	CHECK(mod);
	CHECK_EQ(call(sys, "roafter_value", 0), 42);
	sigaction(SIGSEGV, &act, &old);
	if (sigsetjmp(trapped, 1) == 0)
		poked = call(sys, "roafter_poke", 7);
	sigaction(SIGSEGV, &old, NULL);
	CHECK_EQ(poked, 0);
	CHECK_EQ(call(sys, "roafter_value", 0), 42);
	CHECK_EQ(tn_unload(sys, mod, NULL), 0);
	CHECK_EQ(tn_close(sys), 0);
}

/* A child goes on with what is loaded, unloads it and loads it again. */
static int child(struct tn_system *sys, struct tn_module *provider)
{
	alarm(30); /* a hang is a failure */
	if (call(sys, "provider_inner", 5) != 15)
		return 2;
	if (tn_unload(sys, provider, NULL) != 0)
		return 3;
	check_pair(sys);
	if (test_failed() || tn_close(sys) != 0)
		return 4;
	return 0;
}

TEST(module, a_forked_child_calls_unloads_and_loads)
{
	for (int m = TN_HOST_DUAL; m <= TN_HOST_FLIP; m++) {
		struct tn_system *sys = open_with((enum tn_host_mode)m, 0);
		struct tn_module *provider = load(sys, "provider");
		int status;
		pid_t pid;

		CHECK(provider);
		pid = fork();
		if (pid == 0)
			_exit(child(sys, provider));
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		CHECK_EQ(call(sys, "provider_inner", 5), 15);
		CHECK_EQ(tn_unload(sys, provider, NULL), 0);
		check_pair(sys);
		CHECK_EQ(tn_close(sys), 0);
	}
}

#define THREADS 3

struct looker {
	struct tn_system *sys;
	int bad;
};

/* Finds, holds, calls: what it gets is there until it lets go. */
static void *look(void *arg)
{
	struct looker *l = arg;

	for (int i = 0; i < 300; i++) {
		struct tn_module *mod = tn_module_find(l->sys, "provider");
		struct tn_symbol sym;

		if (tn_symbol_find(l->sys, "printk", &sym) != 0)
			l->bad++;
		if (!mod)
			continue;
		if (call(l->sys, "provider_inner", i) != 3L * i)
			l->bad++;
		tn_module_put(mod);
	}
	return NULL;
}

TEST(module, threads_look_up_while_others_load_and_unload)
{
	struct looker l = { .sys = open_with(TN_HOST_AUTO, 0) };
	pthread_t t[THREADS];

	CHECK(l.sys);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, look, &l), 0);
	for (int i = 0; i < 40; i++) {
		struct tn_module *mod = load(l.sys, "provider");

		CHECK(mod);
		while (tn_unload(l.sys, mod, NULL) == -TN_EBUSY)
			sched_yield();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(l.bad, 0);
	CHECK_EQ(tn_close(l.sys), 0);
}
