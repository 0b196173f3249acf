/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed symbols of api/exports.list that each world implements
 * itself: the log and the references of modules.
 */
#include <stdarg.h>
#include <stdbool.h>

#include <tenon/interfaces.h>

#include "exports.h"
#include "kernel.h"

/* A level is a byte 1 and one character in front of the text. */
#define LEVEL_MARK '\001'

static const char *without_level(const char *fmt)
{
	return fmt[0] == LEVEL_MARK && fmt[1] != '\0' ? fmt + 2 : fmt;
}

int port_vprintk(const char *fmt, va_list ap)
{
	return (int)k_vprintf(without_level(fmt), ap);
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

/* --- interfaces: here, because a record is the CPU's */

/* What modules see is the beginning of the engine's binding. */
static const struct interface_binding *binding(const struct tn_binding *b)
{
	return (const struct interface_binding *)(const void *)b;
}

const struct interface_binding *port_interface_enter(struct tn_interface *iface)
{
	const struct tn_binding *b = tn_gate_enter_call(&iface->gate);

	return binding(b != NULL ? b : tn_interface_enter_slow(iface));
}

void port_interface_exit(struct tn_interface *iface)
{
	tn_gate_exit_call(&iface->gate);
}

const struct interface_binding *port_interface_enter_guarded(
    struct tn_interface *iface, struct interface_frame *frame)
{
	struct tn_gate_frame *f = (struct tn_gate_frame *)(void *)frame;
	const struct tn_binding *b = tn_guard_enter_call(&iface->gate, f);

	return binding(b != NULL ? b : tn_interface_guard_slow(iface, f));
}

void port_interface_exit_guarded(
    struct tn_interface *iface, struct interface_frame *frame)
{
	tn_guard_exit_call(&iface->gate, (struct tn_gate_frame *)(void *)frame);
}
