/* SPDX-License-Identifier: MIT */
/*
 * What works: calls, the table, the heap, the buffer, exit.
 */
#include <unistd.h>

#include <tenon/err.h>

#include "kit.h"
#include "memory.h"

TEST(call, passes_four_integers_and_returns_one)
{
	const struct tn_isolate_config config = kit_config(NULL);
	const int64_t args[4] = { 1, -2, INT64_MAX / 1000, 4 };
	struct worker *w;
	int64_t ret = 0;
	uint64_t fn;

	PROVES("G35");
	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(worker_lookup(w, "captive_add", &fn), 0);
	CHECK_EQ(worker_call(w, fn, args, 0, &ret), 0);
	CHECK_EQ(ret, 1 - 20 + 100 * (INT64_MAX / 1000) + 4000);
	CHECK_EQ(kit_call(w, "captive_calls", 0, 0, &ret), 0);
	CHECK_EQ(ret, 1);
	CHECK_EQ(worker_lookup(w, "captive_none", &fn), -TN_ENOENT);
	CHECK_EQ(worker_lookup(w, "sink", &fn), -TN_ENOENT);
	kit_close(w);
}

TEST(call, finds_what_is_global_code_and_nothing_else)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct worker *w;
	uint64_t fn;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(worker_lookup(w, "system_call", &fn), -TN_ENOENT);
	CHECK_EQ(worker_lookup(w, "", &fn), -TN_ENOENT);
	CHECK_EQ(worker_lookup(w, "lkmod_init", &fn), 0);
	kit_close(w);
}

TEST(call, runs_in_another_process_that_sees_nothing_of_this_one)
{
	const struct tn_isolate_config config = kit_config(NULL);
	int64_t secret = 42, ret = 0;
	struct tn_isolate_report r;
	struct worker *w;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	worker_report(w, &r);
	CHECK_EQ(r.end, TN_ISOLATE_RUNS);
	CHECK(r.process > 0 && r.process != getpid());
	CHECK(kit_lives(r.process));
	CHECK_EQ(
	    kit_call(w, "captive_write", (int64_t)(uintptr_t)&secret, 7, &ret),
	    -TN_EFAULT);
	CHECK_EQ(secret, 42);
	kit_close(w);
	CHECK(kit_dies(r.process));
}

TEST(call, of_the_modules_own_travel_over_the_page)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report report;
	struct worker *w;
	int64_t ret = 0;

	PROVES("G36");
	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	/* log: from init, by printf */
	CHECK_EQ(said.logs, 1);
	CHECK_STR(said.text, "init 1, constructed 7");
	CHECK_EQ(said.level, TN_LOG_INFO);
	/* yield, ticks */
	CHECK_EQ(kit_call(w, "captive_ticks", 0, 0, &ret), 0);
	CHECK_EQ(ret, 1);
	/* write */
	CHECK_EQ(kit_call(w, "captive_write_text", 5, 0, &ret), 0);
	CHECK_EQ(ret, 1005);
	CHECK_STR(said.text, "hello");
	CHECK_EQ(kit_call(w, "captive_write_much", 0, 0, &ret), 0);
	CHECK_EQ(ret, WIRE_TEXT_SIZE + 1000);
	CHECK_EQ(said.writes, 2);
	/* a command is an address */
	CHECK_EQ(kit_call(w, "captive_issue", 0, 0, &ret), 0);
	CHECK_EQ(ret, -TN_EOPNOTSUPP);
	/* exit */
	CHECK_EQ(kit_call(w, "captive_exit", 77, 0, &ret), -TN_EOWNERDEAD);
	CHECK_EQ(said.ends, 1);
	worker_close(w, &report);
	CHECK_EQ(report.end, TN_ISOLATE_EXITED);
	CHECK_EQ(report.status, 77);
	CHECK_STR(report.entry, "captive_exit");
}

TEST(call, of_exit_is_made_once_with_the_handle_before_destructors)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report report;
	struct worker *w;
	int64_t ret;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_refuse_exit", -5, 0, &ret), 0);
	worker_close(w, &report);
	CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	CHECK_EQ(report.status, -5);
	CHECK_EQ(said.logs, 3);
	CHECK_STR(said.text, "destructor");
	CHECK_EQ(said.level, TN_LOG_DEBUG);
	CHECK_EQ(said.ends, 0);
}

TEST(call, of_both_exits_is_made_after_both_inits)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report report;
	struct worker *w;

	NEED_WORKERS();
	w = kit_open_file(&config, "lkmod/both.so");
	CHECK(w);
	worker_close(w, &report);
	CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	CHECK_EQ(report.status, 0);
	CHECK_STR(said.text, "steps 1234");
}

TEST(call, gives_the_module_memory_of_its_own)
{
	struct tn_isolate_config config = kit_config(NULL);
	struct worker *w;
	int64_t ret = 0, largest = 0;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_largest", 0, 0, &largest), 0);
	CHECK(largest > (int64_t)config.heap_size * 9 / 10);
	CHECK(largest < (int64_t)config.heap_size);
	CHECK_EQ(
	    kit_call(w, "captive_memory", (int64_t)config.heap_size, 0, &ret),
	    0);
	CHECK_EQ(ret, 50 * 64);
	/* all of it came back */
	CHECK_EQ(kit_call(w, "captive_largest", 0, 0, &ret), 0);
	CHECK_EQ(ret, largest);
	kit_close(w);
}

TEST(call, has_a_heap_of_whole_pages)
{
	struct tn_isolate_config config = kit_config(NULL);

	NEED_WORKERS();
	config.heap_size = 300001;
	CHECK_EQ(kit_call_once(&config, "captive_memory", 1 << 20), 50 * 64);
}

TEST(call, shares_the_buffer_that_was_asked_for)
{
	const struct tn_isolate_config config = kit_config(NULL);
	struct worker_info info;
	struct worker *w;
	uint8_t *bytes;
	int64_t ret = 0;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	worker_info(w, &info);
	CHECK_STR(info.name, "captive");
	CHECK(info.bytes >= 4096 && info.timing.link > 0);
	CHECK(info.buffer.size >= config.buffer_size);
	bytes = info.buffer.host;
	for (size_t i = 0; i < info.buffer.size; i++)
		bytes[i] = 3;
	CHECK_EQ(kit_call(w, "captive_sum", (int64_t)info.buffer.module,
		     (int64_t)info.buffer.size, &ret),
	    0);
	CHECK_EQ(ret, 3 * (int64_t)info.buffer.size);
	CHECK_EQ(kit_call(w, "captive_write", (int64_t)info.buffer.module,
		     0x1122334455667788, &ret),
	    0);
	CHECK_EQ(bytes[7], 0x11);
	kit_close(w);
}

TEST(call, costs_the_same_without_waiting_actively)
{
	struct tn_isolate_config config = kit_config(NULL);
	struct worker *w;
	int64_t ret = 0;

	NEED_WORKERS();
	config.flags |= TN_ISOLATE_NO_SPIN;
	w = kit_open(&config);
	CHECK(w);
	for (int i = 0; i < 200; i++) {
		CHECK_EQ(kit_call(w, "captive_add", i, 0, &ret), 0);
		CHECK_EQ(ret, i + 4300);
	}
	kit_close(w);
}

TEST(call, works_for_shared_objects_as_for_object_files)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report report;
	struct worker *w;
	int64_t ret = 0;
	uint64_t fn;

	NEED_WORKERS();
	w = kit_open_file(&config, "shared/captive.so");
	CHECK(w);
	CHECK_STR(said.text, "init 1, constructed 7");
	CHECK_EQ(kit_call(w, "captive_add", 1, 2, &ret), 0);
	CHECK_EQ(ret, 4321);
	CHECK_EQ(worker_lookup(w, "system_call", &fn), -TN_ENOENT);
	worker_close(w, &report);
	CHECK_EQ(report.end, TN_ISOLATE_CLOSED);
	CHECK_STR(said.text, "destructor");
	CHECK_EQ(said.logs, 3);
	/* and of a fault, which names what is exported */
	w = kit_open_file(&config, "shared/captive.so");
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_patch", 0, 0, &ret), -TN_EFAULT);
	worker_close(w, &report);
	CHECK_STR(report.symbol, "captive_patch");
}

TEST(call, finds_init_by_the_entry_point_of_a_shared_object)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct worker *w;
	int64_t ret = 0;
	uint64_t fn;

	NEED_WORKERS();
	w = kit_open_file(&config, "shared/secretive.so");
	CHECK(w);
	CHECK_STR(said.text, "init 1, constructed 7");
	CHECK_EQ(kit_call(w, "captive_add", 1, 2, &ret), 0);
	CHECK_EQ(worker_lookup(w, "lkmod_init", &fn), -TN_ENOENT);
	CHECK_EQ(worker_lookup(w, "captive_trap", &fn), -TN_ENOENT);
	kit_close(w);
}

TEST(call, allocates_nothing)
{
	const struct tn_isolate_config config = kit_config(NULL);
	unsigned descriptors, mappings;
	struct worker *w;
	int64_t ret = 0;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	CHECK_EQ(kit_call(w, "captive_add", 0, 0, &ret), 0);
	descriptors = kit_descriptors();
	mappings = kit_mappings();
	memory_fail_at(0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(kit_call(w, "captive_add", i, 0, &ret), 0);
	CHECK_EQ(memory_made(), 0);
	CHECK_EQ(kit_descriptors(), descriptors);
	CHECK_EQ(kit_mappings(), mappings);
	kit_close(w);
}

/* --- waiting */

/* Nobody answers: what a wait without success teaches. */
static uint32_t rounds_after(struct lane *l, int misses)
{
	struct message m;

	for (int i = 0; i < misses; i++)
		EXPECT(lane_wait(l, 1, &m) == -TN_ETIMEDOUT);
	return l->spin.rounds;
}

TEST(wait, is_active_as_long_as_that_helps_and_tries_again)
{
	struct wire_lane wire = { .turn = 0 };
	struct message m;
	struct lane l;

	lane_open(&l, &wire, -1);
	l.spin = (struct wire_spin){ .rounds = 640, .most = 640 };
	CHECK_EQ(rounds_after(&l, 1), 320);
	CHECK_EQ(rounds_after(&l, 6), 640 / 64);
	CHECK_EQ(rounds_after(&l, 1), 640); /* the eighth */
	CHECK_EQ(rounds_after(&l, 3), 80);
	wire.turn = 2; /* an answer */
	CHECK_EQ(lane_wait(&l, 1, &m), 0);
	CHECK_EQ(l.spin.rounds, 640);
	/* an answer at a turn that is not the worker's */
	lane_post(&l, &(struct message){ .kind = WIRE_CALL });
	wire.turn = 5;
	CHECK_EQ(lane_wait(&l, 1, &m), -TN_EBADMSG);
	/* and nobody waits actively who may not */
	lane_open(&l, &wire, -1);
	CHECK_EQ(rounds_after(&l, 9), 0);
}
