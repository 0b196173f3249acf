/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C, SIGTERM and SIGHUP: the first is noted, and what the program is doing may
 * come to its end; one that insists (signals.h) ends the process with 128 + its
 * number and says which module it was that did not return.
 */
#pragma once

#include <stdbool.h>

/* @json: a JSON event on standard output, too. */
void interrupt_install(bool json);

/* The number of the signal that has come, or 0. */
int interrupt_pending(void);

struct tn_module;

/*
 * A function of the module @name is being called from now on; NULL: not any
 * more. The string must stay until then.
 */
void interrupt_calls(const char *name);
/*
 * The engine is changing the state of @mod, called @name, whose hooks may hang;
 * NULL: not any more. The string must stay until then.
 */
void interrupt_changes(const struct tn_module *mod, const char *name);

/* Sleeps until a signal has come. */
void interrupt_wait(void);
