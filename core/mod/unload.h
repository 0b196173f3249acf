/* SPDX-License-Identifier: MIT */
/*
 * An unload or a stop in progress: the set of modules, and how far each has
 * come. unload.c is its table of contents; closing.c makes sure that nobody can
 * begin to use them.
 */
#pragma once

#include <base/compiler.h>
#include <gate/close.h>

#include "interface.h"
#include "module.h"

/* One module of the set. */
struct leaving {
	struct activity activity;
	struct tn_module *mod;
	const char *name; /* of a module that is to be looked for; or NULL */
	uint64_t number;  /* of its generation */
	/* References of others of the set: */
	uint64_t imports; /* as importers */
	uint64_t held;    /* asked for; counted before each attempt */
	/* what is to be undone: */
	bool quiet;  /* it has agreed */
	bool shut;   /* its interfaces are closed */
	bool closed; /* and no reference can be had */
	bool forced; /* though some are held; its handles are revoked */
	bool stopped;
};

struct unload {
	struct tn_system *sys;
	struct leaving *items;
	struct gate_closing *closing; /* room for as many */
	uint32_t n;
	enum activity_kind kind; /* ACTIVITY_STOP or ACTIVITY_UNLOAD */
	unsigned flags;          /* TN_UNLOAD_* */
	uint64_t deadline;
	uintptr_t caller; /* return address of the public call */
	struct tn_diag *diag;
};

/* What may be there when it is closed. */
static inline struct gate_closing leaving_closing(const struct leaving *item)
{
	return (struct gate_closing){ &item->mod->target,
		item->imports + item->held };
}

/* --- unload.c */

/* The item of @mod, if that is in the set, which has begun to leave. */
struct leaving *unload_item(const struct unload *u, struct tn_module *mod);

int unload_fail(
    const struct unload *u, enum tn_reason reason, const struct tn_module *mod);

/* --- closing.c */

/*
 * Closes the interfaces and the references of all, or of none: -TN_EBUSY, or
 * -TN_ETIMEDOUT for who waits, with the holders in the diagnosis.
 */
int unload_close(const struct unload *u) MUST_CHECK;
