/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed symbols (api/exports.list) that each world implements; the
 * whole table is tn_guaranteed of <tenon/engine.h>.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include <base/compiler.h>

struct module;

int port_printk(const char *fmt, ...) PRINTF_LIKE(1, 2);
int port_vprintk(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

struct tn_interface;
struct interface_binding;
struct interface_frame;
const struct interface_binding *port_interface_enter(
    struct tn_interface *iface);
void port_interface_exit(struct tn_interface *iface);
const struct interface_binding *port_interface_enter_guarded(
    struct tn_interface *iface, struct interface_frame *frame);
void port_interface_exit_guarded(
    struct tn_interface *iface, struct interface_frame *frame);
