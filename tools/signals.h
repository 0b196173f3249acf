/* SPDX-License-Identifier: MIT */
/*
 * SIGINT, SIGTERM and SIGHUP for what runs until it is told to end: the first
 * asks for an end in order, and who sends another insists.
 *
 * Nobody insists with what comes twice by itself. A terminal that is closed
 * sends SIGHUP, and its shell once more; and what passes signals on, like
 * timeout(1), sends one to its child and then to the child's group.
 */
#pragma once

#include <stdbool.h>

/* In a handler, of any thread. */
typedef void signals_fn(int number, bool insists);

/*
 * @fn is told of each of them but echoes of the first. A SIGHUP that is ignored,
 * as by nohup(1), stays so; SIGPIPE is ignored, too: a reader that leaves is an
 * error of the output, not our end.
 */
void signals_catch(signals_fn *fn);

/* The number of the first that has come, or 0. */
int signals_first(void);

/* The next one is the first again. */
void signals_forget(void);
