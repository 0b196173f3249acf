/* SPDX-License-Identifier: MIT */
/*
 * Isolated slots: the rules of slots hold for modules in processes of their own
 * as they hold for native ones.
 */
#include <host/port.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <tenon/isolate.h>
#include <tenon/slot.h>
#include <test/test.h>

#include "kit.h"

#define SLOTS    4
#define CAPACITY ((size_t)128 << 10)
#define CALL_NS  20000000000ull

/* Managers that share one isolation, over one port. */
struct scene {
	struct host_port *port;
	const struct tn_isolation *iso;
	struct tn_slots *slots;
};

static bool scene_open_as(struct scene *s,
    const struct tn_isolate_config *isolate,
    const struct tn_slots_config *slots)
{
	const struct host_port_config port = { .flags = HOST_PORT_NO_SYMBOLS };
	struct tn_slots_config config = *slots;

	config.size = sizeof(config);
	config.abi = 1;
	config.slot_count = SLOTS;
	config.slot_capacity = CAPACITY;
	memset(s, 0, sizeof(*s));
	if (!EXPECT(host_port_create(&port, &s->port) == 0) ||
	    !EXPECT(tn_isolate_open(isolate, &s->iso) == 0))
		return false;
	config.isolation = s->iso;
	return EXPECT(tn_slots_create(host_port_table(s->port), NULL, &config,
			  &s->slots) == 0);
}

static bool scene_open_with(struct scene *s, uint64_t timeout_ns,
    const struct tn_isolate_config *isolate)
{
	const struct tn_slots_config config = { .timeout_ns = timeout_ns };

	return scene_open_as(s, isolate, &config);
}

static bool scene_open(struct scene *s, uint64_t timeout_ns)
{
	return scene_open_with(s, timeout_ns, NULL);
}

static void scene_close(struct scene *s)
{
	CHECK_EQ(tn_slots_shutdown(s->slots, NULL), 0);
	CHECK_EQ(tn_isolate_close(s->iso), 0);
	host_port_destroy(s->port);
}

static int load_with(
    struct scene *s, uint32_t slot, const char *module, struct tn_diag *diag)
{
	size_t size = 0;
	const void *blob = kit_blob(module, &size);
	int err;

	if (!EXPECT(blob != NULL))
		return -TN_ENOENT;
	err = tn_slot_register(
	    s->slots, slot, blob, size, TN_SLOT_ISOLATED | TN_SLOT_OVERWRITE);
	return err ? err : tn_slot_load(s->slots, slot, diag);
}

static int load(struct scene *s, uint32_t slot, const char *module)
{
	return load_with(s, slot, module, NULL);
}

static int call(
    struct scene *s, uint32_t slot, const char *symbol, int64_t a, int64_t *ret)
{
	const int64_t args[4] = { a, 2, 3, 4 };

	return tn_slot_call(s->slots, slot, symbol, args, ret);
}

TEST(isolated, slot_goes_through_its_states)
{
	NEED_MODULES();
	struct tn_slot_info info;
	struct scene s;
	int64_t ret = 0;

	PROVES("G35");
	NEED_PROCESSES();
	CHECK(scene_open(&s, CALL_NS));
	CHECK_EQ(load(&s, 1, "captive"), 0);
	CHECK_EQ(call(&s, 1, "captive_add", 1, &ret), 0);
	CHECK_EQ(ret, 4321);
	CHECK_EQ(call(&s, 1, "captive_none", 1, &ret), -TN_ENOENT);
	CHECK_EQ(tn_slot_set_entry(s.slots, 1, "captive_calls"), 0);
	CHECK_EQ(tn_slot_call_entry(s.slots, 1, (int64_t[4]){ 0 }, &ret), 0);
	CHECK_EQ(ret, 1);
	CHECK_EQ(tn_slot_info(s.slots, 1, &info), 0);
	CHECK_EQ(info.state, TN_SLOT_LOADED);
	CHECK(info.isolated && info.mod == NULL);
	CHECK_STR(info.name, "captive");
	CHECK(info.mod_base != 0 && info.mod_size != 0);
	CHECK(info.worker_id > 0 && info.worker_status == 0);
	CHECK_EQ(info.inflight_calls, 0);
	CHECK_EQ(tn_slot_load(s.slots, 1, NULL), -TN_EEXIST);
	CHECK_EQ(tn_slot_unregister(s.slots, 1), -TN_EBUSY);
	CHECK_EQ(tn_slot_unload(s.slots, 1, NULL), 0);
	CHECK_EQ(call(&s, 1, "captive_add", 1, &ret), -TN_ENOENT);
	CHECK_EQ(tn_slot_unregister(s.slots, 1), 0);
	scene_close(&s);
}

TEST(isolated, slot_is_held_by_handles_and_refuses_to_go)
{
	NEED_MODULES();
	struct tn_slot_handle h;
	struct tn_slot_info info;
	const int64_t args[4] = { 5, 0, 0, 0 };
	struct scene s;
	int64_t ret = 0;
	void *fn;

	PROVES("G35");
	NEED_PROCESSES();
	CHECK(scene_open(&s, CALL_NS));
	CHECK_EQ(load(&s, 0, "captive"), 0);
	CHECK_EQ(tn_slot_acquire(s.slots, 0, "me", &h), 0);
	CHECK_EQ(tn_slot_handle_call(&h, "captive_add", args, &ret), 0);
	CHECK_EQ(ret, 5);
	/* its functions have no addresses here */
	CHECK_EQ(
	    tn_slot_handle_function(&h, "captive_add", &fn), -TN_EOPNOTSUPP);
	CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), -TN_EBUSY);
	CHECK_EQ(tn_slots_shutdown(s.slots, NULL), -TN_EBUSY);
	CHECK_EQ(tn_slot_info(s.slots, 0, &info), 0);
	CHECK_EQ(info.handles, 1);
	CHECK_EQ(tn_slot_handle_call(&h, "captive_add", args, &ret), 0);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(
	    tn_slot_handle_call(&h, "captive_add", args, &ret), -TN_ESTALE);
	CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), 0);
	scene_close(&s);
}

TEST(isolated, slot_that_faults_can_be_loaded_again)
{
	NEED_MODULES();
	struct tn_isolate_report report;
	struct tn_slot_handle h;
	struct tn_slot_info info;
	const int64_t args[4] = { 0 };
	struct scene s;
	int64_t ret = 4711;

	PROVES("G36");
	NEED_PROCESSES();
	CHECK(scene_open(&s, CALL_NS));
	CHECK_EQ(load(&s, 2, "captive"), 0);
	CHECK_EQ(load(&s, 3, "captive"), 0);
	CHECK_EQ(tn_slot_acquire(s.slots, 2, NULL, &h), 0);
	CHECK_EQ(call(&s, 2, "captive_read", 8, &ret), -TN_EFAULT);
	CHECK_EQ(call(&s, 2, "captive_add", 8, &ret), -TN_EFAULT);
	CHECK_EQ(
	    tn_slot_handle_call(&h, "captive_add", args, &ret), -TN_EFAULT);
	CHECK_EQ(ret, 4711);
	CHECK_EQ(tn_slot_info(s.slots, 2, &info), 0);
	CHECK_EQ(info.state, TN_SLOT_LOADED);
	CHECK_EQ(info.worker_status, -TN_EFAULT);
	CHECK_EQ(tn_isolate_report(s.iso, 2, &report), 0);
	CHECK_EQ(report.end, TN_ISOLATE_FAULT);
	CHECK_STR(report.symbol, "captive_read");
	CHECK_EQ(report.addr, 8);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(tn_slot_unload(s.slots, 2, NULL), 0);
	CHECK_EQ(tn_slot_load(s.slots, 2, NULL), 0);
	CHECK_EQ(call(&s, 2, "captive_add", 1, &ret), 0);
	CHECK_EQ(ret, 4321);
	/* the other has noticed nothing */
	CHECK_EQ(call(&s, 3, "captive_calls", 0, &ret), 0);
	CHECK_EQ(ret, 0);
	scene_close(&s);
}

TEST(isolated, slot_has_so_much_time_as_the_manager_gives)
{
	NEED_MODULES();
	struct tn_slot_info info;
	struct scene s;
	int64_t ret;

	uint64_t ms = 250;
	int err;

	NEED_PROCESSES();
	/* On a busy machine it may not be enough for a load at first. */
	CHECK(scene_open(&s, ms * 1000000));
	while ((err = load(&s, 0, "captive")) != 0 && ms < 30000) {
		scene_close(&s);
		ms *= 2;
		CHECK(scene_open(&s, ms * 1000000));
	}
	CHECK_EQ(err, 0);
	CHECK_EQ(call(&s, 0, "captive_loop", 0, &ret), -TN_ETIMEDOUT);
	CHECK_EQ(tn_slot_info(s.slots, 0, &info), 0);
	CHECK_EQ(info.worker_status, -TN_ETIMEDOUT);
	CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), 0);
	scene_close(&s);
}

TEST(isolated, slot_goes_though_its_exit_refuses)
{
	NEED_MODULES();
	struct tn_isolate_report report;
	struct tn_slot_info info;
	struct scene s;
	int64_t ret;

	NEED_PROCESSES();
	CHECK(scene_open(&s, CALL_NS));
	CHECK_EQ(load(&s, 0, "captive"), 0);
	CHECK_EQ(call(&s, 0, "captive_refuse_exit", -16, &ret), 0);
	CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), 0);
	CHECK_EQ(tn_slot_info(s.slots, 0, &info), 0);
	CHECK_EQ(info.state, TN_SLOT_REGISTERED);
	CHECK_EQ(tn_isolate_report(s.iso, 0, &report), 0);
	CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	CHECK_EQ(report.status, -16);
	scene_close(&s);
}

static void count_logs(void *arg, uint32_t slot, int level, const char *text)
{
	(void)slot;
	(void)level;
	(void)text;
	++*(unsigned *)arg;
}

/* captive would log at its init, fault at an exit without that, and has been
   constructed when `started` is 7; ctors logs at its end. */
TEST(isolated, slot_runs_nothing_when_modules_are_only_looked_at)
{
	NEED_MODULES();
	unsigned logs = 0;
	const struct tn_isolate_config isolate = {
		.size = sizeof(isolate),
		.abi = 1,
		.log = count_logs,
		.arg = &logs,
	};
	const struct tn_slots_config config = {
		.flags = TN_SLOTS_IMPORTS | TN_SLOTS_NO_INIT,
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count,
	};
	struct tn_isolate_report report;
	struct scene s;
	int64_t ret = -1;

	NEED_PROCESSES();
	CHECK(scene_open_as(&s, &isolate, &config));
	CHECK_EQ(load(&s, 0, "captive"), 0);
	CHECK_EQ(load(&s, 1, "ctors"), 0);
	CHECK_EQ(call(&s, 0, "captive_add", 1, &ret), 0);
	CHECK_EQ(ret, 4321);
	CHECK_EQ(call(&s, 1, "ctors_order", 0, &ret), 0);
	CHECK_EQ(ret, 0);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK_EQ(tn_slot_unload(s.slots, i, NULL), 0);
		CHECK_EQ(tn_isolate_report(s.iso, i, &report), 0);
		CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	}
	CHECK_EQ(logs, 0);
	scene_close(&s);
}

struct caller {
	struct scene *s;
	int err;
};

static void *call_for_ever(void *arg)
{
	struct caller *c = arg;
	int64_t ret;

	c->err = call(c->s, 0, "captive_loop", 0, &ret);
	return NULL;
}

TEST(isolated, slot_is_busy_while_a_call_is_inside_and_can_be_killed)
{
	NEED_MODULES();
	struct tn_slot_info info = { 0 };
	struct scene s;
	struct caller c = { &s, 0 };
	pthread_t t;

	PROVES("G35");
	NEED_PROCESSES();
	CHECK(scene_open(&s, 0));
	CHECK_EQ(load(&s, 0, "captive"), 0);
	CHECK_EQ(pthread_create(&t, NULL, call_for_ever, &c), 0);
	while (info.inflight_calls == 0) {
		CHECK_EQ(tn_slot_info(s.slots, 0, &info), 0);
		sched_yield();
	}
	CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), -TN_EBUSY);
	CHECK_EQ(tn_slots_shutdown(s.slots, NULL), -TN_EBUSY);
	CHECK_EQ(tn_slot_kill(s.slots, 0), 0);
	pthread_join(t, NULL);
	CHECK_EQ(c.err, -TN_EOWNERDEAD);
	CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), 0);
	scene_close(&s);
}

/* What endless asks before its init goes round for ever. */
struct asked {
	atomic_bool begun;
	int64_t answer; /* 2: ask for ever, else be silent */
};

static int64_t answer(void *arg, uint32_t slot, const char *text, size_t n)
{
	struct asked *a = arg;

	(void)slot;
	(void)text;
	(void)n;
	atomic_store(&a->begun, true);
	return a->answer;
}

static void *load_for_ever(void *arg)
{
	struct caller *c = arg;

	c->err = load(c->s, 0, "endless");
	return NULL;
}

TEST(isolated, slot_whose_init_never_ends_can_be_killed)
{
	NEED_MODULES();
	PROVES("G35");
	NEED_PROCESSES();
	for (int64_t i = 1; i <= 2; i++) {
		struct asked asked = { .answer = i };
		const struct tn_isolate_config config = {
			.size = sizeof(config),
			.abi = 1,
			.write = answer,
			.arg = &asked,
		};
		struct tn_isolate_report report;
		struct scene s;
		struct caller c = { &s, 0 };
		int64_t ret;
		pthread_t t;

		CHECK(scene_open_with(&s, UINT64_MAX, &config));
		CHECK_EQ(pthread_create(&t, NULL, load_for_ever, &c), 0);
		while (!atomic_load(&asked.begun))
			sched_yield();
		CHECK_EQ(tn_slot_unload(s.slots, 0, NULL), -TN_EBUSY);
		CHECK_EQ(tn_slot_kill(s.slots, 0), 0);
		pthread_join(t, NULL);
		CHECK_EQ(c.err, -TN_EOWNERDEAD);
		CHECK_EQ(tn_isolate_report(s.iso, 0, &report), 0);
		CHECK_EQ(report.end, TN_ISOLATE_KILLED);
		CHECK_EQ(tn_slot_kill(s.slots, 0), -TN_ENOENT);
		CHECK_EQ(load(&s, 0, "captive"), 0);
		CHECK_EQ(call(&s, 0, "captive_add", 1, &ret), 0);
		scene_close(&s);
	}
}

TEST(isolated, slots_are_closed_by_the_shutdown_of_their_manager)
{
	NEED_MODULES();
	struct tn_isolate_report report;
	struct scene s;

	PROVES("G35");
	NEED_PROCESSES();
	CHECK(scene_open(&s, CALL_NS));
	for (uint32_t i = 0; i < SLOTS; i++)
		CHECK_EQ(load(&s, i, "captive"), 0);
	CHECK_EQ(tn_isolate_close(s.iso), -TN_EBUSY);
	CHECK_EQ(tn_slots_shutdown(s.slots, NULL), 0);
	for (uint32_t i = 0; i < SLOTS; i++) {
		CHECK_EQ(tn_isolate_report(s.iso, i, &report), 0);
		CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	}
	CHECK_EQ(tn_isolate_close(s.iso), 0);
	host_port_destroy(s.port);
}

/* hello in a slot of a manager that offers @printk alone. */
static int load_importer(const struct tn_export *printk, enum tn_reason *why)
{
	const struct tn_slots_config config = {
		.flags = printk ? TN_SLOTS_IMPORTS : 0,
		.exports = printk,
		.nexports = printk != NULL,
	};
	struct tn_slot_info info;
	struct tn_diag d;
	struct scene s;
	int64_t ret = 0;
	int err;

	if (!scene_open_as(&s, NULL, &config))
		return 1;
	tn_diag_init(&d);
	err = load_with(&s, 0, "hello", &d);
	*why = d.reason;
	tn_diag_fini(&d);
	EXPECT(tn_slot_info(s.slots, 0, &info) == 0);
	EXPECT(info.state == (err ? TN_SLOT_REGISTERED : TN_SLOT_LOADED));
	if (err == 0)
		EXPECT(call(&s, 0, "hello_add", 40, &ret) == 0 && ret == 42);
	scene_close(&s);
	return err;
}

TEST(isolated, slot_that_imports_is_refused_unless_that_is_allowed)
{
	NEED_MODULES();
	const struct tn_export offered = { .name = "printk" };
	enum tn_reason why;

	NEED_PROCESSES();
	CHECK_EQ(load_importer(NULL, &why), -TN_EOPNOTSUPP);
	CHECK_EQ(load_importer(&offered, &why), 0);
}

TEST(isolated, slot_may_import_only_what_a_native_one_may)
{
	NEED_MODULES();
	const struct tn_export versioned = { .name = "printk", .crc = 1 };
	const struct tn_export apart = { .name = "printk", .ns = "APART" };
	enum tn_reason why;

	NEED_PROCESSES();
	CHECK(load_importer(&versioned, &why) != 0);
	CHECK_EQ(why, TN_REASON_CRC);
	CHECK(load_importer(&apart, &why) != 0);
	CHECK_EQ(why, TN_REASON_NAMESPACE);
}

/* --- a storm: calls and handles against loads, unloads and kills */

struct storm {
	struct scene *s;
	atomic_bool stop;
	atomic_bool rest; /* or a slot that is always in use never goes */
	atomic_uint good, wrong;
};

static bool is_expected(int err)
{
	return err == -TN_ENOENT || err == -TN_EOWNERDEAD || err == -TN_ESTALE;
}

static void *storm_call(void *arg)
{
	struct storm *t = arg;
	struct tn_slot_handle h;
	int64_t ret = 0;
	int err;

	while (!atomic_load(&t->stop)) {
		while (atomic_load(&t->rest))
			sched_yield();
		err = call(t->s, 0, "captive_add", 1, &ret);
		if (err == 0 && ret == 4321)
			atomic_fetch_add(&t->good, 1);
		else if (err == 0 || !is_expected(err))
			atomic_fetch_add(&t->wrong, 1);
		if (tn_slot_acquire(t->s->slots, 0, "storm", &h) != 0)
			continue;
		err = tn_slot_handle_call(
		    &h, "captive_add", (int64_t[4]){ 9 }, &ret);
		if (err == 0 ? ret != 9 : !is_expected(err))
			atomic_fetch_add(&t->wrong, 1);
		(void)tn_slot_release(&h);
	}
	return NULL;
}

static void unload_and_load(struct storm *t)
{
	unsigned busy = 0;

	while (tn_slot_unload(t->s->slots, 0, NULL) == -TN_EBUSY) {
		atomic_store(&t->rest, ++busy > 100);
		sched_yield();
	}
	atomic_store(&t->rest, false);
	CHECK_EQ(tn_slot_load(t->s->slots, 0, NULL), 0);
}

TEST(isolated, slot_is_called_by_many_while_it_comes_goes_and_dies)
{
	NEED_MODULES();
	enum {
		ROUNDS = 20,
		THREADS = 2
	};
	struct scene s;
	struct storm storm = { .s = &s };
	pthread_t t[THREADS];

	NEED_PROCESSES();
	CHECK(scene_open(&s, CALL_NS));
	CHECK_EQ(load(&s, 0, "captive"), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, storm_call, &storm), 0);
	for (int i = 0; i < ROUNDS; i++) {
		const unsigned before = atomic_load(&storm.good);

		while (atomic_load(&storm.good) == before &&
		       atomic_load(&storm.wrong) == 0)
			sched_yield();
		if (i % 2)
			CHECK_EQ(tn_slot_kill(s.slots, 0), 0);
		unload_and_load(&storm);
	}
	atomic_store(&storm.stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	CHECK_EQ(atomic_load(&storm.wrong), 0);
	CHECK(atomic_load(&storm.good) >= ROUNDS);
	scene_close(&s);
}
