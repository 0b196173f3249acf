/* SPDX-License-Identifier: MIT */
/*
 * What a module may do wrong: it ends the worker, the call says how, and nobody
 * else is concerned.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <tenon/err.h>

#include "kit.h"

#define PAGE_OF_NOBODY 0x10

/* Calls @name, which ends the worker; what is reported. */
static struct tn_isolate_report end_by(
    const char *name, int64_t a, int64_t b, int want)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report r = { 0 };
	struct worker *w = kit_open(&config);
	int64_t ret = 4711;

	if (!EXPECT(w != NULL))
		return r;
	said.ends = 0;
	EXPECT(kit_call(w, name, a, b, &ret) == want);
	EXPECT(ret == 4711); /* no garbage */
	/* and so for ever */
	EXPECT(kit_call(w, "captive_add", 1, 2, &ret) == want);
	EXPECT(ret == 4711);
	worker_report(w, &r);
	EXPECT(r.error == want);
	EXPECT(said.ends == 1 && said.end.end == r.end);
	EXPECT(kit_dies(r.process));
	test_expect_str(r.entry, name, TEST_AT, "r.entry == name");
	kit_close(w);
	return r;
}

TEST(fault, is_named_with_signal_address_and_place)
{
	struct tn_isolate_report r;
	char text[300];

	PROVES("G36");
	NEED_WORKERS();
	r = end_by("captive_read", PAGE_OF_NOBODY, 0, -TN_EFAULT);
	CHECK_EQ(r.end, TN_ISOLATE_FAULT);
	CHECK_EQ(r.signal, SIGSEGV);
	CHECK_EQ(r.code, SEGV_MAPERR);
	CHECK_EQ(r.addr, PAGE_OF_NOBODY);
	CHECK_STR(r.symbol, "captive_read");
	CHECK(r.offset < 64);
	r.process = 12;
	r.offset = 4;
	tn_isolate_text(&r, text, sizeof(text));
	CHECK_STR(text,
	    "worker 12, called at captive_read, faulted: SIGSEGV at "
	    "address 0x10 (code 1), in captive_read+0x4");
	CHECK_STR(tn_isolate_end_name(r.end), "fault");
}

TEST(fault, of_each_kind_is_caught)
{
	struct tn_isolate_report r;

	NEED_WORKERS();
	r = end_by("captive_trap", 0, 0, -TN_EFAULT);
	CHECK(r.signal == SIGILL || r.signal == SIGTRAP);
	r = end_by("captive_patch", 0, 0, -TN_EFAULT);
	CHECK_EQ(r.signal, SIGSEGV);
	CHECK_EQ(r.code, SEGV_ACCERR);
	r = end_by("captive_jump", PAGE_OF_NOBODY, 0, -TN_EFAULT);
	CHECK_EQ(r.pc, PAGE_OF_NOBODY);
	CHECK_STR(r.symbol, "");
	r = end_by("captive_overflow", 0, 0, -TN_EFAULT);
	CHECK_EQ(r.signal, SIGSEGV);
	CHECK_STR(r.symbol, "captive_overflow");
}

TEST(fault, comes_of_executing_data)
{
	struct tn_isolate_report r;

	NEED_WORKERS();
	r = end_by("captive_run_data", 0, 0, -TN_EFAULT);
	CHECK_EQ(r.signal, SIGSEGV);
	CHECK_EQ(r.addr, r.pc);
}

TEST(fault, comes_of_any_system_call)
{
	static const int calls[] = { SYS_getpid, SYS_write, SYS_mmap,
		SYS_mprotect, SYS_execve, SYS_clone, SYS_kill, SYS_openat,
		SYS_rt_sigaction, SYS_ptrace, SYS_fcntl, SYS_close };
	struct tn_isolate_report r;
	char text[300];

	PROVES("G36");
	NEED_WORKERS();
	if (!kit_is_filtered())
		SKIP("emulators have no filters of system calls");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		r = end_by("captive_system", calls[i], 0, -TN_EFAULT);
		CHECK_EQ(r.end, TN_ISOLATE_REFUSED);
		CHECK_EQ(r.signal, SIGSYS);
		CHECK_EQ(r.call, calls[i]);
		CHECK_STR(r.symbol, "captive_system");
	}
	r.process = 12;
	r.offset = 4;
	r.call = 9;
	tn_isolate_text(&r, text, sizeof(text));
	CHECK_STR(text,
	    "worker 12, called at captive_system, made system call 9, "
	    "which is forbidden, in captive_system+0x4");
}

TEST(fault, comes_of_a_futex_that_is_not_the_lanes)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report r;
	struct worker_info info;
	struct worker *w;
	int64_t args[4] = { SYS_futex, 0, 1 /* FUTEX_WAKE */, 1 };
	int64_t ret = 0;
	uint64_t fn;

	NEED_WORKERS();
	if (!kit_is_filtered())
		SKIP("emulators have no filters of system calls");
	w = kit_open(&config);
	CHECK(w);
	worker_info(w, &info);
	CHECK_EQ(worker_lookup(w, "captive_system", &fn), 0);
	/* The one that it may wake: its own turn. */
	args[1] = (int64_t)(info.buffer.module - WIRE_BUFFER +
			    offsetof(struct wire_page, lane));
	CHECK_EQ(worker_call(w, fn, args, 0, &ret), 0);
	args[1] = (int64_t)info.buffer.module;
	CHECK_EQ(worker_call(w, fn, args, 0, &ret), -TN_EFAULT);
	worker_close(w, &r);
	CHECK_EQ(r.end, TN_ISOLATE_REFUSED);
	CHECK_EQ(r.call, SYS_futex);
}

TEST(fault, does_not_concern_another_worker_and_can_be_loaded_anew)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct worker *w, *other;
	int64_t ret = 0;

	NEED_WORKERS();
	other = kit_open(&config);
	CHECK(other);
	CHECK_EQ(kit_call(other, "captive_add", 1, 0, &ret), 0);
	for (int i = 0; i < 3; i++) {
		w = kit_open(&config);
		CHECK(w);
		CHECK_EQ(kit_call(w, "captive_add", 1, 0, &ret), 0);
		CHECK_EQ(kit_call(w, "captive_read", 0, 0, &ret), -TN_EFAULT);
		kit_close(w);
	}
	CHECK_EQ(kit_call(other, "captive_calls", 0, 0, &ret), 0);
	CHECK_EQ(ret, 1);
	kit_close(other);
}

/* The error of a call of @name with so little time. */
static int too_long(const char *name, struct tn_isolate_report *r)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	const int64_t args[4] = { 0 };
	struct worker *w = kit_open(&config);
	uint64_t fn = 0, start;
	int64_t ret;
	int err;

	if (!EXPECT(w != NULL) || !EXPECT(worker_lookup(w, name, &fn) == 0))
		return 0;
	start = lane_now();
	err = worker_call(w, fn, args, 20000000, &ret);
	EXPECT(lane_now() - start >= 20000000);
	worker_close(w, r);
	EXPECT(kit_dies(r->process));
	return err;
}

TEST(fault, includes_a_call_that_does_not_end)
{
	struct tn_isolate_report r;
	char text[300];

	NEED_WORKERS();
	CHECK_EQ(too_long("captive_loop", &r), -TN_ETIMEDOUT);
	CHECK_EQ(r.end, TN_ISOLATE_TIMEOUT);
	r.process = 12;
	tn_isolate_text(&r, text, sizeof(text));
	CHECK_STR(
	    text, "worker 12, called at captive_loop, took longer than it may");
	/* One that keeps the host busy does not win time by that. */
	CHECK_EQ(too_long("captive_nag", &r), -TN_ETIMEDOUT);
	CHECK_EQ(r.end, TN_ISOLATE_TIMEOUT);
}

TEST(fault, that_nobody_tells_is_noticed)
{
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct tn_isolate_report r;
	struct worker *w;
	int64_t ret;

	NEED_WORKERS();
	w = kit_open(&config);
	CHECK(w);
	worker_report(w, &r);
	CHECK_EQ(kill((pid_t)r.process, SIGKILL), 0);
	CHECK_EQ(kit_call(w, "captive_add", 0, 0, &ret), -TN_EOWNERDEAD);
	worker_close(w, &r);
	CHECK_EQ(r.end, TN_ISOLATE_DIED);
	CHECK_EQ(said.ends, 1);
}
