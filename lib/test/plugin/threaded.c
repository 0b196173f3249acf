/* SPDX-License-Identifier: MIT */
/*
 * Leaves a destructor with the thread that calls it, as a thread_local object
 * of C++ does.
 */
#include <tenon/plugin.h>

extern int __cxa_thread_atexit_impl(void (*fn)(void *arg), void *arg, void *dso)
    __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

static void destroy(void *arg)
{
	(void)arg;
}

/* 1: left; 0: this C library has no such thing. */
static int process(void *data)
{
	if (!__cxa_thread_atexit_impl)
		return 0;
	return __cxa_thread_atexit_impl(destroy, data, &__dso_handle) == 0;
}

struct plugin_ops plugin_ops = { .name = "threaded", .process = process };
