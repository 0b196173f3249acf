/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C and SIGTERM: the first is noted, and what the program is doing may
 * come to its end; the second ends the process with 128 + its number and says
 * which module it was that did not return.
 */
#pragma once

#include <stdbool.h>

/* @json: a JSON event on standard output, too. */
void interrupt_install(bool json);

/* The number of the signal that has come, or 0. */
int interrupt_pending(void);

/*
 * Says what is being waited for from now on: "init" or "exit" of a module, say.
 * Both strings must stay until the next call. NULL: nothing.
 */
void interrupt_activity(const char *what, const char *module);

/* Sleeps until a signal has come. */
void interrupt_wait(void);
