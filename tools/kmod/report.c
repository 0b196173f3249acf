/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
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
	char *text;
	va_list ap;
	int n;

	if (level > r->level)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (r->syslog)
		syslog(level, "%s: %s", word_of(level), text);
	else
		fprintf(stderr, "%s: %s: %s\n", r->who, word_of(level), text);
	free(text);
}
