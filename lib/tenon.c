/* SPDX-License-Identifier: MIT */
/*
 * libtenon: an engine over a port of this process. The port knows its system,
 * so that a struct tn_system is all that a user holds.
 */
#include <stdlib.h>

#include <base/compiler.h>
#include <host/crash.h>
#include <host/port.h>
#include <tenon/tenon.h>

#include "seed.h"

#define CONFIG_ABI 1u

/* Where gdb knows init of a module by its address, that is used again late. */
#define DEBUG_QUARANTINE ((size_t)4 << 20)

/* What a flag is for those below. */
static const struct {
	unsigned flag, arena, port, engine;
} flags[] = {
	{ TN_HOST_NO_HOST_SYMBOLS, 0, HOST_PORT_NO_SYMBOLS, 0 },
	{ TN_HOST_NO_MEMBARRIER, 0, HOST_PORT_NO_MEMBARRIER, 0 },
	{ TN_HOST_STRICT, ARENA_STRICT, 0, 0 },
	{ TN_HOST_KEEP_SYMBOLS, 0, HOST_PORT_DEBUG_LIST,
	    TN_CONFIG_KEEP_SYMBOLS },
	{ TN_HOST_GDB_JIT, 0, HOST_PORT_GDB_JIT, 0 },
	{ TN_HOST_PERF_MAP, 0, HOST_PORT_PERF_MAP, 0 },
};

/* False: there is one that nobody knows. */
static bool take_flags(
    unsigned wanted, struct host_port_config *port, struct tn_config *engine)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(wanted & flags[i].flag))
			continue;
		wanted &= ~flags[i].flag;
		port->arena.flags |= flags[i].arena;
		port->flags |= flags[i].port;
		engine->flags |= flags[i].engine;
	}
	return wanted == 0;
}

static int take_config(const struct tn_host_config *config,
    struct host_port_config *out, struct tn_config *engine)
{
	static const enum arena_mode modes[] = {
		[TN_HOST_AUTO] = ARENA_AUTO,
		[TN_HOST_DUAL] = ARENA_DUAL,
		[TN_HOST_FLIP] = ARENA_FLIP,
	};

	*out = (struct host_port_config){ 0 };
	if (config->size != sizeof(*config) || config->abi != CONFIG_ABI ||
	    (unsigned)config->mode >= ARRAY_SIZE(modes) ||
	    !take_flags(config->flags, out, engine))
		return -TN_EINVAL;
	out->arena.mode = modes[config->mode];
	/* A debugger cannot write breakpoints into shared memory, and perf
	   looks for names of private memory only. */
	if (config->mode == TN_HOST_AUTO &&
	    (config->flags & (TN_HOST_GDB_JIT | TN_HOST_PERF_MAP)) != 0)
		out->arena.mode = ARENA_FLIP;
	out->arena.keep_warm = config->keep_warm;
	out->unpack_limit = config->unpack_limit;
	if (config->flags & TN_HOST_GDB_JIT)
		out->arena.quarantine = DEBUG_QUARANTINE;
	out->listeners = config->listeners;
	out->nlisteners = config->nlisteners;
	engine->verify = config->verify;
	engine->verify_arg = config->verify_arg;
	engine->wait_ns = config->wait_ns;
	return 0;
}

int tn_open(const struct tn_host_config *config, struct tn_system **out)
{
	static const struct tn_host_config standard = {
		.size = sizeof(standard),
		.abi = CONFIG_ABI,
	};
	struct host_port_config options;
	struct host_port *port;
	struct tn_config engine = {
		.size = sizeof(engine),
		.abi = 1,
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count,
		.seed = lib_seed(),
	};
	int err;

	if (!config)
		config = &standard;
	err = take_config(config, &options, &engine);
	if (err)
		return err;
	err = host_port_create(&options, &port);
	if (err)
		return err;
	engine.listeners = host_port_listeners(port, &engine.nlisteners);
	err = tn_system_create(host_port_table(port), &engine, out);
	if (err) {
		host_port_destroy(port);
		return err;
	}
	host_port_set_system(port, *out);
	crash_join(*out);
	return 0;
}

int tn_close(struct tn_system *sys)
{
	struct host_port *port = host_port_find(sys);
	int err;

	if (!port)
		return -TN_EINVAL;
	/* One that stays is whole at every fork meanwhile. */
	if (tn_system_is_busy(sys))
		return -TN_EBUSY;
	crash_leave(sys);
	/* A fork shall not look for its locks while they go. */
	host_port_set_system(port, NULL);
	err = tn_system_destroy(sys);
	if (err) {
		host_port_set_system(port, sys);
		crash_join(sys);
	} else {
		host_port_destroy(port);
	}
	return err;
}

enum tn_host_mode tn_host_mode(struct tn_system *sys)
{
	const struct host_port *port = host_port_find(sys);

	if (!port)
		return TN_HOST_AUTO;
	switch (arena_mode(host_port_arena(port))) {
	case ARENA_DUAL: return TN_HOST_DUAL;
	case ARENA_FLIP: return TN_HOST_FLIP;
	default: return TN_HOST_AUTO;
	}
}

const char *tn_version(void)
{
	return TN_VERSION;
}
