/* SPDX-License-Identifier: MIT */
/*
 * Loads that need a module which is on its way: they wait for it, but not for
 * ever. And loads that have taken what they need: they are told as its holders.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tenon/inspect.h>
#include <tenon/interfaces.h>
#include <test/sanitized.h>
#include <test/test.h>

#include "meeting.h"

/* @b needs a, which is in its init; the load of @b waits and succeeds. */
static void load_needs(struct author *a, struct author *b)
{
	struct job provider = job_of(a), user = job_of(b);

	door_at('a', ACTOR_INIT);
	job_start(&provider, job_load);
	door_wait();
	job_start(&user, job_load);
	job_wait(&user);
	door_open();
	job_end(&provider);
	job_end(&user);
	CHECK_EQ(provider.err, 0);
	CHECK_STR(user.text, "no failure");
	CHECK_EQ(user.err, 0);
	CHECK_EQ(actor_refs(provider.mod), 1);
	CHECK_STR(play_text(), "aiasbibs");
	CHECK_EQ(world_unload(&play.w, user.mod), 0);
	CHECK_EQ(world_unload(&play.w, provider.mod), 0);
	(void)play_text();
}

TEST(coming, a_user_waits_for_a_provider_that_is_coming)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct author by_symbol = actor_new("b", ACTOR_PLAIN);
	struct author by_name = actor_new("b", ACTOR_PLAIN);

	PROVES("L12");
	actor_export(&a, "of_a");
	actor_import(&by_symbol, "of_a");
	actor_depends(&by_name, "a");
	CHECK(play_open(0));
	load_needs(&a, &by_symbol);
	load_needs(&a, &by_name);
	author_free(&a);
	author_free(&by_symbol);
	author_free(&by_name);
	CHECK(play_close());
}

TEST(coming, a_user_does_not_wait_for_ever)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct job provider = job_of(&a);
	struct tn_module *mod;

	actor_export(&a, "of_a");
	provider = job_of(&a);
	actor_import(&b, "of_a");
	CHECK(play_open(5000000));
	door_at('a', ACTOR_INIT);
	job_start(&provider, job_load);
	door_wait();
	CHECK_EQ(actor_load(&b, 0, &mod), -TN_ETIMEDOUT);
	CHECK_EQ(play.w.diag.reason, TN_REASON_WAIT_TIME);
	CHECK_STR(play_sentence(),
	    "b: has waited 5 ms for a, which another thread is loading or unloading");
	CHECK_EQ(actor_load(&a, 0, &mod), -TN_ETIMEDOUT);
	CHECK_STR(play_sentence(),
	    "a: has waited 5 ms for a, which another thread is loading or unloading");
	door_open();
	job_end(&provider);
	CHECK_EQ(provider.err, 0);
	CHECK_EQ(world_unload(&play.w, provider.mod), 0);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* The refusal to unload @p, once it is what we look for. */
static bool is_refused(struct tn_module *p, const char *sentence)
{
	const time_t end = time(NULL) + 60;

	while (time(NULL) < end) {
		if (play_unload(p, 0, 0) != -TN_EBUSY)
			return false;
		if (strcmp(play_sentence(), sentence) == 0)
			return true;
		sched_yield();
	}
	return false;
}

TEST(coming, a_load_that_holds_a_module_is_named)
{
	struct author a = actor_new("a", ACTOR_PLAIN), b = actor_new("b", 0),
		      p = actor_new("p", 0);
	struct job provider, user;
	struct tn_module *mod;

	PROVES("L19");
	actor_export(&a, "of_a");
	actor_depends(&b, "p");
	actor_import(&b, "of_a");
	CHECK(play_open(0));
	CHECK_EQ(actor_load(&p, 0, &mod), 0);
	provider = job_of(&a);
	user = job_of(&b);
	door_at('a', ACTOR_INIT);
	job_start(&provider, job_load);
	door_wait();
	job_start(&user, job_load);
	while (actor_refs(mod) == 0)
		sched_yield();
	CHECK(is_refused(mod, "Module p is in use by b (being loaded)"));
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_EQ(play.w.diag.holders[0].kind, TN_HOLDER_LOADING);
	door_open();
	job_end(&provider);
	job_end(&user);
	CHECK_EQ(user.err, 0);
	CHECK(is_refused(mod, "Module p is in use by b"));
	CHECK_EQ(world_unload(&play.w, user.mod), 0);
	CHECK_EQ(world_unload(&play.w, provider.mod), 0);
	CHECK_EQ(world_unload(&play.w, mod), 0);
	author_free(&a);
	author_free(&b);
	author_free(&p);
	CHECK(play_close());
}

#define MANY 40

static atomic_bool seen; /* often enough */

static void *load_again_and_again(void *arg)
{
	struct job *j = arg;

	tn_diag_init(&j->diag);
	for (int i = 0; i < 2000 && j->err == 0 && !atomic_load(&seen); i++) {
		j->err = play_load_file(j->file, 0, &j->mod, &j->diag);
		if (j->err == 0)
			j->err = tn_unload(play.w.sys, j->mod, &j->diag);
	}
	atomic_store(&j->started, false);
	return NULL;
}

/* Until @user has ended, or has been met as a holder many times. */
static void look_while(struct job *user)
{
	struct tn_snapshot *s;
	size_t n = 0;

	while (atomic_load(&user->started) && n < 100 * MANY) {
		if (tn_snapshot_take(play.w.sys, &s) != 0)
			break;
		for (size_t i = 0; i < s->nmodules; i++)
			n += s->modules[i].nholders;
		tn_snapshot_free(s);
	}
	atomic_store(&seen, true);
}

TEST(coming, a_load_is_looked_at_while_it_takes_its_providers)
{
	struct author m[MANY], u = actor_new("u", 0);
	struct tn_module *mod[MANY];
	struct job user;
	char name[16];

	CHECK(play_open(0));
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		m[i] = actor_new(name, 0);
		actor_export(&m[i], name);
		actor_import(&u, name);
		CHECK_EQ(actor_load(&m[i], 0, &mod[i]), 0);
	}
	user = job_of(&u);
	atomic_store(&user.started, true);
	atomic_store(&seen, false);
	job_start(&user, load_again_and_again);
	look_while(&user);
	job_end(&user);
	CHECK_EQ(user.err, 0);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(actor_refs(mod[i]), 0);
		CHECK_EQ(world_unload(&play.w, mod[i]), 0);
		author_free(&m[i]);
	}
	author_free(&u);
	CHECK(play_close());
}

/* The provider has failed: what its user misses is told as ever. */
TEST(coming, a_provider_that_fails_is_missed)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct job provider, user;

	actor_export(&a, "of_a");
	actor_import(&b, "of_a");
	CHECK(play_open(0));
	provider = job_of(&a);
	user = job_of(&b);
	play.result['a'][ACTOR_START] = -TN_EIO;
	door_at('a', ACTOR_START);
	job_start(&provider, job_load);
	door_wait();
	job_start(&user, job_load);
	job_wait(&user);
	door_open();
	job_end(&provider);
	job_end(&user);
	CHECK_EQ(provider.err, -TN_EIO);
	CHECK_EQ(user.err, -TN_ENOENT);
	CHECK_STR(user.text, "b: 1 missing symbol: of_a");
	tn_diag_fini(&user.diag);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* --- a provider that comes and goes */

static struct {
	atomic_bool over;
	atomic_uint missed; /* binds that found nobody */
} flicker;

/* a provides, b binds: when that is loaded, a runs. */
static void provide_or_bind(
    enum actor_op op, struct tn_module *mod, char letter)
{
	static const struct tn_ops_head ops = { sizeof(ops), 1 };
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = "tick",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &ops };
	const struct tn_interface_want want = { .size = sizeof(want),
		.name = "tick",
		.version = TN_INTERFACE_VERSION(1, 0),
		.module = mod };
	struct tn_interface *iface;

	if (op != ACTOR_INIT)
		return;
	if (letter == 'a')
		EXPECT(tn_interface_provide(play.w.sys, mod, &desc) == 0);
	else if (tn_interface_bind(play.w.sys, &want, &iface) == -TN_ENODEV)
		atomic_fetch_add(&flicker.missed, 1);
}

static void *stop_and_start(void *mod)
{
	while (!atomic_load(&flicker.over)) {
		(void)tn_stop(play.w.sys, mod, NULL, NULL);
		(void)tn_start(play.w.sys, mod, NULL);
	}
	return NULL;
}

TEST(coming, what_runs_provides)
{
	struct author a = actor_new("a", ACTOR_ALL),
		      b = actor_new("b", ACTOR_PLAIN);
	const int loads = TEST_SANITIZED ? 5000 : 60000;
	struct tn_module *provider, *user;
	struct span file;
	pthread_t thread;
	int loaded = 0;

	actor_depends(&b, "a");
	CHECK(play_open(0));
	play.inside = provide_or_bind;
	CHECK_EQ(actor_load(&a, 0, &provider), 0);
	file = object_file(b.o);
	CHECK_EQ(pthread_create(&thread, NULL, stop_and_start, provider), 0);
	while (loaded < loads) {
		if (play_load_file(file, 0, &user, NULL) != 0)
			continue;
		loaded++;
		CHECK_EQ(world_unload(&play.w, user), 0);
	}
	atomic_store(&flicker.over, true);
	pthread_join(thread, NULL);
	CHECK_EQ(flicker.missed, 0);
	CHECK_EQ(world_unload(&play.w, provider), 0);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}
