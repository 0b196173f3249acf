/* SPDX-License-Identifier: MIT */
/*
 * From addresses to symbols while modules come and go: from a signal handler
 * in the middle of that, from other threads, and from several that are all
 * the first to ask.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include <tenon/inspect.h>
#include <test/test.h>

#include "functions.h"

/* --- who asks over and over */

struct asker {
	struct world w;
	_Atomic uint64_t addr; /* of something that stays */
	atomic_ulong asked, hits, wrong;
	atomic_bool stop;
};

static struct asker asker;

/* The module that stays is found, others are right or not there. */
static void ask(void)
{
	struct tn_location at;
	const uint64_t addr = atomic_load(&asker.addr);

	if (addr == 0)
		return;
	atomic_fetch_add(&asker.asked, 1);
	if (tn_symbolize(asker.w.sys, addr, &at) != 0 ||
	    strcmp(at.symbol, "stay0") != 0)
		atomic_fetch_add(&asker.wrong, 1);
	for (uint64_t near = addr & ~UINT64_C(63), i = 0; i < 32; i++) {
		if (tn_symbolize(asker.w.sys, near + i * 64, &at) != 0)
			continue;
		atomic_fetch_add(&asker.hits, 1);
		if (strcmp(at.module_name, "stays") != 0 &&
		    strncmp(at.module_name, "come", 4) != 0)
			atomic_fetch_add(&asker.wrong, 1);
	}
}

static void begin_asking(struct tn_module **stays)
{
	struct author a = functions("stays", "stay", 1);

	memset(&asker, 0, sizeof(asker));
	CHECK(world_open(&asker.w, NULL, 0));
	CHECK_EQ(world_load(&asker.w, a.o, 0, stays), 0);
	atomic_store(&asker.addr, address(*stays, "stay0"));
	author_free(&a);
}

static void come_and_go(unsigned rounds)
{
	struct author a = functions("comes", "c", 5);
	struct author b = functions("comes_too", "d", 5);
	struct tn_module *first, *second;

	for (unsigned i = 0; i < rounds; i++) {
		CHECK_EQ(world_load(&asker.w, a.o, 0, &first), 0);
		CHECK_EQ(world_load(&asker.w, b.o, 0, &second), 0);
		/* Not forgotten: the askers read the modules' names. */
		CHECK_EQ(tn_unload(asker.w.sys, first, &asker.w.diag), 0);
		CHECK_EQ(tn_unload(asker.w.sys, second, &asker.w.diag), 0);
	}
	author_free(&a);
	author_free(&b);
}

static void end_asking(struct tn_module *stays)
{
	CHECK(atomic_load(&asker.hits) > 0);
	CHECK_EQ(atomic_load(&asker.wrong), 0);
	CHECK_EQ(world_unload(&asker.w, stays), 0);
	CHECK(world_close(&asker.w));
}

#define ENOUGH 200

static void on_alarm(int number)
{
	(void)number;
	/* A slow machine does nothing but ask. */
	if (atomic_load(&asker.asked) < ENOUGH)
		ask();
}

/* The handler runs in the middle of loads, locks held or not. */
TEST(symbolize_storm, works_in_a_signal_handler_in_the_middle_of_a_load)
{
	const struct sigaction act = { .sa_handler = on_alarm,
		.sa_flags = SA_RESTART };
	const struct itimerval often = { { 0, 200 }, { 0, 200 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct tn_module *stays;
	struct sigaction old;

	begin_asking(&stays);
	CHECK(!test_failed());
	sigaction(SIGALRM, &act, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 100 && atomic_load(&asker.asked) < ENOUGH; i++)
		come_and_go(20);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	end_asking(stays);
}

static void *keep_asking(void *arg)
{
	(void)arg;
	while (!atomic_load(&asker.stop))
		ask();
	return NULL;
}

TEST(symbolize_storm, threads_ask_while_modules_come_and_go)
{
	struct tn_module *stays;
	pthread_t threads[2];

	begin_asking(&stays);
	CHECK(!test_failed());
	for (int i = 0; i < 2; i++)
		CHECK_EQ(
		    pthread_create(&threads[i], NULL, keep_asking, NULL), 0);
	for (int i = 0; i < 100 && atomic_load(&asker.asked) < 1000; i++)
		come_and_go(10);
	atomic_store(&asker.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	end_asking(stays);
}

/* --- who asks first, orders; the others do not wait */

struct first_asker {
	struct world *w;
	uint64_t addr[100]; /* of f0 .. f99 */
	pthread_barrier_t start;
	atomic_ulong wrong;
};

static void *ask_first(void *arg)
{
	struct first_asker *f = arg;
	struct tn_location at;
	char name[8];

	pthread_barrier_wait(&f->start);
	for (unsigned i = 0; i < ARRAY_SIZE(f->addr); i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		if (tn_symbolize(f->w->sys, f->addr[i], &at) != 0 ||
		    strcmp(at.symbol, name) != 0)
			atomic_fetch_add(&f->wrong, 1);
	}
	return NULL;
}

static void ask_at_once(struct first_asker *f, struct object *o)
{
	pthread_t threads[2];
	struct tn_module *mod;
	char name[8];

	CHECK_EQ(world_load(f->w, o, 0, &mod), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(f->addr); i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		f->addr[i] = address(mod, name);
	}
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, ask_first, f), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(world_unload(f->w, mod), 0);
}

TEST(symbolize_storm, threads_ask_at_once_for_the_first_time)
{
	struct author a = functions("many", "f", 100);
	struct first_asker f = { .wrong = 0 };
	struct world w;

	f.w = &w;
	CHECK(world_open(&w, NULL, 0));
	pthread_barrier_init(&f.start, NULL, 2);
	for (int i = 0; i < 50; i++)
		ask_at_once(&f, a.o);
	CHECK_EQ(f.wrong, 0);
	pthread_barrier_destroy(&f.start);
	author_free(&a);
	CHECK(world_close(&w));
}
