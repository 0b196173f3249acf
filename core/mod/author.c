/* SPDX-License-Identifier: MIT */
/*
 * What modules call (api/exports.list): the engine's functions under the
 * author's names. A module's struct module is the engine's struct tn_module,
 * and the structures of <tenon/module_interface.h> are laid out as those of
 * <tenon/interfaces.h>.
 */
#include <tenon/module_interface.h>

#include "author.h"
#include "hold.h"
#include "interface.h"

#define SAME(type, a, b)                                                       \
	_Static_assert(                                                        \
	    offsetof(struct type, a) == offsetof(struct tn_##type, b),         \
	    "the author's structure is the engine's")
SAME(interface_desc, flags, flags);
SAME(interface_desc, name, name);
SAME(interface_desc, version, version);
SAME(interface_desc, ops, ops);
SAME(interface_desc, instance, instance);
SAME(interface_desc, budget_ns, budget_ns);
_Static_assert(
    sizeof(struct interface_desc) == sizeof(struct tn_interface_desc),
    "the author's structure is the engine's");
_Static_assert(offsetof(struct interface_binding, instance) ==
		   offsetof(struct tn_binding, instance),
    "what a call is given begins the binding");
_Static_assert(INTERFACE_SLEEPS == TN_INTERFACE_SLEEPS &&
		   INTERFACE_GUARDED == TN_INTERFACE_GUARDED &&
		   INTERFACE_WEAK == TN_BIND_WEAK,
    "the flags are the engine's");
_Static_assert(
    sizeof(struct interface_frame) >= sizeof(struct tn_gate_frame) &&
	sizeof(struct interface_frame) >= sizeof(struct tn_gate_ticket),
    "a frame has room for either");

/* How long a module that takes its interface back waits for those inside. */
#define WITHDRAW_NS UINT64_C(30000000000)

static struct tn_module *engine_module(struct module *mod)
{
	return (struct tn_module *)(void *)mod;
}

/*
 * References. A module of these headers says who it is; by the bare names the
 * place of the call tells, which is wrong for a call that was the last thing a
 * function did and has become a jump. NULL is a module that is always there.
 */

bool module_hold(struct module *holder, struct module *module)
{
	const void *site = __builtin_return_address(0);
	struct generation *gen = engine_module(holder)->gen;

	return module == NULL ||
	       (gen != NULL &&
		   hold_take(engine_module(module), gen, site) == 0);
}

void module_release(struct module *holder, struct module *module)
{
	struct generation *gen = engine_module(holder)->gen;

	if (module != NULL && gen != NULL)
		hold_drop(engine_module(module), gen);
}

static bool get_from(struct module *module, const void *site)
{
	struct tn_module *mod = engine_module(module);

	return mod == NULL || hold_take_at(mod, site) == 0;
}

bool module_try_get(struct module *module)
{
	return get_from(module, __builtin_return_address(0));
}

void module_get_more(struct module *module)
{
	(void)get_from(module, __builtin_return_address(0));
}

void module_give(struct module *module)
{
	struct tn_module *mod = engine_module(module);

	if (mod != NULL)
		hold_drop(mod, hold_at(mod->sys, __builtin_return_address(0)));
}

int module_provide(struct module *owner, const struct interface_desc *desc)
{
	struct tn_module *mod = engine_module(owner);

	return tn_interface_provide(mod->sys, mod,
	    (const struct tn_interface_desc *)(const void *)desc);
}

int module_retract(struct module *owner, const char *name)
{
	struct tn_module *mod = engine_module(owner);

	return tn_interface_withdraw(mod->sys, mod, name, WITHDRAW_NS);
}

int module_bind(struct module *holder, const struct interface_want *want,
    struct tn_interface **out)
{
	struct tn_module *mod = engine_module(holder);
	const struct tn_interface_want w = {
		.size = sizeof(w),
		.flags = want->flags,
		.name = want->name,
		.version = want->version,
		.ops_size = want->ops_size,
		.module = mod,
	};

	if (want->size != sizeof(*want))
		return -TN_EINVAL;
	return interface_bind_at(
	    mod->sys, &w, __builtin_return_address(0), out);
}

int module_unbind(struct tn_interface *iface, struct module *holder)
{
	return tn_interface_unbind(iface, engine_module(holder), NULL);
}

const struct interface_binding *module_enter_sleeping(
    struct tn_interface *iface, struct interface_frame *frame)
{
	struct tn_gate_ticket *ticket = (struct tn_gate_ticket *)(void *)frame;

	if (tn_interface_enter_sleeping(iface, ticket) != 0)
		return NULL;
	return (const struct interface_binding *)(const void *)ticket->binding;
}

void module_exit_sleeping(
    struct tn_interface *iface, struct interface_frame *frame)
{
	tn_gate_exit_sleepable(
	    &iface->gate, (struct tn_gate_ticket *)(void *)frame);
}
