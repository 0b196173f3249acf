// SPDX-License-Identifier: MIT
//
// What the programs of this folder check with: failures are told and counted.
#pragma once

#include <cstdio>

static int failures;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			std::printf("FAIL %d: %s\n", __LINE__, #condition);    \
			failures++;                                            \
		}                                                              \
	} while (0)
