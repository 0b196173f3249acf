/* SPDX-License-Identifier: MIT */
/*
 * For tests of slots: does what its caller asks for. The results of init and
 * exit are those of its embedder, who is asked by queue 0 and 1; a call can be
 * kept inside; memory can be left behind; and there are faults for those who
 * run it elsewhere.
 */
#include <lkmod/lkmod.h>

typedef int64_t word;

#define QUEUE_INIT 0u
#define QUEUE_EXIT 1u
#define QUEUE_CALL 2u

LKMOD_EXPORT word probe_wait(word inside, word go, word c, word d);
LKMOD_EXPORT word probe_ask(word a, word b, word c, word d);
LKMOD_EXPORT word probe_say(word a, word b, word c, word d);
LKMOD_EXPORT word probe_shout(word text, word b, word c, word d);
LKMOD_EXPORT word probe_leave_memory(word size, word b, word c, word d);
LKMOD_EXPORT word probe_ticks(word a, word b, word c, word d);
LKMOD_EXPORT word probe_count(word a, word b, word c, word d);
LKMOD_EXPORT word probe_args(word a, word b, word c, word d);
LKMOD_EXPORT word probe_fault(word address, word b, word c, word d);
LKMOD_EXPORT word probe_spin(word a, word b, word c, word d);
LKMOD_EXPORT char *probe_text(const char *text, int skip);
LKMOD_EXPORT unsigned char probe_narrow(signed char a, unsigned short b);

LKMOD_EXPORT word probe_data = 7;

static const struct lkmod_api *api;
static word count;

/* Sets *inside, then waits until *go is not 0. */
word probe_wait(word inside, word go, word c, word d)
{
	__atomic_store_n((word *)inside, 1, __ATOMIC_RELEASE);
	/* NOLINTNEXTLINE(bugprone-infinite-loop): another thread ends it */
	while (__atomic_load_n((const word *)go, __ATOMIC_ACQUIRE) == 0)
		;
	return c + d;
}

word probe_ask(word a, word b, word c, word d)
{
	(void)b;
	(void)c;
	(void)d;
	return api->issue(api->ctx, QUEUE_CALL, (const void *)a);
}

word probe_say(word a, word b, word c, word d)
{
	(void)c;
	(void)d;
	api->log(api->ctx, LKMOD_LOG_WARNING, "probe: a warning");
	return api->printf(api->ctx, "probe: %d and %d\n", (int)a, (int)b);
}

word probe_shout(word text, word b, word c, word d)
{
	(void)b;
	(void)c;
	(void)d;
	return api->printf(api->ctx, "%s\n", (const char *)text);
}

word probe_leave_memory(word size, word b, word c, word d)
{
	char *kept = api->alloc(api->ctx, (size_t)size);
	char *given = api->alloc(api->ctx, (size_t)size);

	(void)b;
	(void)c;
	(void)d;
	api->free(api->ctx, given);
	api->free(api->ctx, NULL);
	if (kept != NULL)
		kept[size - 1] = 1;
	return (word)kept;
}

word probe_ticks(word a, word b, word c, word d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return (word)api->ticks(api->ctx);
}

/* How many times since it was loaded. */
word probe_count(word a, word b, word c, word d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
}

word probe_args(word a, word b, word c, word d)
{
	return a * 1000 + b * 100 + c * 10 + d;
}

word probe_fault(word address, word b, word c, word d)
{
	*(volatile word *)address = b + c + d;
	return 0;
}

word probe_spin(word a, word b, word c, word d)
{
	while (__atomic_load_n(&count, __ATOMIC_RELAXED) >= 0)
		;
	return a + b + c + d;
}

char *probe_text(const char *text, int skip)
{
	return (char *)text + skip;
}

unsigned char probe_narrow(signed char a, unsigned short b)
{
	return (unsigned char)(a + b);
}

/* Without an embedder that answers, all is well. */
static int ask(unsigned queue)
{
	const int answer = api->issue(api->ctx, queue, NULL);

	return answer == LKMOD_NOT_SUPPORTED ? 0 : answer;
}

int lkmod_init(const struct lkmod_api *table, void **handle_out)
{
	api = table;
	*handle_out = &count;
	return ask(QUEUE_INIT);
}

int lkmod_exit(void *handle)
{
	return handle == &count ? ask(QUEUE_EXIT) : LKMOD_INVALID_ARGS;
}
