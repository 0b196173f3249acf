/* SPDX-License-Identifier: MIT */
/*
 * Which world a command addresses: the host behind a socket, or
 * with --kernel the Linux that runs.
 */
#pragma once

#include <base/compiler.h>
#include <kmod/backend.h>

#include "report.h"

struct connection {
	bool kernel;       /* --kernel */
	const char *where; /* --socket PATH, --root DIR, or NULL */
	const struct backend_ops *ops;
	struct backend *be;
	struct backend_why why;
};

/* For getopt_long, and the lines about them in each usage text. */
#define CONNECT_KERNEL 0x200
#define CONNECT_WHERE  0x201
#define CONNECT_OPTIONS                                                        \
	{ "kernel", no_argument, NULL, CONNECT_KERNEL },                       \
	    { "socket", required_argument, NULL, CONNECT_WHERE },              \
	{                                                                      \
		"root", required_argument, NULL, CONNECT_WHERE                 \
	}
#define CONNECT_USAGE                                                          \
	"\t    --socket PATH address the module host at this socket\n"         \
	"\t    --kernel      address the running Linux kernel\n"               \
	"\t    --root DIR    with --kernel: its /proc and /sys are in DIR\n"

/* Takes one of these options; false: @c is none of them. */
bool connect_option(struct connection *c, int option, const char *arg);

/* 0, or a negative error, which connect_tell explains. */
MUST_CHECK int connect_try(
    struct connection *c, const struct backends *backends);
void connect_tell(const struct connection *c, int err, const struct report *r);

/* Both: 0, or a negative error, and @r has told. */
MUST_CHECK int connect_open(struct connection *c,
    const struct backends *backends, const struct report *r);
void connect_close(struct connection *c);

/* Shows what the back end has said about its last error, if anything. */
void connect_explain(const struct connection *c, const struct report *r);
