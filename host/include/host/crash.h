/* SPDX-License-Identifier: MIT */
/*
 * Reports of crashes, as <tenon/crash.h> promises them to programs.
 */
#pragma once

#include <base/compiler.h>

struct tn_system;

#define CRASH_LINES 1u /* run addr2line */

/* @fd: where reports go, below 0: standard error. -TN_EINVAL, -TN_ENOMEM. */
MUST_CHECK int crash_enable(unsigned flags, int fd);
void crash_disable(void);
/* Gives the calling thread a stack for reports. -TN_ENOMEM. */
MUST_CHECK int crash_thread(void);

/* @sys is asked about addresses from now on; beyond 64 systems it is not. */
void crash_join(struct tn_system *sys);
/* It is not any more; a report in progress has ended. */
void crash_leave(struct tn_system *sys);
