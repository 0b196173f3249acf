/* SPDX-License-Identifier: MIT */
/*
 * The implementations behind the author's names that are the same in every
 * world. <tenon/module_interface.h> says what each does; interface_enter and
 * its like are the world's, because they lie on the fast path.
 */
#pragma once

#include <stdbool.h>

struct module;
struct tn_interface;
struct interface_desc;
struct interface_want;
struct interface_frame;
struct interface_binding;

bool module_hold(struct module *holder, struct module *module);
void module_release(struct module *holder, struct module *module);
bool module_try_get(struct module *module);
void module_get_more(struct module *module);
void module_give(struct module *module);
int module_provide(struct module *owner, const struct interface_desc *desc);
int module_retract(struct module *owner, const char *name);
int module_bind(struct module *holder, const struct interface_want *want,
    struct tn_interface **out);
int module_unbind(struct tn_interface *iface, struct module *holder);
const struct interface_binding *module_enter_sleeping(
    struct tn_interface *iface, struct interface_frame *frame);
void module_exit_sleeping(
    struct tn_interface *iface, struct interface_frame *frame);
