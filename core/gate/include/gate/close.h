/* SPDX-License-Identifier: MIT */
/*
 * The side that closes gates and targets, and waits for those inside.
 *
 * Who publishes in one gate is serialised by the engine. Functions that wait
 * may sleep and are not called inside of a section. "alone" in what follows:
 * no other thread has a record.
 */
#pragma once

#include <base/compiler.h>
#include <tenon/gate.h>

/* --- sections */

/*
 * Returns after every section that was entered before the call has been
 * left. What was unpublished before is then nobody's.
 */
void gate_synchronize(void);

/*
 * gate_synchronize can do its work now: the caller is alone, or a barrier can
 * be had. Where it can not, as a process may forbid it to itself, what needs
 * it is to be refused: gate_synchronize would wait until it can be had again.
 */
bool gate_can_synchronize(void) MUST_CHECK;

/*
 * The parts of gate_synchronize. After gate_barrier, each thread's earlier
 * stores are visible here and it sees the caller's; false: it cannot be had.
 */
bool gate_barrier(void) MUST_CHECK;
/* False when @deadline_ns passes. */
bool gate_wait_readers(uint64_t deadline_ns) MUST_CHECK;

/* The calling thread is alone; then there is nobody to wait for. */
bool gate_is_alone(void) MUST_CHECK;

/*
 * The calling thread is inside of a section: by a counted or guarded call, or
 * by tn_handle_enter. Whoever is would wait for himself. Sleepable calls have
 * no thread, so they do not count.
 */
bool gate_is_inside(void) MUST_CHECK;

/*
 * Nor has it begun a sleepable call that has not ended: nobody who closes a
 * gate waits for it, so it may wait for him. (A thread that can get no record
 * is not known to be in a sleepable call.)
 */
bool gate_may_wait(void) MUST_CHECK;

/* --- gates */

/* @nshards 0: not sleepable. The gate is closed. */
void gate_init(
    struct tn_gate *g, struct tn_gate_shard *shards, uint32_t nshards);

/* @b is what callers enter from now on; wakes those who wait. */
void gate_publish(struct tn_gate *g, const struct tn_binding *b);

/*
 * Publishes @closing, DRAINING or CLOSED: after 0 nobody enters by the old
 * binding, though some may be inside. -TN_EOPNOTSUPP: no barrier can be had,
 * and the gate leads to where it led.
 */
int gate_close(struct tn_gate *g, const struct tn_binding *closing) MUST_CHECK;

/* Sleepable: nobody is inside. Only after gate_close. */
bool gate_is_drained(const struct tn_gate *g);

/*
 * Waits until nobody is inside. -TN_ETIMEDOUT: somebody is; the caller
 * publishes the old binding again, which is as if nothing had happened.
 */
int gate_drain(struct tn_gate *g, uint64_t deadline_ns) MUST_CHECK;

/* --- targets */

/* Makes @t live. */
void gate_target_open(struct tn_gate_target *t);

static inline bool gate_target_is_live(const struct tn_gate_target *t)
{
	/* acquire: what was written before gate_target_open */
	return (__atomic_load_n(&t->word, __ATOMIC_ACQUIRE) &
		   (TN_TARGET_LIVE | TN_TARGET_CLOSING)) != 0;
}

static inline uint64_t gate_target_count(const struct tn_gate_target *t)
{
	return __atomic_load_n(&t->word, __ATOMIC_RELAXED) & TN_TARGET_COUNT;
}

/*
 * 0: @t is dead, and no reference or handle to it can be had again.
 * -TN_EBUSY: some are held, and nobody has noticed the attempt. -TN_ENOENT:
 * it was dead; -TN_EOPNOTSUPP: no barrier can be had. @revoke: handles do not
 * count; they become stale. Then gate_synchronize before anything is freed, as
 * calls may still be inside by tn_handle_enter.
 */
int gate_target_close(struct tn_gate_target *t, bool revoke) MUST_CHECK;

/* One of several targets that are closed together. */
struct gate_closing {
	struct tn_gate_target *target;
	/* references that may be there, because their holders are closed
	   too, or do not count; afterwards, on -TN_EBUSY, those of the busy one */
	uint64_t count;
};

struct gate_holder {
	const void *holder, *site;
	uint64_t time_ns;
	uint32_t thread; /* number of the record that it was taken with */
	const struct tn_gate_target *target;
	struct tn_handle handle;
};

/* What may be held of a target that is closed; zeroed: nothing. */
struct gate_close_how {
	/* Does this handle count? NULL: each does. Others stay what they are:
	   gate_revoke_handles. */
	bool (*counts)(void *arg, const struct gate_holder *h);
	void *arg;
};

/* A ready .counts: no handle does. */
bool gate_no_handle_counts(void *arg, const struct gate_holder *h);

/*
 * Closes all @n or none; *@busy is the index of the one that was held, or
 * dead. Errors as gate_target_close. What dies with references on it keeps
 * their count until they are put, also when it is opened again.
 */
int gate_targets_close(struct gate_closing *c, size_t n,
    const struct gate_close_how *how, size_t *busy) MUST_CHECK;

/* A moment's answer: is more held than it may be? */
bool gate_target_is_used(
    const struct gate_closing *c, const struct gate_close_how *how);

/* --- holders */

/*
 * Calls @fn for each handle to @t that is held at some time of the call; NULL:
 * for each to any target that has not been put, also if it was revoked, which
 * tn_handle_is_held tells. @fn may put it.
 */
void gate_each_handle(const struct tn_gate_target *t,
    void (*fn)(void *arg, const struct gate_holder *h), void *arg);

/* A thread inside of guarded calls, of which one should have ended. */
struct gate_overdue {
	uint32_t who; /* the world's number of the thread */
	void *owner;  /* of the binding whose code it runs */
	uint64_t deadline_ns;
};

/*
 * Calls @fn for each of which the deadline is not after @now_ns, as
 * tn_gate_coarse_ns counts, until it returns non-zero; returns that. A moment's
 * answer: the call may have ended, and its owner with it.
 */
int gate_each_overdue(uint64_t now_ns,
    int (*fn)(void *arg, const struct gate_overdue *o), void *arg);

/*
 * Every handle to @t that was taken before the call becomes stale. Uses that
 * are inside are not waited for: gate_synchronize. Returns how many.
 */
size_t gate_revoke_handles(const struct tn_gate_target *t);

/* Those of @t that were revoked and have not been put are what they were. */
void gate_restore_handles(const struct tn_gate_target *t);
