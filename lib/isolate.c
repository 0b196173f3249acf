/* SPDX-License-Identifier: MIT */
/*
 * Isolation for slot managers, over workers: <tenon/isolate.h>.
 *
 * A place is what a manager knows as a worker. It is the manager's from open to
 * the end of close, and outlives that, so that its last report can be asked
 * for, until there is a newer one of a slot with the same number: managers that
 * share an isolation number their slots alike. All places hang on one list. The
 * lock protects the list and what places say; no function of the caller and no
 * module runs with it held.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <base/list.h>
#include <host/process.h>
#include <host/worker.h>
#include <tenon/isolate.h>
#include <tenon/isolation.h>

#define CONFIG_ABI   1u
#define KNOWN_FLAGS  (TN_ISOLATE_UNFILTERED | TN_ISOLATE_NO_SPIN)
#define SPIN_NS      20000u
#define SPIN_MAX     1000000u
#define START_NS     30000000000ull
#define EXIT_NS      1000000000ull
#define EXIT_SHARE   (EXIT_NS / 32)
#define HEAP_SIZE    ((size_t)1 << 20)
#define STACK_SIZE   ((size_t)256 << 10)
#define STACK_MIN    ((size_t)64 << 10)
#define BUFFER_SIZE  ((size_t)64 << 10)
#define SIZE_MAX_ALL ((size_t)256 << 20)

struct isolate {
	struct tn_isolation table;
	struct tn_isolate_config config;
	struct process_member member;
	pthread_mutex_t lock;
	/* lock: */
	struct list places; /* the newest first */
	size_t nusers;      /* places that are a manager's, and loads */
	uint64_t exit_left, exit_at; /* see exit_budget */
};

struct place {
	struct list node;
	struct isolate *iso;
	uint32_t slot;
	bool is_held;                    /* lock: a manager knows it */
	struct worker *worker;           /* lock: NULL when there is none */
	struct tn_isolate_report report; /* lock: of the last one */
};

static uint64_t monotonic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct place *place_of(struct list *node)
{
	return CONTAINER_OF(node, struct place, node);
}

static struct isolate *isolate_of(const struct tn_isolation *isolation)
{
	return isolation->ctx;
}

/* --- places */

static struct place *place_find(
    const struct isolate *iso, uint32_t slot, bool live)
{
	for (struct list *pos = iso->places.next; pos != &iso->places;
	     pos = pos->next) {
		struct place *p = place_of(pos);

		if (p->slot == slot && (!live || p->worker != NULL))
			return p;
	}
	return NULL;
}

/* Forgets what is only known of the slot of @p, but @p itself. */
static void places_forget(const struct place *p)
{
	struct isolate *iso = p->iso;

	for (struct list *pos = iso->places.next, *next; pos != &iso->places;
	     pos = next) {
		struct place *old = place_of(pos);

		next = pos->next;
		if (old == p || old->slot != p->slot || old->is_held)
			continue;
		list_del(&old->node);
		free(old);
	}
}

/* The worker goes into a new place; NULL: only the report does. */
static void place_take(struct place *p, struct worker *w)
{
	struct isolate *iso = p->iso;

	pthread_mutex_lock(&iso->lock);
	places_forget(p);
	p->worker = w;
	p->is_held = w != NULL;
	list_add(&iso->places, &p->node);
	iso->nusers -= w == NULL;
	pthread_mutex_unlock(&iso->lock);
}

/* --- exits */

/*
 * What an exit may take, so that many that hang, unloaded one after the other,
 * take little longer than one: a second of it is there at first, is used up by
 * those who need it, and comes back with time. A share is there always. The
 * lock is held.
 */
static uint64_t exit_budget_locked(struct isolate *iso)
{
	const uint64_t now = monotonic_now();
	const uint64_t back = now - iso->exit_at;

	if (back >= EXIT_NS - iso->exit_left)
		iso->exit_left = EXIT_NS;
	else
		iso->exit_left += back;
	iso->exit_at = now;
	return iso->exit_left > EXIT_SHARE ? iso->exit_left : EXIT_SHARE;
}

static void exit_used_locked(struct isolate *iso, uint64_t since)
{
	const uint64_t now = monotonic_now();
	const uint64_t used = now - since;

	iso->exit_left = iso->exit_left > used ? iso->exit_left - used : 0;
	iso->exit_at = now;
}

/* --- the table */

static int isolate_load(void *ctx, const struct tn_isolation_load *load,
    void **worker, struct tn_diag *diag)
{
	struct isolate *iso = ctx;
	struct place *p = calloc(1, sizeof(*p));
	struct worker *w = NULL;
	const struct worker_load wanted = {
		.config = &iso->config,
		.slot = load->slot,
		.blob = load->blob,
		.size = load->blob_size,
		.name = load->name,
		.flags = load->load_flags,
		.exports = load->exports,
		.nexports = load->nexports,
		.timeout_ns = load->timeout_ns,
		.stop = load->stop,
	};
	int err;

	if (!p) {
		diag->error = -TN_ENOMEM;
		diag->stage = TN_STAGE_ALLOC;
		diag->reason = TN_REASON_NO_MEMORY;
		diag->value = sizeof(*p);
		return -TN_ENOMEM;
	}
	p->iso = iso;
	p->slot = load->slot;
	pthread_mutex_lock(&iso->lock);
	iso->nusers++;
	pthread_mutex_unlock(&iso->lock);
	err = worker_open(&wanted, &w, &p->report, diag, NULL);
	place_take(p, w);
	if (err == 0)
		*worker = p;
	return err;
}

static void isolate_unload(void *worker)
{
	struct place *p = worker;
	struct isolate *iso = p->iso;
	struct tn_isolate_report report;
	struct worker *w;
	uint64_t start;

	pthread_mutex_lock(&iso->lock);
	w = p->worker;
	worker_report(w, &p->report);
	p->worker = NULL;
	worker_limit_exit(w, exit_budget_locked(iso));
	start = iso->exit_at;
	pthread_mutex_unlock(&iso->lock);
	worker_close(w, &report);
	pthread_mutex_lock(&iso->lock);
	exit_used_locked(iso, start);
	p->report = report;
	p->is_held = false;
	places_forget(p);
	iso->nusers--;
	pthread_mutex_unlock(&iso->lock);
}

static int isolate_lookup(void *worker, const char *symbol, uint64_t *function)
{
	const struct place *p = worker;
	const int ended = worker_status(p->worker);

	return ended ? ended : worker_lookup(p->worker, symbol, function);
}

static int isolate_call(void *worker, struct tn_isolation_call *call)
{
	const struct place *p = worker;

	return worker_call(p->worker, call->function, call->args,
	    call->timeout_ns, &call->ret);
}

static void isolate_kill(void *worker)
{
	const struct place *p = worker;

	worker_kill(p->worker);
}

static void isolate_info(void *worker, struct tn_isolation_info *out)
{
	const struct place *p = worker;
	struct tn_isolate_report report;
	struct worker_info info;

	worker_info(p->worker, &info);
	worker_report(p->worker, &report);
	*out = (struct tn_isolation_info){
		.status = report.error,
		.base = info.base,
		.bytes = info.bytes,
		.id = report.process,
		.timing = info.timing,
	};
	memcpy(out->name, info.name, sizeof(out->name));
}

/* --- forks */

static void before_fork(struct process_member *m)
{
	pthread_mutex_lock(&CONTAINER_OF(m, struct isolate, member)->lock);
}

static void after_fork(struct process_member *m)
{
	pthread_mutex_unlock(&CONTAINER_OF(m, struct isolate, member)->lock);
}

/* --- the public calls */

static size_t or_standard(size_t value, size_t standard)
{
	return value ? value : standard;
}

/* What the caller has left to us; false: it asks for what there is not. */
static bool complete(struct tn_isolate_config *c)
{
	if ((c->flags & ~KNOWN_FLAGS) != 0)
		return false;
	c->spin_ns = (uint32_t)or_standard(c->spin_ns, SPIN_NS);
	c->start_ns = c->start_ns ? c->start_ns : START_NS;
	c->heap_size = or_standard(c->heap_size, HEAP_SIZE);
	c->stack_size = or_standard(c->stack_size, STACK_SIZE);
	c->buffer_size = or_standard(c->buffer_size, BUFFER_SIZE);
	return c->spin_ns <= SPIN_MAX && c->heap_size <= SIZE_MAX_ALL &&
	       c->stack_size >= STACK_MIN && c->stack_size <= SIZE_MAX_ALL &&
	       c->buffer_size <= SIZE_MAX_ALL;
}

int tn_isolate_open(
    const struct tn_isolate_config *config, const struct tn_isolation **out)
{
	static const struct tn_isolate_config standard = {
		.size = sizeof(standard),
		.abi = CONFIG_ABI,
	};
	struct tn_isolate_config c;
	struct isolate *iso;

	if (!config)
		config = &standard;
	/* Of another size it may not be read as a whole. */
	if (config->size != sizeof(*config) || config->abi != CONFIG_ABI)
		return -TN_EINVAL;
	c = *config;
	if (!complete(&c))
		return -TN_EINVAL;
	iso = calloc(1, sizeof(*iso));
	if (!iso)
		return -TN_ENOMEM;
	iso->table = (struct tn_isolation){
		.size = sizeof(iso->table),
		.abi = 1,
		.ctx = iso,
		.open = isolate_load,
		.close = isolate_unload,
		.lookup = isolate_lookup,
		.call = isolate_call,
		.kill = isolate_kill,
		.info = isolate_info,
	};
	iso->config = c;
	pthread_mutex_init(&iso->lock, NULL);
	list_init(&iso->places);
	iso->exit_left = EXIT_NS;
	iso->member.before = before_fork;
	iso->member.after = after_fork;
	process_join(&iso->member);
	*out = &iso->table;
	return 0;
}

int tn_isolate_close(const struct tn_isolation *isolation)
{
	struct isolate *iso = isolate_of(isolation);
	bool busy;

	pthread_mutex_lock(&iso->lock);
	busy = iso->nusers != 0;
	pthread_mutex_unlock(&iso->lock);
	if (busy)
		return -TN_EBUSY;
	process_leave(&iso->member);
	for (struct list *pos = iso->places.next, *next; pos != &iso->places;
	     pos = next) {
		next = pos->next;
		free(place_of(pos));
	}
	pthread_mutex_destroy(&iso->lock);
	free(iso);
	return 0;
}

int tn_isolate_report(const struct tn_isolation *isolation, uint32_t slot,
    struct tn_isolate_report *out)
{
	struct isolate *iso = isolate_of(isolation);
	struct place *p;

	pthread_mutex_lock(&iso->lock);
	p = place_find(iso, slot, true);
	if (p)
		worker_report(p->worker, out);
	else if ((p = place_find(iso, slot, false)) != NULL)
		*out = p->report;
	pthread_mutex_unlock(&iso->lock);
	return p ? 0 : -TN_ENOENT;
}

int tn_isolate_buffer(const struct tn_isolation *isolation, uint32_t slot,
    struct tn_isolate_buffer *out)
{
	struct isolate *iso = isolate_of(isolation);
	struct worker_info info;
	const struct place *p;

	pthread_mutex_lock(&iso->lock);
	p = place_find(iso, slot, true);
	if (p) {
		worker_info(p->worker, &info);
		*out = info.buffer;
	}
	pthread_mutex_unlock(&iso->lock);
	return p ? 0 : -TN_ENOENT;
}
