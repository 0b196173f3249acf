/* SPDX-License-Identifier: MIT */
/*
 * Calling code that others exchange or unload at the same time.
 *
 *	gate      in front of an interface; whoever is inside holds the binding
 *	          that he was given, and with it the code behind it
 *	target    a thing with a LIVE bit and a count of references
 *	handle    one held reference to a target, with its holder
 *
 * Entering a gate and taking a handle store to the caller's own memory and to
 * nothing else; whoever closes pays, with a barrier in every running thread.
 *
 *	const struct tn_binding *b = tn_gate_enter(g);
 *
 *	if (b == NULL)
 *		return -TN_ENOENT;
 *	err = ((const struct my_ops *)b->ops)->work(b->instance, ...);
 *	tn_gate_exit(g);
 *
 * Fields that say "atomic" are read and written with __atomic builtins only,
 * so that this header is C11 and C++17. All functions may be called from any
 * thread; enter and exit also from signal handlers of a thread that has been
 * inside of a gate before. What modules import are the functions: the inline
 * ones have twins that end in _call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A deadline that never comes; others are monotonic nanoseconds. */
#define TN_GATE_FOREVER UINT64_MAX

/* --- bindings and gates */

enum tn_binding_state {
	TN_BINDING_OPEN,
	TN_BINDING_DRAINING, /* for a while: OPEN or CLOSED comes next */
	TN_BINDING_CLOSED,   /* no provider: ops is NULL */
};

/* Every table of operations begins with it. */
struct tn_ops_head {
	uint32_t size;
	uint32_t abi;
};

/* What an interface leads to. Never changes once it is published. */
struct tn_binding {
	const void *ops; /* struct tn_ops_head first, or NULL */
	void *instance;
	void *owner; /* who is charged while a guarded call is inside */
	uint64_t generation;
	uint32_t state; /* enum tn_binding_state */
	uint32_t flags; /* of the engine */
};

/* What gates without a provider point to. */
extern const struct tn_binding tn_binding_closed;

/* Calls that may sleep; enter - exit of all shards is how many are inside. */
struct tn_gate_shard {
	uint64_t enter; /* atomic */
	uint64_t exit;  /* atomic; often counted by another thread */
} __attribute__((aligned(64)));

/* tn_gate.flags */
#define TN_GATE_SLEEPS  1u /* it has shards */
#define TN_GATE_GUARDED 2u /* calls of it are to be guarded */

/* Stable: callers keep the pointer. Zeroed, then gate_init (gate/close.h). */
struct tn_gate {
	const struct tn_binding *binding; /* atomic; never NULL */
	struct tn_gate_shard *shards;     /* set once; or NULL */
	uint32_t nshards;
	uint32_t flags;
	uint64_t budget_ns; /* sets the deadline of guarded calls; 0: none */
	uint32_t phase;     /* atomic; odd while DRAINING; woken on change */
	uint32_t left;      /* atomic; counts exits that the closer awaits */
};

/* --- threads */

/*
 * A guarded call that is inside. On the caller's stack; the engine may put
 * it first into a larger one.
 */
struct tn_gate_frame {
	struct tn_gate_frame *outer;
	struct tn_gate *gate;
	const struct tn_binding *binding;
	void *owner;          /* of the thread, before this call */
	uint64_t deadline_ns; /* likewise */
};

/*
 * One for each thread (in a kernel for each CPU) that has been inside. Never
 * freed: a later thread goes on with it.
 *
 *	word = (number of finished outer sections << 32) | depth of nesting
 *
 * so a section is running when the low half is not 0, and has ended when the
 * word shows another number or depth 0. Sections nest at most TN_GATE_DEPTH
 * deep; nothing checks it. The number comes round after 2^32: a waiter that
 * takes a later section for the one it has met waits for longer. One word, so
 * that a signal handler that enters and leaves between any two instructions of
 * enter or exit does no harm: it leaves the depth as it was, and at worst the
 * interrupted enter repeats an older number, which lets a waiter wait for
 * longer.
 */
struct tn_gate_thread {
	uint64_t word;                /* atomic; its thread writes */
	struct tn_gate_frame *frames; /* its thread, and its signal handlers */
	void *owner;                  /* atomic; its thread writes */
	uint64_t deadline_ns;         /* likewise; 0: none; for a watchdog */
	struct tn_handle_chunk *chunks; /* atomic; grows at its head */
	struct tn_handle_chunk *sweep;  /* its thread */
	struct tn_handle_slot *free;    /* its thread */
	uint32_t number;                /* set once; small, chooses shards */
	uint32_t taken; /* atomic; the world's number of its thread, or 0 */
	struct tn_gate_thread *next; /* set before it is listed */
	uint32_t fences;    /* atomic; its thread has fences of its own */
	uint32_t sleepable; /* its thread: begun here, less ended here */
	/* atomic; what was begun here and has ended on other threads, under
	   the number of the threads that have had the record */
	uint64_t ended_elsewhere;
} __attribute__((aligned(64)));

/* The depth in the word, and the largest. */
#define TN_GATE_DEPTH UINT64_C(0xffffffff)

/*
 * The world defines these and the twins. tn_gate_self is NULL until the first
 * section of a thread, and in threads with fences of their own: the twins then
 * do all of the work. A thread may get fences while it is inside.
 */
extern __thread struct tn_gate_thread *tn_gate_self
    __attribute__((tls_model("initial-exec")));
uint64_t tn_gate_coarse_ns(void);
const struct tn_binding *tn_gate_enter_call(struct tn_gate *g);
void tn_gate_exit_call(struct tn_gate *g);
const struct tn_binding *tn_guard_enter_call(
    struct tn_gate *g, struct tn_gate_frame *f);
void tn_guard_exit_call(struct tn_gate *g, struct tn_gate_frame *f);

/*
 * Between the store of its word and its next loads a thread has only a
 * compiler barrier; gate_barrier of the waiting side is the other half.
 */
static inline void tn_section_enter_on(struct tn_gate_thread *t)
{
	const uint64_t word = __atomic_load_n(&t->word, __ATOMIC_RELAXED);

	__atomic_store_n(&t->word, word + 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * The outermost one also counts; inner ones only reduce the depth. Release:
 * pairs with the acquire of the waiter that sees the section ended.
 */
static inline void tn_section_exit_on(struct tn_gate_thread *t)
{
	const uint64_t word = __atomic_load_n(&t->word, __ATOMIC_RELAXED);
	const bool outer = (word & TN_GATE_DEPTH) == 1;

	__atomic_store_n(&t->word,
	    outer ? (word | TN_GATE_DEPTH) + 1 : word - 1, __ATOMIC_RELEASE);
}

/* tn_gate_enter and tn_gate_exit for whoever knows his record. */
static inline const struct tn_binding *tn_gate_enter_on(
    struct tn_gate_thread *t, struct tn_gate *g)
{
	const struct tn_binding *b;

	tn_section_enter_on(t);
	/* acquire: pairs with the release of gate_publish */
	b = __atomic_load_n(&g->binding, __ATOMIC_ACQUIRE);
	if (__builtin_expect(b->state == TN_BINDING_OPEN, 1))
		return b;
	tn_section_exit_on(t);
	return NULL;
}

/* --- counted calls: they do not sleep */

/*
 * The binding, valid until the exit; NULL: closed or draining, and not
 * entered. Calls nest. A draining gate stays shut to its counted callers even
 * if they are inside already.
 */
static inline const struct tn_binding *tn_gate_enter(struct tn_gate *g)
{
	struct tn_gate_thread *t = tn_gate_self;

	if (__builtin_expect(t == NULL, 0))
		return tn_gate_enter_call(g);
	return tn_gate_enter_on(t, g);
}

static inline void tn_gate_exit(struct tn_gate *g)
{
	struct tn_gate_thread *t = tn_gate_self;

	if (__builtin_expect(t == NULL, 0))
		tn_gate_exit_call(g);
	else
		tn_section_exit_on(t);
}

/*
 * After a NULL: waits until @g is no longer draining. 0: it is open, enter
 * again; -TN_ENOENT: closed; -TN_ETIMEDOUT. Not inside of any section: the
 * closer may be waiting for that one.
 */
int tn_gate_wait(struct tn_gate *g, uint64_t deadline_ns);

/* --- guarded calls: counted, with an owner and a deadline */

/*
 * If @t is inside of @g by a guarded call, enters once more and returns the
 * binding of that call, else NULL. Used by tn_guard_enter.
 */
const struct tn_binding *tn_guard_reenter(
    struct tn_gate_thread *t, const struct tn_gate *g);

/* The nearest deadline counts: an inner call cannot give itself more time. */
static inline void tn_guard_arm(struct tn_gate_thread *t, uint64_t budget_ns)
{
	uint64_t end = tn_gate_coarse_ns() + budget_ns;

	if (end < budget_ns)
		end = UINT64_MAX;
	if (t->deadline_ns == 0 || end < t->deadline_ns)
		__atomic_store_n(&t->deadline_ns, end, __ATOMIC_RELAXED);
}

/* A signal handler finds either the outer frame or a complete inner one. */
static inline void tn_guard_push(struct tn_gate_thread *t, struct tn_gate *g,
    const struct tn_binding *b, struct tn_gate_frame *f)
{
	f->outer = t->frames;
	f->gate = g;
	f->binding = b;
	f->owner = t->owner;
	f->deadline_ns = t->deadline_ns;
	if (g->budget_ns != 0)
		tn_guard_arm(t, g->budget_ns);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	t->frames = f;
	__atomic_store_n(&t->owner, b->owner, __ATOMIC_RELAXED);
}

static inline const struct tn_binding *tn_guard_enter_on(
    struct tn_gate_thread *t, struct tn_gate *g, struct tn_gate_frame *f)
{
	const struct tn_binding *b = tn_gate_enter_on(t, g);

	if (__builtin_expect(b == NULL, 0))
		b = tn_guard_reenter(t, g);
	if (b != NULL)
		tn_guard_push(t, g, b, f);
	return b;
}

static inline void tn_guard_exit_on(
    struct tn_gate_thread *t, struct tn_gate_frame *f)
{
	t->frames = f->outer;
	__atomic_store_n(&t->owner, f->owner, __ATOMIC_RELAXED);
	__atomic_store_n(&t->deadline_ns, f->deadline_ns, __ATOMIC_RELAXED);
	tn_section_exit_on(t);
}

/*
 * As tn_gate_enter, but it is on record whose code runs, and when it should be
 * over, for whoever looks at the records: nothing here does. And whoever is
 * inside by a guarded call may enter again while the gate drains. NULL also when
 * the thread can get no record. @f lives until the exit.
 */
static inline const struct tn_binding *tn_guard_enter(
    struct tn_gate *g, struct tn_gate_frame *f)
{
	struct tn_gate_thread *t = tn_gate_self;

	if (__builtin_expect(t == NULL, 0))
		return tn_guard_enter_call(g, f);
	return tn_guard_enter_on(t, g, f);
}

static inline void tn_guard_exit(struct tn_gate *g, struct tn_gate_frame *f)
{
	struct tn_gate_thread *t = tn_gate_self;

	if (__builtin_expect(t == NULL, 0))
		tn_guard_exit_call(g, f);
	else
		tn_guard_exit_on(t, f);
}

/* --- calls that may sleep */

struct tn_gate_ticket {
	const struct tn_binding *binding;
	struct tn_gate_shard *shard;
	struct tn_gate_thread *thread; /* that has entered; or NULL */
	uint32_t number;               /* of threads that have had it */
};

/*
 * Of gates with shards. 0: inside, with ticket->binding, until the exit,
 * which any thread may do. A draining gate is waited for until
 * @deadline_ns: -TN_ETIMEDOUT; -TN_ENOENT: closed; -TN_EAGAIN: it is draining,
 * and who is inside of a call of any kind does not wait, because whoever closes
 * the gate may be waiting for that call.
 */
int tn_gate_enter_sleepable(
    struct tn_gate *g, uint64_t deadline_ns, struct tn_gate_ticket *ticket);
void tn_gate_exit_sleepable(struct tn_gate *g, struct tn_gate_ticket *ticket);

/* --- references */

/* Engine-owned; 0: dead. Never freed while anybody may still ask. */
struct tn_gate_target {
	uint64_t word; /* atomic: TN_TARGET_LIVE, _CLOSING, and the count */
};

#define TN_TARGET_LIVE    (UINT64_C(1) << 63)
#define TN_TARGET_CLOSING (UINT64_C(1) << 62)
#define TN_TARGET_COUNT   (TN_TARGET_CLOSING - 1)

/*
 * Takes a reference; false: @t is not live. Never false because of an
 * attempt to close that ends with -TN_EBUSY: its end is waited for, so not
 * in a signal handler of the thread that closes.
 */
bool tn_target_get(struct tn_gate_target *t);
void tn_target_put(struct tn_gate_target *t);

/* --- handles */

struct tn_handle_slot {
	uint64_t sequence; /* atomic; number of the last take; owner writes */
	uint64_t returned; /* atomic; number of the last put; only grows */
	uint64_t revoked;  /* atomic; of the last revoked one; likewise */
	struct tn_gate_target *target; /* atomic; owner writes this ... */
	const void *holder;            /* ... and these before sequence */
	const void *site;
	uint64_t time_ns;
	struct tn_handle_slot *next; /* owner: its list of free slots */
} __attribute__((aligned(64)));

/*
 * By value; may be handed to another thread. A handle that was put answers
 * -TN_ESTALE for ever, as does { NULL, 0 }; one that was revoked does so to
 * everything but its put.
 */
struct tn_handle {
	struct tn_handle_slot *slot;
	uint64_t sequence;
};

/*
 * @holder and @site are for the list of holders. -TN_ENOENT: not live;
 * -TN_ENOMEM. Waits as tn_target_get does. Not in signal handlers.
 */
int tn_handle_take(struct tn_gate_target *t, const void *holder,
    const void *site, struct tn_handle *out);

/*
 * One that was revoked is put as any other is. -TN_ESTALE: was put before. Of
 * two puts of one handle at the same time
 * both may succeed; they free that handle only, never a later one.
 */
int tn_handle_put(struct tn_handle h);

/*
 * @h was neither put nor revoked up to now. Any context; touches nothing but
 * its slot, which is never freed.
 */
static inline bool tn_handle_is_held(struct tn_handle h)
{
	return h.slot != NULL &&
	       __atomic_load_n(&h.slot->sequence, __ATOMIC_ACQUIRE) ==
		   h.sequence &&
	       __atomic_load_n(&h.slot->returned, __ATOMIC_RELAXED) <
		   h.sequence &&
	       __atomic_load_n(&h.slot->revoked, __ATOMIC_RELAXED) !=
		   h.sequence;
}

/*
 * For the time between enter and exit, which do not sleep, @h cannot become
 * invalid under the caller: a put or a revocation elsewhere is waited for.
 * -TN_ESTALE: it is invalid, and nothing was entered.
 */
int tn_handle_enter(struct tn_handle h);
void tn_handle_exit(struct tn_handle h);

#ifdef __cplusplus
}
#endif
