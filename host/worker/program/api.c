/* SPDX-License-Identifier: MIT */
/*
 * What the module may call: the table that its init is handed, and the symbols
 * of the common profile that need no engine. What concerns the world outside
 * is a message to the host, which may answer as late as it likes.
 */
#include <stdarg.h>

#include <base/format.h>
#include <base/string.h>
#include <lkmod/lkmod.h>
#include <tenon/engine.h>

#include "program.h"

#define LINE_MAX 256 /* of printf and printk, with its NUL */

/* What a log level of the kernel is in ours: KERN_SOH '0' to '7'. */
#define KERN_SOH '\001'

static void *handle; /* what init has left for exit */

/* --- text */

static int64_t say(uint32_t kind, uint64_t value, const void *data, size_t n)
{
	n = n < WIRE_TEXT_SIZE ? n : WIRE_TEXT_SIZE;
	memcpy(lane_text(), data, n);
	return lane_ask(kind, value, n);
}

/* The length that the text has without a newline at its end. */
static size_t line_length(const char *text)
{
	const size_t n = str_len(text);

	return n != 0 && text[n - 1] == '\n' ? n - 1 : n;
}

static void say_line(int level, const char *text)
{
	(void)say(WIRE_LOG, (uint64_t)(int64_t)level, text, line_length(text));
}

/* --- the table */

static void api_log(void *ctx, int level, const char *text)
{
	(void)ctx;
	say_line(level, text);
}

static int api_printf(void *ctx, const char *format, ...)
{
	char line[LINE_MAX];
	va_list ap;
	size_t n;

	(void)ctx;
	va_start(ap, format);
	n = text_vformat(line, sizeof(line), format, ap);
	va_end(ap);
	say_line(LKMOD_LOG_INFO, line);
	return n < sizeof(line) ? (int)n : LINE_MAX - 1;
}

static void *api_alloc(void *ctx, size_t size)
{
	(void)ctx;
	return heap_alloc(size);
}

static void api_free(void *ctx, void *p)
{
	(void)ctx;
	heap_free(p);
}

static uint64_t api_ticks(void *ctx)
{
	(void)ctx;
	return (uint64_t)lane_ask(WIRE_TICKS, 0, 0);
}

/* A command is an address, and means nothing to another process. */
static int api_issue(void *ctx, uint32_t queue_id, const void *command)
{
	(void)ctx;
	(void)queue_id;
	(void)command;
	return LKMOD_NOT_SUPPORTED;
}

static void api_exit(void *ctx, int status)
{
	(void)ctx;
	(void)lane_ask(WIRE_EXIT, (uint64_t)(int64_t)status, 0);
	leave(0);
}

static int64_t api_write(void *ctx, const void *data, size_t n)
{
	(void)ctx;
	return say(WIRE_WRITE, 0, data, n);
}

static void api_yield(void *ctx)
{
	(void)ctx;
	(void)lane_ask(WIRE_YIELD, 0, 0);
}

static const struct lkmod_api table = {
	.size = sizeof(table),
	.version = LKMOD_API_VERSION,
	.log = api_log,
	.printf = api_printf,
	.alloc = api_alloc,
	.free = api_free,
	.ticks = api_ticks,
	.issue = api_issue,
	.exit = api_exit,
	.write = api_write,
	.yield = api_yield,
};

/* --- symbols */

int port_printk(const char *fmt, ...) PRINTF_LIKE(1, 2);
int port_vprintk(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

int port_vprintk(const char *fmt, va_list ap)
{
	/* Linux's eight levels: three of errors, warnings, two of notes. */
	static const uint8_t levels[8] = { LKMOD_LOG_ERROR, LKMOD_LOG_ERROR,
		LKMOD_LOG_ERROR, LKMOD_LOG_ERROR, LKMOD_LOG_WARNING,
		LKMOD_LOG_INFO, LKMOD_LOG_INFO, LKMOD_LOG_DEBUG };
	int level = LKMOD_LOG_INFO;
	char line[LINE_MAX];
	size_t n;

	if (fmt[0] == KERN_SOH && fmt[1] >= '0' && fmt[1] <= '7') {
		level = levels[fmt[1] - '0'];
		fmt += 2;
	}
	n = text_vformat(line, sizeof(line), fmt, ap);
	say_line(level, line);
	return (int)n;
}

int port_printk(const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = port_vprintk(fmt, ap);
	va_end(ap);
	return n;
}

static void offer(struct wire_symbol *to, const struct tn_export *from)
{
	(void)str_copy(to->name, sizeof(to->name), from->name);
	to->addr = (uint64_t)(uintptr_t)from->addr;
}

typedef int exit_fn(void *handle);

static int64_t leave_module(int64_t fn)
{
	return ((exit_fn *)(uintptr_t)fn)(handle);
}

void api_hello(struct message *m)
{
	struct wire_symbol *to = (struct wire_symbol *)(void *)lane_text();
	size_t n = tn_guaranteed_count;

	n = n < WIRE_SYMBOLS ? n : WIRE_SYMBOLS;
	for (size_t i = 0; i < n; i++)
		offer(&to[i], &tn_guaranteed[i]);
	m->arg[WIRE_HELLO_API] = (uint64_t)(uintptr_t)&table;
	m->arg[WIRE_HELLO_HANDLE] = (uint64_t)(uintptr_t)&handle;
	m->arg[WIRE_HELLO_LEAVE] = (uint64_t)(uintptr_t)leave_module;
	m->arg[WIRE_HELLO_SYMBOLS] = n;
}
