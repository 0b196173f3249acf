/* SPDX-License-Identifier: MIT */
/*
 * The child of a fork while one thread looks at the ledger, for long, and
 * another waits for the ledger's lock with that of the registry: the fork does
 * without both locks, so the registry must be whole where it is waited.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/inspect.h>
#include <tenon/ledger.h>
#include <test/test.h>

#include "../hold.h"
#include "../module.h"
#include "world.h"

static struct {
	struct world w;
	struct tn_module *holder; /* whose entry is looked at */
	struct span file;         /* of the module x, which comes and goes */
	sem_t look, looking, waiting, go_on;
	atomic_int at_seal, at_end; /* where the look begins, once */
} rest;

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem) != 0)
		;
}

/* --- who looks */

static int stay(void *arg, const struct tn_ledger_item *item)
{
	(void)arg;
	(void)item;
	sem_post(&rest.looking);
	wait_for(&rest.go_on);
	return 1;
}

static void *look(void *arg)
{
	(void)arg;
	wait_for(&rest.look);
	EXPECT(tn_ledger_each(rest.holder, stay, NULL) == 1);
	return NULL;
}

static void begin_look(atomic_int *here)
{
	if (!atomic_exchange(here, false))
		return;
	sem_post(&rest.look);
	wait_for(&rest.looking);
}

static int seal(void *ctx, struct tn_image *img)
{
	const struct tn_port *world = ((struct rig *)ctx)->world;

	begin_look(&rest.at_seal);
	return world->image_seal(world->ctx, img);
}

static void listen(void *arg, const struct tn_notice *notice)
{
	(void)arg;
	if (notice->event == TN_EVENT_UNLOADED)
		begin_look(&rest.at_end);
}

/* --- who waits */

static int tell_and_wait(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	const struct tn_port *world = ((struct rig *)ctx)->world;

	sem_post(&rest.waiting);
	return world->wait(world->ctx, word, value, deadline_ns);
}

static bool load_and_unload_x(void)
{
	struct tn_module *mod;

	return EXPECT(world_load_bytes(&rest.w, rest.file, 0, &mod) == 0) &&
	       EXPECT(world_unload(&rest.w, mod) == 0);
}

static void *come_and_go(void *arg)
{
	(void)arg;
	(void)load_and_unload_x();
	return NULL;
}

/* --- the test */

static int use_it(void)
{
	alarm(60); /* a hang is a failure */
	(void)tn_unload_name(rest.w.sys, "x", NULL, NULL);
	return load_and_unload_x() ? 0 : 1;
}

static struct author module_of_a_word(const char *name)
{
	struct author a = author_new(isa_here()->machine, name);
	const struct author_export e = { .name = name,
		.symbol = author_word(&a, name, 1) };

	author_export(&a, e);
	return a;
}

static void fork_while_x_waits(void)
{
	pthread_t thread[2];
	int status = -1;
	pid_t child;

	CHECK_EQ(pthread_create(&thread[0], NULL, look, NULL), 0);
	CHECK_EQ(pthread_create(&thread[1], NULL, come_and_go, NULL), 0);
	wait_for(&rest.waiting);
	child = fork();
	if (child == 0)
		_exit(use_it());
	EXPECT(waitpid(child, &status, 0) == child);
	EXPECT(status == 0);
	sem_post(&rest.go_on);
	CHECK_EQ(pthread_join(thread[0], NULL), 0);
	CHECK_EQ(pthread_join(thread[1], NULL), 0);
}

static void check_at(atomic_int *where)
{
	const struct tn_listener listener = { listen, NULL };
	const struct tn_config config = { .listeners = &listener,
		.nlisteners = 1 };
	struct author h = module_of_a_word("holder"), x = module_of_a_word("x");

	CHECK(world_open_with(&rest.w, &config));
	host_port_set_system(rest.w.host, rest.w.sys);
	rest.w.rig.port.image_seal = seal;
	rest.w.rig.port.wait = tell_and_wait;
	sem_init(&rest.look, 0, 0);
	sem_init(&rest.looking, 0, 0);
	sem_init(&rest.waiting, 0, 0);
	sem_init(&rest.go_on, 0, 0);
	CHECK_EQ(world_load(&rest.w, h.o, 0, &rest.holder), 0);
	CHECK_EQ(hold_take(rest.holder, rest.holder->gen, NULL), 0);
	rest.file = object_file(x.o);
	atomic_store(where, true);
	fork_while_x_waits();
	hold_drop(rest.holder, rest.holder->gen);
	CHECK_EQ(world_unload(&rest.w, rest.holder), 0);
	author_free(&h);
	author_free(&x);
	CHECK(world_close(&rest.w));
}

TEST(fork_rest, a_module_that_is_being_listed_can_be_loaded)
{
	check_at(&rest.at_seal);
}

TEST(fork_rest, a_module_that_is_being_taken_out_can_be_unloaded)
{
	check_at(&rest.at_end);
}
