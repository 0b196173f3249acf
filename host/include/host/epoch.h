/* SPDX-License-Identifier: MIT */
/*
 * Read sections of a process: entering and leaving one stores to a word of
 * the calling thread and nothing else; whoever waits for readers pays.
 *
 * Sections nest, also in signal handlers once the thread has been in one. A
 * thread need not announce itself, and may end inside of a section. All
 * systems of the process share the words: epoch_wait of one waits for the
 * readers of all.
 */
#pragma once

#include <stdbool.h>

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

/* For the fork handlers. */
void epoch_before_fork(void);
void epoch_after_fork(bool child);
