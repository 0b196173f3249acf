/* SPDX-License-Identifier: MIT */
/*
 * Interfaces: named, versioned tables of operations that modules provide and
 * others call, without ever holding an address in a module.
 *
 * An interface belongs to the engine and stays as long as its system; its
 * first member is a gate (<tenon/gate.h>). Whoever provides it may come and
 * go: the first of several providers that is running is the primary one, which
 * the gate leads to. Who is bound holds the interface; a bond that is not
 * weak also keeps its provider from being unloaded.
 *
 *	struct tn_interface *clock;
 *	int err = tn_interface_bind(sys, &want, &clock);
 *	...
 *	err = tn_call(clock, struct clock_ops, read, &now);
 *
 * Every operation takes the provider's instance first and returns an int, so
 * that the call can return an error of its own: -TN_ENODEV when nobody
 * provides the interface.
 *
 * Modules use <tenon/module_interface.h>. All functions may be called from any
 * thread and sleep, unless they say otherwise. Since 0.1.
 */
#pragma once

#include <stdint.h>

#include <tenon/engine.h>
#include <tenon/err.h>
#include <tenon/gate.h>

#ifdef __cplusplus
/* A function is called as the struct that it tells. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

/* Stable for the life of the system. The members behind are the engine's. */
struct tn_interface {
	struct tn_gate gate;
};

/* Which version: 1.2 is TN_INTERFACE_VERSION(1, 2). */
#define TN_INTERFACE_VERSION(major, minor)                                     \
	(((major) + 0u) << 16 | ((minor) + 0u))

/*
 * How an interface is called; who first provides it or holds a bond to it
 * decides, and everybody else must say the same. Neither: counted calls, which
 * do not sleep (tn_call).
 */
#define TN_INTERFACE_SLEEPS  1u /* operations may sleep: tn_call_sleeping */
#define TN_INTERFACE_GUARDED 2u /* calls have an owner: tn_call_guarded */

/* What somebody provides. All that it points to stays until it is withdrawn. */
struct tn_interface_desc {
	uint32_t size;    /* sizeof(struct tn_interface_desc) */
	uint32_t flags;   /* TN_INTERFACE_* */
	const char *name; /* at most 55 characters; copied */
	uint32_t version; /* TN_INTERFACE_VERSION() */
	uint32_t reserved;
	const void *ops; /* struct tn_ops_head first */
	void *instance;  /* first argument of each operation */
	/* How long a guarded call should take, 0: as long as it likes. For a
	   watchdog, which asks tn_overdue_each; the engine ends no call. */
	uint64_t budget_ns;
};

/*
 * Provides an interface in the name of @owner, or of the world when @owner is
 * NULL. That of a module is open while the module is running: before, callers
 * meet the provider before it or nobody. -TN_EINVAL: no name, no operations,
 * or flags that differ from the interface's; -TN_EEXIST: @owner provides it
 * already; -TN_ENOENT: @owner is not loaded, or what it has is being taken back;
 * -TN_EBUSY: it is about to leave; -TN_ENOMEM.
 */
int tn_interface_provide(struct tn_system *sys, struct tn_module *owner,
    const struct tn_interface_desc *desc);

/*
 * Takes it back, when everybody has left it. In the stop of @owner they have:
 * what start has provided stop can withdraw. -TN_ENOENT: @owner does not
 * provide it; -TN_EBUSY: bonds that are not weak have no other provider,
 * handles on @owner are held, or after @timeout_ns calls were still inside or
 * somebody else was still closing it; -TN_EDEADLK: from inside of a counted or
 * guarded call, or from a stop (see tn_call) while somebody else is closing it.
 * From inside of a call that sleeps, which has no thread to be known by, it
 * waits for itself until @timeout_ns.
 */
int tn_interface_withdraw(struct tn_system *sys, struct tn_module *owner,
    const char *name, uint64_t timeout_ns);

/*
 * Makes @provider (NULL: the world) the primary one, when everybody has left
 * the one before. -TN_ENOENT: it does not provide the interface, or is not
 * running; -TN_EBUSY and -TN_EDEADLK as tn_interface_withdraw, from inside of a
 * call that sleeps, too.
 */
int tn_interface_prefer(struct tn_system *sys, struct tn_module *provider,
    const char *name, uint64_t timeout_ns);

/* tn_interface_want.flags, besides TN_INTERFACE_* */
#define TN_BIND_WEAK 0x100u /* the provider may be absent, and may leave */

/* What somebody wants to call. */
struct tn_interface_want {
	uint32_t size;     /* sizeof(struct tn_interface_want) */
	uint32_t flags;    /* TN_INTERFACE_*, TN_BIND_* */
	const char *name;  /* of the interface */
	uint32_t version;  /* the same major, at least this minor number */
	uint32_t ops_size; /* sizeof the table that is called, 0: any */
	struct tn_module *module; /* who wants it; NULL: the world ... */
	const char *holder;       /* ... under this name, which is copied */
};

/*
 * Binds. -TN_ENODEV: nobody provides it (not of weak bonds); -TN_ERANGE: the
 * provider's version or table is too old, or of another major version;
 * -TN_EINVAL: it is called in another way, or @want->module is not loaded, or
 * what it has is being taken back; -TN_ENOMEM.
 *
 * While callers of a provider that is about to leave are waited for, a bond is
 * made at once, and keeps it unless it is weak. When all have left it, a bond
 * that is not weak waits until the rest is decided (other interfaces of the
 * modules that leave, their stop hooks). -TN_EDEADLK: the caller is inside of a
 * call, or in a stop that does not wait either (tn_call).
 */
int tn_interface_bind(struct tn_system *sys,
    const struct tn_interface_want *want, struct tn_interface **out);

/*
 * Ends one bond of @module, or, when that is NULL, of the world under the name
 * @holder. -TN_ENOENT: there is none, or @module is not loaded any more.
 */
int tn_interface_unbind(
    struct tn_interface *iface, struct tn_module *module, const char *holder);

/* --- calls */

/* The table of a binding, for casts that each language approves of. */
#ifdef __cplusplus
extern "C++" template <typename ops> const ops *tn_ops_of_(const void *table)
{
	return static_cast<const ops *>(table);
}
#define TN_OPS_(type, table) tn_ops_of_<type>(table)
#else
#define TN_OPS_(type, table) ((type *)(table))
#endif

/* An operation with its instance and up to eight arguments, or none: in ISO C
   and C++ what stands behind the last comma must not be missing. */
#define TN_OP_ALONE_(instance, op)                          op(instance)
#define TN_OP_WITH_(instance, op, ...)                      op(instance, __VA_ARGS__)
#define TN_OP_PICK_(op, a, b, c, d, e, f, g, h, which, ...) which
#define TN_OP_(instance, ...)                                                  \
	TN_OP_PICK_(__VA_ARGS__, TN_OP_WITH_, TN_OP_WITH_, TN_OP_WITH_,        \
	    TN_OP_WITH_, TN_OP_WITH_, TN_OP_WITH_, TN_OP_WITH_, TN_OP_WITH_,   \
	    TN_OP_ALONE_, )                                                    \
	(instance, __VA_ARGS__)

/*
 * tn_call(iface, type, op, ...): calls operation @op of a table of struct type
 * @type with the instance and the arguments that follow; the value is the
 * operation's, or -TN_ENODEV. @iface is evaluated once; the arguments are inside
 * of the call, and not at all when there is none. While its provider is about to
 * leave, a call waits until that is decided; a call from inside of another call,
 * whatever its kind, does not wait and has the value -TN_EAGAIN: who makes the
 * provider leave may be waiting for that one. Nor does a call from the stop of a
 * module that itself provides something, or leaves together with one that does,
 * or from the start that undoes such a stop: it is part of a decision for which
 * others wait.
 */
#define tn_call(iface, type, ...)                                              \
	__extension__({                                                        \
		struct tn_interface *const tn_i_ = (iface);                    \
		const struct tn_binding *tn_b_ = tn_interface_enter(tn_i_);    \
		int tn_r_;                                                     \
		if (tn_b_ != NULL) {                                           \
			tn_r_ = TN_OPS_(type, tn_b_->ops)                      \
				    ->TN_OP_(tn_b_->instance, __VA_ARGS__);    \
			tn_gate_exit(&tn_i_->gate);                            \
		} else {                                                       \
			tn_r_ = tn_interface_refusal(tn_i_);                   \
		}                                                              \
		tn_r_;                                                         \
	})

/*
 * The same for TN_INTERFACE_GUARDED. -TN_ENOMEM: a thread that has not been
 * inside before can get no record of its own (see tn_guard_enter).
 */
#define tn_call_guarded(iface, type, ...)                                      \
	__extension__({                                                        \
		struct tn_interface *const tn_i_ = (iface);                    \
		struct tn_gate_frame tn_f_;                                    \
		const struct tn_binding *tn_b_ =                               \
		    tn_interface_guard(tn_i_, &tn_f_);                         \
		int tn_r_;                                                     \
		if (tn_b_ != NULL) {                                           \
			tn_r_ = TN_OPS_(type, tn_b_->ops)                      \
				    ->TN_OP_(tn_b_->instance, __VA_ARGS__);    \
			tn_guard_exit(&tn_i_->gate, &tn_f_);                   \
		} else {                                                       \
			tn_r_ = tn_interface_refusal(tn_i_);                   \
		}                                                              \
		tn_r_;                                                         \
	})

/*
 * The same for TN_INTERFACE_SLEEPS. It is its thread that is inside: an
 * operation that hands its work to another thread and waits for that does not
 * call its own provider there, or both wait until the deadline of who makes it
 * leave.
 */
#define tn_call_sleeping(iface, type, ...)                                     \
	__extension__({                                                        \
		struct tn_interface *const tn_i_ = (iface);                    \
		struct tn_gate_ticket tn_t_;                                   \
		int tn_r_;                                                     \
		if (tn_interface_enter_sleeping(tn_i_, &tn_t_) == 0) {         \
			tn_r_ = TN_OPS_(type, tn_t_.binding->ops)              \
				    ->TN_OP_(                                  \
					tn_t_.binding->instance, __VA_ARGS__); \
			tn_gate_exit_sleepable(&tn_i_->gate, &tn_t_);          \
		} else {                                                       \
			tn_r_ = tn_interface_refusal(tn_i_);                   \
		}                                                              \
		tn_r_;                                                         \
	})

/* What the macros call when the first try has met a gate that is not open. */
int tn_interface_refusal(struct tn_interface *iface);
const struct tn_binding *tn_interface_enter_slow(struct tn_interface *iface);
const struct tn_binding *tn_interface_guard_slow(
    struct tn_interface *iface, struct tn_gate_frame *frame);
/* As tn_gate_enter_sleepable, which knows nothing of stops; until then. */
int tn_interface_enter_sleeping(
    struct tn_interface *iface, struct tn_gate_ticket *ticket);

/* Enters for a counted call; NULL: nobody provides it. */
static inline const struct tn_binding *tn_interface_enter(
    struct tn_interface *iface)
{
	const struct tn_binding *b = tn_gate_enter(&iface->gate);

	return __builtin_expect(b != NULL, 1) ? b
					      : tn_interface_enter_slow(iface);
}

static inline const struct tn_binding *tn_interface_guard(
    struct tn_interface *iface, struct tn_gate_frame *frame)
{
	const struct tn_binding *b = tn_guard_enter(&iface->gate, frame);

	return __builtin_expect(b != NULL, 1)
		   ? b
		   : tn_interface_guard_slow(iface, frame);
}

/* --- handles: for callers that stay */

/*
 * Holds @mod in the name of @holder, of which the system keeps a copy, cut to
 * fit; of more than 256 different names the later ones are not told apart.
 * Between tn_handle_enter and tn_handle_exit its code and data may be used. A
 * module's handles are given back when it is unloaded: which module that is the
 * return address tells, so a call that has become a jump, being the last thing
 * that a function does, is its caller's. -TN_ENOENT: it is not running;
 * -TN_ENOMEM. Waits as tn_module_get does, else does not sleep.
 */
int tn_handle_get(
    struct tn_module *mod, const char *holder, struct tn_handle *out);

/*
 * As tn_handle_get for the primary provider of @iface, whose binding it
 * returns: it stays what it is until tn_handle_put. -TN_ENODEV: nobody provides
 * it; -TN_EAGAIN: its provider is about to leave, and the caller does not wait,
 * as in tn_call; -TN_ENOMEM. Waits while that is decided, else does not sleep.
 */
int tn_interface_acquire(struct tn_interface *iface, const char *holder,
    struct tn_handle *out, const struct tn_binding **binding);

/* --- looking */

struct tn_interface_info {
	const char *name;
	uint32_t flags;                  /* TN_INTERFACE_* */
	uint32_t version;                /* of the primary provider */
	const struct tn_module *primary; /* NULL: the world, or nobody */
	bool provided;                   /* is there a primary provider? */
	uint32_t nproviders;             /* running or not */
	uint32_t nbonds;
};

/* -TN_ENOENT: nobody has provided it or bound to it yet. */
int tn_interface_info(
    struct tn_system *sys, const char *name, struct tn_interface_info *info);

/*
 * Calls @fn for each provider of @name in the order of providing, under the
 * registry lock, until it returns non-zero, and returns that. NULL stands for
 * the world.
 */
int tn_interface_providers(struct tn_system *sys, const char *name,
    int (*fn)(void *arg, const struct tn_module *provider, bool primary),
    void *arg);

/* Calls @fn for each interface, as tn_interface_providers. */
int tn_interface_each(struct tn_system *sys,
    int (*fn)(void *arg, const struct tn_interface_info *info), void *arg);

/* A guarded call that has not ended by the time that its interface gives. */
struct tn_overdue {
	struct tn_module *module; /* whose code runs; compare it, no more */
	char module_name[TN_MODULE_NAME_MAX];
	uint32_t thread;  /* as the world counts: on Linux the thread's id */
	uint64_t late_ns; /* since its deadline */
};

/*
 * Calls @fn for each thread that is inside of a module of @sys by guarded calls
 * of which one is past its deadline (tn_interface_desc.budget_ns), under the
 * registry lock, until it returns non-zero, and returns that. What a watchdog
 * asks now and then: the engine itself ends no call and reports none. Deadlines
 * are as exact as the coarse clock, on Linux some milliseconds. Sleeps for the
 * lock.
 */
int tn_overdue_each(struct tn_system *sys,
    int (*fn)(void *arg, const struct tn_overdue *call), void *arg);

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
