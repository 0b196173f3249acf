/* SPDX-License-Identifier: MIT */
/*
 * What a module gets from the engine and must give back: memory, timers, work
 * items, threads and callbacks.
 *
 * Each is charged to the module whose code asks for it (THIS_MODULE), shown by
 * tn_ledger_each with the place that asked, and taken back by the engine when
 * init fails or after exit, in this order: timers, work items, threads,
 * callbacks, memory. From then on nothing more can be had. Giving back
 * something twice, or something of another module, is refused.
 *
 * Timers, work items, threads and callbacks never call a pointer: they call
 * operation @op of an interface (INTERFACE_OP) with @cookie, through its gate,
 * as every other caller does. The operation is
 *
 *	int (*op)(void *instance, void *cookie);
 *
 * and may sleep when the interface says so. While the interface is not open,
 * because its module has not finished init, is stopped or is about to leave,
 * timers and work items stay set and threads rest; then they go on.
 *
 * The names are Linux's where the meaning is. What differs: memory is always
 * cleared; setting up may fail; times are nanoseconds from now; a thread calls
 * a step again and again and has no function of its own.
 *
 * Timers, work items and threads need a world with threads; elsewhere setting
 * them up gives -38 (TN_ENOSYS). The storage is the module's and opaque; it
 * must not be copied. After its end every function answers -116 (TN_ESTALE),
 * before it is set up -22 (TN_EINVAL) if it is zero.
 */
#pragma once

#include <tenon/module.h>
#include <tenon/module_interface.h>

typedef unsigned int gfp_t;
#define GFP_KERNEL 0u
#define GFP_ATOMIC 1u

/* The number of operation @member in the table of struct type @type. */
#define INTERFACE_OP(type, member)                                             \
	((unsigned int)((offsetof(type, member) -                              \
			    sizeof(struct interface_ops)) /                    \
			sizeof(void (*)(void))))

struct timer_list {
	uint64_t opaque[4];
};

struct work_struct {
	uint64_t opaque[4];
};

struct kthread {
	uint64_t opaque[4];
};

struct notifier_block {
	uint64_t opaque[4];
};

TENON_IMPORTS_BEGIN

/* --- memory */

/*
 * Cleared memory, aligned for any type, charged to @owner; or NULL. Any
 * context that may take a short lock.
 */
void *module_alloc(struct module *owner, size_t size);

/*
 * Gives it back; NULL is fine. -116: it is not allocated (any more); -1: it is
 * another module's; both are in the log, and nothing happens.
 */
int module_free(struct module *owner, const void *p);

/* --- timers: all of a system in one thread; an operation should be short */

/* -38, -12, -11 (no thread), -116 (the module is going). Sleeps. */
int __timer_setup(struct module *owner, struct timer_list *timer,
    struct tn_interface *iface, unsigned int op, void *cookie);

/* It shall fire once in @delay_ns, whatever was set before. */
int timer_start(struct timer_list *timer, uint64_t delay_ns);

/*
 * It shall not fire, and does not run any more when this returns, unless its
 * own operation is the caller. 1: it was set, 0: it was not. Sleeps.
 */
int timer_delete_sync(struct timer_list *timer);

/* The same, and gives it back: 0. */
int timer_shutdown_sync(struct timer_list *timer);

/* --- work items: one thread in a system, in order; operations may sleep */

int __work_setup(struct module *owner, struct work_struct *work,
    struct tn_interface *iface, unsigned int op, void *cookie);

/* To be done now, or in @delay_ns. 1: queued; 0: it was queued already. */
int schedule_work(struct work_struct *work);
int schedule_delayed_work(struct work_struct *work, uint64_t delay_ns);

/*
 * Returns once it is neither queued nor running: 0. -35: the caller is an
 * operation of a work item, which would wait for itself; -19: it cannot run
 * now, as its interface is not open. Sleeps.
 */
int flush_work(struct work_struct *work);

/* As timer_delete_sync and timer_shutdown_sync. */
int cancel_work_sync(struct work_struct *work);
int work_shutdown_sync(struct work_struct *work);

/* --- threads: the engine's, each calling one operation, its step */

/*
 * Makes a thread that sleeps. What the step returns decides:
 *
 *	0       it is called again at once
 *	n > 0   it is called again in n milliseconds or when woken
 *	n < 0   the thread ends with this status
 */
int __kthread_create(struct module *owner, struct kthread *thread,
    struct tn_interface *iface, unsigned int op, void *cookie);

/* Lets it make its next step now. A step in progress is followed by one. */
int wake_up_process(struct kthread *thread);

/* For long steps: true when it is to return, perhaps to be called again. */
bool kthread_should_stop(const struct kthread *thread);

/*
 * Waits for the step in progress, ends the thread and gives it back. Returns
 * its status: 0, or what the last step returned if that was negative; -35:
 * the caller is its step. Sleeps.
 */
int kthread_stop(struct kthread *thread);

/* --- callbacks: called by the world for an event (tn_notify) */

int __notifier_setup(struct module *owner, struct notifier_block *nb,
    struct tn_interface *iface, unsigned int op, void *cookie);

/* From now on it is called for @event, after those that came before. */
int notifier_register(struct notifier_block *nb, unsigned int event);

/*
 * Gives it back; it does not run any more when this returns, unless its own
 * operation is the caller. Sleeps.
 */
int notifier_unregister(struct notifier_block *nb);

TENON_IMPORTS_END

/* The owner is the module that this is compiled into. */

static inline void *kmalloc(size_t size, gfp_t flags)
{
	(void)flags;
	return module_alloc(THIS_MODULE, size);
}

static inline void *kzalloc(size_t size, gfp_t flags)
{
	return kmalloc(size, flags);
}

static inline void *kcalloc(size_t n, size_t size, gfp_t flags)
{
	size_t all;

	return __builtin_mul_overflow(n, size, &all) ? NULL
						     : kmalloc(all, flags);
}

static inline void kfree(const void *p)
{
	(void)module_free(THIS_MODULE, p); /* it has reported itself */
}

static inline int timer_setup(struct timer_list *timer,
    struct tn_interface *iface, unsigned int op, void *cookie)
{
	return __timer_setup(THIS_MODULE, timer, iface, op, cookie);
}

static inline int work_setup(struct work_struct *work,
    struct tn_interface *iface, unsigned int op, void *cookie)
{
	return __work_setup(THIS_MODULE, work, iface, op, cookie);
}

static inline int kthread_create(struct kthread *thread,
    struct tn_interface *iface, unsigned int op, void *cookie)
{
	return __kthread_create(THIS_MODULE, thread, iface, op, cookie);
}

/* Makes it and lets it begin. */
static inline int kthread_run(struct kthread *thread,
    struct tn_interface *iface, unsigned int op, void *cookie)
{
	const int err = kthread_create(thread, iface, op, cookie);

	return err != 0 ? err : wake_up_process(thread);
}

static inline int notifier_setup(struct notifier_block *nb,
    struct tn_interface *iface, unsigned int op, void *cookie)
{
	return __notifier_setup(THIS_MODULE, nb, iface, op, cookie);
}
