/* SPDX-License-Identifier: MIT */
/*
 * Where modules are really loaded: a small table of operations, which modprobe
 * and its like call and which others implement: the socket of a module host,
 * the running Linux kernel, and the dry run of this folder (dryrun.c).
 *
 * A back end is opened once by a command, used by one thread, and closed.
 * Everything returns 0 or a negative TN_E* number, which a command shows as
 * the error text of the same Linux number. Where more is known than a number
 * (the sentence of the host), it stands in @why, which is "" otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The sentence of a back end, without newline; cut off when it is longer. */
struct backend_why {
	char text[1024];
};

/* Where a module stands: Linux's words for it. */
enum backend_state {
	BACKEND_ABSENT,
	BACKEND_COMING, /* its init runs */
	BACKEND_LIVE,
	BACKEND_GOING,  /* its exit runs */
	BACKEND_BUILTIN /* part of what it would be loaded into */
};

/* insert: the flags of Linux's finit_module, by their numbers. */
#define BACKEND_IGNORE_VERSIONS 1u /* MODULE_INIT_IGNORE_MODVERSIONS */
#define BACKEND_IGNORE_VERMAGIC 2u /* MODULE_INIT_IGNORE_VERMAGIC */

/* remove */
#define BACKEND_FORCE 1u /* although it is in use (rmmod -f) */
#define BACKEND_WAIT  2u /* until nobody uses it */

struct backend_insert {
	const char *name;   /* the module's, '_' for '-' */
	const char *path;   /* its file, perhaps compressed */
	const char *params; /* "name=value ...", or "" */
	unsigned flags;     /* BACKEND_IGNORE_* */
};

/* A line of lsmod. The texts live until the visitor returns. */
struct backend_module {
	const char *name;
	uint64_t size;       /* bytes */
	int64_t refs;        /* -1: not known */
	const char *holders; /* "a,b" or "" */
	enum backend_state state;
};

/* Returns true to go on. */
typedef bool backend_visit_fn(const struct backend_module *m, void *arg);

struct backend; /* one that is open: the implementation's own */

struct backend_ops {
	const char *name; /* "host", "kernel", "dry run" */

	/*
	 * Opens it. @where: the socket's path; NULL: the usual place.
	 * -TN_ENOENT: there is none; -TN_EACCES; -TN_ENOMEM; others.
	 */
	int (*open)(
	    const char *where, struct backend **out, struct backend_why *why);
	void (*close)(struct backend *be);

	/*
	 * Loads one file, and waits until its init has returned.
	 * -TN_EEXIST: it is loaded; -TN_ENOENT: a symbol or parameter that
	 * nobody knows; -TN_ENOEXEC: not a module; what its init returned.
	 */
	int (*insert)(struct backend *be, const struct backend_insert *what,
	    struct backend_why *why);

	/*
	 * Unloads @name. -TN_ENOENT: it is not loaded; -TN_EBUSY or
	 * -TN_EAGAIN: it is in use; @flags: BACKEND_FORCE, BACKEND_WAIT.
	 */
	int (*remove)(struct backend *be, const char *name, unsigned flags,
	    struct backend_why *why);

	/* All modules, the newest first. */
	int (*list)(struct backend *be, backend_visit_fn *visit, void *arg,
	    struct backend_why *why);

	/*
	 * One module: state, refs and holders; calls @visit once unless
	 * it is absent. Returns an enum backend_state, or a negative error.
	 */
	int (*state)(struct backend *be, const char *name,
	    backend_visit_fn *visit, void *arg);
};

/* Back ends that a command may use; NULL: not in this program. */
struct backends {
	const struct backend_ops *host;
	const struct backend_ops *kernel;
};

/*
 * The dry run, for commands that are only to show what they would do where no
 * other back end can be reached: nothing is loaded, and insert and remove do
 * nothing.
 */
extern const struct backend_ops dryrun_backend;

/* The running Linux; @where is a folder that stands for /, or NULL. */
extern const struct backend_ops kernel_backend;
