/* SPDX-License-Identifier: MIT */
/*
 * The round trip of a call into another process, and what it cannot be faster
 * than: two processes that pass a word to and fro and do nothing else.
 *
 *	isolate_bench MODULE LIBRARY RUNS
 *
 * Prints nanoseconds of a round trip, median, p99 and minimum over RUNS runs,
 * ours and the limit in turns: both waiting actively, each on a processor of
 * its own (spin, line); both sleeping, placed as the scheduler likes (park,
 * futex), and each on a processor of its own (park_2, futex_2). Of calls that
 * come after a millisecond of rest, so that the worker sleeps and its caller
 * does not (rest); and of loading a slot (load). Thousandths of a nanosecond
 * are what it costs to call such a function of LIBRARY in this process, by its
 * address (direct), and by dlsym and the address (dlsym). LIBRARY is that of
 * modules/lkmod/many.
 */
#include "measure.h"

#include <dlfcn.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tenon/isolate.h>
#include <tenon/isolation.h>

#define SPIN_CALLS 2000
#define PARK_CALLS 200
#define LOADS      5
#define HERE_CALLS 40000

/* --- processors */

static void place(pid_t pid, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		if (cpu < 0 || i == cpu)
			CPU_SET(i, &set);
	if (sched_setaffinity(pid, sizeof(set), &set) != 0)
		die("sched_setaffinity", "refused");
}

/* This process on the first processor, @pid on the second, or anywhere. */
static void place_both(pid_t pid, bool apart)
{
	place(0, apart ? 0 : -1);
	place(pid, apart ? 1 : -1);
}

/* --- ours */

struct slot {
	const struct tn_isolation *iso;
	void *worker;
	uint64_t add;
	pid_t pid;
};

static void slot_load(struct slot *s, const struct file *module)
{
	const struct tn_isolation_load load = { .size = sizeof(load),
		.blob = module->data,
		.blob_size = module->size,
		.name = "bench" };
	struct tn_isolation_info info;
	struct tn_diag diag;
	char text[300];

	tn_diag_init(&diag);
	if (s->iso->open(s->iso->ctx, &load, &s->worker, &diag) != 0) {
		tn_diag_text(&diag, text, sizeof(text));
		die("open", text);
	}
	s->iso->info(s->worker, &info);
	s->pid = (pid_t)info.id;
	if (s->iso->lookup(s->worker, "captive_add", &s->add) != 0)
		die("lookup", "captive_add");
}

static struct slot slot_open(unsigned flags, const struct file *module)
{
	const struct tn_isolate_config config = {
		.size = sizeof(config),
		.abi = 1,
		.flags = flags,
	};
	struct slot s;

	if (tn_isolate_open(&config, &s.iso) != 0)
		die("tn_isolate_open", "refused");
	slot_load(&s, module);
	return s;
}

static void slot_close(struct slot *s)
{
	s->iso->close(s->worker);
	if (tn_isolate_close(s->iso) != 0)
		die("tn_isolate_close", "busy");
}

static uint64_t time_calls(const struct slot *s, unsigned n)
{
	struct tn_isolation_call call = { .function = s->add };
	const uint64_t start = now_ns();

	for (unsigned i = 0; i < n; i++) {
		call.args[0] = i;
		if (s->iso->call(s->worker, &call) != 0 || call.ret != i)
			die("call", "wrong");
	}
	return (now_ns() - start) / n;
}

/* --- the limit */

struct partner {
	uint32_t *turn; /* even: ours */
	bool sleeps;
	pid_t pid;
};

static uint32_t turn_of(const struct partner *p)
{
	return __atomic_load_n(p->turn, __ATOMIC_SEQ_CST);
}

/* Waits until the turn is @want. */
static void await(const struct partner *p, uint32_t want)
{
	while (turn_of(p) != want)
		if (p->sleeps)
			(void)syscall(SYS_futex, p->turn, FUTEX_WAIT, want - 1,
			    NULL, NULL, 0);
}

static void pass(const struct partner *p, uint32_t turn)
{
	__atomic_store_n(p->turn, turn, __ATOMIC_SEQ_CST);
	if (p->sleeps)
		(void)syscall(
		    SYS_futex, p->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static _Noreturn void answer(const struct partner *p, pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    getppid() != parent)
		_exit(1);
	for (uint32_t turn = 1;; turn += 2) {
		await(p, turn);
		pass(p, turn + 1);
	}
}

/* Nobody passes the word any more, and it is waited for. */
static void lose_partner(int sig)
{
	static const char text[] = "bench: the partner has ended\n";

	(void)sig;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static struct partner partner_open(bool sleeps)
{
	struct partner p = { .sleeps = sleeps };
	const pid_t self = getpid();

	p.turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p.turn == MAP_FAILED)
		die("mmap", "no memory");
	signal(SIGCHLD, lose_partner);
	p.pid = fork();
	if (p.pid == 0)
		answer(&p, self);
	if (p.pid < 0)
		die("fork", "refused");
	return p;
}

static void partner_close(struct partner *p)
{
	signal(SIGCHLD, SIG_DFL);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	munmap(p->turn, 4096);
}

static uint64_t time_passes(const struct partner *p, unsigned n)
{
	uint32_t turn = turn_of(p);
	const uint64_t start = now_ns();

	for (unsigned i = 0; i < n; i++, turn += 2) {
		pass(p, turn + 1);
		await(p, turn + 2);
	}
	return (now_ns() - start) / n;
}

/* --- calls in this process */

typedef int64_t function(int64_t a, int64_t b, int64_t c, int64_t d);

struct here {
	void *library;
	function *direct;
};

static function *find(const struct here *h)
{
	void *at = dlsym(h->library, "many_function_000");

	if (!at)
		die("dlsym", dlerror());
	return (function *)(uintptr_t)at;
}

static struct here here_open(const char *path)
{
	struct here h = { .library = dlopen(path, RTLD_NOW) };

	if (!h.library)
		die(path, dlerror());
	h.direct = find(&h);
	return h;
}

static function *kept(const struct here *h)
{
	/* read each time, as a kept address is */
	return *(function *const volatile *)&h->direct;
}

/* Thousandths of a nanosecond of a call of what @get returns. */
static inline __attribute__((always_inline)) uint64_t time_here(
    const struct here *h, function *(*get)(const struct here *h))
{
	const uint64_t start = now_ns();

	for (int64_t i = 0; i < HERE_CALLS; i++)
		if (get(h)(i, 0, 0, 0) != i)
			die("call", "wrong");
	return (now_ns() - start) * 1000 / HERE_CALLS;
}

/* --- measuring */

/* A partner that waits actively would keep its processor from the worker, for
   ever where both go before other programs: it lives for its turn alone. */
static uint64_t time_partner(bool sleeps, bool apart, unsigned calls)
{
	struct partner p = partner_open(sleeps);
	uint64_t ns;

	place_both(p.pid, apart);
	(void)time_passes(&p, calls / 10 + 1);
	ns = time_passes(&p, calls);
	partner_close(&p);
	return ns;
}

struct pair {
	const char *name, *limit;
	const struct slot *slot;
	bool sleeps, apart;
	unsigned calls;
};

static void compare(const struct pair *pair, size_t runs)
{
	struct samples ours = samples_new(runs), theirs = samples_new(runs);

	for (size_t i = 0; i < runs; i++) {
		place_both(pair->slot->pid, pair->apart);
		(void)time_calls(pair->slot, pair->calls / 10 + 1);
		samples_add(&ours, time_calls(pair->slot, pair->calls));
		samples_add(&theirs,
		    time_partner(pair->sleeps, pair->apart, pair->calls));
	}
	place(0, -1);
	samples_print(&ours, pair->name);
	samples_print(&theirs, pair->limit);
}

static void time_rests(const struct slot *s, size_t runs)
{
	const struct timespec rest = { .tv_nsec = 1000000 };
	struct samples calls = samples_new(runs * LOADS);

	for (size_t i = 0; i < runs * LOADS; i++) {
		nanosleep(&rest, NULL);
		samples_add(&calls, time_calls(s, 1));
	}
	samples_print(&calls, "rest");
}

static void time_calls_here(const char *path, size_t runs)
{
	struct samples direct = samples_new(runs), named = samples_new(runs);
	const struct here h = here_open(path);

	for (size_t i = 0; i < runs; i++) {
		samples_add(&direct, time_here(&h, kept));
		samples_add(&named, time_here(&h, find));
	}
	samples_print(&direct, "direct");
	samples_print(&named, "dlsym");
	dlclose(h.library);
}

static void time_loads(const struct file *module, size_t runs)
{
	struct samples loads = samples_new(runs * LOADS);
	struct slot s = slot_open(0, module);

	for (size_t i = 0; i < runs * LOADS; i++) {
		s.iso->close(s.worker);
		const uint64_t start = now_ns();

		slot_load(&s, module);
		samples_add(&loads, now_ns() - start);
	}
	samples_print(&loads, "load");
	slot_close(&s);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		die("usage", "isolate_bench MODULE LIBRARY RUNS");
	const struct file module = file_read(argv[1]);
	const size_t runs = (size_t)number_of(argv[3]);
	const bool two = sysconf(_SC_NPROCESSORS_ONLN) > 1;

	place(0, -1); /* on one processor alone nothing would wait actively */
	struct slot spins = slot_open(0, &module);
	struct slot sleeps = slot_open(TN_ISOLATE_NO_SPIN, &module);
	const struct pair pairs[] = {
		{ "park", "futex", &sleeps, true, false, PARK_CALLS },
		{ "spin", "line", &spins, false, true, SPIN_CALLS },
		{ "park_2", "futex_2", &sleeps, true, true, PARK_CALLS },
	};

	for (size_t i = 0; i < (two ? 3 : 1); i++)
		compare(&pairs[i], runs);
	place(spins.pid, -1);
	time_rests(&spins, runs);
	time_calls_here(argv[2], runs);
	slot_close(&spins);
	slot_close(&sleeps);
	time_loads(&module, runs);
	return 0;
}
