/* SPDX-License-Identifier: MIT */
/*
 * Module files in a process: every way of keeping their memory, fork,
 * threads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "kit.h"

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
	NEED_MODULES();
	static const unsigned flags[] = { 0, TN_HOST_STRICT,
		TN_HOST_NO_MEMBARRIER, TN_HOST_STRICT | TN_HOST_NO_MEMBARRIER };

	PROVES("L02 L05 L06 K5.3");
	for (int f = 0; f < 4; f++) {
		for (int m = TN_HOST_DUAL; m <= TN_HOST_FLIP; m++) {
			struct tn_system *sys =
			    open_with((enum tn_host_mode)m, flags[f]);

			CHECK(sys);
			for (int i = 0; i < 3; i++)
				kit_check_pair(sys);
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
	NEED_MODULES();
	struct sigaction old, act = { .sa_handler = on_trap };
	struct tn_system *volatile sys = open_with(TN_HOST_AUTO, 0);
	struct tn_module *volatile mod = kit_load(sys, "roafter");
	volatile long poked = 0;

	CHECK(mod);
	CHECK_EQ(kit_call(sys, "roafter_value", 0), 42);
	sigaction(SIGSEGV, &act, &old);
	if (sigsetjmp(trapped, 1) == 0)
		poked = kit_call(sys, "roafter_poke", 7);
	sigaction(SIGSEGV, &old, NULL);
	CHECK_EQ(poked, 0);
	CHECK_EQ(kit_call(sys, "roafter_value", 0), 42);
	CHECK_EQ(tn_unload(sys, mod, NULL), 0);
	CHECK_EQ(tn_close(sys), 0);
}

/* A child goes on with what is loaded, unloads it and loads it again. */
static int child(struct tn_system *sys, struct tn_module *provider)
{
	alarm(60); /* a hang is a failure */
	if (kit_call(sys, "provider_inner", 5) != 15)
		return 2;
	if (tn_unload(sys, provider, NULL) != 0)
		return 3;
	kit_check_pair(sys);
	if (test_failed() || tn_close(sys) != 0)
		return 4;
	return 0;
}

TEST(module, a_forked_child_calls_unloads_and_loads)
{
	NEED_MODULES();
	for (int m = TN_HOST_DUAL; m <= TN_HOST_FLIP; m++) {
		struct tn_system *sys = open_with((enum tn_host_mode)m, 0);
		struct tn_module *provider = kit_load(sys, "provider");
		int status;
		pid_t pid;

		CHECK(provider);
		pid = fork();
		if (pid == 0)
			_exit(child(sys, provider));
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
		CHECK_EQ(kit_call(sys, "provider_inner", 5), 15);
		CHECK_EQ(tn_unload(sys, provider, NULL), 0);
		kit_check_pair(sys);
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
		if (kit_call(l->sys, "provider_inner", i) != 3L * i)
			l->bad++;
		tn_module_put(mod);
	}
	return NULL;
}

TEST(module, threads_look_up_while_others_load_and_unload)
{
	NEED_MODULES();
	struct looker l = { .sys = open_with(TN_HOST_AUTO, 0) };
	pthread_t t[THREADS];

	CHECK(l.sys);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, look, &l), 0);
	for (int i = 0; i < 40; i++) {
		struct tn_module *mod = kit_load(l.sys, "provider");

		CHECK(mod);
		while (tn_unload(l.sys, mod, NULL) == -TN_EBUSY)
			sched_yield();
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(l.bad, 0);
	CHECK_EQ(tn_close(l.sys), 0);
}
