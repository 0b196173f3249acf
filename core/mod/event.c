/* SPDX-License-Identifier: MIT */
/*
 * See event.h. The listeners are those of the system's configuration, so
 * nothing here changes and nothing is locked.
 */
#include "event.h"

#include "linked.h"

const char *tn_event_name(enum tn_event event)
{
	static const char *const names[] = { "loaded", "ready", "unloaded" };

	return (unsigned)event < ARRAY_SIZE(names) ? names[event] : "unknown";
}

/* Never inlined, never taken for a call that does nothing. */
__attribute__((noinline)) void tn_debug_event(
    enum tn_event event, struct tn_module *mod)
{
	__asm__ volatile("" : : "r"(event), "r"(mod) : "memory");
}

static void tell(struct tn_system *sys, const struct tn_notice *notice)
{
	for (size_t i = 0; i < sys->config.nlisteners; i++) {
		const struct tn_listener *to = &sys->config.listeners[i];

		to->fn(to->arg, notice);
	}
	tn_debug_event(notice->event, notice->module);
}

void event_tell(
    struct tn_system *sys, enum tn_event event, struct tn_module *mod)
{
	const struct tn_notice notice = {
		.size = sizeof(notice),
		.event = event,
		.module = mod,
		.name = mod->name,
	};

	tell(sys, &notice);
}

void event_loaded(struct tn_load *l)
{
	const struct tn_linked view = { .load = l };
	const struct tn_notice notice = {
		.size = sizeof(notice),
		.event = TN_EVENT_LOADED,
		.module = l->mod,
		.name = l->mod->name,
		.file = &view,
		.path = l->args->path,
	};

	tell(l->sys, &notice);
}
