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
