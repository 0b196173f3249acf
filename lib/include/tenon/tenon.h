/* SPDX-License-Identifier: MIT */
/*
 * libtenon: the module engine in a Linux process. One include for users.
 */
#pragma once

#include <tenon/engine.h>
#include <tenon/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How an arena keeps text from being writable and executable at once. */
enum tn_host_mode {
	TN_HOST_AUTO, /* the best of those below that works here */
	TN_HOST_DUAL, /* memfd mapped twice: no system call per load */
	TN_HOST_FLIP, /* one private mapping, RW then RX by mprotect */
};

/* tn_host_config.flags */
#define TN_HOST_NO_HOST_SYMBOLS                                                \
	1u                       /* no process symbols for anybody: hosted
				      modules are refused */
#define TN_HOST_NO_MEMBARRIER 2u /* behave as where membarrier is banned */
#define TN_HOST_STRICT        4u /* guard pages between modules */

struct tn_host_config {
	uint32_t size; /* sizeof(struct tn_host_config) */
	uint32_t abi;  /* 1 */
	enum tn_host_mode mode;
	unsigned flags;
	size_t keep_warm;    /* bytes of free image memory kept mapped;
				0: the default of 64 MiB */
	size_t unpack_limit; /* largest file, read or unpacked; 0: 1 GiB */
	tn_verify_fn *verify;
	void *verify_arg;
};

/*
 * Opens an engine over this process. @config may be NULL. Sleeps.
 * -TN_EINVAL, -TN_ENOMEM, -TN_EOPNOTSUPP (the mode asked for does not work
 * here).
 */
int tn_open(const struct tn_host_config *config, struct tn_system **out);

/* Closes it. -TN_EBUSY while a module is loaded. Sleeps. */
int tn_close(struct tn_system *sys);

/* The mode in use, for reports. */
enum tn_host_mode tn_host_mode(struct tn_system *sys);

#ifdef __cplusplus
}
#endif
