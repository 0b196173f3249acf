/* SPDX-License-Identifier: MIT */
/*
 * Process-wide state: see process.h.
 *
 * A fork is noticed by handlers. Children that bypass them are recognised by
 * one page that the system wipes in every child: it holds the generation
 * plus one, which the handlers restore.
 */
#include <dlfcn.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/compiler.h>
#include <host/epoch.h>
#include <host/process.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct list members = { &members, &members }; /* list_lock */
static atomic_uint forks;
static atomic_uint generation;
static atomic_uint *wiped; /* or NULL; set once */

static struct process_member *member(struct list *node)
{
	return CONTAINER_OF(node, struct process_member, node);
}

static void before_fork(void)
{
	struct list *pos;

	pthread_mutex_lock(&list_lock);
	list_for_each (pos, &members)
		if (member(pos)->enter)
			member(pos)->enter(member(pos));
	list_for_each (pos, &members)
		if (member(pos)->before)
			member(pos)->before(member(pos));
	epoch_before_fork();
	/* Before, not after: what the child sees must not be reused by a
	   thread of the parent that runs while fork returns. */
	atomic_fetch_add(&forks, 1);
}

static void after_fork(bool child)
{
	epoch_after_fork(child);
	for (struct list *pos = members.prev; pos != &members; pos = pos->prev)
		if (member(pos)->after)
			member(pos)->after(member(pos));
	for (struct list *pos = members.prev; pos != &members; pos = pos->prev)
		if (member(pos)->leave)
			member(pos)->leave(member(pos));
	pthread_mutex_unlock(&list_lock);
}

static void after_fork_parent(void)
{
	after_fork(false);
}

static void after_fork_child(void)
{
	const unsigned now = atomic_fetch_add(&generation, 1) + 1;

	if (wiped)
		atomic_store(wiped, now + 1);
	after_fork(true);
}

/* True in the program itself, which nobody can unload. */
static bool is_of_program(const Dl_info *here)
{
	const void *headers = (const void *)(uintptr_t)getauxval(AT_PHDR);
	Dl_info program;

	return dladdr(headers, &program) &&
	       program.dli_fbase == here->dli_fbase;
}

/*
 * Threads keep a destructor and the process keeps fork handlers that lie in
 * this object, so a dlclose must not unmap it. libtenon.so is linked to stay;
 * this is for other shared objects that libtenon.a has become a part of.
 */
static void stay_loaded(void)
{
	Dl_info here;

	if (dladdr(&once, &here) && !is_of_program(&here))
		(void)dlopen(
		    here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

static void start(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p = mmap(NULL, page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED && madvise(p, page, MADV_WIPEONFORK) == 0) {
		wiped = p;
		atomic_store(wiped, 1);
	} else if (p != MAP_FAILED) {
		munmap(p, page);
	}
	stay_loaded();
	/* Fails without memory only; forks then go unnoticed. */
	(void)pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

void process_join(struct process_member *m)
{
	pthread_once(&once, start);
	pthread_mutex_lock(&list_lock);
	list_add(&members, &m->node);
	pthread_mutex_unlock(&list_lock);
}

void process_leave(struct process_member *m)
{
	pthread_mutex_lock(&list_lock);
	list_del(&m->node);
	pthread_mutex_unlock(&list_lock);
}

struct process_member *process_find(
    bool (*fn)(struct process_member *m, const void *arg), const void *arg)
{
	struct process_member *found = NULL;
	struct list *pos;

	pthread_mutex_lock(&list_lock);
	list_for_each (pos, &members) {
		if (fn(member(pos), arg)) {
			found = member(pos);
			break;
		}
	}
	pthread_mutex_unlock(&list_lock);
	return found;
}

unsigned process_forks(void)
{
	return atomic_load_explicit(&forks, memory_order_relaxed);
}

unsigned process_generation(void)
{
	return atomic_load_explicit(&generation, memory_order_relaxed);
}

bool process_is_torn(void)
{
	return wiped && atomic_load(wiped) != process_generation() + 1;
}

static int membarrier(int command)
{
	return (int)syscall(SYS_membarrier, command, 0, 0);
}

bool process_enrol(enum process_barrier kind)
{
	const bool code = kind == BARRIER_CODE;

	return membarrier(
		   code ? MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE
			: MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
}

bool process_barrier(enum process_barrier kind)
{
	const bool code = kind == BARRIER_CODE;
	const int barrier = code ? MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE
				 : MEMBARRIER_CMD_PRIVATE_EXPEDITED;

	/* The first call of a process fails until it has registered. */
	if (membarrier(barrier) == 0)
		return true;
	return process_enrol(kind) && membarrier(barrier) == 0;
}
