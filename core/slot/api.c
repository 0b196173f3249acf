/* SPDX-License-Identifier: MIT */
/*
 * The table that lkmod_init is handed when the embedder has none of his own.
 * Its ctx is the struct native; memory is charged to the module in the ledger
 * and taken back with it.
 */
#include <base/format.h>
#include <tenon/ledger.h>

#include "internal.h"

#define LINE_MAX_BYTES 256

static void api_log(void *ctx, int level, const char *text)
{
	const struct tn_port *port = ((const struct native *)ctx)->slots->port;

	port->log(port->ctx,
	    (unsigned)level <= TN_LOG_DEBUG ? (enum tn_log_level)level
					    : TN_LOG_INFO,
	    text);
}

static int api_printf(void *ctx, const char *format, ...) PRINTF_LIKE(2, 3);
static int api_printf(void *ctx, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	size_t n;

	va_start(ap, format);
	n = text_vformat(line, sizeof(line), format, ap);
	va_end(ap);
	if (n >= sizeof(line))
		n = sizeof(line) - 1;
	if (n != 0 && line[n - 1] == '\n')
		line[n - 1] = '\0';
	api_log(ctx, LKMOD_LOG_INFO, line);
	return (int)n;
}

static void *api_alloc(void *ctx, size_t size)
{
	return tn_module_alloc(((const struct native *)ctx)->mod, size,
	    __builtin_return_address(0));
}

static void api_free(void *ctx, void *p)
{
	/* What is wrong with it is in the log. */
	(void)tn_module_free(((const struct native *)ctx)->mod, p);
}

static uint64_t api_ticks(void *ctx)
{
	const struct tn_port *port = ((const struct native *)ctx)->slots->port;

	return port->now_ns(port->ctx);
}

static int api_issue(void *ctx, uint32_t queue_id, const void *command)
{
	const struct native *n = ctx;
	const struct tn_slots_config *c = &n->slots->config;

	return c->issue != NULL
		   ? c->issue(c->issue_arg, n->slot, queue_id, command)
		   : LKMOD_NOT_SUPPORTED;
}

const struct lkmod_api *api_open(struct native *n)
{
	if (n->slots->config.api != NULL)
		return n->slots->config.api;
	n->api = (struct lkmod_api){
		.size = sizeof(n->api),
		.version = LKMOD_API_VERSION,
		.ctx = n,
		.log = api_log,
		.printf = api_printf,
		.alloc = api_alloc,
		.free = api_free,
		.ticks = api_ticks,
		.issue = api_issue,
	};
	return &n->api;
}
