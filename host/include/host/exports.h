/* SPDX-License-Identifier: MIT */
/*
 * The guaranteed symbols that each world writes itself; api/exports.list has
 * the names under which modules see them.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#include <base/compiler.h>

struct module;

int port_printk(const char *fmt, ...) PRINTF_LIKE(1, 2);
int port_vprintk(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);
bool port_try_module_get(struct module *module);
void port_module_get(struct module *module);
void port_module_put(struct module *module);
