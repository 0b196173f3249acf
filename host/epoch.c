/* SPDX-License-Identifier: MIT */
/*
 * The threads of a process and their records. Each takes one in its first
 * section, in two variables of its own: `own` is the record, and tn_gate_self
 * is too unless readers need a fence, so that the inline code of gates has one
 * question to ask. A key's destructor gives the record back.
 *
 * A thread that can get no record joins the crowd. While it is in there it
 * takes none either, so that it leaves sections where it has entered them. The
 * same key's destructor leaves the crowd for a thread that ends inside.
 *
 * core/gate/thread.c says how sections are waited for, and why it works.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/compiler.h>
#include <gate/world.h>
#include <host/epoch.h>
#include <host/process.h>

#define INITIAL_EXEC __attribute__((tls_model("initial-exec")))

__thread struct tn_gate_thread *tn_gate_self INITIAL_EXEC;
static __thread struct tn_gate_thread *own INITIAL_EXEC;
static __thread unsigned crowd_depth INITIAL_EXEC;

/* Before main, so before the first section of any thread. */
__attribute__((constructor(101))) static void start_gates(void)
{
	gate_start(&host_gate_world);
}

/* Set once. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool have_key;
/* From now on threads have a fence in each section; never false again. */
static atomic_bool fences;

/* The thread ends, perhaps inside of a section. */
static void leave_thread(void *arg)
{
	if (arg == &crowd_depth) {
		for (; crowd_depth != 0; crowd_depth--)
			gate_crowd_exit();
		return;
	}
	own = NULL;
	tn_gate_self = NULL;
	gate_thread_release(arg);
}

static void start(void)
{
	have_key = pthread_key_create(&key, leave_thread) == 0;
	if (!atomic_load(&fences) && !process_barrier(BARRIER_MEMORY))
		atomic_store(&fences, true);
}

bool epoch_fences(void)
{
	pthread_once(&once, start);
	return atomic_load(&fences);
}

void epoch_use_fences(void)
{
	/* First: whoever wants fences may be forbidden to try a barrier. */
	atomic_store(&fences, true);
	pthread_once(&once, start);
	if (!own)
		return;
	/* In this order: whoever has no tn_gate_self asks for the fence. */
	gate_thread_fence(own);
	tn_gate_self = NULL;
}

static uint32_t thread_number(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* The first section of a thread; apart, so that epoch_enter stays small. */
static __attribute__((noinline)) struct tn_gate_thread *own_make(void)
{
	const bool fenced = epoch_fences();
	struct tn_gate_thread *t;

	if (crowd_depth != 0 || !have_key)
		return NULL;
	t = gate_thread_claim(thread_number(), fenced);
	if (!t)
		return NULL;
	if (pthread_setspecific(key, t) != 0) {
		gate_thread_release(t);
		return NULL;
	}
	own = t;
	if (!fenced)
		tn_gate_self = t;
	return t;
}

struct tn_gate_thread *epoch_thread(bool make)
{
	return own || !make ? own : own_make();
}

/* The destructor is to leave the crowd if the thread ends inside. */
static __attribute__((noinline)) void crowd_join(void)
{
	if (crowd_depth++ == 0 && have_key)
		(void)pthread_setspecific(key, &crowd_depth);
	gate_crowd_enter();
}

void epoch_enter(void)
{
	struct tn_gate_thread *t = epoch_thread(true);

	if (UNLIKELY(!t)) {
		crowd_join();
		return;
	}
	tn_section_enter_on(t);
	if (UNLIKELY(t->fences))
		atomic_thread_fence(memory_order_seq_cst);
}

void epoch_exit(void)
{
	struct tn_gate_thread *t = own;

	if (LIKELY(t)) {
		tn_section_exit_on(t);
	} else if (crowd_depth) {
		crowd_depth--;
		gate_crowd_exit();
	}
	/* else the thread is ending and its record is given back */
}

unsigned gate_crowd_depth(void)
{
	return crowd_depth;
}

void epoch_before_fork(void)
{
	gate_before_fork();
}

void epoch_after_fork(bool child)
{
	gate_after_fork(child, own, thread_number(), crowd_depth);
}
