/* SPDX-License-Identifier: MIT */
/*
 * Interfaces, as modules provide and call them: tables of operations behind a
 * name and a gate, so that nobody holds an address in another module and each
 * may come and go (docs/interfaces.md). Module authors include this besides
 * <tenon/module.h>.
 *
 *	struct clock_ops {
 *		struct interface_ops head;
 *		int (*read)(void *instance, uint64_t *now);
 *	};
 *
 * Every operation takes the provider's instance first and returns an int: 0 or
 * a negative error, so that a call can fail with -ENODEV (-19) when nobody
 * provides the interface. Unless it says otherwise an operation does not sleep.
 */
#pragma once

#include <tenon/module_info.h>

/* Every table of operations begins with it. */
struct interface_ops {
	uint32_t size; /* of the whole table, in bytes */
	uint32_t abi;
};

/* Which version: 1.2 is INTERFACE_VERSION(1, 2). */
#define INTERFACE_VERSION(major, minor)                                        \
	((uint32_t)(major) << 16 | (uint32_t)(minor))

/* .flags of both; all who name one interface say the same */
#define INTERFACE_SLEEPS  1u /* operations may sleep: interface_call_sleeping */
#define INTERFACE_GUARDED 2u /* calls have an owner: interface_call_guarded */
#define INTERFACE_WEAK    0x100u /* of a want: the provider may be absent */

/* What a module provides. */
struct interface_desc {
	uint32_t size; /* sizeof(struct interface_desc) */
	uint32_t flags;
	const char *name;
	uint32_t version;
	uint32_t reserved;
	const void *ops; /* struct interface_ops first; stays */
	void *instance;  /* first argument of each operation */
	/* How long a guarded call should take, 0: as long as it likes. It is
	   noted for a watchdog; nothing ends a call that takes longer. */
	uint64_t budget_ns;
};

/* What a module wants to call: the same major version, at least this minor. */
struct interface_want {
	uint32_t size; /* sizeof(struct interface_want) */
	uint32_t flags;
	const char *name;
	uint32_t version;
	uint32_t ops_size; /* sizeof the table that is called, 0: any */
};

struct tn_interface; /* the engine's; stays as long as the engine */

/* What a call is given. */
struct interface_binding {
	const void *ops;
	void *instance;
};

/* Storage for a call that is inside; the engine's business. */
struct interface_frame {
	uint64_t opaque[8];
};

TENON_IMPORTS_BEGIN

struct module;

/*
 * Provides; the interface opens when init and start have succeeded, and is
 * withdrawn by the engine when the module goes. May sleep. -EINVAL (-22),
 * -EEXIST (-17), -ENOMEM (-12).
 */
int interface_provide(struct module *owner, const struct interface_desc *desc);
/*
 * Takes it back early, as a stop may what start has provided; waits for calls
 * inside. -ENOENT (-2), -EBUSY (-16), -EDEADLK (-35): from inside of a call.
 */
int interface_withdraw(struct module *owner, const char *name);

/*
 * Binds @holder, which keeps the provider from being unloaded unless the bond
 * is weak. The engine ends the bonds of a module that goes. May sleep.
 * -ENODEV (-19): nobody provides it; -ERANGE (-34): too old or too new;
 * -EINVAL, -ENOMEM.
 */
int interface_bind(struct module *holder, const struct interface_want *want,
    struct tn_interface **out);
int interface_unbind(struct tn_interface *iface, struct module *holder);

/*
 * Enters for one call; NULL: nobody provides it. Does not block but while the
 * provider is being unloaded, until that is decided; from inside of another
 * call, or in the stop of a module that provides, it does not wait for that:
 * NULL. Nothing between enter and exit sleeps.
 */
const struct interface_binding *interface_enter(struct tn_interface *iface);
void interface_exit(struct tn_interface *iface);

/* The same for INTERFACE_GUARDED: with an owner, who is charged. */
const struct interface_binding *interface_enter_guarded(
    struct tn_interface *iface, struct interface_frame *frame);
void interface_exit_guarded(
    struct tn_interface *iface, struct interface_frame *frame);

/* The same for INTERFACE_SLEEPS; between the two anything may sleep. */
const struct interface_binding *interface_enter_sleeping(
    struct tn_interface *iface, struct interface_frame *frame);
void interface_exit_sleeping(
    struct tn_interface *iface, struct interface_frame *frame);

TENON_IMPORTS_END

/*
 * Calls operation @op of the table @type with the instance and the arguments
 * that follow; the value is the operation's, or -ENODEV.
 */
#define INTERFACE_CALL(enter, leave, type, op, ...)                            \
	__extension__({                                                        \
		const struct interface_binding *b_ = enter;                    \
		int r_ = -19;                                                  \
		if (b_ != NULL) {                                              \
			r_ = ((type *)b_->ops)                                 \
				 ->op(b_->instance, ##__VA_ARGS__);            \
			leave;                                                 \
		}                                                              \
		r_;                                                            \
	})
#define interface_call(iface, type, op, ...)                                   \
	INTERFACE_CALL(interface_enter(iface), interface_exit(iface), type,    \
	    op, ##__VA_ARGS__)
#define interface_call_guarded(iface, type, op, ...)                           \
	__extension__({                                                        \
		struct interface_frame f_;                                     \
		INTERFACE_CALL(interface_enter_guarded(iface, &f_),            \
		    interface_exit_guarded(iface, &f_), type, op,              \
		    ##__VA_ARGS__);                                            \
	})
#define interface_call_sleeping(iface, type, op, ...)                          \
	__extension__({                                                        \
		struct interface_frame f_;                                     \
		INTERFACE_CALL(interface_enter_sleeping(iface, &f_),           \
		    interface_exit_sleeping(iface, &f_), type, op,             \
		    ##__VA_ARGS__);                                            \
	})
