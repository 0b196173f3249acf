/* SPDX-License-Identifier: MIT */
/*
 * What <tenon/resource.h> offers to modules: the engine's functions behind
 * those names (api/exports.list).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module;
struct tn_interface;
struct tn_module;
struct timer_list;
struct work_struct;
struct kthread;
struct notifier_block;

/* The module's opaque struct module is the engine's struct tn_module. */
static inline struct tn_module *resource_owner(struct module *module)
{
	return (struct tn_module *)(void *)module;
}

/* --- memory.c */
void *resource_alloc(struct module *owner, size_t size);
int resource_free(struct module *owner, const void *p);

/* --- timer.c: timers and work items */
int resource_timer_setup(struct module *owner, struct timer_list *timer,
    struct tn_interface *iface, unsigned op, void *cookie);
int resource_timer_start(struct timer_list *timer, uint64_t delay_ns);
int resource_timer_delete(struct timer_list *timer);
int resource_timer_shutdown(struct timer_list *timer);
int resource_work_setup(struct module *owner, struct work_struct *work,
    struct tn_interface *iface, unsigned op, void *cookie);
int resource_work_schedule(struct work_struct *work);
int resource_work_delay(struct work_struct *work, uint64_t delay_ns);
int resource_work_flush(struct work_struct *work);
int resource_work_cancel(struct work_struct *work);
int resource_work_shutdown(struct work_struct *work);

/* --- task.c: threads */
int resource_thread_setup(struct module *owner, struct kthread *thread,
    struct tn_interface *iface, unsigned op, void *cookie);
int resource_thread_wake(struct kthread *thread);
bool resource_thread_stops(const struct kthread *thread);
int resource_thread_stop(struct kthread *thread);

/* --- callback.c */
int resource_callback_setup(struct module *owner, struct notifier_block *nb,
    struct tn_interface *iface, unsigned op, void *cookie);
int resource_callback_register(struct notifier_block *nb, unsigned event);
int resource_callback_drop(struct notifier_block *nb);
