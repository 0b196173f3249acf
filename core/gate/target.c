/* SPDX-License-Identifier: MIT */
/*
 * References: a LIVE bit and a count in one word.
 *
 *	0 --open--> LIVE|n --close, n allowed--> CLOSING|n --+--> n
 *	             ^                                       |
 *	             +------ busy: a handle, or another -----+
 *
 * While CLOSING nobody changes the word but the closer, and puts. A get that
 * meets it waits for the outcome, so that an attempt which comes to nothing is
 * not noticed. n is 0 but where several targets that refer to each other are
 * closed together, or whoever closes takes what is asked for for nothing.
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

/* CLOSING, if it has just the references that it may have. */
static int shut(struct gate_closing *c)
{
	uint64_t word = TN_TARGET_LIVE | c->count;

	/* acquire: everything that holders did before their put */
	if (__atomic_compare_exchange_n(&c->target->word, &word,
		TN_TARGET_CLOSING | c->count, false, __ATOMIC_ACQUIRE,
		__ATOMIC_RELAXED))
		return 0;
	c->count = word & TN_TARGET_COUNT;
	return (word & TN_TARGET_LIVE) == 0 ? -TN_ENOENT : -TN_EBUSY;
}

/*
 * The handles decide; between CLOSING and this barrier none was missed. *@busy
 * is the first target that is held.
 */
static int check_handles(const struct gate_closing *c, size_t n,
    const struct gate_close_how *how, size_t *busy)
{
	if (!gate_barrier())
		return -TN_EOPNOTSUPP;
	for (*busy = 0; *busy < n; (*busy)++) {
		if (gate_is_held(c[*busy].target, how))
			return -TN_EBUSY;
	}
	return 0;
}

/* Puts may come meanwhile of references that were taken for nothing. */
static void decide(struct tn_gate_target *t, bool dead)
{
	/* release: pairs with the acquire of whoever waited */
	if (dead)
		(void)__atomic_fetch_and(
		    &t->word, ~TN_TARGET_CLOSING, __ATOMIC_RELEASE);
	else
		(void)__atomic_fetch_xor(&t->word,
		    TN_TARGET_LIVE | TN_TARGET_CLOSING, __ATOMIC_RELEASE);
}

bool gate_no_handle_counts(void *arg, const struct gate_holder *h)
{
	(void)arg;
	(void)h;
	return false;
}

int gate_targets_close(struct gate_closing *c, size_t n,
    const struct gate_close_how *how, size_t *busy)
{
	size_t shut_n = 0;
	int err = 0;

	gate_closing_lock();
	for (; shut_n < n && err == 0; shut_n += err == 0)
		err = shut(&c[shut_n]);
	*busy = shut_n;
	if (err == 0)
		err = check_handles(c, n, how, busy);
	for (size_t i = 0; i < shut_n; i++)
		decide(c[i].target, err == 0);
	gate_closing_unlock();
	return err;
}

int gate_target_close(struct tn_gate_target *t, bool revoke)
{
	const struct gate_close_how how = {
		.counts = revoke ? gate_no_handle_counts : NULL
	};
	struct gate_closing c = { t, 0 };
	size_t busy;
	const int err = gate_targets_close(&c, 1, &how, &busy);

	if (err == 0 && revoke)
		(void)gate_revoke_handles(t);
	return err;
}

bool gate_target_is_used(
    const struct gate_closing *c, const struct gate_close_how *how)
{
	return gate_target_count(c->target) != c->count ||
	       gate_is_held(c->target, how);
}
