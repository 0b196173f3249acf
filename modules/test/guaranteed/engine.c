/* SPDX-License-Identifier: MIT */
/*
 * The other half of the guaranteed symbols: interfaces and resources. Where
 * there are no threads timers, work items and threads must say so.
 */
#include <tenon/module.h>
#include <tenon/resource.h>

#include "helpers.h"

#define NO_THREADS 38 /* ENOSYS */
#define EVENT      0x600d

struct count_ops {
	struct interface_ops head;
	int (*count)(void *instance, void *cookie);
};

static int count(void *instance, void *cookie)
{
	(void)instance;
	__atomic_add_fetch((int *)cookie, 1, __ATOMIC_RELAXED);
	return 0;
}

static const struct count_ops ops = { { sizeof(ops), 1 }, count };

/* One for each way of calling. */
static const struct interface_desc descs[] = {
	{ sizeof(descs[0]), 0, "guaranteed/counted", 1, 0, &ops, NULL, 0 },
	{ sizeof(descs[0]), INTERFACE_GUARDED, "guaranteed/guarded", 1, 0, &ops,
	    NULL, 0 },
	{ sizeof(descs[0]), INTERFACE_SLEEPS, "guaranteed/sleeps", 1, 0, &ops,
	    NULL, 0 },
};

static struct tn_interface *open_interface(const struct interface_desc *desc)
{
	const struct interface_want want = { sizeof(want),
		desc->flags | INTERFACE_WEAK, desc->name, 1, 0 };
	struct tn_interface *iface = NULL;

	if (interface_provide(THIS_MODULE, desc) == 0)
		(void)interface_bind(THIS_MODULE, &want, &iface);
	return iface;
}

static bool close_interface(
    struct tn_interface *iface, const struct interface_desc *desc)
{
	return interface_unbind(iface, THIS_MODULE) == 0 &&
	       interface_withdraw(THIS_MODULE, desc->name) == 0;
}

/* NOLINTNEXTLINE(readability-function-size): the macros are blocks */
static int call(
    struct tn_interface *iface, const struct interface_desc *desc, int *n)
{
	if (desc->flags == INTERFACE_GUARDED)
		return interface_call_guarded(
		    iface, const struct count_ops, count, n);
	if (desc->flags == INTERFACE_SLEEPS)
		return interface_call_sleeping(
		    iface, const struct count_ops, count, n);
	return interface_call(iface, const struct count_ops, count, n);
}

bool interfaces_work(void)
{
	int n = 0;

	for (size_t i = 0; i < sizeof(descs) / sizeof(descs[0]); i++) {
		struct tn_interface *iface = open_interface(&descs[i]);

		if (iface == NULL || call(iface, &descs[i], &n) != 0 ||
		    !close_interface(iface, &descs[i]))
			return false;
	}
	return n == 3;
}

static bool memory_is_had(void)
{
	char *p = kzalloc(100, GFP_KERNEL);
	const bool ok = p != NULL && p[99] == 0;

	kfree(p);
	return ok;
}

/* 0, or what the first step that failed said. */
static int use_timer(struct tn_interface *iface, int *n)
{
	static struct timer_list timer;
	int err = timer_setup(
	    &timer, iface, INTERFACE_OP(struct count_ops, count), n);

	if (err == 0)
		err = timer_start(&timer, 3600000000000);
	if (err == 0 && timer_delete_sync(&timer) != 1)
		err = -1;
	return err != 0 ? err : timer_shutdown_sync(&timer);
}

static int use_work(struct tn_interface *iface, int *n)
{
	static struct work_struct work;
	int err =
	    work_setup(&work, iface, INTERFACE_OP(struct count_ops, count), n);

	if (err == 0 && schedule_work(&work) < 0)
		err = -1;
	if (err == 0)
		err = flush_work(&work);
	if (err == 0 && schedule_delayed_work(&work, 3600000000000) != 1)
		err = -2;
	if (err == 0 && cancel_work_sync(&work) != 1)
		err = -3;
	return err != 0 ? err : work_shutdown_sync(&work);
}

static int use_thread(struct tn_interface *iface, int *n)
{
	static struct kthread thread;
	int err = kthread_run(
	    &thread, iface, INTERFACE_OP(struct count_ops, count), n);

	if (err == 0 && kthread_should_stop(&thread))
		err = -1;
	return err != 0 ? err : kthread_stop(&thread);
}

static int use_callback(struct tn_interface *iface, int *n)
{
	static struct notifier_block nb;
	int err = notifier_setup(
	    &nb, iface, INTERFACE_OP(struct count_ops, count), n);

	if (err == 0)
		err = notifier_register(&nb, EVENT);
	return err != 0 ? err : notifier_unregister(&nb);
}

bool resources_work(void)
{
	struct tn_interface *iface = open_interface(&descs[2]);
	static int n;
	bool ok;

	if (iface == NULL)
		return false;
	const int timer = use_timer(iface, &n);
	const int work = use_work(iface, &n);
	const int thread = use_thread(iface, &n);

	/* All three, or a world without threads. */
	ok = (timer == 0 && work == 0 && thread == 0) ||
	     (timer == -NO_THREADS && work == -NO_THREADS &&
		 thread == -NO_THREADS);
	ok = ok && use_callback(iface, &n) == 0 && memory_is_had();
	return close_interface(iface, &descs[2]) && ok;
}
