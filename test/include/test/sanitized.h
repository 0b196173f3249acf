/* SPDX-License-Identifier: MIT */
/*
 * Whether a sanitizer is at work.
 */
#pragma once

/* 1 under a sanitizer, which makes everything larger and slower,
   and fills memory that it gives. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SANITIZED 1
#elif defined(__has_feature)
#define TEST_SANITIZED                                                         \
	(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define TEST_SANITIZED 0
#endif

/*
 * 1: what a child of fork allocates may wait for ever, since gcc 12's address
 * sanitizer leaves the locks of its allocator as another thread held them. The
 * allocators of C libraries do not.
 */
#if defined(__SANITIZE_ADDRESS__)
#define TEST_FORK_LOCKS_MEMORY 1
#elif defined(__has_feature)
#define TEST_FORK_LOCKS_MEMORY __has_feature(address_sanitizer)
#else
#define TEST_FORK_LOCKS_MEMORY 0
#endif
