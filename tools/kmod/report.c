/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

void report_open(struct report *r, const char *who, int level, bool syslog)
{
	struct stat st;

	r->who = who;
	r->level = level;
	/* without a standard error the other place must do */
	r->syslog = syslog || fstat(STDERR_FILENO, &st) != 0;
	if (r->syslog)
		openlog(who, LOG_CONS, LOG_DAEMON);
}

void report_close(struct report *r)
{
	if (r->syslog)
		closelog();
	r->syslog = false;
}

static const char *word_of(int level)
{
	switch (level) {
	case REPORT_FATAL: return "FATAL";
	case REPORT_ERROR: return "ERROR";
	case REPORT_WARNING: return "WARNING";
	case REPORT_NOTICE: return "NOTICE";
	case REPORT_INFO: return "INFO";
	default: return "DEBUG";
	}
}

void report(const struct report *r, int level, const char *fmt, ...)
{
	va_list ap;

	if (level > r->level)
		return;
	va_start(ap, fmt);
	if (r->syslog) {
		vsyslog(level, fmt, ap);
	} else {
		fprintf(stderr, "%s: %s: ", r->who, word_of(level));
		vfprintf(stderr, fmt, ap);
		fputc('\n', stderr);
	}
	va_end(ap);
}
