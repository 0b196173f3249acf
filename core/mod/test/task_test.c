/* SPDX-License-Identifier: MIT */
/*
 * Threads and callbacks, asked for as a module asks for them; and everything
 * at once, while the module goes.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <test/test.h>

#include "../module.h"
#include "firing.h"

/* --- threads */

TEST(thread, calls_its_step_until_that_fails)
{
	struct firing_world fw;
	struct probe p;
	int status;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(resource_thread_wake(&p.thread), -TN_EINVAL);
	CHECK_EQ(resource_thread_stop(&p.thread), -TN_EINVAL);
	CHECK(resource_thread_stops(&p.thread));
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_STEP), 0);
	CHECK_EQ(p.hits, 0);
	CHECK_EQ(resource_thread_wake(&p.thread), 0);
	CHECK(reaches(&p.hits, 1000));
	CHECK(!resource_thread_stops(&p.thread));
	atomic_store(&p.result, -TN_EIO);
	status = resource_thread_stop(&p.thread);
	/* before it has seen that, or after */
	CHECK(status == 0 || status == -TN_EIO);
	CHECK_EQ(resource_thread_stop(&p.thread), -TN_ESTALE);
	CHECK_EQ(resource_thread_wake(&p.thread), -TN_ESTALE);
	CHECK_EQ(tn_ledger_count(fw.mod, NULL), 0);
	CHECK(firing_close(&fw));
}

TEST(thread, gives_its_status_when_it_is_stopped)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	atomic_store(&p.result, -TN_EIO);
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_STEP), 0);
	CHECK_EQ(resource_thread_wake(&p.thread), 0);
	CHECK(reaches(&p.hits, 1));
	CHECK_EQ(resource_thread_stop(&p.thread), -TN_EIO);
	CHECK_EQ(p.hits, 1);
	/* an operation that is not there */
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_NONE), 0);
	CHECK_EQ(resource_thread_stop(&p.thread), 0);
	CHECK(firing_close(&fw));
}

TEST(thread, sleeps_between_steps_until_it_is_woken)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	atomic_store(&p.result, 3600000);
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_STEP), 0);
	for (int i = 1; i <= 20; i++) {
		CHECK_EQ(resource_thread_wake(&p.thread), 0);
		CHECK(reaches(&p.hits, i));
	}
	CHECK(p.hits <= 21);
	/* or for the time that it says */
	atomic_store(&p.result, 1);
	CHECK_EQ(resource_thread_wake(&p.thread), 0);
	CHECK(reaches(&p.hits, 25));
	CHECK_EQ(resource_thread_stop(&p.thread), 0);
	CHECK(firing_close(&fw));
}

static void wake_self_once(struct probe *p)
{
	atomic_store(&p->result, 3600000);
	if (atomic_load(&p->hits) == 0)
		atomic_store(&p->called, resource_thread_wake(&p->thread));
}

/* A wake-up while the step runs is not lost: it may have looked before. */
TEST(thread, is_called_again_when_woken_inside_of_its_step)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = wake_self_once;
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_CALL), 0);
	CHECK_EQ(resource_thread_wake(&p.thread), 0);
	CHECK(reaches(&p.hits, 2));
	CHECK_EQ(p.called, 0);
	CHECK_EQ(resource_thread_stop(&p.thread), 0);
	CHECK_EQ(p.hits, 2);
	CHECK(firing_close(&fw));
}

/* A step that stays until it is told to return. */
static void stay(struct probe *p)
{
	atomic_fetch_add(&p->inside, 1);
	while (!resource_thread_stops(&p->thread))
		sched_yield();
	atomic_fetch_add(&p->left, 1);
}

static void stop_self(struct probe *p)
{
	atomic_store(&p->called, resource_thread_stop(&p->thread));
	stay(p);
}

TEST(thread, step_is_told_to_return)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	p.call = stop_self;
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_CALL), 0);
	CHECK_EQ(resource_thread_wake(&p.thread), 0);
	CHECK(reaches(&p.inside, 1));
	CHECK_EQ(p.called, -TN_EDEADLK);
	/* when its interface goes it returns, and is called again later */
	CHECK(firing_withdraw(&fw));
	CHECK_EQ(p.left, 1);
	CHECK(firing_provide(&fw));
	CHECK(reaches(&p.inside, 2));
	CHECK_EQ(resource_thread_stop(&p.thread), 0);
	CHECK_EQ(p.left, 2);
	CHECK(firing_close(&fw));
}

TEST(thread, set_up_fails_at_every_call)
{
	struct firing_world fw;
	struct probe p;
	bool reached = true;
	unsigned n = 0;

	CHECK(firing_open(&fw));
	const uint64_t before = world_state(&fw.w);

	while (reached) {
		p = probe_new(&fw, 'p');
		rig_arm(&fw.w.rig, ++n);
		const int err = SET_UP(&fw, thread, &p, thread, OP_HIT);

		reached = fw.w.rig.calls >= n;
		rig_arm(&fw.w.rig, 0);
		if (!reached)
			CHECK_EQ(err, 0);
		else if (fw.w.rig.failed == RIG_THREAD)
			CHECK_EQ(err, -TN_EAGAIN);
		else
			CHECK_EQ(err, -TN_ENOMEM);
		if (reached)
			CHECK_EQ(resource_thread_stop(&p.thread), -TN_EINVAL);
		else
			CHECK_EQ(resource_thread_stop(&p.thread), 0);
		CHECK_EQ(world_state(&fw.w), before);
	}
	CHECK_EQ(n, 3);
	CHECK(firing_close(&fw));
}

/* --- callbacks */

#define EVENT 7u

TEST(callback, is_called_for_its_event_in_order)
{
	struct firing_world fw;
	struct probe p[6];

	CHECK(firing_open(&fw));
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = probe_new(&fw, (char)('a' + i));
		CHECK_EQ(resource_callback_register(&p[i].callback, EVENT),
		    -TN_EINVAL);
		CHECK_EQ(SET_UP(&fw, callback, &p[i], callback, OP_NOTE), 0);
	}
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		CHECK_EQ(resource_callback_register(
			     &p[i].callback, i == 3 ? EVENT + 1 : EVENT),
		    0);
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 5);
	CHECK_STR(fw.trace, "abcef");
	CHECK_EQ(tn_notify(fw.w.sys, EVENT + 1), 1);
	CHECK_EQ(tn_notify(fw.w.sys, 0), 0);
	CHECK_EQ(resource_callback_register(&p[0].callback, EVENT), 0);
	CHECK_EQ(resource_callback_drop(&p[2].callback), 0);
	CHECK_EQ(resource_callback_drop(&p[2].callback), -TN_ESTALE);
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 4);
	CHECK_STR(fw.trace, "abcefdbefa");
	CHECK(firing_withdraw(&fw));
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 0);
	CHECK(firing_close(&fw));
}

/* Each takes itself away and adds one that has missed the event. */
static void replace_self(struct probe *p)
{
	struct probe *next = p + 1;

	atomic_store(
	    &p->called, SET_UP(p->fw, callback, next, callback, OP_HIT) |
			    resource_callback_register(&next->callback, EVENT) |
			    resource_callback_drop(&p->callback));
}

TEST(callback, list_may_change_while_it_is_called)
{
	struct firing_world fw;
	struct probe p[3];

	CHECK(firing_open(&fw));
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = probe_new(&fw, (char)('a' + i));
	p[0].call = replace_self;
	CHECK_EQ(SET_UP(&fw, callback, &p[0], callback, OP_CALL), 0);
	CHECK_EQ(resource_callback_register(&p[0].callback, EVENT), 0);
	CHECK_EQ(SET_UP(&fw, callback, &p[2], callback, OP_HIT), 0);
	CHECK_EQ(resource_callback_register(&p[2].callback, EVENT), 0);
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 2);
	CHECK_EQ(p[0].called, 0);
	CHECK_EQ(p[1].hits, 0);
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 2);
	CHECK_EQ(p[0].hits, 1);
	CHECK_EQ(p[1].hits, 1);
	CHECK_EQ(p[2].hits, 2);
	CHECK_EQ(tn_ledger_count(fw.mod, NULL), 2);
	CHECK(firing_close(&fw));
}

static void *notify(void *arg)
{
	struct probe *p = arg;

	(void)tn_notify(p->fw->w.sys, EVENT);
	return NULL;
}

/* Another thread unloads the module, and nothing fires until that is decided. */
static void unload_begin(struct firing_world *fw, struct activity *other)
{
	registry_lock(fw->w.sys);
	activity_init(other, fw->w.sys);
	other->thread++;
	EXPECT(activity_begin_locked(
		   other, ACTIVITY_UNLOAD, fw->mod, &fw->w.diag) == 0);
	registry_unlock(fw->w.sys);
	EXPECT(fires_pause(fw->mod->gen, 0) == 0);
}

static void unload_undo(struct firing_world *fw, struct activity *other)
{
	fires_resume(fw->mod->gen);
	registry_lock(fw->w.sys);
	activity_end_locked(other, 0, NULL);
	registry_unlock(fw->w.sys);
}

/* Until somebody waits for something to change. */
static bool somebody_waits(struct tn_system *sys)
{
	const time_t end = time(NULL) + 30;
	bool waits = false;

	while (!waits && time(NULL) < end) {
		ledger_lock(sys);
		waits = sys->fires.waiters != 0;
		ledger_unlock(sys);
		sched_yield();
	}
	return waits;
}

/* Who tells of the event waits for a paused module, and then must look. */
TEST(callback, does_not_run_when_dropped_while_it_is_waited_for)
{
	struct firing_world fw;
	struct activity other;
	struct probe p;
	pthread_t thread;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	for (int i = 0; i < 20; i++) {
		CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
		CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
		unload_begin(&fw, &other);
		CHECK_EQ(pthread_create(&thread, NULL, notify, &p), 0);
		EXPECT(somebody_waits(fw.w.sys));
		EXPECT(resource_callback_drop(&p.callback) == 0);
		unload_undo(&fw, &other);
		pthread_join(thread, NULL);
		CHECK_EQ(p.hits, 0);
	}
	CHECK(firing_close(&fw));
}

struct waiting {
	struct tn_ledger_entry entry;
	struct probe *p;
	pthread_t thread;
	bool waits;
};

static void await_somebody(struct tn_ledger_entry *entry)
{
	struct waiting *g = (struct waiting *)entry;

	EXPECT(pthread_create(&g->thread, NULL, notify, g->p) == 0);
	g->waits = somebody_waits(g->p->fw->w.sys);
}

/* What is told meanwhile finds neither the callback nor its module. */
TEST(callback, may_go_with_its_module_while_it_is_waited_for)
{
	static const struct tn_ledger_class early = { .size = sizeof(early),
		.abi = 1,
		.name = "early",
		.order = 1,
		.revoke = await_somebody };

	for (int i = 0; i < 20; i++) {
		struct firing_world fw;
		struct probe p;
		struct waiting g = { .p = &p };

		CHECK(firing_open(&fw));
		p = probe_new(&fw, 'p');
		CHECK_EQ(tn_ledger_class_add(fw.w.sys, &early), 0);
		CHECK_EQ(tn_ledger_add(fw.mod, &early, &g.entry, NULL), 0);
		CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
		CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
		CHECK_EQ(world_unload(&fw.w, fw.mod), 0);
		fw.mod = NULL;
		pthread_join(g.thread, NULL);
		CHECK(g.waits);
		CHECK_EQ(p.hits, 0);
		CHECK(firing_close(&fw));
	}
}

static struct {
	struct firing_world *fw;
	struct activity other;
	unsigned wakes;
} busy;

/* Always woken, by what has nothing to do with the callback. */
static int wake_at_once(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	(void)ctx;
	(void)word;
	(void)value;
	(void)deadline_ns;
	if (++busy.wakes == 5000)
		unload_undo(busy.fw, &busy.other);
	return 0;
}

TEST(callback, is_waited_for_however_often_others_wake_who_tells)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
	CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
	__typeof__(fw.w.rig.port.wait) wait = fw.w.rig.port.wait;

	busy.fw = &fw;
	busy.wakes = 0;
	unload_begin(&fw, &busy.other);
	fw.w.rig.port.wait = wake_at_once;
	EXPECT(tn_notify(fw.w.sys, EVENT) == 1);
	fw.w.rig.port.wait = wait;
	CHECK_EQ(p.hits, 1);
	CHECK(firing_close(&fw));
}

/* Nobody is about to decide when that will be started. */
TEST(callback, of_a_stopped_module_is_not_waited_for)
{
	struct firing_world fw;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
	CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
	CHECK_EQ(tn_stop(fw.w.sys, fw.mod, NULL, NULL), 0);
	__typeof__(fw.w.rig.port.wait) wait = fw.w.rig.port.wait;

	busy.wakes = 5000;
	fw.w.rig.port.wait = wake_at_once;
	EXPECT(tn_notify(fw.w.sys, EVENT) == 0);
	fw.w.rig.port.wait = wait;
	CHECK_EQ(busy.wakes, 5000);
	CHECK_EQ(tn_start(fw.w.sys, fw.mod, NULL), 0);
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 1);
	CHECK_EQ(p.hits, 1);
	CHECK(firing_close(&fw));
}

/* The thread that was unloading the module is not in the child. */
TEST(callback, is_called_in_the_child_of_a_fork_during_an_unload)
{
	struct firing_world fw;
	struct activity other;
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
	CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
	unload_begin(&fw, &other);
	registry_lock(fw.w.sys);
	tn_system_before_fork(fw.w.sys);
	tn_system_after_fork(fw.w.sys, true);
	registry_unlock(fw.w.sys);
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 1);
	CHECK_EQ(p.hits, 1);
	CHECK(firing_close(&fw));
}

TEST(callback, drop_waits_for_those_who_call_it)
{
	struct firing_world fw;
	pthread_t threads[3];
	struct probe p;

	CHECK(firing_open(&fw));
	p = probe_new(&fw, 'p');
	CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_BLOCK), 0);
	CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, notify, &p), 0);
	CHECK(reaches(&p.inside, 3));
	atomic_store(&p.go, true);
	CHECK_EQ(resource_callback_drop(&p.callback), 0);
	CHECK_EQ(p.left, 3);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK(firing_close(&fw));
}

/* --- all of them, when their module goes */

static char log_text[256];

static void keep_log(void *ctx, enum tn_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	strncpy(log_text, text, sizeof(log_text) - 1);
}

static int list_item(void *arg, const struct tn_ledger_item *item)
{
	char *text = arg;

	const size_t n = strlen(text);

	/* without the time that is left, or the address */
	snprintf(text + n, 512 - n, "%s: %.*s\n", item->type,
	    (int)strcspn(item->text, "0123456789"), item->text);
	return item->site == NULL;
}

TEST(thread, and_all_else_is_taken_back_at_unload)
{
	struct firing_world fw;
	struct probe p;
	char text[512] = "";

	CHECK(firing_open(&fw));
	fw.w.rig.port.log = keep_log;
	p = probe_new(&fw, 'p');
	atomic_store(&p.result, 3600000);
	CHECK(resource_alloc(firing_owner(&fw), 1) != NULL);
	CHECK_EQ(SET_UP(&fw, callback, &p, callback, OP_HIT), 0);
	CHECK_EQ(resource_callback_register(&p.callback, EVENT), 0);
	CHECK_EQ(SET_UP(&fw, thread, &p, thread, OP_STEP), 0);
	CHECK_EQ(resource_thread_wake(&p.thread), 0);
	CHECK_EQ(SET_UP(&fw, timer, &p, timer, OP_HIT), 0);
	CHECK_EQ(resource_timer_start(&p.timer, UINT64_MAX), 0);
	CHECK_EQ(SET_UP(&fw, work, &p, work, OP_HIT), 0);
	CHECK_EQ(tn_ledger_each(fw.mod, list_item, text), 0);
	CHECK_STR(text, "work: probe.\ntimer: probe.\nthread: probe.\n"
			"callback: probe.\nmemory: \n");
	CHECK(reaches(&p.hits, 1));
	CHECK_EQ(world_unload(&fw.w, fw.mod), 0);
	fw.mod = NULL;
	CHECK_STR(log_text, "holder: took back 1 timer, 1 work, 1 thread, "
			    "1 callback, 1 memory");
	CHECK_EQ(tn_notify(fw.w.sys, EVENT), 0);
	CHECK_EQ(p.hits, 1);
	CHECK(firing_close(&fw));
}

/* --- a storm */

#define ACTORS 4
#define ROUNDS 30

struct storm {
	struct firing_world fw;
	struct probe p[ACTORS];
	atomic_bool stop;
	atomic_int unexpected;
	atomic_int done;
};

static struct storm storm;

struct actor {
	pthread_t thread;
	unsigned seed;
};

static unsigned draw(struct actor *a, unsigned n)
{
	a->seed = a->seed * 1103515245u + 12345u;
	return (a->seed >> 16) % n;
}

/* Only what the state of the object may answer. */
static void expect(int err)
{
	if (err < 0 && err != -TN_ESTALE && err != -TN_EINVAL &&
	    err != -TN_ENODEV)
		atomic_fetch_add(&storm.unexpected, 1);
	else if (err >= 0)
		atomic_fetch_add(&storm.done, 1);
}

static void act_on_timers(struct probe *p, unsigned what)
{
	switch (what) {
	case 0: expect(resource_timer_start(&p->timer, 1000)); break;
	case 1: expect(resource_timer_delete(&p->timer)); break;
	case 2: expect(resource_timer_shutdown(&p->timer)); break;
	case 3: expect(resource_work_schedule(&p->work)); break;
	case 4: expect(resource_work_flush(&p->work)); break;
	default: expect(resource_work_shutdown(&p->work)); break;
	}
}

static void act_on_threads(struct probe *p, unsigned what)
{
	switch (what) {
	case 0: expect(resource_thread_wake(&p->thread)); break;
	case 1: (void)resource_thread_stops(&p->thread); break;
	case 2: expect(resource_thread_stop(&p->thread)); break;
	case 3: expect(resource_callback_register(&p->callback, EVENT)); break;
	case 4: expect(resource_callback_drop(&p->callback)); break;
	default: (void)tn_notify(p->fw->w.sys, EVENT); break;
	}
}

static void *act(void *arg)
{
	struct actor *a = arg;

	while (!atomic_load(&storm.stop)) {
		struct probe *p = &storm.p[draw(a, ACTORS)];

		if (draw(a, 2) == 0)
			act_on_timers(p, draw(a, 6));
		else
			act_on_threads(p, draw(a, 6));
		expect(resource_free(firing_owner(&storm.fw),
		    resource_alloc(firing_owner(&storm.fw), draw(a, 99))));
	}
	return NULL;
}

static bool set_all_up(void)
{
	for (int i = 0; i < ACTORS; i++) {
		struct probe *p = &storm.p[i];

		*p = probe_new(&storm.fw, 'p');
		atomic_store(&p->result, 1);
		if (SET_UP(&storm.fw, timer, p, timer, OP_HIT) != 0 ||
		    SET_UP(&storm.fw, work, p, work, OP_STEP) != 0 ||
		    SET_UP(&storm.fw, thread, p, thread, OP_STEP) != 0 ||
		    SET_UP(&storm.fw, callback, p, callback, OP_HIT) != 0)
			return false;
	}
	return true;
}

/*
 * Threads set, end and call everything while one more takes the ledger back;
 * the record of the module stays, so that all get an answer.
 */
TEST(storm, of_resources_while_their_module_goes)
{
	struct actor actors[ACTORS];

	for (int round = 0; round < ROUNDS && !test_failed(); round++) {
		memset(&storm, 0, sizeof(storm));
		CHECK(firing_open(&storm.fw));
		CHECK(set_all_up());
		for (unsigned i = 0; i < ACTORS; i++) {
			actors[i].seed = (unsigned)round * ACTORS + i;
			CHECK_EQ(pthread_create(
				     &actors[i].thread, NULL, act, &actors[i]),
			    0);
		}
		CHECK(reaches(&storm.done, 20));
		ledger_revoke_all(storm.fw.mod->gen);
		CHECK_EQ(tn_ledger_count(storm.fw.mod, NULL), 0);
		atomic_store(&storm.stop, true);
		for (int i = 0; i < ACTORS; i++)
			pthread_join(actors[i].thread, NULL);
		CHECK_EQ(storm.unexpected, 0);
		CHECK(firing_close(&storm.fw));
	}
}
