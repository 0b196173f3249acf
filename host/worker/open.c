/* SPDX-License-Identifier: MIT */
/*
 * How a worker comes into the world: <host/worker.h>.
 *
 *	file, lifeline -> process -> HELLO: its symbols -> link -> LOAD ->
 *	READY -> constructors, init
 *
 * From READY on the process runs foreign code. What is acquired hangs on one
 * struct worker, and one function frees it.
 */
#include "internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <tenon/err.h>

/* Where things are in a worker: somewhere in 128 GiB, by steps of 2 MiB. */
#define PLACE_FIRST ((uint64_t)1 << 34)
#define PLACE_STEP  ((uint64_t)1 << 21)
#define PLACE_STEPS ((uint64_t)1 << 15)
#define PLACE_IMAGE ((uint64_t)1 << 30) /* behind the shared file */
#define PLACE_HEAP  ((uint64_t)1 << 30) /* behind the image */

/* What open needs besides. */
struct opening {
	const struct worker_load *load;
	struct worker *w;
	struct birth birth;
	struct worker_steps no_steps;
	struct tn_diag *diag;
	int file;
	uint64_t start;    /* now */
	uint64_t deadline; /* of the module's init */
	uint64_t api, handle;
	struct tn_export *exports;
	size_t nexports;
	struct wire_symbol *offers;
};

/* --- birth */

static size_t up(size_t n, size_t page)
{
	return (n + page - 1) / page * page;
}

static uint64_t random_place(void)
{
	uint64_t bits = 0;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits))
		bits = lane_now() / 1000;
	return PLACE_FIRST + bits % PLACE_STEPS * PLACE_STEP;
}

static int fail_birth(struct opening *o, int err)
{
	struct tn_isolate_report *r = &o->w->report;

	r->end = TN_ISOLATE_UNBORN;
	r->error = err;
	r->status = o->birth.os_error;
	r->step = o->birth.step;
	return err;
}

static int share_file(struct opening *o, size_t page)
{
	const struct tn_isolate_config *c = o->load->config;
	struct worker *w = o->w;
	const size_t size = up(WIRE_BUFFER + c->buffer_size, page);
	void *at = MAP_FAILED;
	int err = birth_file(&o->birth, size, &o->file);

	if (err)
		return fail_birth(o, err);
	if (birth_step(&o->birth, "mmap"))
		at = mmap(
		    NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, o->file, 0);
	if (at == MAP_FAILED)
		return fail_birth(o, birth_failed(&o->birth));
	w->page = at;
	w->page_size = size;
	/* Fails where forks copy it; the child leaves it alone either way. */
	(void)madvise(at, size, MADV_DONTFORK);
	return 0;
}

static uint32_t spin_rounds(const struct tn_isolate_config *c)
{
	cpu_set_t cpus;

	if ((c->flags & TN_ISOLATE_NO_SPIN) != 0 ||
	    (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
		CPU_COUNT(&cpus) == 1))
		return 0;
	return lane_rounds(c->spin_ns);
}

static void make_plan(struct opening *o)
{
	const struct tn_isolate_config *c = o->load->config;
	struct worker *w = o->w;

	w->page_addr = random_place();
	w->page->plan = (struct wire_plan){
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.flags = (c->flags & TN_ISOLATE_UNFILTERED) != 0
			     ? WIRE_UNFILTERED
			     : 0,
		.spin = spin_rounds(c),
		.shared_addr = w->page_addr,
		.shared_size = w->page_size,
		.stack_size = c->stack_size,
	};
}

/* With the lock, so that the child of a fork knows what it must close. */
static int open_lifeline(struct opening *o)
{
	struct worker *w = o->w;
	int ends[2];
	int err;

	pthread_mutex_lock(&w->state);
	err = birth_lifeline(&o->birth, ends);
	if (err == 0) {
		w->lifeline = ends[0];
		w->far = ends[1];
	}
	pthread_mutex_unlock(&w->state);
	return err;
}

static int start_process(struct opening *o)
{
	struct worker *w = o->w;
	struct process made = { 0, -1 };
	int err = open_lifeline(o);

	if (err)
		return fail_birth(o, err);
	lane_open(&w->lane, &w->page->lane, w->lifeline);
	w->lane.stop = o->load->stop;
	w->lane.spin.most = w->page->plan.spin;
	w->lane.spin.rounds = w->lane.spin.most;
	err = birth_process(&o->birth, (const int[2]){ o->file, w->far },
	    o->load->config->helper, &made);
	pthread_mutex_lock(&w->state);
	close(w->far);
	w->far = -1;
	w->process = made;
	w->report.process = made.pid;
	pthread_mutex_unlock(&w->state);
	w->lane.process = made.fd;
	return err ? fail_birth(o, err) : 0;
}

/*
 * A helper may have started another process that is the worker: of its end
 * only the lifeline tells.
 */
static void know_process(struct worker *w, int64_t pid)
{
	pthread_mutex_lock(&w->state);
	if (w->process.pid != pid)
		w->lane.process = -1;
	if (w->process.pid == 0)
		w->process.pid = pid;
	w->report.process = pid;
	pthread_mutex_unlock(&w->state);
}

/* Its first word comes without a question. */
static int hear_hello(struct opening *o)
{
	struct worker *w = o->w;
	struct message m;
	int err =
	    lane_wait(&w->lane, worker_deadline(o->load->config->start_ns), &m);

	if (err == 0 && m.kind == WIRE_HELLO) {
		o->api = m.arg[WIRE_HELLO_API];
		o->handle = m.arg[WIRE_HELLO_HANDLE];
		w->leave = m.arg[WIRE_HELLO_LEAVE];
		o->nexports = (size_t)m.arg[WIRE_HELLO_SYMBOLS];
		know_process(w, (int64_t)m.value);
		return 0;
	}
	if (err == -TN_EOWNERDEAD && lane_is_to_stop(&w->lane))
		return worker_end(w, TN_ISOLATE_KILLED, NULL);
	o->birth.step = NULL;
	o->birth.os_error = 0;
	return fail_birth(
	    o, err == -TN_ETIMEDOUT ? -TN_ETIMEDOUT : -TN_EOPNOTSUPP);
}

/* --- linking */

static const struct tn_export *find_allowed(
    const struct worker_load *load, const char *name)
{
	for (size_t i = 0; i < load->nexports; i++)
		if (load->exports[i].name &&
		    strcmp(load->exports[i].name, name) == 0)
			return &load->exports[i];
	return NULL;
}

/*
 * Those symbols of the worker that the module may import, on the terms of the
 * manager's: version, licence, namespace.
 */
static int take_symbols(struct opening *o)
{
	const uint8_t *text = (const uint8_t *)o->w->page + WIRE_TEXT;
	const size_t n =
	    o->nexports < WIRE_SYMBOLS ? o->nexports : WIRE_SYMBOLS;
	size_t taken = 0;

	o->offers = calloc(n + 1, sizeof(*o->offers));
	o->exports = calloc(n + 1, sizeof(*o->exports));
	if (!o->offers || !o->exports)
		return -TN_ENOMEM;
	memcpy(o->offers, text, n * sizeof(*o->offers));
	for (size_t i = 0; i < n; i++) {
		struct wire_symbol *s = &o->offers[i];
		const struct tn_export *allowed;

		s->name[sizeof(s->name) - 1] = '\0';
		allowed = find_allowed(o->load, s->name);
		if (!allowed)
			continue;
		o->exports[taken] = *allowed;
		o->exports[taken].name = s->name;
		o->exports[taken++].addr = (const void *)(uintptr_t)s->addr;
	}
	o->nexports = taken;
	return 0;
}

static int link_module(struct opening *o)
{
	const struct worker_load *load = o->load;
	struct image_request req = {
		.data = load->blob,
		.size = load->size,
		.name = load->name,
		.flags = load->flags,
		.base = o->w->page_addr + PLACE_IMAGE,
	};
	int err = take_symbols(o);

	if (err)
		return err;
	req.exports = o->exports;
	req.nexports = o->nexports;
	if (o->nexports == 0)
		req.flags |= TN_LOAD_NO_IMPORTS;
	err = image_link(&req, &o->w->img, o->diag);
	o->w->timing.link = lane_now() - o->start;
	return err;
}

/* --- handing over */

/* Without the zeroes at its end. */
static size_t filled(const uint8_t *bytes, size_t n)
{
	while (n != 0 && bytes[n - 1] == 0)
		n--;
	return n;
}

static bool write_all(int fd, const uint8_t *bytes, size_t n, uint64_t at)
{
	while (n != 0) {
		const ssize_t done = pwrite(fd, bytes, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		bytes += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return true;
}

/* The parts into the file, behind what is shared, and into the plan. */
static int write_parts(struct opening *o)
{
	struct wire_plan *plan = &o->w->page->plan;
	const struct image *img = &o->w->img;
	uint64_t at = o->w->page_size;

	for (unsigned i = 0; i < img->nparts; i++) {
		const struct image_part *p = &img->part[i];
		const uint8_t *bytes = img->bytes + p->offset;
		const size_t room = img->nbytes - p->offset;
		const size_t n = filled(bytes, p->size < room ? p->size : room);

		if (!birth_step(&o->birth, "write") ||
		    !write_all(o->file, bytes, n, at))
			return fail_birth(o, birth_failed(&o->birth));
		plan->segment[i] = (struct wire_segment){
			.addr = p->addr,
			.size = p->size,
			.offset = at,
			.bytes = n,
			.prot = p->prot,
		};
		at += n;
	}
	plan->nsegments = img->nparts;
	return 0;
}

static int hand_over(struct opening *o)
{
	const struct tn_isolate_config *c = o->load->config;
	struct message m = { .kind = WIRE_LOAD };
	struct worker *w = o->w;
	int err = write_parts(o);

	if (err)
		return err;
	w->page->plan.heap_addr = w->img.base + PLACE_HEAP;
	w->page->plan.heap_size =
	    up(c->heap_size, (size_t)sysconf(_SC_PAGESIZE));
	err = worker_run(w, &m, WIRE_READY, worker_deadline(c->start_ns));
	/* The image is there; only the module's name for it stays here. */
	if (err == 0 && ftruncate(o->file, (off_t)w->page_size) != 0)
		err = fail_birth(o, birth_failed(&o->birth));
	image_drop_bytes(&w->img);
	return err;
}

static int fail_init(struct opening *o, int64_t result)
{
	o->diag->error =
	    result < 0 && result >= -4095 ? (int)result : -TN_EINVAL;
	o->diag->stage = TN_STAGE_INIT;
	o->diag->reason = TN_REASON_INIT_FAILED;
	o->diag->value = (uint64_t)result;
	return o->diag->error;
}

static int run_init(struct opening *o)
{
	const int64_t none[4] = { 0 };
	const int64_t args[4] = { (int64_t)o->api, (int64_t)o->handle };
	struct worker *w = o->w;
	const uint64_t plain = worker_function(w, "init_module");
	uint64_t init = worker_function(w, "lkmod_init");
	int64_t result = 0;
	int err;

	if ((o->load->flags & TN_LOAD_NO_INIT) != 0) {
		w->img.nends = 0;
		return 0;
	}
	w->cleanup = worker_function(w, "cleanup_module");
	/* A shared object may hide its name. */
	if (!init && !plain && image_is_text(&w->img, w->img.entry))
		init = w->img.entry;
	if (init)
		w->exit = worker_function(w, "lkmod_exit");
	err = worker_run_all(w, w->img.starts, w->img.nstarts, o->deadline);
	if (err == 0 && plain)
		err = worker_run_one(w, plain, none, o->deadline, &result);
	if (err == 0 && result == 0 && init)
		err = worker_run_one(w, init, args, o->deadline, &result);
	if (err)
		return err;
	/* int, so what is above its 32 bits means nothing. */
	return (int32_t)result ? fail_init(o, (int32_t)result) : 0;
}

static int open_stages(struct opening *o)
{
	int err = share_file(o, (size_t)sysconf(_SC_PAGESIZE));

	if (err == 0) {
		make_plan(o);
		err = start_process(o);
	}
	if (err == 0)
		err = hear_hello(o);
	if (err == 0)
		err = link_module(o);
	if (err == 0)
		err = hand_over(o);
	o->w->timing.protect = lane_now() - o->start - o->w->timing.link;
	o->deadline =
	    worker_deadline(o->load->timeout_ns ? o->load->timeout_ns
						: o->load->config->start_ns);
	if (err == 0)
		err = run_init(o);
	o->w->timing.init =
	    lane_now() - o->start - o->w->timing.link - o->w->timing.protect;
	return err;
}

/* An end of the process is a diagnosis, too. */
static void explain(struct opening *o, int err)
{
	struct tn_diag *d = o->diag;

	if (d->error == 0 && o->w->report.end == TN_ISOLATE_RUNS) {
		d->error = err; /* the link's own books */
		d->stage = TN_STAGE_RESOLVE;
		d->reason = TN_REASON_NO_MEMORY;
	} else if (d->error == 0) {
		d->error = err;
		d->stage = o->w->timing.link ? TN_STAGE_INIT : TN_STAGE_ALLOC;
		d->reason = TN_REASON_WORKER;
		(void)tn_isolate_text(
		    &o->w->report, d->other, sizeof(d->other));
	}
	if (d->module[0] == '\0' && o->load->name)
		copy_text(d->module, sizeof(d->module), o->load->name);
}

int worker_open(const struct worker_load *load, struct worker **out,
    struct tn_isolate_report *report, struct tn_diag *diag,
    struct worker_steps *steps)
{
	struct opening o = { .load = load, .diag = diag, .file = -1 };
	int err;

	tn_diag_init(diag);
	o.start = lane_now();
	o.birth.steps = steps ? steps : &o.no_steps;
	o.w = worker_create(load);
	if (!o.w) {
		diag->error = -TN_ENOMEM;
		diag->reason = TN_REASON_NO_MEMORY;
		diag->value = sizeof(*o.w);
		return -TN_ENOMEM;
	}
	err = open_stages(&o);
	if (o.file >= 0)
		close(o.file);
	free(o.exports);
	free(o.offers);
	o.w->lane.stop = NULL; /* it goes with the load */
	if (err == 0) {
		*out = o.w;
		return 0;
	}
	explain(&o, err);
	worker_tell(o.w);
	(void)worker_end(o.w, TN_ISOLATE_CLOSED, NULL);
	*report = o.w->report;
	worker_release(o.w);
	return err;
}
