/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations that compilers call instead of emitting instructions.
 *
 * One and two bytes: gcc for riscv64 calls a function for read-modify-write,
 * but emits plain loads and stores of these sizes itself. A lock here would
 * not exclude those, so the operation is a compare-exchange of the aligned
 * word around the object: lock-free, and true for every other access.
 *
 * Any size: 1, 2, 4 and 8 bytes at their natural alignment are what compilers
 * open-code, so they are done with the same instructions. Every other size
 * or alignment is only ever reached through these functions; a lock chosen
 * by the address protects it. The locks are the one piece of process-wide
 * data in base: the calling convention has no room for a system. They spin,
 * for as long as a copy of the object takes.
 *
 * All orders are taken as sequentially consistent, which is never too weak.
 */
#include <base/builtins.h>

#include <base/string.h>

/* The word may be larger than the object: no overrun, whatever ASan thinks. */
#define WHOLE_WORD __attribute__((no_sanitize_address))

enum op {
	OP_EXCHANGE,
	OP_ADD,
	OP_AND,
	OP_OR,
	OP_XOR
};

static uint32_t apply(enum op op, uint32_t old, uint32_t v)
{
	switch (op) {
	case OP_ADD: return old + v;
	case OP_AND: return old & v;
	case OP_OR: return old | v;
	case OP_XOR: return old ^ v;
	default: return v;
	}
}

/* The aligned word around an object of one or two bytes. */
struct field {
	uint32_t *word;
	unsigned shift;
	uint32_t mask; /* of the object, not shifted */
};

static struct field field_at(const volatile void *at, unsigned bytes)
{
	const uintptr_t addr = (uintptr_t)at;

	return (struct field){
		.word = (uint32_t *)(addr & ~(uintptr_t)3),
		.shift = (unsigned)(addr & 3) * 8,
		.mask = bytes == 1 ? 0xffu : 0xffffu,
	};
}

/* Replaces the object's bits in the word @old by @v. */
static uint32_t insert(const struct field *f, uint32_t old, uint32_t v)
{
	return (old & ~(f->mask << f->shift)) | (v & f->mask) << f->shift;
}

WHOLE_WORD static uint32_t field_update(
    const volatile void *at, unsigned bytes, enum op op, uint32_t v)
{
	const struct field f = field_at(at, bytes);
	uint32_t old = __atomic_load_n(f.word, __ATOMIC_RELAXED);
	uint32_t value;

	do
		value = (old >> f.shift) & f.mask;
	while (!__atomic_compare_exchange_n(f.word, &old,
	    insert(&f, old, apply(op, value, v)), true, __ATOMIC_SEQ_CST,
	    __ATOMIC_RELAXED));
	return value;
}

/* On failure *@expected is what was found. */
WHOLE_WORD static bool field_compare_exchange(
    const volatile void *at, unsigned bytes, uint32_t *expected, uint32_t v)
{
	const struct field f = field_at(at, bytes);
	uint32_t old = __atomic_load_n(f.word, __ATOMIC_SEQ_CST);

	while (((old >> f.shift) & f.mask) == *expected)
		if (__atomic_compare_exchange_n(f.word, &old,
			insert(&f, old, v), true, __ATOMIC_SEQ_CST,
			__ATOMIC_SEQ_CST))
			return true;
	*expected = (old >> f.shift) & f.mask;
	return false;
}

/* A type cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses) */
/* clang-format off */
#define FETCH(name, op, n, type, value) \
type base_atomic_##name##_##n(volatile void *at, type v, int order) \
{ \
	(void)order; \
	return (type)field_update(at, n, op, value); \
}

#define SIZED(n, type) \
type base_atomic_load_##n(const volatile void *at, int order) \
{ \
	(void)order; \
	return __atomic_load_n((const volatile type *)at, __ATOMIC_SEQ_CST); \
} \
void base_atomic_store_##n(volatile void *at, type v, int order) \
{ \
	(void)order; \
	__atomic_store_n((volatile type *)at, v, __ATOMIC_SEQ_CST); \
} \
bool base_atomic_compare_exchange_##n(volatile void *at, void *expected, \
    type desired, int success, int failure) \
{ \
	type *const want = expected; \
	uint32_t found = *want; \
	(void)success; \
	(void)failure; \
	const bool done = field_compare_exchange(at, n, &found, desired); \
	*want = (type)found; \
	return done; \
} \
FETCH(exchange, OP_EXCHANGE, n, type, v) \
FETCH(fetch_add, OP_ADD, n, type, v) \
FETCH(fetch_sub, OP_ADD, n, type, 0 - (uint32_t)v) \
FETCH(fetch_and, OP_AND, n, type, v) \
FETCH(fetch_or, OP_OR, n, type, v) \
FETCH(fetch_xor, OP_XOR, n, type, v)

SIZED(1, uint8_t)
SIZED(2, uint16_t)
/* clang-format on */
/* NOLINTEND(bugprone-macro-parentheses) */

/* A power of two: enough that unrelated objects seldom share a lock. */
#define LOCKS 64

static struct {
	bool taken;
	char pad[63]; /* one cache line each */
} locks[LOCKS];

static bool *lock_take(const volatile void *at)
{
	const uintptr_t addr = (uintptr_t)at;
	bool *const lock = &locks[(addr >> 4 ^ addr >> 10) % LOCKS].taken;

	while (__atomic_test_and_set(lock, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(lock, __ATOMIC_RELAXED))
			;
	return lock;
}

static void lock_drop(bool *lock)
{
	__atomic_clear(lock, __ATOMIC_RELEASE);
}

/* The size if compilers open-code it at this address, else 0. */
static size_t native(size_t n, const volatile void *at)
{
	const bool known = n == 1 || n == 2 || n == 4 || n == 8;

	return known && (uintptr_t)at % n == 0 ? n : 0;
}

/* volatile is dropped where a lock makes the access the only one. */
static void *plain(const volatile void *at)
{
	return (void *)(uintptr_t)at;
}

static uint64_t native_load(size_t n, const volatile void *at)
{
	switch (n) {
	case 1: return base_atomic_load_1(at, __ATOMIC_SEQ_CST);
	case 2: return base_atomic_load_2(at, __ATOMIC_SEQ_CST);
	case 4:
		return __atomic_load_n(
		    (const volatile uint32_t *)at, __ATOMIC_SEQ_CST);
	default:
		return __atomic_load_n(
		    (const volatile uint64_t *)at, __ATOMIC_SEQ_CST);
	}
}

static bool native_compare_exchange(
    size_t n, volatile void *at, uint64_t *expected, uint64_t v)
{
	uint32_t found = (uint32_t)*expected;
	bool done;

	switch (n) {
	case 1:
	case 2:
		done = field_compare_exchange(
		    at, (unsigned)n, &found, (uint32_t)v);
		break;
	case 4:
		done =
		    __atomic_compare_exchange_n((volatile uint32_t *)at, &found,
			(uint32_t)v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		break;
	default:
		return __atomic_compare_exchange_n((volatile uint64_t *)at,
		    expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	}
	*expected = found;
	return done;
}

static uint64_t native_exchange(size_t n, volatile void *at, uint64_t v)
{
	uint64_t old = native_load(n, at);

	while (!native_compare_exchange(n, at, &old, v))
		;
	return old;
}

void base_atomic_load(size_t n, const volatile void *at, void *to, int order)
{
	(void)order;
	if (native(n, at) != 0) {
		const uint64_t v = native_load(n, at);

		memcpy(to, &v, n);
		return;
	}
	bool *const lock = lock_take(at);

	memcpy(to, plain(at), n);
	lock_drop(lock);
}

void base_atomic_exchange(
    size_t n, volatile void *at, const void *from, void *old, int order)
{
	(void)order;
	if (native(n, at) != 0) {
		uint64_t v = 0;

		memcpy(&v, from, n);
		v = native_exchange(n, at, v);
		memcpy(old, &v, n);
		return;
	}
	bool *const lock = lock_take(at);

	memcpy(old, plain(at), n);
	memcpy(plain(at), from, n);
	lock_drop(lock);
}

void base_atomic_store(size_t n, volatile void *at, const void *from, int order)
{
	(void)order;
	if (native(n, at) != 0) {
		uint64_t v = 0;

		memcpy(&v, from, n);
		(void)native_exchange(n, at, v); /* a store needs no old */
		return;
	}
	bool *const lock = lock_take(at);

	memcpy(plain(at), from, n);
	lock_drop(lock);
}

/* Six parameters: compilers call it so. NOLINTNEXTLINE(*-function-size) */
bool base_atomic_compare_exchange(size_t n, volatile void *at, void *expected,
    const void *desired, int success, int failure)
{
	bool done;

	(void)success;
	(void)failure;
	if (native(n, at) != 0) {
		uint64_t want = 0, v = 0;

		memcpy(&want, expected, n);
		memcpy(&v, desired, n);
		done = native_compare_exchange(n, at, &want, v);
		memcpy(expected, &want, n);
		return done;
	}
	bool *const lock = lock_take(at);

	done = memcmp(plain(at), expected, n) == 0;
	memcpy(done ? plain(at) : expected, done ? desired : plain(at), n);
	lock_drop(lock);
	return done;
}
