/* SPDX-License-Identifier: MIT */
/*
 * Messages of a command, in kmod's form "modprobe: ERROR: text": on standard
 * error, or to syslog.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include <base/compiler.h>

/* Levels are syslog's numbers; a level is shown when it is low enough. */
enum report_level {
	REPORT_NONE = 0, /* of struct report: nothing is shown */
	REPORT_FATAL = 2,
	REPORT_ERROR = 3,
	REPORT_WARNING = 4,
	REPORT_NOTICE = 5,
	REPORT_INFO = 6,
	REPORT_DEBUG = 7
};

struct report {
	const char *who; /* "modprobe" */
	int level;       /* the highest that is shown */
	bool syslog;
};

/* @syslog: messages go there, as LOG_DAEMON. */
void report_open(struct report *r, const char *who, int level, bool syslog);
void report_close(struct report *r);

/* One line; @fmt has no newline. */
PRINTF_LIKE(3, 4)
void report(const struct report *r, int level, const char *fmt, ...);

PRINTF_LIKE(3, 0)
void report_list(
    const struct report *r, int level, const char *fmt, va_list ap);
