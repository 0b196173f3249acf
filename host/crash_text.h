/* SPDX-License-Identifier: MIT */
/*
 * The text of a crash report. Everything here runs in a signal handler: it
 * allocates nothing, takes no lock, and reads doubtful memory by asking the
 * system to.
 */
#pragma once

#include <signal.h>

#include <base/compiler.h>
#include <tenon/inspect.h>

#define CRASH_SYSTEMS 64

struct crash_report {
	int fd;
	/* systems[i] may be NULL */
	struct tn_system *_Atomic *systems;
	const char *addr2line; /* to be run for source lines, or NULL */
};

void crash_write(
    const struct crash_report *r, const siginfo_t *info, void *context);

/* One line, cut to fit. */
void crash_say(const struct crash_report *r, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
