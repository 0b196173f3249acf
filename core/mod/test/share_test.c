/* SPDX-License-Identifier: MIT */
/*
 * Several threads that want the same module at the same time, or each other's:
 * who wins, who waits and for how long, and what would be a wait for oneself.
 * The operations of the modules hold a thread where the test wants it; no test
 * depends on who is faster.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <tenon/inspect.h>
#include <test/test.h>

#include "actor.h"

#define THREADS 4

/* An operation of a module that waits inside until it is let go. */
static struct {
	char letter;
	enum actor_op op;
	atomic_bool inside, go;
} gate;

static void hold(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	if (op != gate.op || letter != gate.letter)
		return;
	atomic_store(&gate.inside, true);
	while (!atomic_load(&gate.go))
		sched_yield();
}

static void gate_at(char letter, enum actor_op op)
{
	gate.letter = letter;
	gate.op = op;
	atomic_store(&gate.inside, false);
	atomic_store(&gate.go, false);
	play.inside = hold;
}

static void wait_inside(void)
{
	while (!atomic_load(&gate.inside))
		sched_yield();
}

/* --- threads that load or unload */

struct job {
	pthread_t thread;
	struct span file;
	unsigned flags;
	struct tn_module *mod; /* unload this one, or what was loaded */
	int err;
	struct tn_diag diag;
	char text[256];
	atomic_bool started;
};

static int load_file(struct span file, unsigned flags, struct tn_module **mod,
    struct tn_diag *diag)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.flags = flags,
		.data = file.p,
		.data_size = file.n };

	return tn_load(play.w.sys, &args, mod, diag);
}

static void *run_load(void *arg)
{
	struct job *j = arg;

	tn_diag_init(&j->diag);
	atomic_store(&j->started, true);
	j->err = load_file(j->file, j->flags, &j->mod, &j->diag);
	tn_diag_text(&j->diag, j->text, sizeof(j->text));
	return NULL;
}

static void *run_unload(void *arg)
{
	struct job *j = arg;

	tn_diag_init(&j->diag);
	atomic_store(&j->started, true);
	j->err = tn_unload(play.w.sys, j->mod, &j->diag);
	tn_diag_text(&j->diag, j->text, sizeof(j->text));
	return NULL;
}

static void job_start(struct job *j, void *(*fn)(void *))
{
	if (pthread_create(&j->thread, NULL, fn, j) != 0)
		__builtin_trap();
}

/* It runs, and has had time to come to where it waits for us, most likely. */
static void wait_started(struct job *j)
{
	while (!atomic_load(&j->started))
		sched_yield();
	for (int i = 0; i < 1000; i++)
		sched_yield();
}

static void job_end(struct job *j)
{
	pthread_join(j->thread, NULL);
}

static struct job job_of(struct author *a)
{
	return (struct job){ .file = object_file(a->o) };
}

/* --- one name */

static void many_load_one(struct author *a, struct job job[THREADS])
{
	/* The file is written once: making it anew moves it. */
	for (int i = 0; i < THREADS; i++)
		job[i] = job_of(a);
	gate_at('a', ACTOR_INIT);
	for (int i = 0; i < THREADS; i++) {
		job_start(&job[i], run_load);
		if (i == 0)
			wait_inside();
		else
			wait_started(&job[i]);
	}
	atomic_store(&gate.go, true);
	for (int i = 0; i < THREADS; i++)
		job_end(&job[i]);
}

TEST(share, loads_of_one_module_have_one_winner_and_one_result)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job job[THREADS];

	CHECK(play_open(0));
	many_load_one(&a, job);
	CHECK_EQ(job[0].err, 0);
	for (int i = 1; i < THREADS; i++) {
		/* A thread that came when all was over has found it there. */
		if (job[i].err == -TN_EEXIST)
			continue;
		CHECK_EQ(job[i].err, 0);
		CHECK(job[i].mod == job[0].mod);
		CHECK_EQ(job[i].diag.reason, TN_REASON_NONE);
	}
	CHECK_STR(play_text(), "aias");
	CHECK_EQ(actor_refs(job[0].mod), 0);
	CHECK_EQ(world_unload(&play.w, job[0].mod), 0);
	for (int i = 0; i < THREADS; i++)
		tn_diag_fini(&job[i].diag);
	author_free(&a);
	CHECK(play_close());
}

static void share_one(struct author *a, int result)
{
	struct job first = job_of(a), second = first;

	play.result['a'][ACTOR_INIT] = result;
	gate_at('a', ACTOR_INIT);
	job_start(&first, run_load);
	wait_inside();
	job_start(&second, run_load);
	wait_started(&second);
	atomic_store(&gate.go, true);
	job_end(&first);
	job_end(&second);
	CHECK_EQ(first.err, result);
	if (result == 0 && second.err == 0)
		CHECK(first.mod == second.mod);
	if (result != 0) {
		CHECK_EQ(second.err, result);
		CHECK_STR(second.text, first.text);
	}
	tn_diag_fini(&first.diag);
	tn_diag_fini(&second.diag);
	if (result == 0)
		CHECK_EQ(world_unload(&play.w, first.mod), 0);
}

TEST(share, a_failed_load_is_shared_with_its_diagnosis)
{
	struct author a = actor_new("a", ACTOR_PLAIN);

	PROVES("L17");
	CHECK(play_open(0));
	share_one(&a, -TN_EIO);
	share_one(&a, 0);
	share_one(&a, -TN_ENOSPC);
	author_free(&a);
	CHECK(play_close());
}

TEST(share, an_exclusive_load_does_not_wait)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job first = job_of(&a);
	struct tn_module *mod;

	CHECK(play_open(0));
	gate_at('a', ACTOR_START);
	job_start(&first, run_load);
	wait_inside();
	CHECK_EQ(actor_load(&a, TN_LOAD_EXCLUSIVE, &mod), -TN_EEXIST);
	CHECK_STR(play_sentence(),
	    "a module called a is loaded already or on its way");
	atomic_store(&gate.go, true);
	job_end(&first);
	CHECK_EQ(first.err, 0);
	CHECK_EQ(actor_load(&a, 0, &mod), -TN_EEXIST);
	CHECK_EQ(world_unload(&play.w, first.mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* --- providers on their way */

/* @b needs a, which is in its init; the load of @b waits and succeeds. */
static void load_needs(struct author *a, struct author *b)
{
	struct job provider = job_of(a), user = job_of(b);

	gate_at('a', ACTOR_INIT);
	job_start(&provider, run_load);
	wait_inside();
	job_start(&user, run_load);
	wait_started(&user);
	atomic_store(&gate.go, true);
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

TEST(share, a_user_waits_for_a_provider_that_is_coming)
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

TEST(share, a_user_does_not_wait_for_ever)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct job provider = job_of(&a);
	struct tn_module *mod;

	actor_export(&a, "of_a");
	provider = job_of(&a);
	actor_import(&b, "of_a");
	CHECK(play_open(5000000));
	gate_at('a', ACTOR_INIT);
	job_start(&provider, run_load);
	wait_inside();
	CHECK_EQ(actor_load(&b, 0, &mod), -TN_ETIMEDOUT);
	CHECK_EQ(play.w.diag.reason, TN_REASON_WAIT_TIME);
	CHECK_STR(play_sentence(),
	    "b: has waited 5 ms for a, which another thread is loading or unloading");
	CHECK_EQ(actor_load(&a, 0, &mod), -TN_ETIMEDOUT);
	CHECK_STR(play_sentence(),
	    "a: has waited 5 ms for a, which another thread is loading or unloading");
	atomic_store(&gate.go, true);
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

TEST(share, a_load_that_holds_a_module_is_named)
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
	gate_at('a', ACTOR_INIT);
	job_start(&provider, run_load);
	wait_inside();
	job_start(&user, run_load);
	while (actor_refs(mod) == 0)
		sched_yield();
	CHECK(is_refused(mod, "Module p is in use by b (being loaded)"));
	CHECK_EQ(play.w.diag.nholders, 1);
	CHECK_EQ(play.w.diag.holders[0].kind, TN_HOLDER_LOADING);
	atomic_store(&gate.go, true);
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
		j->err = load_file(j->file, 0, &j->mod, &j->diag);
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

TEST(share, a_load_is_looked_at_while_it_takes_its_providers)
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
		actor_import(&u, name); /* which takes it without the lock */
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
TEST(share, a_provider_that_fails_is_missed)
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
	gate_at('a', ACTOR_START);
	job_start(&provider, run_load);
	wait_inside();
	job_start(&user, run_load);
	wait_started(&user);
	atomic_store(&gate.go, true);
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

/* --- waits for oneself */

static struct {
	struct author *next[128]; /* what init of this letter loads */
	int err[128];
	struct tn_module *other;
	int refused; /* to who may not load any more */
	char text[128][256];
	atomic_int arrived;
	int expected; /* inits that meet before they go on */
} nest;

/* @mod is z, which is stopped. */
static void try_all_of(struct tn_module *mod)
{
	nest.refused =
	    (tn_unload(play.w.sys, mod, NULL) == -TN_ELOOP) +
	    (tn_unload_name(play.w.sys, "z", NULL, NULL) == -TN_ELOOP) +
	    (tn_start(play.w.sys, mod, NULL) == -TN_ELOOP) +
	    (tn_start_name(play.w.sys, "z", NULL) == -TN_ELOOP);
}

static void load_next(enum actor_op op, struct tn_module *mod, char letter)
{
	const unsigned l = (unsigned char)letter;
	struct tn_diag diag;
	struct tn_module *inner;

	(void)mod;
	if (op != ACTOR_INIT || nest.next[l] == NULL)
		return;
	atomic_fetch_add(&nest.arrived, 1);
	while (atomic_load(&nest.arrived) < nest.expected)
		sched_yield();
	tn_diag_init(&diag);
	nest.err[l] =
	    load_file(object_bytes(nest.next[l]->o), 0, &inner, &diag);
	if (nest.err[l] == -TN_ELOOP)
		try_all_of(nest.other);
	tn_diag_text(&diag, nest.text[l], sizeof(nest.text[l]));
	tn_diag_fini(&diag);
}

static void nest_begin(int expected)
{
	memset(&nest, 0, sizeof(nest));
	nest.expected = expected;
	play.inside = load_next;
}

/* a's init loads b while b's init loads a. */
TEST(share, two_inits_that_load_each_other_do_not_hang)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct job job[2];
	unsigned refused;

	CHECK(play_open(0));
	job[0] = job_of(&a);
	job[1] = job_of(&b);
	nest_begin(2);
	nest.next['a'] = &b;
	nest.next['b'] = &a;
	job_start(&job[0], run_load);
	job_start(&job[1], run_load);
	job_end(&job[0]);
	job_end(&job[1]);
	/* The later one is told; the other one's load is what it waits for. */
	refused = nest.err['a'] == -TN_EDEADLK ? 'a' : 'b';
	CHECK_EQ(nest.err[refused], -TN_EDEADLK);
	CHECK_STR(nest.text[refused],
	    refused == 'a' ? "b: would wait for itself: a -> b -> a"
			   : "a: would wait for itself: b -> a -> b");
	CHECK_EQ(nest.err[refused == 'a' ? 'b' : 'a'], 0);
	CHECK_EQ(job[0].err, 0);
	CHECK_EQ(job[1].err, 0);
	CHECK_EQ(world_unload(&play.w, job[0].mod), 0);
	CHECK_EQ(world_unload(&play.w, job[1].mod), 0);
	author_free(&a);
	author_free(&b);
	CHECK(play_close());
}

/* a's init loads c, which imports from b, whose init loads a. */
TEST(share, a_wait_through_an_import_is_found_too)
{
	struct author a = actor_new("a", ACTOR_PLAIN),
		      b = actor_new("b", ACTOR_PLAIN);
	struct author c = actor_new("c", ACTOR_PLAIN);
	struct job job[2];

	actor_export(&b, "of_b");
	actor_import(&c, "of_b");
	CHECK(play_open(0));
	job[0] = job_of(&a);
	job[1] = job_of(&b);
	object_file(c.o);
	nest_begin(2);
	nest.next['a'] = &c;
	nest.next['b'] = &a;
	job_start(&job[0], run_load);
	job_start(&job[1], run_load);
	job_end(&job[0]);
	job_end(&job[1]);
	if (nest.err['a'] == -TN_EDEADLK)
		CHECK_STR(nest.text['a'],
		    "c: would wait for itself: a -> c -> b -> a");
	else
		CHECK_STR(
		    nest.text['b'], "a: would wait for itself: b -> a -> b");
	CHECK_EQ(job[0].err, 0);
	CHECK_EQ(job[1].err, 0);
	(void)tn_unload_name(play.w.sys, "c", NULL, NULL);
	CHECK_EQ(tn_unload(play.w.sys, job[0].mod, NULL), 0);
	CHECK_EQ(tn_unload(play.w.sys, job[1].mod, NULL), 0);
	author_free(&a);
	author_free(&b);
	author_free(&c);
	CHECK(play_close());
}

#define CHAIN 20

static struct author chain[CHAIN];

/* Each init loads the next; the seventeenth is one too many. */
TEST(share, loads_inside_of_inits_are_bounded)
{
	struct author other = actor_new("z", ACTOR_PLAIN);
	struct tn_module *mod;
	char name[2] = "A";

	CHECK(play_open(0));
	nest_begin(0);
	for (int i = 0; i < CHAIN; i++) {
		name[0] = (char)('A' + i);
		chain[i] = actor_new(name, ACTOR_PLAIN);
		object_file(chain[i].o);
		nest.next['A' + i - 1] = &chain[i];
	}
	CHECK_EQ(actor_load(&other, 0, &nest.other), 0);
	CHECK_EQ(tn_stop(play.w.sys, nest.other, NULL, NULL), 0);
	CHECK_EQ(actor_load(&chain[0], 0, &mod), 0);
	CHECK_EQ(nest.err['A' + 14], 0);
	CHECK_EQ(nest.refused, 4);
	CHECK_EQ(world_unload(&play.w, nest.other), 0);
	CHECK_EQ(nest.err['A' + 15], -TN_ELOOP);
	CHECK_STR(nest.text['A' + 15],
	    "Q: 17 nested loads and unloads are more than the limit of 16");
	for (int i = 0; i < 16; i++) {
		name[0] = (char)('A' + i);
		CHECK_EQ(tn_unload_name(play.w.sys, name, NULL, NULL), 0);
	}
	for (int i = 0; i < CHAIN; i++)
		author_free(&chain[i]);
	author_free(&other);
	CHECK(play_close());
}

/* --- loads and unloads that meet */

TEST(share, of_two_unloads_one_wins)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job job = { .err = 0 };

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &job.mod), 0);
	gate_at('a', ACTOR_CLEANUP);
	job_start(&job, run_unload);
	wait_inside();
	CHECK_EQ(tn_unload(play.w.sys, job.mod, &play.w.diag), -TN_EALREADY);
	CHECK_STR(play_sentence(), "a: is being unloaded by another thread");
	CHECK_EQ(tn_start(play.w.sys, job.mod, NULL), -TN_EALREADY);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), -TN_EALREADY);
	CHECK(!tn_module_get(job.mod));
	atomic_store(&gate.go, true);
	job_end(&job);
	CHECK_EQ(job.err, 0);
	CHECK_EQ(tn_unload(play.w.sys, job.mod, NULL), -TN_ENOENT);
	author_free(&a);
	CHECK(play_close());
}

TEST(share, a_module_that_is_being_loaded_is_not_unloaded)
{
	struct author a = actor_new("a", ACTOR_PLAIN);
	struct job job = job_of(&a);
	struct tn_module *mod;

	CHECK(play_open(0));
	CHECK_EQ(actor_load(&a, 0, &mod), 0); /* the name's record */
	CHECK_EQ(tn_unload(play.w.sys, mod, NULL), 0);
	gate_at('a', ACTOR_INIT);
	job_start(&job, run_load);
	wait_inside();
	CHECK_EQ(
	    tn_unload_name(play.w.sys, "a", NULL, &play.w.diag), -TN_EBUSY);
	CHECK_STR(play_sentence(), "a: is being loaded by another thread");
	CHECK_EQ(tn_start(play.w.sys, mod, NULL), -TN_EBUSY);
	CHECK_EQ(tn_start_name(play.w.sys, "a", NULL), -TN_EBUSY);
	CHECK_EQ(tn_system_destroy(play.w.sys), -TN_EBUSY);
	atomic_store(&gate.go, true);
	job_end(&job);
	CHECK_EQ(job.err, 0);
	CHECK_EQ(world_unload(&play.w, job.mod), 0);
	author_free(&a);
	CHECK(play_close());
}

/* A get fails while it goes; a load waits and brings it again. */
static void load_while_going(struct author *a, unsigned flags)
{
	struct job out = { .err = 0 }, in = job_of(a);

	in.flags = flags;
	CHECK_EQ(actor_load(a, 0, &out.mod), 0);
	gate_at('a', ACTOR_CLEANUP);
	job_start(&out, run_unload);
	wait_inside();
	CHECK(!tn_module_get(out.mod));
	CHECK(tn_module_find(play.w.sys, "a") == NULL);
	job_start(&in, run_load);
	wait_started(&in);
	atomic_store(&gate.go, true);
	job_end(&out);
	job_end(&in);
	CHECK_EQ(out.err, 0);
	CHECK_EQ(in.err, 0);
	CHECK(in.mod == out.mod); /* the name's record */
	CHECK_EQ(actor_state(in.mod), TN_STATE_RUNNING);
	play.inside = NULL;
	CHECK_EQ(world_unload(&play.w, in.mod), 0);
	CHECK_STR(play_text(), "aiasapaxaiasapax");
}

TEST(share, a_load_waits_for_a_module_that_is_going)
{
	struct author a = actor_new("a", ACTOR_PLAIN);

	PROVES("L21");
	CHECK(play_open(0));
	load_while_going(&a, 0);
	/* What goes is nobody's load that could be shared. */
	load_while_going(&a, TN_LOAD_EXCLUSIVE);
	author_free(&a);
	CHECK(play_close());
}
