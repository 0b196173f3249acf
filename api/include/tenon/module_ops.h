/* SPDX-License-Identifier: MIT */
/*
 * Modules of the upper life cycle: init, start, stop, cleanup, and what an
 * unload or an exchange asks of them. Module authors include
 * <tenon/module.h>. A module has either this table or module_init and
 * module_exit (docs/module-format.md, 3).
 *
 *	static const struct module_ops echo_ops = {
 *		MODULE_OPS_HEADER,
 *		.init = echo_init,
 *		.start = echo_start,
 *		.stop = echo_stop,
 *		.cleanup = echo_cleanup,
 *	};
 *	DEFINE_MODULE(echo_ops);
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <tenon/module_info.h>

struct module;

/*
 * What the engine calls, @self being THIS_MODULE. All of it runs in the thread
 * that asked for it, without a lock of the engine, and may sleep. A result is 0
 * or a negative error. NULL: there is nothing to do, or, for the last two, it
 * is not supported. The table grows at its end only.
 */
struct module_ops {
	uint32_t size; /* of this struct, as the module was built */
	uint32_t abi;  /* 1 */

	/* Gets what the module needs; after a failure nothing else is called.
	   May lie in __init. */
	int (*init)(struct module *self);
	/* Begins to work; after a failure cleanup is called, not stop. */
	int (*start)(struct module *self);
	/* Ends to work, so that start may follow; a failure means that the
	   module goes on running. Nobody holds a reference then. */
	int (*stop)(struct module *self);
	/* Gives back what init has got. */
	void (*cleanup)(struct module *self);
	/*
	 * Asked before a stop or an unload is tried: any value but 0 forbids
	 * it, and nothing has changed. The module still runs and is used.
	 */
	int (*quiesce)(struct module *self);
	/* The unload that quiesce has allowed does not take place: go on. */
	void (*resume)(struct module *self);
	/*
	 * Writes the module's state into @buf and its length to @len; -ENOSPC
	 * with the length when it is more than @cap. The module is quiet.
	 */
	int (*save_state)(
	    struct module *self, void *buf, size_t cap, size_t *len);
	/* Takes such a state over, instead of a fresh one, before start. */
	int (*restore_state)(struct module *self, const void *buf, size_t len);
};

TENON_STATIC_ASSERT(sizeof(struct module_ops) == 72, "module-format.md 3");

#define MODULE_OPS_HEADER .size = sizeof(struct module_ops), .abi = 1

TENON_IMPORTS_BEGIN
extern const struct module_ops *const __tenon_module_ops;
TENON_IMPORTS_END

/* @ops is a constant struct module_ops of this file. */
#define DEFINE_MODULE(ops)                                                     \
	const struct module_ops *const __tenon_module_ops = &(ops)
