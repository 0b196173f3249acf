/* SPDX-License-Identifier: MIT */
/*
 * From the first instruction to the module's first: the process lets go of
 * what it has inherited, maps the shared file, offers its symbols, maps the
 * image that the host has linked against them, gives up its rights, and from
 * then on does calls.
 *
 * No page is ever writable and executable: the image is filled first.
 */
#include "machine.h"
#include "program.h"

#define F_SETFL     4
#define F_SETOWN    8
#define F_SETSIG    10
#define O_NONBLOCK  04000
#define O_ASYNC     020000
#define SIGKILL     9
#define PR_SET_NAME 15

#define PROT_READ           1
#define PROT_WRITE          2
#define PROT_EXEC           4
#define MAP_SHARED          1
#define MAP_PRIVATE         2
#define MAP_ANONYMOUS       0x20
#define MAP_FIXED_NOREPLACE 0x100000

/* Kernels before 5.9 have no close_range. */
#define MANY_DESCRIPTORS 65536

/* Statuses of processes that could not even say what was wrong. */
enum {
	NO_LIFELINE = 1,
	NO_FILE,
	NO_PLAN
};

static struct wire_plan plan;

long sys_call(long nr, const long a[6])
{
	return machine_call(nr, a);
}

void leave(int status)
{
	for (;;)
		(void)sys(SYS_EXIT_GROUP, status);
}

static void close_others(void)
{
	if (sys(SYS_CLOSE_RANGE, WIRE_LIFELINE + 1, ~0u) == 0)
		return;
	for (int fd = WIRE_LIFELINE + 1; fd < MANY_DESCRIPTORS; fd++)
		(void)sys(SYS_CLOSE, fd);
}

/*
 * Whatever happens at the other end of the lifeline, its closing by the end of
 * the host included, sends SIGKILL here. No terminal does.
 */
static bool hold_lifeline(void)
{
	char c;

	(void)sys(SYS_SETSID, 0);
	if (sys(SYS_FCNTL, WIRE_LIFELINE, F_SETSIG, SIGKILL) != 0 ||
	    sys(SYS_FCNTL, WIRE_LIFELINE, F_SETOWN, sys(SYS_GETPID, 0)) != 0 ||
	    sys(SYS_FCNTL, WIRE_LIFELINE, F_SETFL, O_ASYNC | O_NONBLOCK) != 0)
		return false;
	/* It may have happened before: then there is something to read. */
	return sys(SYS_READ, WIRE_LIFELINE, (long)&c, 1) == -WIRE_EAGAIN;
}

static bool read_plan(void)
{
	return sys(SYS_PREAD64, WIRE_FILE, (long)&plan, sizeof(plan), 0) ==
		   sizeof(plan) &&
	       plan.magic == WIRE_MAGIC && plan.version == WIRE_VERSION;
}

static long map(uint64_t addr, uint64_t size, int flags, int fd)
{
	const long got = sys(SYS_MMAP, (long)addr, (long)size,
	    PROT_READ | PROT_WRITE, flags | MAP_FIXED_NOREPLACE, fd, 0);

	if (got < 0 && got > -4096)
		return got;
	/* Before 4.17 the flag is unknown and the address only a wish. */
	return (uint64_t)got == addr ? 0 : -WIRE_EEXIST;
}

/* Reads all of [to, to + n) from the file. */
static long fill(uint64_t to, uint64_t n, uint64_t offset)
{
	while (n != 0) {
		const long got = sys(
		    SYS_PREAD64, WIRE_FILE, (long)to, (long)n, (long)offset);

		if (got <= 0)
			return got < 0 ? got : -WIRE_EIO;
		to += (uint64_t)got;
		offset += (uint64_t)got;
		n -= (uint64_t)got;
	}
	return 0;
}

static int protection(uint32_t prot)
{
	return (prot & WIRE_R ? PROT_READ : 0) |
	       (prot & WIRE_W ? PROT_WRITE : 0) |
	       (prot & WIRE_X ? PROT_EXEC : 0);
}

static long load_segment(const struct wire_segment *s, enum wire_step *step)
{
	long err;

	*step = WIRE_STEP_PLAN;
	if ((s->prot & WIRE_W) != 0 && (s->prot & WIRE_X) != 0)
		return -WIRE_EINVAL;
	*step = WIRE_STEP_MAP;
	err = map(s->addr, s->size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (err)
		return err;
	*step = WIRE_STEP_READ;
	err = fill(s->addr, s->bytes, s->offset);
	if (err)
		return err;
	*step = WIRE_STEP_PROTECT;
	err = sys(
	    SYS_MPROTECT, (long)s->addr, (long)s->size, protection(s->prot));
	if (err == 0 && (s->prot & WIRE_X) != 0)
		machine_sync_code(s->addr, s->size);
	return err;
}

static long load_image(enum wire_step *step)
{
	long err = -WIRE_EINVAL;

	/* The first half was read at the start and is not to change. */
	*step = WIRE_STEP_READ;
	err = sys(SYS_PREAD64, WIRE_FILE, (long)&plan, sizeof(plan), 0) ==
		      sizeof(plan)
		  ? 0
		  : -WIRE_EIO;
	if (err == 0 && plan.nsegments > WIRE_SEGMENTS) {
		*step = WIRE_STEP_PLAN;
		err = -WIRE_EINVAL;
	}
	for (uint32_t i = 0; err == 0 && i < plan.nsegments; i++)
		err = load_segment(&plan.segment[i], step);
	if (err == 0 && plan.heap_size != 0) {
		*step = WIRE_STEP_MAP;
		err = map(plan.heap_addr, plan.heap_size,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (err == 0)
			heap_open(plan.heap_addr, plan.heap_size);
	}
	(void)sys(SYS_CLOSE, WIRE_FILE);
	return err;
}

static long give_up_rights(enum wire_step *step)
{
	long err;

	*step = WIRE_STEP_SIGNALS;
	err = guard_signals();
	if (err)
		return err;
	*step = WIRE_STEP_LIMITS;
	err = guard_limits(&plan);
	if (err)
		return err;
	*step = WIRE_STEP_FILTER;
	return guard_filter(&plan);
}

/* Waits for the plan and follows it; ends the process if that fails. */
static void become_worker(void)
{
	struct message m = { .kind = WIRE_HELLO };
	enum wire_step step = WIRE_STEP_PLAN;
	long err = -WIRE_EINVAL;

	api_hello(&m);
	m.value = (uint64_t)sys(SYS_GETPID, 0);
	lane_post(&m);
	lane_wait(&m);
	if (m.kind == WIRE_LOAD)
		err = load_image(&step);
	if (err == 0)
		err = give_up_rights(&step);
	if (err == 0)
		return;
	m = (struct message){
		.kind = WIRE_FAILED, .value = (uint64_t)-err, .arg = { step }
	};
	lane_post(&m);
	leave(NO_PLAN);
}

typedef int64_t call_fn(int64_t a0, int64_t a1, int64_t a2, int64_t a3);

static _Noreturn void serve(void)
{
	struct message m = { .kind = WIRE_READY };

	for (;;) {
		lane_post(&m);
		lane_wait(&m);
		call_fn *const fn = (call_fn *)(uintptr_t)m.value;

		m.value = (uint64_t)fn((int64_t)m.arg[0], (int64_t)m.arg[1],
		    (int64_t)m.arg[2], (int64_t)m.arg[3]);
		m.kind = WIRE_RETURN;
	}
}

_Noreturn void worker_main(void);

void worker_main(void)
{
	close_others();
	if (!hold_lifeline())
		leave(NO_LIFELINE);
	(void)sys(SYS_PRCTL, PR_SET_NAME, (long)"tenon-worker");
	if (!read_plan() ||
	    map(plan.shared_addr, plan.shared_size, MAP_SHARED, WIRE_FILE) != 0)
		leave(NO_FILE);
	lane_open((struct wire_page *)(uintptr_t)plan.shared_addr);
	lane_spin(plan.spin);
	become_worker();
	serve();
}
