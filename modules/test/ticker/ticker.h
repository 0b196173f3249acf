/* SPDX-License-Identifier: MIT */
/*
 * The interface "test/ticker": a number that grows with each call.
 */
#pragma once

#include <tenon/module_interface.h>

#define TICKER_NAME    "test/ticker"
#define TICKER_VERSION INTERFACE_VERSION(1, 2)

struct ticker_ops {
	struct interface_ops head;
	int (*next)(void *instance, uint64_t *out);
	int (*add)(void *instance, uint64_t n);
};
