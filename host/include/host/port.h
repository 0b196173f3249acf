/* SPDX-License-Identifier: MIT */
/*
 * A tn_port over this Linux process.
 */
#pragma once

#include <stddef.h>

#include <base/compiler.h>
#include <host/arena.h>
#include <tenon/port.h>

struct host_port;
struct tn_listener;

#define HOST_PORT_NO_SYMBOLS    1u /* no host_symbol */
#define HOST_PORT_NO_MEMBARRIER 2u /* behave as where it is banned */
/* Who is told of modules: see <host/debug.h>. */
#define HOST_PORT_DEBUG_LIST    4u
#define HOST_PORT_GDB_JIT       8u
#define HOST_PORT_PERF_MAP      16u

/* Zero stands for the default everywhere. */
struct host_port_config {
	struct arena_config arena;
	unsigned flags;
	size_t unpack_limit;                 /* also the largest file */
	const struct tn_listener *listeners; /* besides those of the flags */
	size_t nlisteners;
};

/* -TN_EINVAL, -TN_ENOMEM, -TN_EOPNOTSUPP: see arena_create. */
MUST_CHECK int host_port_create(
    const struct host_port_config *config, struct host_port **out);
void host_port_destroy(struct host_port *p);

/* What to hand to tn_system_create. */
const struct tn_port *host_port_table(const struct host_port *p);
/* What to put into tn_config, as long as the port lives. */
const struct tn_listener *host_port_listeners(
    const struct host_port *p, size_t *n);
struct host_arena *host_port_arena(const struct host_port *p);

/*
 * Notes the system over the port, whose locks a fork then keeps whole, and
 * finds the port again; NULL: none.
 */
void host_port_set_system(struct host_port *p, struct tn_system *sys);
struct host_port *host_port_find(const struct tn_system *sys);
