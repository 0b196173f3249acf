/* SPDX-License-Identifier: MIT */
/*
 * Every system call on a worker's way into the world fails once: the error has
 * a name, the report says which call it was, and nothing is left. And what the
 * system forbids altogether.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/err.h>

#include "kit.h"
#include "memory.h"

struct attempt {
	struct worker_load load;
	struct tn_isolate_report report;
	struct tn_diag diag;
	struct worker_steps steps;
	struct worker *w;
	int err;
};

static struct attempt try_open(
    const struct tn_isolate_config *config, const char *file, unsigned fail_at)
{
	struct attempt a = { .load = { .config = config, .name = "captive" } };

	a.load.timeout_ns = 10000000000ull;
	a.load.blob = kit_module(file, &a.load.size);
	a.steps.fail_at = fail_at;
	a.err = -TN_ENOENT;
	if (a.load.blob)
		a.err =
		    worker_open(&a.load, &a.w, &a.report, &a.diag, &a.steps);
	return a;
}

TEST(failure, of_any_step_is_named_and_leaves_nothing)
{
	const struct tn_isolate_config config = kit_config(NULL);
	const unsigned descriptors = kit_descriptors();
	unsigned n, failed = 0;

	NEED_WORKERS();
	for (n = 1; n < 100; n++) {
		struct attempt a = try_open(&config, KIT_CAPTIVE, n);

		if (a.steps.made < n) {
			CHECK_EQ(a.err, 0);
			kit_close(a.w);
			break;
		}
		/* The first falls back to files. */
		if (a.err == 0) {
			kit_close(a.w);
			continue;
		}
		failed++;
		CHECK_EQ(a.err, -TN_ENOMEM);
		CHECK_EQ(a.diag.error, a.err);
		CHECK_EQ(a.diag.reason, TN_REASON_WORKER);
		CHECK_EQ(a.report.end, TN_ISOLATE_UNBORN);
		CHECK_EQ(a.report.status, ENOMEM);
		CHECK(a.report.step && *a.report.step);
		CHECK_EQ(kit_descriptors(), descriptors);
		CHECK_EQ(kit_mappings(), 0);
		CHECK(a.report.process == 0 || kit_dies(a.report.process));
		CHECK_EQ(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	}
	CHECK(n < 100);
	CHECK(failed >= 6);
}

TEST(failure, of_any_allocation_is_named_and_leaves_nothing)
{
	const struct tn_isolate_config config = kit_config(NULL);
	const unsigned descriptors = kit_descriptors();
	struct attempt a;
	unsigned n;

	NEED_WORKERS();
	for (n = 1; n < 1000; n++) {
		memset(&a, 0, sizeof(a));
		a.load = (struct worker_load){ .config = &config, .name = "x" };
		a.load.blob = kit_module(KIT_CAPTIVE, &a.load.size);
		CHECK(a.load.blob);
		memory_fail_at(n);
		a.err = worker_open(&a.load, &a.w, &a.report, &a.diag, NULL);
		const bool reached = memory_made() >= n;

		memory_fail_at(0);
		if (a.err == 0)
			kit_close(a.w);
		if (!reached)
			break;
		CHECK_EQ(a.err, -TN_ENOMEM);
		CHECK_EQ(a.diag.error, -TN_ENOMEM);
		CHECK_EQ(a.diag.reason, TN_REASON_NO_MEMORY);
		CHECK(a.diag.owner == NULL && a.diag.memory == NULL);
		CHECK_EQ(kit_descriptors(), descriptors);
		CHECK_EQ(kit_mappings(), 0);
	}
	CHECK_EQ(a.err, 0);
	CHECK(n > 10 && n < 1000);
}

TEST(failure, to_execute_a_helper_is_named)
{
	static const char *const helper[] = { "/nonexistent/worker", NULL };
	struct tn_isolate_config config = kit_config(NULL);
	const unsigned descriptors = kit_descriptors();
	struct attempt a;
	char text[300];

	config.helper = helper;
	a = try_open(&config, KIT_CAPTIVE, 0);
	CHECK_EQ(a.err, -TN_EOPNOTSUPP);
	CHECK_EQ(kit_descriptors(), descriptors);
	if (kit_is_filtered()) { /* emulators do not share the error */
		CHECK_EQ(a.report.status, ENOENT);
		tn_diag_text(&a.diag, text, sizeof(text));
		CHECK(strstr(text, "/nonexistent/worker") != NULL);
		CHECK(strstr(text, "could not be started") != NULL);
	}
}

TEST(failure, of_a_helper_that_is_no_worker_is_named)
{
	static const char *const helper[] = { "/bin/true", NULL };
	struct tn_isolate_config config = kit_config(NULL);
	struct attempt a;

	config.helper = helper;
	a = try_open(&config, KIT_CAPTIVE, 0);
	CHECK_EQ(a.err, -TN_EOPNOTSUPP);
	CHECK_EQ(a.report.end, TN_ISOLATE_UNBORN);
}

TEST(failure, a_helper_file_serves_as_the_program_inside_does)
{
	static char path[4200];
	static const char *helper[] = { path, NULL };
	struct tn_isolate_config config = kit_config(NULL);
	struct attempt a;
	int64_t ret = 0;

	if (config.helper)
		SKIP("all workers are run so here");
	kit_program(path, sizeof(path));
	config.helper = helper;
	a = try_open(&config, KIT_CAPTIVE, 0);
	CHECK_EQ(a.err, 0);
	CHECK_EQ(kit_call(a.w, "captive_add", 1, 0, &ret), 0);
	kit_close(a.w);
}

/* From now on the call answers EPERM. */
static bool forbid(unsigned call)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* In a child: the exit status is 0, or the line that is wrong. */
#define OR_LINE(cond)                                                          \
	do {                                                                   \
		if (!(cond))                                                   \
			_exit(__LINE__ % 250 + 1);                             \
	} while (0)

static void without_memfd(void)
{
	static char path[4200];
	static const char *helper[] = { path, NULL };
	struct tn_isolate_config config = kit_config(NULL);
	struct attempt a;
	int64_t ret = 0;

	OR_LINE(forbid(SYS_memfd_create));
	a = try_open(&config, KIT_CAPTIVE, 0);
	OR_LINE(a.err == -TN_EOPNOTSUPP);
	OR_LINE(strcmp(a.report.step, "memfd_create") == 0);
	OR_LINE(a.report.status == EPERM);
	kit_program(path, sizeof(path));
	config.helper = helper;
	a = try_open(&config, KIT_CAPTIVE, 0);
	OR_LINE(a.err == 0);
	OR_LINE(kit_call(a.w, "captive_add", 1, 0, &ret) == 0 && ret == 4301);
	kit_close(a.w);
	_exit(0);
}

static void without_filters(void)
{
	struct tn_isolate_config config = kit_config(NULL);
	struct attempt a;
	int64_t ret = 0;

	OR_LINE(forbid(SYS_seccomp));
	a = try_open(&config, KIT_CAPTIVE, 0);
	OR_LINE(a.err == -TN_EOPNOTSUPP);
	OR_LINE(strcmp(a.report.step, "seccomp") == 0);
	config.flags |= TN_ISOLATE_UNFILTERED;
	a = try_open(&config, KIT_CAPTIVE, 0);
	OR_LINE(a.err == 0);
	OR_LINE(kit_call(a.w, "captive_add", 1, 0, &ret) == 0);
	kit_close(a.w);
	_exit(0);
}

static void without_descriptors(void)
{
	const struct rlimit limit = { 0, 0 }; /* 0 to 2 may be free */
	struct tn_isolate_config config = kit_config(NULL);
	struct attempt a = try_open(&config, KIT_CAPTIVE, 0);

	OR_LINE(a.err == 0); /* the file is in memory from now on */
	kit_close(a.w);
	OR_LINE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	a.err = worker_open(&a.load, &a.w, &a.report, &a.diag, NULL);
	OR_LINE(a.err == -TN_ENOMEM);
	OR_LINE(a.report.end == TN_ISOLATE_UNBORN);
	_exit(0);
}

static void with_small_files(void)
{
	const struct rlimit limit = { 4096, 4096 };
	struct tn_isolate_config config = kit_config(NULL);
	struct attempt a;

	OR_LINE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	a = try_open(&config, KIT_CAPTIVE, 0);
	OR_LINE(a.err == -TN_ENOMEM);
	OR_LINE(strcmp(a.report.step, "ftruncate") == 0);
	_exit(0);
}

static void check_in_child(void (*fn)(void))
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		fn();
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

TEST(failure, of_memfd_is_named_and_a_helper_helps)
{
	if (!kit_is_filtered())
		SKIP("emulators have no filters of system calls");
	check_in_child(without_memfd);
}

TEST(failure, to_filter_is_no_worker_unless_that_is_allowed)
{
	if (!kit_is_filtered())
		SKIP("emulators have no filters of system calls");
	check_in_child(without_filters);
}

TEST(failure, of_a_limit_of_files_is_named_and_no_signal)
{
	NEED_WORKERS();
	check_in_child(with_small_files);
}

TEST(failure, of_descriptors_is_named)
{
	NEED_WORKERS();
	check_in_child(without_descriptors);
}

/* --- modules that are none for a worker */

TEST(failure, to_link_is_that_of_the_engine)
{
	const struct tn_isolate_config config = kit_config(NULL);
	const unsigned descriptors = kit_descriptors();
	struct attempt a;
	char text[300];

	NEED_WORKERS();
	/* hello prints: an import, and none was allowed. */
	a = try_open(&config, "common/hello.ko", 0);
	CHECK_EQ(a.err, -TN_EOPNOTSUPP);
	CHECK_EQ(a.diag.reason, TN_REASON_UNSUPPORTED);
	CHECK(a.diag.owner == NULL && a.diag.memory == NULL);
	tn_diag_text(&a.diag, text, sizeof(text));
	CHECK(strstr(text, "an imported symbol is not supported") != NULL);
	CHECK_EQ(kit_descriptors(), descriptors);
}

TEST(failure, of_foreign_bytes_is_that_of_the_engine)
{
	static char junk[4096] __attribute__((aligned(8)));
	const struct tn_isolate_config config = kit_config(NULL);
	struct attempt a = { .load = { .config = &config, .name = "junk" } };
	size_t size;
	const char *good;

	NEED_WORKERS();
	a.load.blob = junk;
	a.load.size = sizeof(junk);
	a.err = worker_open(&a.load, &a.w, &a.report, &a.diag, NULL);
	CHECK_EQ(a.err, -TN_ENOEXEC);
	CHECK_EQ(a.diag.reason, TN_REASON_ELF);
	/* Cut off at any place. */
	good = kit_module(KIT_CAPTIVE, &size);
	CHECK(good);
	for (size_t n = 0; n < size; n += size / 16 + 1) {
		a.load.blob = good;
		a.load.size = n;
		a.err = worker_open(&a.load, &a.w, &a.report, &a.diag, NULL);
		CHECK(a.err < 0);
	}
}

TEST(failure, of_init_is_reported_with_its_number)
{
	static const struct tn_export offered[] = { { .name = "printk" } };
	static struct kit_said said;
	const struct tn_isolate_config config = kit_config(&said);
	struct attempt a = { .load = { .config = &config, .name = "x" } };

	NEED_WORKERS();
	a.load.slot = 3;
	a.load.exports = offered;
	a.load.nexports = 1;
	a.load.blob = kit_module("common/failing_init.ko", &a.load.size);
	CHECK(a.load.blob);
	a.err = worker_open(&a.load, &a.w, &a.report, &a.diag, NULL);
	CHECK_EQ(a.diag.reason, TN_REASON_INIT_FAILED);
	CHECK_EQ(a.err, a.diag.error);
	CHECK_EQ((int)a.diag.value, a.err);
	/* A module of Linux's form, which imports what it was allowed. */
	a.load.blob = kit_module("common/hello.ko", &a.load.size);
	a.err = worker_open(&a.load, &a.w, &a.report, &a.diag, NULL);
	CHECK_EQ(a.err, 0);
	CHECK_STR(said.text, "hello: hello");
	kit_close(a.w);
	CHECK_STR(said.text, "hello: goodbye");
}
