/* SPDX-License-Identifier: MIT */
/*
 * Listeners that tell debuggers and profilers of a process about modules:
 * docs/debugging.md. What they keep is process-wide, because the tools look
 * for it by name (decision 13): gdb's descriptor, the list of modules that
 * scripts/gdb reads, and the file that perf reads.
 */
#pragma once

#include <tenon/inspect.h>

/* The list of modules and their sections, for scripts/gdb. */
extern const struct tn_listener host_debug_list;
/* The same, and registration with gdb's JIT interface. */
extern const struct tn_listener host_debug_jit;
/* /tmp/perf-PID.map. */
extern const struct tn_listener host_perf_map;
