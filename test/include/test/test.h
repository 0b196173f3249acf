/* SPDX-License-Identifier: MIT */
/*
 * The test harness.  A test is a function
 *
 *	TEST(suite, property_in_words)
 *	{
 *		PROVES("L08 L11");
 *		CHECK_EQ(f(2), 4);
 *	}
 *
 * in any object of a program: the macro leaves a pointer to it in the linker
 * section tenon_tests, and test_main() runs all that it finds there.  The same
 * objects run in a process, under qemu-user and in a freestanding kernel; the
 * world supplies test_write().  Failed checks print file, line and values.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct test_case {
	const char *suite;
	const char *name;
	void (*run)(void);
};

/* What test_main() counted; passed + failed + skipped tests were run. */
struct test_result {
	unsigned passed;
	unsigned failed;
	unsigned skipped;
};

/* Supplied by the world: prints n bytes. */
void test_write(const char *s, size_t n);

/*
 * Runs every test whose "suite.property" contains filter (NULL: all) and
 * prints a line for each and the closing counts.  With verbose it names each
 * test before it runs, so that a crash can be attributed.  Returns 0 if at
 * least one test ran and none failed, else 1.  result may be NULL.
 */
int test_main(const char *filter, bool verbose, struct test_result *result);

/* True once the running test has failed. */
bool test_failed(void);

/*
 * CHECK... end the current function, which returns void, when they fail.
 * EXPECT records a failure and goes on; its value is the condition's.
 * CHECK_EQ compares and prints integers or pointers, CHECK_STR strings (which
 * may be NULL), CHECK_MEM n bytes.
 */
#define TEST_AT __FILE__, __LINE__
#define TEST_OR_RETURN(passed)                                                 \
	do {                                                                   \
		if (!(passed))                                                 \
			return;                                                \
	} while (0)

#define EXPECT(cond) test_expect((cond), TEST_AT, #cond)
#define CHECK(cond)  TEST_OR_RETURN(EXPECT(cond))
#define CHECK_EQ(a, b)                                                         \
	TEST_OR_RETURN(test_expect_eq(                                         \
	    (long long)(a), (long long)(b), TEST_AT, #a " == " #b))
#define CHECK_STR(a, b)                                                        \
	TEST_OR_RETURN(test_expect_str((a), (b), TEST_AT, #a " == " #b))
#define CHECK_MEM(a, b, n)                                                     \
	TEST_OR_RETURN(test_expect_mem((a), (b), (n), TEST_AT))

/* Ends the test without a verdict, saying why. */
#define SKIP(why)                                                              \
	do {                                                                   \
		test_skip(why);                                                \
		return;                                                        \
	} while (0)

/* Names the acceptance rows that this test proves: scripts/acceptance.py. */
#define PROVES(rows) ((void)(rows))

/*
 * The section holds pointers, which have one size and alignment in every
 * compiler; sanitizers put no red zones between variables of a section whose
 * name is a C identifier.
 */
#define TEST(suite, property)                                                  \
	static void suite##_##property(void);                                  \
	static const struct test_case test_case_##suite##_##property = {       \
		#suite, #property, suite##_##property                          \
	};                                                                     \
	static const struct test_case *const test_of_##suite##_##property      \
	    __attribute__((used, section("tenon_tests"))) =                    \
		&test_case_##suite##_##property;                               \
	static void suite##_##property(void)

/* Used by the macros. */
bool test_expect(bool ok, const char *file, int line, const char *text);
bool test_expect_eq(
    long long a, long long b, const char *file, int line, const char *text);
bool test_expect_str(
    const char *a, const char *b, const char *file, int line, const char *text);
bool test_expect_mem(
    const void *a, const void *b, size_t n, const char *file, int line);
void test_skip(const char *why);
