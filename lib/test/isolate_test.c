/* SPDX-License-Identifier: MIT */
/*
 * Isolation as slot managers use it: the table of tn_isolate_open. How workers
 * behave in detail is tested with them, in host/worker.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tenon/isolate.h>
#include <tenon/isolation.h>
#include <test/test.h>

#include "kit.h"

#define SLOT    5
#define CALL_NS 20000000000ull

struct told {
	unsigned n;
	uint32_t slot;
	enum tn_isolate_end end;
};

static void take_end(
    void *arg, uint32_t slot, const struct tn_isolate_report *report)
{
	struct told *told = arg;

	told->n++;
	told->slot = slot;
	told->end = report->end;
}

static const struct tn_isolation *open_with(struct told *told)
{
	const struct tn_isolate_config config = {
		.size = sizeof(config),
		.abi = 1,
		.ended = take_end,
		.arg = told,
	};
	const struct tn_isolation *iso = NULL;

	return tn_isolate_open(told ? &config : NULL, &iso) == 0 ? iso : NULL;
}

static void *load(const struct tn_isolation *iso, const char *name)
{
	struct tn_isolation_load load = { .size = sizeof(load),
		.slot = SLOT,
		.name = name,
		.timeout_ns = CALL_NS };
	struct tn_diag diag;
	void *worker = NULL;
	char text[400];

	load.blob = kit_blob(name, &load.blob_size);
	tn_diag_init(&diag);
	if (iso->open(iso->ctx, &load, &worker, &diag) != 0) {
		tn_diag_text(&diag, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", name, text);
	}
	return worker;
}

static int call(const struct tn_isolation *iso, void *worker, const char *name,
    int64_t a, int64_t *ret)
{
	struct tn_isolation_call c = { .args = { a, 2, 3, 4 },
		.timeout_ns = CALL_NS };
	int err = iso->lookup(worker, name, &c.function);

	if (err == 0)
		err = iso->call(worker, &c);
	if (err == 0)
		*ret = c.ret;
	return err;
}

TEST(isolate, refuses_configurations_that_it_does_not_know)
{
	struct tn_isolate_config c = { .size = sizeof(c), .abi = 1 };
	const struct tn_isolation *iso;

	c.abi = 2;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.abi = 1;
	c.size--;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.size += 2;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.size--;
	c.flags = 1u << 31;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.flags = 0;
	c.heap_size = (size_t)1 << 40;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.heap_size = 0;
	c.stack_size = 1;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.stack_size = 0;
	c.spin_ns = 2000000;
	CHECK_EQ(tn_isolate_open(&c, &iso), -TN_EINVAL);
	c.spin_ns = 0;
	CHECK_EQ(tn_isolate_open(&c, &iso), 0);
	CHECK_EQ(iso->size, sizeof(*iso));
	CHECK_EQ(tn_isolate_close(iso), 0);
}

TEST(isolate, loads_calls_and_unloads_a_slot)
{
	NEED_MODULES();
	const struct tn_isolation *iso = open_with(NULL);
	struct tn_isolate_report report;
	struct tn_isolation_info info;
	int64_t ret = 0;
	void *worker;

	PROVES("G35");
	NEED_PROCESSES();
	CHECK(iso);
	CHECK_EQ(tn_isolate_report(iso, SLOT, &report), -TN_ENOENT);
	worker = load(iso, "captive");
	CHECK(worker);
	CHECK_EQ(call(iso, worker, "captive_add", 1, &ret), 0);
	CHECK_EQ(ret, 4321);
	CHECK_EQ(call(iso, worker, "captive_none", 1, &ret), -TN_ENOENT);
	iso->info(worker, &info);
	CHECK_EQ(info.status, 0);
	CHECK_STR(info.name, "captive");
	CHECK(info.base != 0 && info.bytes != 0 && info.id > 0);
	CHECK_EQ(tn_isolate_report(iso, SLOT, &report), 0);
	CHECK_EQ(report.end, TN_ISOLATE_RUNS);
	CHECK_EQ(report.process, info.id);
	CHECK_EQ(tn_isolate_close(iso), -TN_EBUSY);
	iso->close(worker);
	CHECK_EQ(tn_isolate_report(iso, SLOT, &report), 0);
	CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

TEST(isolate, says_how_a_slot_has_ended_and_loads_it_again)
{
	NEED_MODULES();
	struct tn_isolate_report report;
	struct tn_isolation_info info;
	struct told told = { 0 };
	const struct tn_isolation *iso = open_with(&told);
	int64_t ret = 0;
	void *worker;

	PROVES("G36");
	NEED_PROCESSES();
	CHECK(iso);
	worker = load(iso, "captive");
	CHECK(worker);
	CHECK_EQ(call(iso, worker, "captive_read", 0, &ret), -TN_EFAULT);
	CHECK_EQ(call(iso, worker, "captive_add", 0, &ret), -TN_EFAULT);
	CHECK_EQ(told.n, 1);
	CHECK_EQ(told.slot, SLOT);
	CHECK_EQ(told.end, TN_ISOLATE_FAULT);
	iso->info(worker, &info);
	CHECK_EQ(info.status, -TN_EFAULT);
	iso->close(worker);
	CHECK_EQ(tn_isolate_report(iso, SLOT, &report), 0);
	CHECK_EQ(report.end, TN_ISOLATE_FAULT);
	CHECK_STR(report.symbol, "captive_read");
	worker = load(iso, "captive");
	CHECK(worker);
	CHECK_EQ(call(iso, worker, "captive_add", 1, &ret), 0);
	iso->kill(worker);
	CHECK_EQ(call(iso, worker, "captive_add", 1, &ret), -TN_EOWNERDEAD);
	iso->close(worker);
	CHECK_EQ(told.n, 2);
	CHECK_EQ(told.end, TN_ISOLATE_KILLED);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

TEST(isolate, remembers_why_a_slot_could_not_be_loaded)
{
	const struct tn_isolation *iso = open_with(NULL);
	struct tn_isolate_report report;
	struct tn_isolate_buffer buffer;

	NEED_PROCESSES();
	CHECK(iso);
	CHECK(!load(iso, "hello")); /* it imports what it may not */
	CHECK_EQ(tn_isolate_report(iso, SLOT, &report), 0);
	CHECK(report.end != TN_ISOLATE_RUNS);
	CHECK_EQ(tn_isolate_buffer(iso, SLOT, &buffer), -TN_ENOENT);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

TEST(isolate, shares_a_buffer_with_a_slot)
{
	NEED_MODULES();
	const struct tn_isolation *iso = open_with(NULL);
	struct tn_isolate_buffer buffer;
	int64_t ret = 0;
	void *worker;

	NEED_PROCESSES();
	CHECK(iso);
	worker = load(iso, "captive");
	CHECK(worker);
	CHECK_EQ(tn_isolate_buffer(iso, SLOT, &buffer), 0);
	memset(buffer.host, 9, 2);
	CHECK_EQ(
	    call(iso, worker, "captive_sum", (int64_t)buffer.module, &ret), 0);
	CHECK_EQ(ret, 18);
	iso->close(worker);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

/* --- time limits */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The error. */
static int load_limited(const struct tn_isolation *iso, const char *name,
    uint64_t timeout_ns, const uint8_t *stop, void **worker)
{
	struct tn_isolation_load load = {
		.size = sizeof(load),
		.slot = SLOT,
		.name = name,
		.timeout_ns = timeout_ns,
		.stop = stop,
	};
	struct tn_diag diag;

	load.blob = kit_blob(name, &load.blob_size);
	tn_diag_init(&diag);
	return iso->open(iso->ctx, &load, worker, &diag);
}

static int load_without_limit(
    const struct tn_isolation *iso, const char *name, void **worker)
{
	return load_limited(iso, name, 0, NULL, worker);
}

/* What becomes of it when births and inits have @start_ns. */
static enum tn_isolate_end end_of_endless(uint64_t start_ns)
{
	const struct tn_isolate_config config = {
		.size = sizeof(config), .abi = 1, .start_ns = start_ns
	};
	const struct tn_isolation *iso;
	struct tn_isolate_report report = { .end = TN_ISOLATE_RUNS };
	void *worker = NULL;

	if (!EXPECT(tn_isolate_open(&config, &iso) == 0))
		return TN_ISOLATE_RUNS;
	EXPECT(load_without_limit(iso, "endless", &worker) == -TN_ETIMEDOUT);
	EXPECT(!worker);
	EXPECT(tn_isolate_report(iso, SLOT, &report) == 0);
	EXPECT(tn_isolate_close(iso) == 0);
	return report.end;
}

/* On a busy machine a worker may not be born in the time at first. */
TEST(isolate, ends_an_init_that_never_returns_also_without_a_limit)
{
	enum tn_isolate_end end = TN_ISOLATE_UNBORN;

	NEED_PROCESSES();
	for (uint64_t ms = 500; ms < 30000 && end == TN_ISOLATE_UNBORN; ms *= 2)
		end = end_of_endless(ms * 1000000);
	CHECK_EQ(end, TN_ISOLATE_TIMEOUT);
}

/* One after the other they would take a second each. */
TEST(isolate, unloads_many_whose_exit_never_returns_at_once)
{
	enum {
		MANY = 5
	};
	const struct tn_isolation *iso = open_with(NULL);
	void *worker[MANY];
	uint64_t start;
	int64_t ret;

	NEED_PROCESSES();
	CHECK(iso);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(load_without_limit(iso, "captive", &worker[i]), 0);
		CHECK_EQ(
		    call(iso, worker[i], "captive_refuse_exit", 77, &ret), 0);
	}
	start = now();
	for (int i = 0; i < MANY; i++)
		iso->close(worker[i]);
	CHECK(now() - start < MANY * 1000000000ull);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

/* How long an exit that never returns has had; as ever if it was not loaded. */
static uint64_t time_of_exit(const struct tn_isolation *iso, uint64_t limit)
{
	void *worker = NULL;
	uint64_t start;
	int64_t ret;

	if (load_limited(iso, "captive", limit, NULL, &worker) != 0)
		return UINT64_MAX;
	EXPECT(call(iso, worker, "captive_refuse_exit", 77, &ret) == 0);
	start = now();
	iso->close(worker);
	return now() - start;
}

/* Else it has a second. A busy machine takes some of its time for others. */
TEST(isolate, gives_an_exit_no_more_time_than_the_load_had)
{
	const struct tn_isolation *iso = open_with(NULL);
	uint64_t took = UINT64_MAX;

	NEED_PROCESSES();
	CHECK(iso);
	for (int i = 0; i < 20 && took >= 950000000u; i++)
		took = time_of_exit(iso, 400000000);
	CHECK(took < 950000000u);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

/* What ends a load is its own: it may be gone, or another's, afterwards. */
TEST(isolate, looks_at_the_word_that_ends_a_load_no_longer_than_that)
{
	const struct tn_isolation *iso = open_with(NULL);
	uint8_t stop = 0;
	void *worker;
	int64_t ret;

	NEED_PROCESSES();
	CHECK(iso);
	CHECK_EQ(load_limited(iso, "captive", 0, &stop, &worker), 0);
	stop = 1;
	CHECK_EQ(call(iso, worker, "captive_write_text", 5, &ret), 0);
	iso->close(worker);
	worker = NULL;
	CHECK_EQ(
	    load_limited(iso, "captive", 0, &stop, &worker), -TN_EOWNERDEAD);
	CHECK(!worker);
	CHECK_EQ(tn_isolate_close(iso), 0);
}

/* --- several threads */

struct pair {
	const struct tn_isolation *iso;
	void *worker; /* its exit never returns */
	atomic_bool in_init, over;
	uint8_t stop; /* ends the load */
};

static void *unload_slowly(void *arg)
{
	struct pair *p = arg;

	p->iso->close(p->worker);
	return NULL;
}

TEST(isolate, serves_several_managers_that_number_their_slots_alike)
{
	struct pair p = { .iso = open_with(NULL) };
	struct tn_isolate_report report;
	void *other[2];
	int64_t ret = 0;
	pthread_t t;

	NEED_PROCESSES();
	CHECK(p.iso);
	p.worker = load(p.iso, "captive");
	CHECK(p.worker);
	CHECK_EQ(call(p.iso, p.worker, "captive_refuse_exit", 77, &ret), 0);
	CHECK_EQ(pthread_create(&t, NULL, unload_slowly, &p), 0);
	/* Until the first place has lost its worker. */
	do
		CHECK_EQ(tn_isolate_report(p.iso, SLOT, &report), 0);
	while (report.end == TN_ISOLATE_RUNS && sched_yield() == 0 &&
	       tn_isolate_buffer(p.iso, SLOT,
		   &(struct tn_isolate_buffer){ NULL, 0, 0 }) == 0);
	for (int i = 0; i < 2; i++) {
		other[i] = load(p.iso, "captive");
		CHECK(other[i]);
	}
	CHECK_EQ(call(p.iso, other[0], "captive_add", 1, &ret), 0);
	p.iso->close(other[1]);
	CHECK_EQ(tn_isolate_report(p.iso, SLOT, &report), 0);
	CHECK_EQ(report.end, TN_ISOLATE_RUNS);
	CHECK_EQ(tn_isolate_close(p.iso), -TN_EBUSY);
	pthread_join(t, NULL);
	p.iso->close(other[0]);
	CHECK_EQ(tn_isolate_close(p.iso), 0);
}

static void *load_slowly(void *arg)
{
	struct pair *p = arg;

	(void)load_limited(p->iso, "endless", 0, &p->stop, &p->worker);
	atomic_store(&p->over, true);
	return NULL;
}

static void init_begins(void *arg, uint32_t slot, int level, const char *text)
{
	struct pair *p = arg;

	(void)slot;
	(void)level;
	(void)text;
	atomic_store(&p->in_init, true);
}

TEST(isolate, is_busy_while_a_slot_is_being_loaded)
{
	struct pair p = { .iso = NULL };
	const struct tn_isolate_config config = {
		.size = sizeof(config),
		.abi = 1,
		.start_ns = CALL_NS,
		.log = init_begins,
		.arg = &p,
	};
	pthread_t t;

	NEED_PROCESSES();
	CHECK_EQ(tn_isolate_open(&config, &p.iso), 0);
	CHECK_EQ(pthread_create(&t, NULL, load_slowly, &p), 0);
	while (!atomic_load(&p.in_init) && !atomic_load(&p.over))
		sched_yield();
	CHECK(atomic_load(&p.in_init));
	CHECK_EQ(tn_isolate_close(p.iso), -TN_EBUSY);
	__atomic_store_n(&p.stop, 1, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	CHECK(!p.worker);
	CHECK_EQ(tn_isolate_close(p.iso), 0);
}

static int child_closes(const struct tn_isolation *iso, void *worker)
{
	int64_t ret;

	if (call(iso, worker, "captive_add", 1, &ret) != -TN_EAGAIN)
		return 1;
	iso->close(worker);
	return tn_isolate_close(iso) == 0 ? 0 : 2;
}

TEST(isolate, is_closed_in_a_child_of_fork_without_harm)
{
	NEED_MODULES();
	const struct tn_isolation *iso = open_with(NULL);
	int64_t ret = 0;
	int status = 1;
	void *worker;
	pid_t pid;

	NEED_PROCESSES();
	CHECK(iso);
	worker = load(iso, "captive");
	CHECK(worker);
	pid = fork();
	if (pid == 0)
		_exit(child_closes(iso, worker));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(call(iso, worker, "captive_add", 1, &ret), 0);
	iso->close(worker);
	CHECK_EQ(tn_isolate_close(iso), 0);
}
