/* SPDX-License-Identifier: MIT */
/*
 * Names under which handles are held: the system's own copies. A handle is
 * taken in nanoseconds and shown at any time later, when whoever has taken it,
 * and the name that he gave, may be gone. So each different name is copied once
 * and stays until the system ends. There are few of them; should somebody make
 * one up for each handle, those after HOLDER_NAMES_MAX share one.
 *
 * Readers are lock-free; a new name goes in under the registry lock.
 */
#pragma once

struct tn_system;

#define HOLDER_NAMES_MAX    1024u
#define HOLDER_NAMES_RECENT 8u

/* The copy of @name, cut to fit; NULL: no memory. Sleeps when it is new. */
const char *holder_name(struct tn_system *sys, const char *name);

void holder_names_free(struct tn_system *sys);
