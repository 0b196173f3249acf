/* SPDX-License-Identifier: MIT */
/*
 * The same loop at sixteen places in a cache line, for a function
 * NAME_call(place, x) that does one call: where a loop lies changes it by more
 * than a gate costs, so the benchmark takes the median. Shared by the program
 * and its module, which therefore use no library.
 */
#pragma once

#include <tenon/gate.h>

/* What is called: as small as an operation can be. */
struct bench_ops {
	struct tn_ops_head head;
	int (*work)(void *instance, int x);
};

/* Everything that a loop needs, however it calls. */
struct place {
	struct tn_gate *gate;
	const struct tn_binding *binding; /* for calls without a gate */
	void *lock;
	uint64_t *count;
	struct tn_module *module; /* is held by handles and references */
};

typedef int loop_fn(const struct place *p, int n);

#define ALIGNMENTS 16

#define PAD(n) __asm__ volatile(".rept " #n "\n\tnop\n\t.endr" ::: "memory")

#define LOOP(name, pad)                                                        \
	static __attribute__((noinline, aligned(64))) int name##_##pad(        \
	    const struct place *p, int n)                                      \
	{                                                                      \
		int x = 0;                                                     \
                                                                               \
		PAD(pad);                                                      \
		for (int i = 0; i < n; i++)                                    \
			x = name##_call(p, x);                                 \
		return x;                                                      \
	}

// clang-format off
#define LOOPS(name)                                                            \
	LOOP(name, 0) LOOP(name, 4) LOOP(name, 8) LOOP(name, 12)               \
	LOOP(name, 16) LOOP(name, 20) LOOP(name, 24) LOOP(name, 28)            \
	LOOP(name, 32) LOOP(name, 36) LOOP(name, 40) LOOP(name, 44)            \
	LOOP(name, 48) LOOP(name, 52) LOOP(name, 56) LOOP(name, 60)            \
	static loop_fn *const name[ALIGNMENTS] = {                             \
		name##_0, name##_4, name##_8, name##_12,                       \
		name##_16, name##_20, name##_24, name##_28,                    \
		name##_32, name##_36, name##_40, name##_44,                    \
		name##_48, name##_52, name##_56, name##_60                     \
	};
// clang-format on

#define CALL static inline __attribute__((always_inline)) int

/* Through the binding, as whoever has entered does. */
CALL bench_work(const struct tn_binding *b, int x)
{
	return ((const struct bench_ops *)b->ops)->work(b->instance, x);
}
