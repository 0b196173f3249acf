/* SPDX-License-Identifier: MIT */
/*
 * A tn_port over this Linux process: the table, and those of its functions
 * that are small. Image memory is arena.c and image.c, files are file.c, read
 * sections are epoch.c.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <base/rest.h>
#include <gate/close.h>
#include <host/debug.h>
#include <host/epoch.h>
#include <host/machine.h>
#include <host/port.h>
#include <host/process.h>
#include <tenon/err.h>

#include "arena.h"
#include "blocks.h"
#include "file.h"
#include "thread.h"

#define DEFAULT_UNPACK_LIMIT ((size_t)1 << 30)
#define MAX_UNPACK_LIMIT     ((size_t)1 << 36)

struct host_port {
	struct tn_port table;
	struct host_arena *arena;
	struct blocks blocks;
	size_t unpack_limit;

	pthread_mutex_t lock; /* the registry lock of the system */
	/*
	 * The thread that has it, else 0: a callback under the lock may
	 * fork, and must not wait for itself then.
	 */
	_Atomic(pthread_t) holder;
	struct rest rest; /* the holder's */

	/* while a thread forks, its own: */
	enum rest_copier copier;
	struct tn_system *forking; /* whose locks are held, or NULL */
	unsigned generation;       /* of the process before the fork */

	/* set once: */
	struct tn_listener *listeners;
	size_t nlisteners;

	struct process_member member;
	_Atomic(struct tn_system *) system;
};

/* Nothing is said of what nobody has refused. */
static void say_shortage(struct host_port *p, const struct shortage *lack)
{
	char text[SHORTAGE_TEXT_MAX];

	shortage_text(lack, text);
	if (text[0] != '\0')
		p->table.log(p, TN_LOG_ERROR, text);
}

static void *port_alloc(void *ctx, size_t size)
{
	struct host_port *p = ctx;
	void *mem = block_take(&p->blocks, size, true);

	if (!mem)
		say_shortage(p, &(struct shortage){ size, ENOMEM });
	return mem;
}

static void port_free(void *ctx, void *mem, size_t size)
{
	struct host_port *p = ctx;

	block_give(&p->blocks, mem, size);
}

static int port_image_alloc(void *ctx, struct tn_image *img)
{
	struct host_port *p = ctx;
	struct shortage lack;
	const int err = image_place(p->arena, img, &lack);

	if (err == -TN_ENOMEM)
		say_shortage(p, &lack);
	return err;
}

static void port_image_trim(void *ctx, struct tn_image *img)
{
	struct host_port *p = ctx;

	arena_image_trim(p->arena, img);
}

static int port_image_seal(void *ctx, struct tn_image *img)
{
	struct host_port *p = ctx;

	return arena_image_seal(p->arena, img);
}

static int port_image_finish(void *ctx, struct tn_image *img)
{
	struct host_port *p = ctx;

	return arena_image_finish(p->arena, img);
}

static void port_image_free(void *ctx, struct tn_image *img)
{
	struct host_port *p = ctx;

	arena_image_free(p->arena, img);
}

/* Of a file, whose size is not known here; returns @err. */
static int file_error(struct host_port *p, int err)
{
	if (err == -TN_ENOMEM)
		say_shortage(p, &(struct shortage){ 0, ENOMEM });
	return err;
}

static int port_read_file(void *ctx, const char *path, struct tn_bytes *out)
{
	struct host_port *p = ctx;

	return file_error(
	    p, bytes_read(&p->blocks, path, p->unpack_limit, out));
}

static int port_unpack(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	struct host_port *p = ctx;
	const struct tn_bytes packed = { .data = in, .size = size };

	return file_error(
	    p, bytes_unpack(&p->blocks, packing, packed, p->unpack_limit, out));
}

static void port_release(void *ctx, struct tn_bytes *bytes)
{
	struct host_port *p = ctx;

	bytes_release(&p->blocks, bytes);
}

/* --- the registry lock */

static bool is_mine(struct host_port *p)
{
	/* relaxed: only the caller itself writes its own number */
	return atomic_load_explicit(&p->holder, memory_order_relaxed) ==
	       pthread_self();
}

static void note_holder(struct host_port *p)
{
	atomic_store_explicit(&p->holder, pthread_self(), memory_order_relaxed);
}

static void port_lock(void *ctx)
{
	struct host_port *p = ctx;

	pthread_mutex_lock(&p->lock);
	note_holder(p);
}

static void port_unlock(void *ctx)
{
	struct host_port *p = ctx;

	atomic_store_explicit(&p->holder, 0, memory_order_relaxed);
	pthread_mutex_unlock(&p->lock);
}

static void port_rest(void *ctx, bool on)
{
	struct host_port *p = ctx;

	if (on)
		rest_begin(&p->rest);
	else
		while (!rest_end(&p->rest))
			(void)thread_wait(
			    NULL, &p->rest.word, REST_KEPT, UINT64_MAX);
}

/* Whoever sleeps with the lock changes nothing meanwhile. */
static int port_wait(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns)
{
	struct host_port *p = ctx;
	const bool rests = is_mine(p) && !rest_is_begun(&p->rest);
	int err;

	if (rests)
		port_rest(p, true);
	err = thread_wait(NULL, word, value, deadline_ns);
	if (rests)
		port_rest(p, false);
	return err;
}

/* --- more of the table */

static void port_read_enter(void *ctx)
{
	(void)ctx;
	epoch_enter();
}

static void port_read_exit(void *ctx)
{
	(void)ctx;
	epoch_exit();
}

static void port_synchronize(void *ctx)
{
	(void)ctx;
	gate_synchronize();
}

static uint64_t port_now_ns(void *ctx)
{
	struct timespec t;

	(void)ctx;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void port_log(void *ctx, enum tn_log_level level, const char *text)
{
	static const char *const prefixes[] = { "tenon: error: ",
		"tenon: warning: ", "tenon: ", "tenon: debug: " };
	const char *prefix = prefixes[level];
	/* One call, so that lines of several threads stay whole. */
	const struct iovec line[] = {
		{ (void *)(uintptr_t)prefix, strlen(prefix) },
		{ (void *)(uintptr_t)text, strlen(text) },
		{ (void *)(uintptr_t) "\n", 1 },
	};

	(void)ctx;
	/* There is nobody to tell that telling has failed. */
	if (writev(STDERR_FILENO, line, ARRAY_SIZE(line)) < 0)
		return;
}

static int port_host_symbol(void *ctx, const char *name, uint64_t *addr)
{
	const void *p = dlsym(RTLD_DEFAULT, name);

	(void)ctx;
	if (!p)
		return -TN_ENOENT;
	*addr = (uintptr_t)p;
	return 0;
}

static const struct tn_port template = {
	.size = sizeof(struct tn_port),
	.abi = 1,
	.alloc = port_alloc,
	.free = port_free,
	.image_alloc = port_image_alloc,
	.image_trim = port_image_trim,
	.image_seal = port_image_seal,
	.image_finish = port_image_finish,
	.image_free = port_image_free,
	.read_file = port_read_file,
	.unpack = port_unpack,
	.release = port_release,
	.lock = port_lock,
	.unlock = port_unlock,
	.read_enter = port_read_enter,
	.read_exit = port_read_exit,
	.synchronize = port_synchronize,
	.wait = port_wait,
	.wake = thread_wake,
	.relax = thread_relax,
	.thread_self = thread_self,
	.thread_create = thread_create,
	.thread_join = thread_join,
	.now_ns = port_now_ns,
	.log = port_log,
	.host_symbol = port_host_symbol,
	.rest = port_rest,
};

/* --- forks */

static struct host_port *member_port(struct process_member *m)
{
	return CONTAINER_OF(m, struct host_port, member);
}

/* Waits a millisecond, on the only clock that mutexes have everywhere. */
static bool lock_soon(pthread_mutex_t *lock)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return pthread_mutex_timedlock(lock, &until) == 0;
}

static enum rest_copier copier_enter(struct host_port *p)
{
	if (is_mine(p))
		return COPIER_NESTED;
	for (;;) {
		if (rest_keep(&p->rest))
			return COPIER_KEPT;
		if (lock_soon(&p->lock))
			return COPIER_LOCKED;
	}
}

static void copier_leave(struct host_port *p, bool child)
{
	if (p->copier == COPIER_LOCKED) {
		pthread_mutex_unlock(&p->lock);
	} else if (p->copier == COPIER_KEPT && child) {
		/* Nobody is here to unlock it. */
		rest_clear(&p->rest);
		atomic_store(&p->holder, 0);
		pthread_mutex_init(&p->lock, NULL);
	} else if (p->copier == COPIER_KEPT) {
		rest_release(&p->rest);
		thread_wake(NULL, &p->rest.word);
	}
}

static void enter_fork(struct process_member *m)
{
	struct host_port *p = member_port(m);

	p->copier = copier_enter(p);
	p->generation = process_generation();
	p->forking = atomic_load(&p->system);
	if (p->forking)
		tn_system_before_fork(p->forking);
}

static void leave_fork(struct process_member *m)
{
	struct host_port *p = member_port(m);
	const bool child = process_generation() != p->generation;

	if (p->forking)
		tn_system_after_fork(p->forking, child);
	copier_leave(p, child);
}

static void before_fork(struct process_member *m)
{
	struct host_port *p = member_port(m);

	arena_before_fork(p->arena);
	pthread_mutex_lock(&p->blocks.lock);
}

static void after_fork(struct process_member *m)
{
	struct host_port *p = member_port(m);

	pthread_mutex_unlock(&p->blocks.lock);
	arena_after_fork(p->arena);
}

/* --- ports */

static size_t unpack_limit(size_t wanted)
{
	if (wanted == 0)
		return DEFAULT_UNPACK_LIMIT;
	return wanted < MAX_UNPACK_LIMIT ? wanted : MAX_UNPACK_LIMIT;
}

static bool take_listeners(
    struct host_port *p, const struct host_port_config *config)
{
	const unsigned flags = config->flags;
	struct tn_listener *to =
	    calloc(config->nlisteners + 2, sizeof(struct tn_listener));

	if (!to)
		return false;
	p->listeners = to;
	for (size_t i = 0; i < config->nlisteners; i++)
		*to++ = config->listeners[i];
	if (flags & HOST_PORT_GDB_JIT)
		*to++ = host_debug_jit;
	else if (flags & HOST_PORT_DEBUG_LIST)
		*to++ = host_debug_list;
	if (flags & HOST_PORT_PERF_MAP)
		*to++ = host_perf_map;
	p->nlisteners = (size_t)(to - p->listeners);
	return true;
}

int host_port_create(
    const struct host_port_config *config, struct host_port **out)
{
	struct arena_config arena = config->arena;
	struct host_port *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -TN_ENOMEM;
	if (config->flags & HOST_PORT_NO_MEMBARRIER)
		arena.flags |= ARENA_NO_MEMBARRIER;
	err = take_listeners(p, config) ? arena_create(&arena, &p->arena)
					: -TN_ENOMEM;
	if (err) {
		free(p->listeners);
		free(p);
		return err;
	}
	p->table = template;
	p->table.ctx = p;
	p->table.page_size = arena_page(p->arena);
	p->table.machine = host_machine.elf_machine;
	if (config->flags & HOST_PORT_NO_SYMBOLS)
		p->table.host_symbol = NULL;
	p->unpack_limit = unpack_limit(config->unpack_limit);
	if (config->flags & HOST_PORT_NO_MEMBARRIER)
		epoch_use_fences();
	else
		(void)process_enrol(BARRIER_MEMORY); /* or without it */
	blocks_init(&p->blocks);
	pthread_mutex_init(&p->lock, NULL);
	p->member.enter = enter_fork;
	p->member.leave = leave_fork;
	p->member.before = before_fork;
	p->member.after = after_fork;
	process_join(&p->member);
	*out = p;
	return 0;
}

void host_port_destroy(struct host_port *p)
{
	process_leave(&p->member);
	pthread_mutex_destroy(&p->lock);
	blocks_fini(&p->blocks);
	arena_destroy(p->arena);
	free(p->listeners);
	free(p);
}

const struct tn_listener *host_port_listeners(
    const struct host_port *p, size_t *n)
{
	*n = p->nlisteners;
	return p->listeners;
}

const struct tn_port *host_port_table(const struct host_port *p)
{
	return &p->table;
}

struct host_arena *host_port_arena(const struct host_port *p)
{
	return p->arena;
}

void host_port_set_system(struct host_port *p, struct tn_system *sys)
{
	atomic_store(&p->system, sys);
}

static bool has_system(struct process_member *m, const void *sys)
{
	/* Others than ports take part in forks too. */
	return m->before == before_fork &&
	       atomic_load(&member_port(m)->system) == sys;
}

struct host_port *host_port_find(const struct tn_system *sys)
{
	struct process_member *m = process_find(has_system, sys);

	return m ? member_port(m) : NULL;
}
