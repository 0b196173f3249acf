/* SPDX-License-Identifier: MIT */
/*
 * What a gate adds to a call, in this program and in a module.
 *
 *	gate_bench MODULE
 *
 * Prints picoseconds of one call, for each way of calling: the median over
 * sixteen alignments of its loop, each the best of some runs. A name with _2
 * is the same while a second processor does it too, through the same gate,
 * module, lock or counter.
 */
#include "engine.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gate/close.h>
#include <host/port.h>

#include "gate/loops.h"

#define CALLS 100000
#define RUNS  7

/* --- ways of calling */

static __attribute__((noinline)) int work(void *instance, int x)
{
	return x + *(const int *)instance;
}

CALL plain_call(const struct place *p, int x)
{
	/* Loaded each time, as a stable interface pointer is. */
	return bench_work(
	    __atomic_load_n(&p->gate->binding, __ATOMIC_ACQUIRE), x);
}

CALL counted_call(const struct place *p, int x)
{
	const struct tn_binding *b = tn_gate_enter(p->gate);

	if (b == NULL)
		return 0;
	x = bench_work(b, x);
	tn_gate_exit(p->gate);
	return x;
}

CALL guarded_call(const struct place *p, int x)
{
	struct tn_gate_frame f;
	const struct tn_binding *b = tn_guard_enter(p->gate, &f);

	if (b == NULL)
		return 0;
	x = bench_work(b, x);
	tn_guard_exit(p->gate, &f);
	return x;
}

CALL sleepable_call(const struct place *p, int x)
{
	struct tn_gate_ticket t;

	if (tn_gate_enter_sleepable(p->gate, TN_GATE_FOREVER, &t) != 0)
		return 0;
	x = bench_work(t.binding, x);
	tn_gate_exit_sleepable(p->gate, &t);
	return x;
}

CALL handle_call(const struct place *p, int x)
{
	struct tn_handle h;

	if (tn_handle_get(p->module, "gate_bench", &h) != 0)
		return 0;
	x = bench_work(p->binding, x);
	return tn_handle_put(h) == 0 ? x : 0;
}

CALL reference_call(const struct place *p, int x)
{
	if (!tn_module_get(p->module))
		return 0;
	x = bench_work(p->binding, x);
	tn_module_put(p->module);
	return x;
}

CALL rwlock_call(const struct place *p, int x)
{
	pthread_rwlock_rdlock(p->lock);
	x = bench_work(p->binding, x);
	pthread_rwlock_unlock(p->lock);
	return x;
}

CALL refcount_call(const struct place *p, int x)
{
	__atomic_fetch_add(p->count, 1, __ATOMIC_ACQUIRE);
	x = bench_work(p->binding, x);
	__atomic_fetch_sub(p->count, 1, __ATOMIC_RELEASE);
	return x;
}

LOOPS(plain)
LOOPS(counted)
LOOPS(guarded)
LOOPS(sleepable)
LOOPS(handle)
LOOPS(reference)
LOOPS(rwlock)
LOOPS(refcount)

static loop_fn *module_counted[ALIGNMENTS], *module_guarded[ALIGNMENTS];

static const struct way {
	const char *name;
	loop_fn *const *loops;
} ways[] = {
	{ "plain", plain },
	{ "counted", counted },
	{ "guarded", guarded },
	{ "sleepable", sleepable },
	{ "module_counted", module_counted },
	{ "module_guarded", module_guarded },
	{ "handle", handle },
	{ "reference", reference },
	{ "rwlock", rwlock },
	{ "refcount", refcount },
};

/* --- measuring */

static cpu_set_t only(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return set;
}

/* Picoseconds of a call. */
static uint64_t timed(loop_fn *loop, const struct place *p)
{
	const uint64_t start = now_ns();

	if (loop(p, CALLS) != CALLS)
		die("gate", "a call was refused");
	return (now_ns() - start) * 1000 / CALLS;
}

static uint64_t best(loop_fn *loop, const struct place *p)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < RUNS; i++) {
		const uint64_t ps = timed(loop, p);

		least = ps < least ? ps : least;
	}
	return least;
}

static void measure(
    const struct way *w, const struct place *p, const char *suffix)
{
	struct samples s = samples_new(ALIGNMENTS);
	char name[64];

	for (unsigned i = 0; i < ALIGNMENTS; i++)
		samples_add(&s, best(w->loops[i], p));
	snprintf(name, sizeof(name), "%s%s", w->name, suffix);
	samples_print(&s, name);
	free(s.ns);
}

struct rival {
	const struct way *way;
	const struct place *place;
	atomic_bool runs, stop;
};

static void *compete(void *arg)
{
	struct rival *r = arg;

	while (!atomic_load_explicit(&r->stop, memory_order_relaxed)) {
		(void)timed(r->way->loops[0], r->place);
		atomic_store_explicit(&r->runs, true, memory_order_relaxed);
	}
	return NULL;
}

/* This thread on the second processor, the rival on the first. */
static void measure_two(const struct way *w, const struct place *p)
{
	const cpu_set_t there = only(0), here = only(1);
	struct rival r = { .way = w, .place = p };
	pthread_attr_t attr;
	pthread_t t;

	if (sched_setaffinity(0, sizeof(here), &here) != 0)
		return; /* there is no second one */
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(there), &there);
	if (pthread_create(&t, &attr, compete, &r) != 0)
		die("pthread_create", "failed");
	while (!atomic_load_explicit(&r.runs, memory_order_relaxed))
		;
	measure(w, p, "_2");
	atomic_store(&r.stop, true);
	pthread_join(t, NULL);
	pthread_attr_destroy(&attr);
}

/* --- the module */

static const struct tn_export exports[] = {
	{ "tn_gate_enter_call", (const void *)(uintptr_t)tn_gate_enter_call, 0,
	    0, NULL },
	{ "tn_gate_exit_call", (const void *)(uintptr_t)tn_gate_exit_call, 0, 0,
	    NULL },
	{ "tn_guard_enter_call", (const void *)(uintptr_t)tn_guard_enter_call,
	    0, 0, NULL },
	{ "tn_guard_exit_call", (const void *)(uintptr_t)tn_guard_exit_call, 0,
	    0, NULL },
};

static struct tn_system *system_open(void)
{
	const struct host_port_config standard = { 0 };
	const struct tn_config config = { .size = sizeof(config),
		.abi = 1,
		.exports = exports,
		.nexports = sizeof(exports) / sizeof(exports[0]) };
	struct host_port *port;
	struct tn_system *sys;

	if (host_port_create(&standard, &port) != 0 ||
	    tn_system_create(host_port_table(port), &config, &sys) != 0)
		die("gate", "no system");
	return sys;
}

/* Never unloaded: the process ends before. */
static struct tn_module *load_loops(const char *path)
{
	const struct file file = file_read(path);
	struct tn_module *mod = engine_load(system_open(), &file);
	loop_fn *(*get)(unsigned is_guarded, unsigned alignment);
	void *addr;

	if (tn_module_symbol(mod, "gate_loop", &addr) != 0)
		die(path, "no gate_loop");
	memcpy(&get, &addr, sizeof(get));
	for (unsigned i = 0; i < ALIGNMENTS; i++) {
		module_counted[i] = get(0, i);
		module_guarded[i] = get(1, i);
	}
	return mod;
}

int main(int argc, char **argv)
{
	static struct tn_gate_shard shards[4];
	static struct tn_gate gate;
	static const struct bench_ops ops = { { sizeof(ops), 1 }, work };
	static int one = 1;
	static uint64_t count;
	static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
	const struct tn_binding binding = { .ops = &ops, .instance = &one };
	struct place place = { &gate, &binding, &lock, &count, NULL };

	if (argc != 2) {
		fputs("usage: gate_bench MODULE\n", stderr);
		return 2;
	}
	place.module = load_loops(argv[1]);
	gate_init(&gate, shards, 4);
	gate.budget_ns = 1000000000;
	gate_publish(&gate, &binding);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		measure(&ways[i], &place, "");
		measure_two(&ways[i], &place);
	}
	return 0;
}
