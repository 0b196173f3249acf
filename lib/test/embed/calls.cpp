// SPDX-License-Identifier: MIT
//
// calls, in C++.
#include "calls.c"
