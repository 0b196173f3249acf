/* SPDX-License-Identifier: MIT */
/*
 * References: a LIVE bit and a count in one word.
 *
 *	0 --open--> LIVE|n --close, n == 0--> CLOSING --+--> 0
 *	             ^                                  |
 *	             +----- a handle is held: busy -----+
 *
 * While CLOSING the count is 0 and nobody changes the word but the closer. A
 * get that meets it waits for the outcome, so that an attempt which comes to
 * nothing is not noticed.
 */
#include "internal.h"

#include <tenon/err.h>

void gate_target_open(struct tn_gate_target *t)
{
	/* release: pairs with the acquire of those who find LIVE */
	(void)__atomic_fetch_or(&t->word, TN_TARGET_LIVE, __ATOMIC_RELEASE);
}

bool tn_target_get(struct tn_gate_target *t)
{
	uint64_t word = __atomic_load_n(&t->word, __ATOMIC_RELAXED);
	unsigned round = 0;

	for (;;) {
		if ((word & TN_TARGET_LIVE) != 0) {
			/* acquire: what was written before LIVE was set */
			if (__atomic_compare_exchange_n(&t->word, &word,
				word + 1, true, __ATOMIC_ACQUIRE,
				__ATOMIC_RELAXED))
				return true;
		} else if ((word & TN_TARGET_CLOSING) != 0) {
			gate_world()->relax(round++);
			word = __atomic_load_n(&t->word, __ATOMIC_RELAXED);
		} else {
			return false;
		}
	}
}

void tn_target_put(struct tn_gate_target *t)
{
	/* release: pairs with the acquire of the close that finds 0 */
	(void)__atomic_fetch_sub(&t->word, 1, __ATOMIC_RELEASE);
}

/* The handles decide; between CLOSING and this barrier none was missed. */
static int decide(struct tn_gate_target *t, bool revoke)
{
	bool held;

	gate_barrier();
	if (revoke)
		(void)gate_revoke_handles(t);
	held = !revoke && gate_is_held(t);
	/* release: pairs with the acquire of whoever waited */
	__atomic_store_n(&t->word, held ? TN_TARGET_LIVE : 0, __ATOMIC_RELEASE);
	return held ? -TN_EBUSY : 0;
}

int gate_target_close(struct tn_gate_target *t, bool revoke)
{
	uint64_t word = TN_TARGET_LIVE;
	int err;

	gate_closing_lock();
	/* acquire: everything that holders did before their put */
	if (__atomic_compare_exchange_n(&t->word, &word, TN_TARGET_CLOSING,
		false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		err = decide(t, revoke);
	else
		err = word != 0 ? -TN_EBUSY : -TN_ENOENT;
	gate_closing_unlock();
	return err;
}
