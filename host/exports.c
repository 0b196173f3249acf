/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed symbols (api/exports.list) that each world writes itself:
 * the log and the references of modules. The log of a process is standard
 * error; a module's text goes there as it is, without its level.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <base/format.h>
#include <host/exports.h>
#include <tenon/interfaces.h>

#define LINE_MAX_BYTES 1024
#define SOH            '\001' /* in front of a level: see <tenon/module.h> */

static void put(const char *s, size_t n)
{
	while (n) {
		const ssize_t done = write(STDERR_FILENO, s, n);

		if (done == 0 || (done < 0 && errno != EINTR))
			return;
		if (done > 0) {
			s += done;
			n -= (size_t)done;
		}
	}
}

int port_vprintk(const char *fmt, va_list ap)
{
	char line[LINE_MAX_BYTES];
	size_t n;

	if (fmt[0] == SOH && fmt[1] != '\0')
		fmt += 2;
	n = text_vformat(line, sizeof(line), fmt, ap);
	put(line, n < sizeof(line) ? n : sizeof(line) - 1);
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

/* --- interfaces: here, because a thread's record is in its TLS */

/* What modules see is the beginning of the engine's binding. */
static const struct interface_binding *binding(const struct tn_binding *b)
{
	return (const struct interface_binding *)(const void *)b;
}

const struct interface_binding *port_interface_enter(struct tn_interface *iface)
{
	return binding(tn_interface_enter(iface));
}

void port_interface_exit(struct tn_interface *iface)
{
	tn_gate_exit(&iface->gate);
}

const struct interface_binding *port_interface_enter_guarded(
    struct tn_interface *iface, struct interface_frame *frame)
{
	return binding(
	    tn_interface_guard(iface, (struct tn_gate_frame *)(void *)frame));
}

void port_interface_exit_guarded(
    struct tn_interface *iface, struct interface_frame *frame)
{
	tn_guard_exit(&iface->gate, (struct tn_gate_frame *)(void *)frame);
}
