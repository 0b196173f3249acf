/* SPDX-License-Identifier: MIT */
/*
 * How whoever copies a process does without a lock that another thread has. The
 * thread with the lock is at rest while it only reads what the lock protects,
 * as when it passes it to a callback, or sleeps for another lock. Then that is
 * whole, and somebody else can keep the thread at rest for the time of the
 * copy instead of waiting for the lock.
 *
 * The word: only the thread with the lock changes NONE and AT, only one copier
 * at a time AT and KEPT.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define REST_NONE 0u
#define REST_AT   1u
#define REST_KEPT 2u

struct rest {
	uint32_t word; /* atomic */
};

/* How a copier has a lock. */
enum rest_copier {
	COPIER_LOCKED, /* has taken it */
	COPIER_NESTED, /* had it before, so it is itself at rest */
	COPIER_KEPT,   /* another thread has it, and is kept */
};

static inline bool rest_is_begun(const struct rest *rest)
{
	return __atomic_load_n(&rest->word, __ATOMIC_RELAXED) != REST_NONE;
}

static inline void rest_begin(struct rest *rest)
{
	/* release: whoever keeps it sees what has been written */
	__atomic_store_n(&rest->word, REST_AT, __ATOMIC_RELEASE);
}

/* False: wait until the word is not REST_KEPT, and try again. */
static inline bool rest_end(struct rest *rest)
{
	uint32_t seen = REST_AT;

	/* acquire: what the copier has read is not changed before */
	return __atomic_compare_exchange_n(&rest->word, &seen, REST_NONE, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* True: the thread with the lock stays at rest until rest_release. */
static inline bool rest_keep(struct rest *rest)
{
	uint32_t seen = REST_AT;

	return __atomic_compare_exchange_n(&rest->word, &seen, REST_KEPT, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* In the process that goes on; wake who waits for the word. */
static inline void rest_release(struct rest *rest)
{
	__atomic_store_n(&rest->word, REST_AT, __ATOMIC_RELEASE);
}

/* In the copy, in which the thread with the lock is not there. */
static inline void rest_clear(struct rest *rest)
{
	__atomic_store_n(&rest->word, REST_NONE, __ATOMIC_RELAXED);
}
