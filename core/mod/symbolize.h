/* SPDX-License-Identifier: MIT */
/*
 * Which module has code at an address: an index that is read without a lock,
 * from any context.
 *
 * The ranges of text of all modules, none of which overlap, stand ordered in
 * leaves; one root names the leaves and the lowest address of each:
 *
 *   root  [ 0 -> leaf | a -> leaf | b -> leaf ... ]
 *   leaf  [ start, end, generation | ... ]             at most LEAF_RANGES
 *
 * What is published is never changed. A writer, under the registry lock, fills
 * a new leaf, stores its address in the root, and waits until nobody reads the
 * old one; a leaf that splits or ends makes a new root. So a reader, a signal
 * handler in the middle of a writer too, always finds a whole index.
 *
 * Readers are counted in one of two words, chosen by the phase. Who waits for
 * them turns the phase twice, each time waiting for the word that nobody new
 * enters, so a stream of readers holds up nobody.
 *
 * In a child of fork nobody reads, so the counts begin at 0: no code that others
 * pass to the engine runs inside of a reading, and a signal handler that has
 * interrupted one may not fork.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/diag.h>
#include <tenon/port.h>

struct generation;
struct range_root;
struct range_leaf;
struct tn_system;

struct symbolizer {
	_Atomic uint32_t readers[2];
	_Atomic uint32_t phase;
	_Atomic(struct range_root *) root; /* has a leaf at least */
	/* all text that there has ever been lies within; written under the
	   registry lock */
	_Atomic uint64_t lowest, highest;
	/* registry lock: */
	struct range_leaf *spare; /* what the next change begins with */
	/* names of the modules unloaded last, and which of them is newer */
	char last[2][TN_MODULE_NAME_MAX];
	_Atomic uint32_t newer;
};

/* -TN_ENOMEM; symbolize_fini in any case. */
int symbolize_init(struct tn_system *sys) MUST_CHECK;
void symbolize_fini(struct tn_system *sys);

/*
 * A published generation has code from now on. -TN_ENOMEM: nothing has
 * changed. Registry lock.
 */
int symbolize_add(struct generation *gen) MUST_CHECK;
/* Its init text is going: before it does. Registry lock. */
void symbolize_drop_init(struct generation *gen);
/*
 * It has none any more, and nobody looks at its names. Does nothing to one
 * that was not added. Registry lock.
 */
void symbolize_remove(struct generation *gen);

/*
 * The generation that has code at @addr, or NULL. Any context; it stays for
 * whoever is called from there.
 */
struct generation *symbolize_owner(struct tn_system *sys, uint64_t addr);

/*
 * False: no module has ever had code at @addr, nor near it. Most callers are the
 * program's, whose code is elsewhere: they are told so without a search.
 */
static inline bool symbolize_is_near(const struct symbolizer *s, uint64_t addr)
{
	/* relaxed: whose code is there has begun to run after the stores */
	const uint64_t low =
	    atomic_load_explicit(&s->lowest, memory_order_relaxed);

	return addr - low <
	       atomic_load_explicit(&s->highest, memory_order_relaxed) - low;
}

/* Waits for every reader that may still look at what was unpublished. */
void symbolize_wait(struct tn_system *sys);

/* In the child, before it has another thread. */
void symbolize_after_fork(struct tn_system *sys);
