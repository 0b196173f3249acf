/* SPDX-License-Identifier: MIT */
/*
 * Names under which handles are held: the system's own copies. A handle is
 * taken in nanoseconds and shown at any time later, when whoever has taken it,
 * and the name that he gave, may be gone. So each different name is copied once
 * and stays until the system ends. There are few of them; should somebody make
 * one up for each handle, those after HOLDER_NAMES_MAX share one.
 *
 * The table never grows and its slots are set once, so that whoever asks, also
 * from inside of a call that must not sleep, waits for nobody. Most ask with a
 * constant: where it lies tells which copy to compare it with, before any hash
 * is made of it.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct tn_system;

#define HOLDER_NAMES_MAX   256u
#define HOLDER_NAMES_SLOTS 512u
#define HOLDER_NAMES_HINTS 64u

struct holder_name;
struct holder_names {
	_Atomic uint32_t count;
	_Atomic(struct holder_name *) at[HOLDER_NAMES_SLOTS];
	/* by the address that was asked with first */
	_Atomic(struct holder_name *) hint[HOLDER_NAMES_HINTS];
};

/* The copy of @name, cut to fit; NULL: no memory. Does not sleep. */
const char *holder_name(struct tn_system *sys, const char *name);

void holder_names_free(struct tn_system *sys);
