/* SPDX-License-Identifier: MIT */
/*
 * The world for tests of what fires: see firing.h.
 */
#include "firing.h"

#include <sched.h>
#include <string.h>
#include <time.h>

#include <test/test.h>

#define PATIENCE 30 /* seconds */

struct probe_ops {
	struct tn_ops_head head;
	int (*op[OP_NONE])(void *instance, void *cookie);
};

static int op_hit(void *instance, void *cookie)
{
	struct probe *p = cookie;

	(void)instance;
	atomic_fetch_add(&p->hits, 1);
	return 0;
}

static int op_note(void *instance, void *cookie)
{
	struct firing_world *fw = instance;
	struct probe *p = cookie;
	const unsigned n = atomic_fetch_add(&fw->ntrace, 1);

	if (n + 1 < sizeof(fw->trace))
		fw->trace[n] = p->name;
	atomic_fetch_add(&p->hits, 1);
	return 0;
}

static int op_block(void *instance, void *cookie)
{
	struct probe *p = cookie;

	(void)instance;
	atomic_fetch_add(&p->inside, 1);
	while (!atomic_load(&p->go))
		sched_yield();
	atomic_fetch_add(&p->left, 1);
	return 0;
}

static int op_call(void *instance, void *cookie)
{
	struct probe *p = cookie;

	(void)instance;
	p->call(p);
	atomic_fetch_add(&p->hits, 1);
	return atomic_load(&p->result);
}

static int op_step(void *instance, void *cookie)
{
	struct probe *p = cookie;

	(void)instance;
	atomic_fetch_add(&p->hits, 1);
	return atomic_load(&p->result);
}

static const struct probe_ops ops = {
	.head = { sizeof(ops), 1 },
	.op = { op_hit, op_note, op_block, op_call, op_step },
};

bool firing_provide(struct firing_world *fw)
{
	const struct tn_interface_desc desc = {
		.size = sizeof(desc),
		.flags = TN_INTERFACE_SLEEPS,
		.name = "probe",
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops = &ops,
		.instance = fw,
	};

	return tn_interface_provide(fw->w.sys, NULL, &desc) == 0;
}

bool firing_withdraw(struct firing_world *fw)
{
	return tn_interface_withdraw(fw->w.sys, NULL, "probe", UINT64_MAX) == 0;
}

bool firing_open(struct firing_world *fw)
{
	const struct tn_interface_want want = {
		.size = sizeof(want),
		.flags = TN_INTERFACE_SLEEPS | TN_BIND_WEAK,
		.name = "probe",
		.version = TN_INTERFACE_VERSION(1, 0),
		.holder = "the test",
	};
	struct author a;
	bool ok;

	memset(fw, 0, sizeof(*fw));
	if (!world_open(&fw->w, NULL, 0) || !firing_provide(fw) ||
	    tn_interface_bind(fw->w.sys, &want, &fw->iface) != 0)
		return false;
	a = author_new(isa_here()->machine, "holder");
	ok = world_load(&fw->w, a.o, 0, &fw->mod) == 0;
	author_free(&a);
	return ok;
}

bool firing_close(struct firing_world *fw)
{
	if (fw->mod != NULL && world_unload(&fw->w, fw->mod) != 0)
		return false;
	return world_close(&fw->w);
}

struct probe probe_new(struct firing_world *fw, char name)
{
	return (struct probe){ .fw = fw, .name = name };
}

struct module *firing_owner(const struct firing_world *fw)
{
	return (struct module *)(void *)fw->mod;
}

bool reaches(atomic_int *what, int n)
{
	const time_t end = time(NULL) + PATIENCE;

	while (atomic_load(what) < n && time(NULL) < end)
		sched_yield();
	return atomic_load(what) >= n;
}

static void *run_ender(void *arg)
{
	struct ender *e = arg;

	atomic_store(&e->started, true);
	e->value = e->end(e->p);
	e->left = atomic_load(&e->p->left);
	atomic_store(&e->result, 1);
	return NULL;
}

void ender_meet(struct ender *e)
{
	CHECK(reaches(&e->p->inside, 1));
	CHECK_EQ(pthread_create(&e->thread, NULL, run_ender, e), 0);
	while (!atomic_load(&e->started))
		sched_yield();
	for (int i = 0; i < 200; i++)
		sched_yield();
	EXPECT(atomic_load(&e->result) == 0);
	atomic_store(&e->p->go, true);
	pthread_join(e->thread, NULL);
}

void probe_stay(struct probe *p)
{
	atomic_fetch_add(&p->inside, 1);
	while (!atomic_load(&p->go))
		sched_yield();
}

static int is_set(void *arg, const struct tn_ledger_item *item)
{
	(void)arg;
	return strstr(item->text, "not set") == NULL;
}

bool firing_is_set(struct firing_world *fw)
{
	return tn_ledger_each(fw->mod, is_set, NULL) != 0;
}

void firing_ends_again(struct firing_world *fw, struct probe *p,
    int (*end)(struct probe *p), int called)
{
	struct ender e = { .p = p, .end = end };

	ender_meet(&e);
	CHECK_EQ(e.value, 1);
	CHECK_EQ(p->called, called);
	CHECK(!firing_is_set(fw));
	CHECK(firing_close(fw));
}
