/* SPDX-License-Identifier: MIT */
/*
 * What the author of a module for slots includes: the contract of lkmod
 * modules. It needs nothing else, and the module may be built with nothing
 * else: it imports no symbol, as all that it may call is in a table that its
 * lkmod_init is handed.
 *
 *	#include <lkmod/lkmod.h>
 *
 *	int lkmod_init(const struct lkmod_api *api, void **handle)
 *	{
 *		if (!lkmod_has(api, log))
 *			return LKMOD_NOT_SUPPORTED;
 *		api->log(api->ctx, LKMOD_LOG_INFO, "hello");
 *		*handle = NULL;
 *		return 0;
 *	}
 *
 *	LKMOD_EXPORT int64_t hello_add(int64_t a, int64_t b, int64_t c, int64_t d)
 *	{
 *		return a + b;
 *	}
 *
 *	cc -shared -nostdlib -fPIC -ffreestanding -fno-stack-protector
 *	   -fvisibility=hidden -Wl,-Bsymbolic,-e,lkmod_init,-z,max-page-size=4096
 *	   hello.c -o hello.so
 *
 * and on aarch64 -mno-outline-atomics.
 *
 * Functions that are called by name take up to four integers or pointers and
 * return one, unless both sides agree on another type. Compiles as C11 and
 * C++17.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LKMOD_EXPORT __attribute__((visibility("default")))

/* Returned by lkmod_init and lkmod_exit; any other negative number will do. */
#define LKMOD_NO_MEMORY     (-12)
#define LKMOD_BUSY          (-16)
#define LKMOD_INVALID_ARGS  (-22)
#define LKMOD_NOT_SUPPORTED (-95)

enum lkmod_log_level {
	LKMOD_LOG_ERROR,
	LKMOD_LOG_WARNING,
	LKMOD_LOG_INFO,
	LKMOD_LOG_DEBUG
};

/* The layout below. A table of another one has another number. */
#define LKMOD_API_VERSION 1u

/*
 * What a module may call. It only grows, at its end: ask lkmod_has for what
 * is not in the first release of this version. The table stays until the
 * module is unloaded. Any thread may call any function; ctx is always the
 * first argument.
 */
struct lkmod_api {
	uint32_t size;    /* of the table that is there, in bytes */
	uint32_t version; /* LKMOD_API_VERSION */
	void *ctx;

	/* A line for the log; does not end with a newline. */
	void (*log)(void *ctx, int level, const char *text);

	/*
	 * The same at LKMOD_LOG_INFO, formatted: %d %i %u %x %c %s %p %%, with
	 * l, ll or z, widths and zeroes. A newline at its end is left out.
	 * Returns the length of the text, which is cut after 255 characters.
	 */
	int (*printf)(void *ctx, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

	/*
	 * Cleared memory, aligned for any type, or NULL. What the module has
	 * not given back is taken back when it is unloaded.
	 */
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *p); /* NULL is fine */

	uint64_t (*ticks)(void *ctx); /* nanoseconds, monotonic */

	/*
	 * Hands @command to the queue @queue_id of whatever the embedder drives
	 * (an accelerator, a device). LKMOD_NOT_SUPPORTED: there is none; else
	 * what the embedder answers.
	 */
	int (*issue)(void *ctx, uint32_t queue_id, const void *command);

	/*
	 * The next three are there for a module in a process of its own only
	 * (docs/isolation.md): ask lkmod_has. exit ends that process, and so
	 * the module: its caller is told, and nothing of it runs again. write
	 * hands bytes to the embedder and returns how many it took, or a
	 * negative number; yield lets other threads of the embedder run.
	 */
	void (*exit)(void *ctx, int status);
	int64_t (*write)(void *ctx, const void *data, size_t n);
	void (*yield)(void *ctx);
};

/* Is @member in the table that @api points to? */
#define lkmod_has(api, member)                                                 \
	((api)->version == LKMOD_API_VERSION &&                                \
	    (api)->size >=                                                     \
		offsetof(struct lkmod_api, member) + sizeof((api)->member) &&  \
	    !!(api)->member)

/*
 * The module defines it. Called once, after constructors, before anything
 * else; found by its name or, in a shared object that does not export it, as
 * its entry point. *@handle_out, NULL before, is the module's own and is given
 * to lkmod_exit. Other than 0: the load fails with it (a positive one as
 * invalid), and lkmod_exit is not called.
 */
LKMOD_EXPORT int lkmod_init(const struct lkmod_api *api, void **handle_out);

/*
 * The module may define and export it. Called once, when nobody is inside and
 * nobody holds the module. Other than 0: it does not want to go; the unload
 * fails with it, and the module goes on as before. In a process of its own it
 * goes in any case, and the number is in the report of its end.
 */
LKMOD_EXPORT int lkmod_exit(void *handle);

#ifdef __cplusplus
}
#endif
