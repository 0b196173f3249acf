/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <kmod/clean.h>

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

void report_list(const struct report *r, int level, const char *fmt, va_list ap)
{
	char *text;

	if (level > r->level || vasprintf(&text, fmt, ap) < 0)
		return;
	(void)clean_text(text, CLEAN_KMOD);
	if (r->syslog) {
		syslog(level, "%s: %s", word_of(level), text);
	} else {
		(void)fflush(stdout); /* what was printed before comes before */
		fprintf(stderr, "%s: %s: %s\n", r->who, word_of(level), text);
	}
	free(text);
}

void report(const struct report *r, int level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report_list(r, level, fmt, ap);
	va_end(ap);
}
