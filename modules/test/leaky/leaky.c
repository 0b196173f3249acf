/* SPDX-License-Identifier: MIT */
/*
 * Takes one of each class of resources. The timer sets itself again, so that
 * an unload always finds it at work.
 */
#include <tenon/module.h>
#include <tenon/resource.h>

#define NO_SUCH_DEVICE 19 /* ENODEV */
#define NO_THREADS     38 /* ENOSYS */
#define INTERVAL_NS    20000
#define EVENT          1

static bool fail, tidy;
module_param(fail, bool, 0444);
MODULE_PARM_DESC(fail, "init fails when it has taken everything");
module_param(tidy, bool, 0444);
MODULE_PARM_DESC(tidy, "exit gives everything back itself");

struct leaky_ops {
	struct interface_ops head;
	int (*tick)(void *instance, void *cookie);
	int (*step)(void *instance, void *cookie);
};

/* All that the module has. */
static struct {
	struct tn_interface *iface;
	struct timer_list timer;
	struct work_struct work;
	struct kthread thread;
	struct notifier_block callback;
	char *memory;
	long count;
} leaky;

static int tick(void *instance, void *cookie)
{
	(void)instance;
	__atomic_add_fetch((long *)cookie, 1, __ATOMIC_RELAXED);
	/* They answer with an error while the module goes. */
	(void)timer_start(&leaky.timer, INTERVAL_NS);
	(void)schedule_work(&leaky.work);
	return 0;
}

/* Rests for a millisecond after each step. */
static int step(void *instance, void *cookie)
{
	(void)instance;
	__atomic_add_fetch((long *)cookie, 1, __ATOMIC_RELAXED);
	kfree(kmalloc(16, GFP_KERNEL));
	return 1;
}

static const struct leaky_ops ops = { { sizeof(ops), 1 }, tick, step };

static const struct interface_desc desc = {
	.size = sizeof(desc),
	.flags = INTERFACE_SLEEPS,
	.name = "test/leaky",
	.version = INTERFACE_VERSION(1, 0),
	.ops = &ops,
};

/* A weak bond: a module's bond with itself must not keep it loaded. */
static const struct interface_want want = {
	.size = sizeof(want),
	.flags = INTERFACE_SLEEPS | INTERFACE_WEAK,
	.name = "test/leaky",
	.version = INTERFACE_VERSION(1, 0),
};

#define TICK INTERFACE_OP(struct leaky_ops, tick)
#define STEP INTERFACE_OP(struct leaky_ops, step)

static int take_threads(void)
{
	int err = timer_setup(&leaky.timer, leaky.iface, TICK, &leaky.count);

	if (err == 0)
		err = timer_start(&leaky.timer, INTERVAL_NS);
	if (err == 0)
		err = work_setup(&leaky.work, leaky.iface, STEP, &leaky.count);
	if (err == 0)
		err =
		    kthread_run(&leaky.thread, leaky.iface, STEP, &leaky.count);
	return err;
}

static int take_all(void)
{
	int err =
	    notifier_setup(&leaky.callback, leaky.iface, STEP, &leaky.count);

	if (err == 0)
		err = notifier_register(&leaky.callback, EVENT);
	if (err != 0)
		return err;
	err = take_threads();
	if (err != 0 && err != -NO_THREADS)
		return err;
	leaky.memory = kmalloc(1000, GFP_KERNEL);
	return leaky.memory != NULL ? 0 : -12;
}

/* Whatever fails: what has been taken is the engine's to take back. */
static int __init leaky_init(void)
{
	int err = interface_provide(THIS_MODULE, &desc);

	if (err == 0)
		err = interface_bind(THIS_MODULE, &want, &leaky.iface);
	if (err == 0)
		err = take_all();
	if (err == 0 && fail)
		err = -NO_SUCH_DEVICE;
	return err;
}

static void __exit leaky_exit(void)
{
	if (!tidy)
		return;
	/* A world without threads has set up none of the first three. */
	(void)timer_shutdown_sync(&leaky.timer);
	(void)work_shutdown_sync(&leaky.work);
	(void)kthread_stop(&leaky.thread);
	(void)notifier_unregister(&leaky.callback);
	kfree(leaky.memory);
}

long leaky_count(void);

long leaky_count(void)
{
	return __atomic_load_n(&leaky.count, __ATOMIC_RELAXED);
}
EXPORT_SYMBOL(leaky_count);

module_init(leaky_init);
module_exit(leaky_exit);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("leaves one resource of each class to the engine");
