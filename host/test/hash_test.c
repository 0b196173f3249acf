/* SPDX-License-Identifier: MIT */
/*
 * base/hash.h: names that are compared without knowing how long either is. Here,
 * since only a process has pages that cannot be read.
 */
#include <string.h>
#include <sys/mman.h>

#include <base/hash.h>
#include <test/test.h>

#define PAGE 4096
#define LONG 40

struct page {
	char *end; /* nothing may be read from here on */
};

static bool page_get(struct page *p)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		return false;
	p->end = pages + PAGE;
	return mprotect(p->end, PAGE, PROT_NONE) == 0;
}

static void page_put(struct page *p)
{
	munmap(p->end - PAGE, 2 * PAGE);
}

/* "aaa" of @length, its NUL @room bytes before the end; @at: one differs. */
static char *name_at(struct page *p, size_t length, size_t room, size_t at)
{
	char *s = p->end - length - 1 - room;

	memset(p->end - PAGE, 'x', PAGE); /* what lies behind differs too */
	memset(s, 'a', length);
	s[length] = '\0';
	if (at < length)
		s[at] = 'b';
	return s;
}

TEST(hash, of_same_names_alone_are_same)
{
	struct page a, b;

	CHECK(page_get(&a) && page_get(&b));
	for (size_t n = 0; n < LONG; n++) {
		for (size_t room = 0; room < 9; room++) {
			char *left = name_at(&a, n, room, n);

			CHECK(hash_name_same(left, name_at(&b, n, 0, n)));
			CHECK(hash_name_same(left, name_at(&b, n, 9, n)));
			for (size_t at = 0; at < n; at++)
				CHECK(!hash_name_same(
				    left, name_at(&b, n, 0, at)));
		}
	}
	page_put(&a);
	page_put(&b);
}

TEST(hash, of_names_where_one_begins_the_other_are_not_same)
{
	struct page a, b;

	CHECK(page_get(&a) && page_get(&b));
	for (size_t n = 0; n < LONG; n++) {
		for (size_t m = 0; m < LONG; m++) {
			const char *left = name_at(&a, n, 0, n);
			const char *right = name_at(&b, m, 0, m);

			CHECK_EQ(hash_name_same(left, right), n == m);
		}
	}
	page_put(&a);
	page_put(&b);
}
