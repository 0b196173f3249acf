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
#define HOST_FLAGS                                                             \
	(TN_HOST_NO_HOST_SYMBOLS | TN_HOST_NO_MEMBARRIER | TN_HOST_STRICT |    \
	    TN_HOST_KEEP_SYMBOLS | TN_HOST_GDB_JIT | TN_HOST_PERF_MAP)

static int port_config(
    const struct tn_host_config *config, struct host_port_config *out)
{
	static const enum arena_mode modes[] = {
		[TN_HOST_AUTO] = ARENA_AUTO,
		[TN_HOST_DUAL] = ARENA_DUAL,
		[TN_HOST_FLIP] = ARENA_FLIP,
	};

	*out = (struct host_port_config){ 0 };
	if (config->size < sizeof(*config) || config->abi != CONFIG_ABI ||
	    (config->flags & ~HOST_FLAGS) != 0 ||
	    (unsigned)config->mode >= ARRAY_SIZE(modes))
		return -TN_EINVAL;
	out->arena.mode = modes[config->mode];
	/* A debugger cannot write breakpoints into shared memory, and perf
	   looks for names of private memory only. */
	if (config->mode == TN_HOST_AUTO &&
	    (config->flags & (TN_HOST_GDB_JIT | TN_HOST_PERF_MAP)) != 0)
		out->arena.mode = ARENA_FLIP;
	out->arena.keep_warm = config->keep_warm;
	out->unpack_limit = config->unpack_limit;
	if (config->flags & TN_HOST_STRICT)
		out->arena.flags |= ARENA_STRICT;
	if (config->flags & TN_HOST_NO_HOST_SYMBOLS)
		out->flags |= HOST_PORT_NO_SYMBOLS;
	if (config->flags & TN_HOST_NO_MEMBARRIER)
		out->flags |= HOST_PORT_NO_MEMBARRIER;
	if (config->flags & TN_HOST_KEEP_SYMBOLS)
		out->flags |= HOST_PORT_DEBUG_LIST;
	if (config->flags & TN_HOST_GDB_JIT) {
		out->flags |= HOST_PORT_GDB_JIT;
		out->arena.quarantine = DEBUG_QUARANTINE;
	}
	if (config->flags & TN_HOST_PERF_MAP)
		out->flags |= HOST_PORT_PERF_MAP;
	out->listeners = config->listeners;
	out->nlisteners = config->nlisteners;
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
	err = port_config(config, &options);
	if (err)
		return err;
	engine.verify = config->verify;
	engine.verify_arg = config->verify_arg;
	engine.wait_ns = config->wait_ns;
	err = host_port_create(&options, &port);
	if (err)
		return err;
	if (config->flags & TN_HOST_KEEP_SYMBOLS)
		engine.flags |= TN_CONFIG_KEEP_SYMBOLS;
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
	return arena_mode(host_port_arena(port)) == ARENA_DUAL ? TN_HOST_DUAL
							       : TN_HOST_FLIP;
}

const char *tn_version(void)
{
	return TN_VERSION;
}
