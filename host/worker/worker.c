/* SPDX-License-Identifier: MIT */
/*
 * Workers from their first call to their end: <host/worker.h>. How they come
 * into the world is in open.c.
 *
 * The process belongs to the one that made it. In a child of fork a worker is
 * a record without a process: calls are refused, and closing frees the record.
 */
#include "internal.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tenon/err.h>

#define EXIT_NS 1000000000ull /* for exit and destructors */

/* --- forks */

static struct worker *member_worker(struct process_member *m)
{
	return CONTAINER_OF(m, struct worker, member);
}

static void before_fork(struct process_member *m)
{
	pthread_mutex_lock(&member_worker(m)->state);
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void after_fork(struct process_member *m)
{
	struct worker *w = member_worker(m);

	/* So that the worker ends when the parent does. */
	if (process_generation() != w->generation) {
		drop(&w->lifeline);
		drop(&w->far);
		drop(&w->process.fd);
	}
	pthread_mutex_unlock(&w->state);
}

static bool is_foreign(const struct worker *w)
{
	return process_generation() != w->generation || process_is_torn();
}

/* --- calls; the turn is the caller's, or nobody else knows the worker */

int worker_run_one(struct worker *w, uint64_t fn, const int64_t args[4],
    uint64_t deadline, int64_t *ret)
{
	struct message m = { .kind = WIRE_CALL, .value = fn };
	int err;

	for (int i = 0; i < 4; i++)
		m.arg[i] = (uint64_t)args[i];
	atomic_store(&w->called, fn);
	err = worker_run(w, &m, WIRE_RETURN, deadline);
	atomic_store(&w->called, 0);
	if (err == 0)
		*ret = (int64_t)m.value;
	return err;
}

int worker_run_all(
    struct worker *w, const uint64_t *list, size_t n, uint64_t deadline)
{
	const int64_t none[4] = { 0 };
	int64_t ret;
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		err = worker_run_one(w, list[i], none, deadline, &ret);
	return err;
}

uint64_t worker_function(const struct worker *w, const char *name)
{
	const struct image_symbol *s = image_find(&w->img, name);

	return s && image_is_text(&w->img, s->addr) ? s->addr : 0;
}

/* --- end */

static void end_process(struct worker *w)
{
	(void)shutdown(w->lifeline, SHUT_WR);
	process_kill(&w->process);
	process_release(&w->process, w->lifeline);
}

void worker_release(struct worker *w)
{
	const bool foreign = is_foreign(w);

	process_leave(&w->member);
	if (w->lifeline >= 0 && !foreign)
		end_process(w);
	drop(&w->lifeline);
	drop(&w->far);
	drop(&w->process.fd);
	/* A child has no such mapping, and perhaps another one there. */
	if (w->page && !foreign)
		munmap(w->page, w->page_size);
	image_free(&w->img);
	pthread_mutex_destroy(&w->state);
	pthread_mutex_destroy(&w->turn);
	free(w);
}

struct worker *worker_create(const struct worker_load *load)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->config = load->config;
	w->slot = load->slot;
	w->lifeline = w->far = w->process.fd = -1;
	w->exit_ns = load->timeout_ns && load->timeout_ns < EXIT_NS
			 ? load->timeout_ns
			 : EXIT_NS;
	w->generation = process_generation();
	pthread_mutex_init(&w->turn, NULL);
	pthread_mutex_init(&w->state, NULL);
	w->member.before = before_fork;
	w->member.after = after_fork;
	process_join(&w->member);
	return w;
}

static void leave(struct worker *w)
{
	const uint64_t deadline = worker_deadline(w->exit_ns);
	const int64_t args[4] = { (int64_t)w->exit }, none[4] = { 0 };
	int64_t result = 0, nothing;
	int err = 0;

	if (w->exit)
		err = worker_run_one(w, w->leave, args, deadline, &result);
	if (err == 0 && w->cleanup)
		err = worker_run_one(w, w->cleanup, none, deadline, &nothing);
	if (err == 0)
		err = worker_run_all(w, w->img.ends, w->img.nends, deadline);
	if (err)
		return;
	(void)worker_end(w, TN_ISOLATE_CLOSED, NULL);
	w->report.status = (int32_t)result;
}

void worker_limit_exit(struct worker *w, uint64_t ns)
{
	w->exit_ns = ns < w->exit_ns ? ns : w->exit_ns;
}

void worker_close(struct worker *w, struct tn_isolate_report *report)
{
	if (!is_foreign(w)) {
		if (atomic_load(&w->status) == 0)
			leave(w);
		(void)worker_end(w, TN_ISOLATE_CLOSED, NULL);
	}
	worker_tell(w);
	*report = w->report;
	worker_release(w);
}

/* --- the public calls */

int worker_lookup(const struct worker *w, const char *symbol, uint64_t *fn)
{
	const uint64_t found = worker_function(w, symbol);

	if (found == 0)
		return -TN_ENOENT;
	*fn = found;
	return 0;
}

int worker_call(struct worker *w, uint64_t fn, const int64_t args[4],
    uint64_t timeout_ns, int64_t *ret)
{
	const pthread_t self = pthread_self();
	int err;

	if (is_foreign(w))
		return -TN_EAGAIN;
	if (atomic_load_explicit(&w->caller, memory_order_relaxed) == self)
		return -TN_EDEADLK;
	pthread_mutex_lock(&w->turn);
	atomic_store_explicit(&w->caller, self, memory_order_relaxed);
	err = atomic_load(&w->status);
	if (err == 0)
		err = worker_run_one(
		    w, fn, args, worker_deadline(timeout_ns), ret);
	atomic_store_explicit(&w->caller, 0, memory_order_relaxed);
	pthread_mutex_unlock(&w->turn);
	if (err)
		worker_tell(w);
	return err;
}

void worker_kill(struct worker *w)
{
	if (is_foreign(w))
		return;
	(void)worker_end(w, TN_ISOLATE_KILLED, NULL);
	worker_tell(w);
}

int worker_status(const struct worker *w)
{
	return atomic_load_explicit(&w->status, memory_order_acquire);
}

void worker_info(const struct worker *w, struct worker_info *out)
{
	*out = (struct worker_info){
		.base = w->img.base,
		.bytes = w->img.size,
		.timing = w->timing,
		.buffer.host = (uint8_t *)w->page + WIRE_BUFFER,
		.buffer.module = w->page_addr + WIRE_BUFFER,
		.buffer.size = w->page_size - WIRE_BUFFER,
	};
	memcpy(out->name, w->img.name, sizeof(out->name));
}

void worker_report(struct worker *w, struct tn_isolate_report *out)
{
	pthread_mutex_lock(&w->state);
	*out = w->report;
	pthread_mutex_unlock(&w->state);
}
