/* SPDX-License-Identifier: MIT */
/*
 * Locks that clang checks (-Wthread-safety): what a function takes, gives or
 * wants to be held stands in its declaration; gcc reads past it.
 *
 * The checker compares expressions, so a lock inside of a structure is not the
 * same for it when it is reached in another way. Locks of which there is one in
 * each system have a *role* therefore: a name that stands for the lock of
 * whichever system it is.
 *
 *	void clock_lock(struct clock *c) ACQUIRES(clock_role);
 *	void clock_unlock(struct clock *c) RELEASES(clock_role);
 *	static int tick_locked(struct clock *c) REQUIRES(clock_role);
 */
#pragma once

#ifdef __clang__
#define LOCK_CHECK(x) __attribute__((x))
#else
#define LOCK_CHECK(x)
#endif

#define LOCK_TYPE(n)     LOCK_CHECK(capability(n))
#define ACQUIRES(...)    LOCK_CHECK(acquire_capability(__VA_ARGS__))
#define ACQUIRES_IF(...) LOCK_CHECK(try_acquire_capability(__VA_ARGS__))
#define RELEASES(...)    LOCK_CHECK(release_capability(__VA_ARGS__))
#define REQUIRES(...)    LOCK_CHECK(requires_capability(__VA_ARGS__))
/* Not held here: it is taken inside, or comes before the one that is. */
#define EXCLUDES(...)    LOCK_CHECK(locks_excluded(__VA_ARGS__))
/* The body does what the declaration says in a way that cannot be followed. */
#define LOCK_UNCHECKED   LOCK_CHECK(no_thread_safety_analysis)

struct LOCK_TYPE("role") lock_role {
	char unused;
};
