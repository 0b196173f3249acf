/* SPDX-License-Identifier: MIT */
/*
 * threads: a program that exchanges a provider of its own while other threads
 * call it, and frees the old one. test_embed.py runs it under the thread
 * sanitizer: with an instrumented libtenon there is nothing to report.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <tenon/tenon.h>

#define THREADS 3
#define ROUNDS  50

struct counter_ops {
	struct tn_ops_head head;
	int (*count)(void *self, int *out);
};

struct counter {
	int step;
};

static int count(void *self, int *out)
{
	*out += ((const struct counter *)self)->step;
	return 0;
}

static const struct counter_ops ops = { { sizeof(ops), 1 }, count };

static struct tn_system *sys;
static struct tn_interface *iface;
static int done; /* atomic */

static void *call_it(void *arg)
{
	int sum = 0;

	(void)arg;
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED))
		(void)tn_call(iface, const struct counter_ops, count, &sum);
	return NULL;
}

static struct counter *provide(int step)
{
	struct counter *c = malloc(sizeof(*c));
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = "counter",
		.ops = &ops,
		.instance = c };

	c->step = step;
	return tn_interface_provide(sys, NULL, &desc) == 0 ? c : NULL;
}

static int exchange(int step)
{
	struct counter *c = provide(step);

	if (c == NULL ||
	    tn_interface_withdraw(sys, NULL, "counter", 1000000000) != 0)
		return 1;
	c->step = 0;
	free(c); /* nobody is inside any more */
	return 0;
}

int main(void)
{
	const struct tn_interface_want want = { .size = sizeof(want),
		.flags = TN_BIND_WEAK,
		.name = "counter",
		.holder = "main" };
	pthread_t t[THREADS];
	int bad = 0;

	if (tn_open(NULL, &sys) != 0 ||
	    tn_interface_bind(sys, &want, &iface) != 0)
		return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, call_it, NULL);
	for (int i = 0; i < ROUNDS; i++)
		bad += exchange(i);
	__atomic_store_n(&done, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	bad += tn_interface_unbind(iface, NULL, "main") != 0;
	bad += tn_close(sys) != 0;
	printf("%d bad\n", bad);
	return bad;
}
