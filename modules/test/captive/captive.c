/* SPDX-License-Identifier: MIT */
/*
 * What a module in a process of its own may try. Every function takes four
 * integers and returns one; addresses of the host's page are arguments.
 */
#include <lkmod/lkmod.h>
#include <tenon/module.h>

#define EXPORTED(name)                                                         \
	int64_t name(int64_t a, int64_t b, int64_t c, int64_t d);              \
	int64_t name(int64_t a, int64_t b, int64_t c, int64_t d)
#define UNUSED4 (void)a, (void)b, (void)c, (void)d

static const struct lkmod_api *api;
static int64_t calls;
static int64_t started; /* by the constructor */
static int exit_answer;
static volatile int64_t sink;

__attribute__((constructor)) static void start(void)
{
	started = 7;
}

__attribute__((destructor)) static void end(void)
{
	if (api)
		api->log(api->ctx, LKMOD_LOG_DEBUG, "destructor");
}

int lkmod_init(const struct lkmod_api *table, void **handle)
{
	api = table;
	*handle = &calls;
	api->printf(api->ctx, "init %d, constructed %d\n", 1, (int)started);
	return 0;
}

int lkmod_exit(void *handle)
{
	api->log(api->ctx, LKMOD_LOG_WARNING,
	    handle == &calls ? "exit with handle" : "exit without");
	while (exit_answer == 77) /* it was told never to return */
		sink++;
	return exit_answer;
}

EXPORTED(captive_add)
{
	calls++;
	return a + 10 * b + 100 * c + 1000 * d;
}

EXPORTED(captive_calls)
{
	UNUSED4;
	return calls;
}

/* --- faults */

EXPORTED(captive_read)
{
	UNUSED4;
	return *(volatile int64_t *)a;
}

EXPORTED(captive_write)
{
	UNUSED4;
	*(volatile int64_t *)a = b;
	return 0;
}

EXPORTED(captive_jump)
{
	UNUSED4;
	((void (*)(void))a)();
	return 0;
}

EXPORTED(captive_trap)
{
	UNUSED4;
	__builtin_trap();
}

EXPORTED(captive_overflow)
{
	volatile char page[4096];

	if (a == -1)
		return 0;
	page[0] = (char)a;
	sink = captive_overflow(a + 1, b, c, d) + page[0];
	return sink;
}

EXPORTED(captive_patch)
{
	UNUSED4;
	/* Its own text is not writable. */
	*(volatile int64_t *)(void *)captive_add = 0;
	return 0;
}

EXPORTED(captive_run_data)
{
	static int64_t words[2];

	UNUSED4;
	((void (*)(void))(void *)words)();
	return 0;
}

/* --- system calls */

#if defined(__aarch64__)
#define CALL   "svc #0"
#define NUMBER "x8"
#define ARGS   "x"
#elif defined(__riscv)
#define CALL   "ecall"
#define NUMBER "a7"
#define ARGS   "a"
#endif

static int64_t system_call(int64_t nr, int64_t x, int64_t y, int64_t z)
{
	int64_t ret;

#if defined(__x86_64__)
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(x), "S"(y), "d"(z)
			 : "rcx", "r11", "memory");
#else
	register int64_t number __asm__(NUMBER) = nr;
	register int64_t first __asm__(ARGS "0") = x;
	register int64_t second __asm__(ARGS "1") = y;
	register int64_t third __asm__(ARGS "2") = z;

	__asm__ volatile(CALL
			 : "+r"(first)
			 : "r"(number), "r"(second), "r"(third)
			 : "memory");
	ret = first;
#endif
	return ret;
}

EXPORTED(captive_system)
{
	return system_call(a, b, c, d);
}

/* --- time */

EXPORTED(captive_loop)
{
	UNUSED4;
	for (;;)
		sink++;
}

/* Asks the host for something, again and again. */
EXPORTED(captive_nag)
{
	UNUSED4;
	for (;;)
		sink += (int64_t)api->ticks(api->ctx);
}

/* --- the table */

EXPORTED(captive_ticks)
{
	uint64_t first = api->ticks(api->ctx);

	UNUSED4;
	api->yield(api->ctx);
	return api->ticks(api->ctx) >= first && first != 0;
}

EXPORTED(captive_write_text)
{
	UNUSED4;
	return api->write(api->ctx, "hello, host", (size_t)a);
}

/* More than there is room for. */
EXPORTED(captive_write_much)
{
	static char much[1 << 16];

	UNUSED4;
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = 'a';
	return api->write(api->ctx, much, sizeof(much));
}

EXPORTED(captive_exit)
{
	UNUSED4;
	api->exit(api->ctx, (int)a);
	return 0;
}

EXPORTED(captive_refuse_exit)
{
	UNUSED4;
	exit_answer = (int)a;
	return 0;
}

EXPORTED(captive_issue)
{
	UNUSED4;
	return api->issue(api->ctx, 1, NULL);
}

/* Takes and gives memory in all sizes; how much of it was as it should be. */
EXPORTED(captive_memory)
{
	static char *block[64];
	int64_t good = 0;

	UNUSED4;
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 64; i++) {
			const size_t n =
			    1 + (size_t)i * 37 + (size_t)round * 11;

			api->free(api->ctx, block[i]);
			block[i] = api->alloc(api->ctx, n);
			if (!block[i] || block[i][0] || block[i][n - 1])
				return -1;
			for (size_t k = 0; k < n; k++)
				block[i][k] = (char)i;
		}
		for (int i = 0; i < 64; i++)
			good += block[i][0] == i;
	}
	for (int i = 0; i < 64; i++) {
		api->free(api->ctx, block[i]);
		block[i] = NULL;
	}
	return api->alloc(api->ctx, (size_t)a) == NULL ? good : -2;
}

/* The largest block that there is, again and again: nothing is lost. */
EXPORTED(captive_largest)
{
	size_t n = 1;

	UNUSED4;
	for (size_t step = (size_t)1 << 24; step != 0; step /= 2) {
		void *p = api->alloc(api->ctx, n + step);

		if (p)
			n += step;
		api->free(api->ctx, p);
	}
	return (int64_t)n;
}

/* --- shared memory */

EXPORTED(captive_sum)
{
	const uint8_t *p = (const uint8_t *)a;
	int64_t sum = 0;

	UNUSED4;
	for (int64_t i = 0; i < b; i++)
		sum += p[i];
	return sum;
}

/* --- lies */

static uint64_t noise = 88172645463325252u;

static uint64_t next_noise(void)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return noise;
}

/* Overwrites @b words of the host's page at @a, the turn included. */
EXPORTED(captive_scribble)
{
	volatile uint64_t *p = (volatile uint64_t *)a;

	noise += (uint64_t)c;
	for (int64_t i = 0; i < b; i++)
		p[i] = next_noise();
	return d;
}

/*
 * Writes a message by itself: @a is the lane, @b its kind, @c its value; each
 * argument is noise that depends on @d.
 */
EXPORTED(captive_forge)
{
	volatile uint32_t *turn = (volatile uint32_t *)a;
	volatile uint64_t *word = (volatile uint64_t *)a;

	noise += (uint64_t)d;
	turn[1] = (uint32_t)b;
	word[1] = (uint64_t)c;
	for (int i = 0; i < 4; i++)
		word[2 + i] = next_noise();
	__atomic_store_n(turn, *turn + 1, __ATOMIC_SEQ_CST);
	for (;;)
		sink++;
}

/* Counts the turn up as fast as it can, and says that everybody sleeps. */
EXPORTED(captive_race)
{
	volatile uint32_t *turn = (volatile uint32_t *)a;

	UNUSED4;
	for (;;) {
		turn[12] = 1;
		turn[13] = 1;
		turn[0]++;
	}
}

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("tries what a module in a process of its own may try");
MODULE_VERSION("1.0");
