/* SPDX-License-Identifier: MIT */
/*
 * Read sections of a process, and the threads that gates know: a section is
 * the section of a gate (core/gate), so whoever waits for the one waits for
 * the other.
 *
 * Sections nest, also in signal handlers once the thread has been in one. A
 * thread need not announce itself, and may end inside of a section. All
 * systems of the process share the words: epoch_wait of one waits for the
 * readers of all.
 */
#pragma once

#include <stdbool.h>

struct gate_world;
struct tn_gate_thread;

/* The world of gates in a process, given to them before main: gate.c. */
extern const struct gate_world host_gate_world;

/*
 * @fence: the waiting side cannot use membarrier. All who enter and wait for
 * the same data say the same.
 */
void epoch_enter(bool fence);
void epoch_exit(void);

/*
 * Returns after every section that was entered before the call has been
 * left. Not inside a section.
 */
void epoch_wait(bool fence);

/*
 * Membarrier is not to be had, so all readers of gates have a fence. Decided
 * once, before the first of them.
 */
bool epoch_fences(void);

/* The record of the calling thread; NULL: it has none, or can get none. */
struct tn_gate_thread *epoch_thread(bool make);

/* For the fork handlers. */
void epoch_before_fork(void);
void epoch_after_fork(bool child);
