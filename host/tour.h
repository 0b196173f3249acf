/* SPDX-License-Identifier: MIT */
/*
 * The barrier of last resort. Where membarrier(2) has been forbidden since
 * threads have relied on it, the calling thread visits every processor.
 */
#pragma once

#include <stdbool.h>

#include <base/compiler.h>

/*
 * True: each thread with a gate record without fences has passed a full memory
 * barrier since the call began. False: one of them may run where the caller
 * may not, or the system forbids it. Some microseconds a processor, more where
 * others are busy; the caller may run where it might before. Sleeps.
 */
bool tour_processors(void) MUST_CHECK;
