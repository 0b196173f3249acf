/* SPDX-License-Identifier: MIT */
/*
 * Read sections of a process, and the threads that gates know: a section is
 * the section of a gate (core/gate), so whoever waits for the one waits for
 * the other.
 *
 * Sections nest, also in signal handlers once the thread has been in one. A
 * thread need not announce itself, and may end inside of a section. All
 * systems of the process share the words: gate_synchronize of one waits for
 * the readers of all.
 */
#pragma once

#include <stdbool.h>

struct gate_world;
struct tn_gate_thread;

/* The world of gates in a process, given to them before main: gate.c. */
extern const struct gate_world host_gate_world;

void epoch_enter(void);
void epoch_exit(void);

/*
 * Threads that come have a fence in each section, so that who waits for them
 * can do without membarrier: it was not to be had at the first section of the
 * process, or somebody has said epoch_use_fences.
 */
bool epoch_fences(void);

/*
 * From now on, for the rest of the process, membarrier is not used for
 * sections. The caller has fences, and all threads whose first section comes
 * later; others are waited for in another way (host/tour.h).
 */
void epoch_use_fences(void);

/* The record of the calling thread; NULL: it has none, or can get none. */
struct tn_gate_thread *epoch_thread(bool make);

/* For the fork handlers. */
void epoch_before_fork(void);
void epoch_after_fork(bool child);
