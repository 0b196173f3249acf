/* SPDX-License-Identifier: MIT */
/*
 * The port: everything the engine needs from the world it runs in.
 *
 * A world fills one struct tn_port and hands it to tn_system_create; the
 * engine copies nothing and calls it from any thread that calls the engine.
 * Preconditions stated once: result pointers are not NULL, sizes are greater
 * than 0, alignments are powers of two. Functions return 0 or a negative
 * enum tn_errno and change nothing when they fail. "May sleep" says that the
 * function may block; the engine then calls it without a lock of its own
 * other than the port's lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a part of an image holds; decides its permissions and its life. */
enum tn_part_kind {
	TN_TEXT,          /* read, execute */
	TN_RODATA,        /* read, after image_seal */
	TN_RO_AFTER_INIT, /* read, after image_finish */
	TN_DATA,          /* read, write */
	TN_INIT_TEXT,     /* like text; freed by image_finish */
	TN_INIT_RODATA,   /* like rodata; freed by image_finish */
	TN_INIT_DATA,     /* like data; freed by image_finish */
	TN_PART_KINDS
};

#define TN_MAX_PARTS 12

struct tn_part {
	uint8_t kind; /* enum tn_part_kind */
	size_t size;  /* bytes; a part of size 0 is not placed */
	size_t align;
	size_t offset;      /* from the image's start, in span mode */
	uint64_t addr;      /* out: where it will run */
	uint8_t *write;     /* out: where the engine fills it; NULL when the
			     part may not be written any more */
	void *port_data[2]; /* for the port */
};

struct tn_image {
	struct tn_part part[TN_MAX_PARTS];
	unsigned nparts;
	/*
	 * 0: the parts may be placed anywhere within one 2 GiB span.
	 * Otherwise the image is one span of this many bytes, each part at
	 * its offset; offsets and alignments are multiples of the page size
	 * that tn_port.page_size states, or of the file's own.
	 */
	size_t span;
	size_t span_align;
	void *port_data[2]; /* for the port */
};

struct tn_bytes {
	const void *data; /* 8-byte aligned */
	size_t size;
	void *port_data[2];
};

enum tn_packing {
	TN_PLAIN,
	TN_GZIP,
	TN_XZ,
	TN_ZSTD
};

enum tn_log_level {
	TN_LOG_ERROR,
	TN_LOG_WARNING,
	TN_LOG_INFO,
	TN_LOG_DEBUG
};

/* tn_port.flags */
#define TN_PORT_NO_WX 1u /* cannot promise W^X (no MMU) */

struct tn_port {
	uint32_t size; /* sizeof(struct tn_port) */
	uint32_t abi;  /* 1 */
	void *ctx;     /* first argument of every function below */
	size_t page_size;
	unsigned flags;
	unsigned machine; /* e_machine that can run here, 0: none */

	/* --- memory for the engine's own objects; does not sleep */

	/* Zeroed memory aligned for any type, or NULL. */
	void *(*alloc)(void *ctx, size_t size);
	/* @size is what was asked for. */
	void (*free)(void *ctx, void *p, size_t size);

	/* --- memory for images; may sleep */

	/*
	 * Places every part of @img: sets addr and write. The bytes behind
	 * write are undefined; the engine fills all of them.
	 * -TN_ENOMEM, -TN_ENOSPC (the pool is full), -TN_ERANGE (no such
	 * addresses), -TN_EAGAIN (not in this child of fork).
	 */
	int (*image_alloc)(void *ctx, struct tn_image *img);
	/*
	 * The sizes of the parts may have become smaller since image_alloc
	 * (also 0); the port takes back the tails. Addresses stay. Not in
	 * span mode.
	 */
	void (*image_trim)(void *ctx, struct tn_image *img);
	/*
	 * The image is complete: text becomes executable, rodata read-only,
	 * and the instruction cache is synchronised over executable parts
	 * only. After it no thread can fetch stale instructions there, or go
	 * on with some that it has fetched. Sets write to NULL for these parts.
	 */
	int (*image_seal)(void *ctx, struct tn_image *img);
	/*
	 * From here on the engine hands in only the parts that have bytes,
	 * with kind, size, addr and port_data, in the same order, and of the
	 * image span and port_data.
	 *
	 * Init has run: TN_RO_AFTER_INIT becomes read-only and the three
	 * init parts are given back (their size becomes 0).
	 */
	int (*image_finish)(void *ctx, struct tn_image *img);
	/*
	 * Gives back all parts, in whatever state image_alloc and the calls
	 * after it have left them. Text addresses may be used again, but
	 * before other code runs there every CPU synchronises its instruction
	 * stream, in its image_seal at the latest.
	 */
	void (*image_free)(void *ctx, struct tn_image *img);

	/* --- sources; may sleep; NULL: not supported */

	int (*read_file)(void *ctx, const char *path, struct tn_bytes *out);
	/*
	 * Unpacks @in. -TN_EOPNOTSUPP: no such unpacker here;
	 * -TN_EBADMSG: damaged; -TN_EFBIG: more than the port's limit.
	 */
	int (*unpack)(void *ctx, enum tn_packing packing, const void *in,
	    size_t size, struct tn_bytes *out);
	void (*release)(void *ctx, struct tn_bytes *bytes);

	/* --- concurrency */

	/* The registry lock of a system: a mutex; may sleep. */
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
	/*
	 * Read sections over the symbol index: nestable, never block, do
	 * not sleep inside. synchronize returns after every section that
	 * was entered before the call has been left; may sleep; not called
	 * inside a section.
	 */
	void (*read_enter)(void *ctx);
	void (*read_exit)(void *ctx);
	void (*synchronize)(void *ctx);

	/*
	 * These may be NULL, together, in a world that has one thread.
	 *
	 * wait: returns once *@word is not @value, or earlier for no reason;
	 * sleeps. -TN_ETIMEDOUT when now_ns has passed @deadline_ns
	 * (UINT64_MAX: none). NULL: waiting would never end (-TN_EDEADLK).
	 * wake: wakes all who wait for @word. Does not sleep.
	 */
	int (*wait)(void *ctx, const uint32_t *word, uint32_t value,
	    uint64_t deadline_ns);
	void (*wake)(void *ctx, const uint32_t *word);
	/* Lets others run while a short decision is awaited. Does not sleep. */
	void (*relax)(void *ctx);
	/* A number of the calling thread, not 0. Does not sleep. */
	uintptr_t (*thread_self)(void *ctx);
	/*
	 * Starts a thread that runs @fn(@arg); may sleep. -TN_ENOMEM,
	 * -TN_EAGAIN. join waits for its end and frees it.
	 */
	int (*thread_create)(void *ctx, const char *name, void (*fn)(void *arg),
	    void *arg, void **thread);
	void (*thread_join)(void *ctx, void *thread);

	/* --- the world; does not sleep, but for log */

	uint64_t (*now_ns)(void *ctx); /* monotonic */
	/* Not called in a read section or with a lock held: it may wait for
	   who reads it. Modules' printk has any context, though. */
	void (*log)(void *ctx, enum tn_log_level level, const char *text);
	/*
	 * A symbol of the process itself, for modules of the hosted
	 * profile. 0 and *@addr, or -TN_ENOENT. NULL: no such symbols.
	 */
	int (*host_symbol)(void *ctx, const char *name, uint64_t *addr);

	/* --- forks */

	/*
	 * The calling thread has the lock, and until it says @on false only
	 * reads what that protects; so it does while it is in wait, too. On
	 * false it may sleep. NULL: a world whose processes are not copied.
	 */
	void (*rest)(void *ctx, bool on);
};

/*
 * For worlds whose processes can be copied while threads run: what a system
 * locks besides the port's lock is whole in both processes if these stand
 * around the copy, with the port's lock held, or with the thread that has it at
 * rest (see tn_port.rest) until the copy is made. In the copy the calling
 * thread is the only one: what other threads were loading or unloading there
 * stays as it is and cannot be loaded or unloaded. One thread at a time.
 *
 * before_fork waits for threads that change something, and not for those that
 * are in a function which the engine calls under a lock: these may be about to
 * copy the process themselves. @child: in the copy. Since 0.1.
 */
struct tn_system;
void tn_system_before_fork(struct tn_system *sys);
void tn_system_after_fork(struct tn_system *sys, bool child);

#ifdef __cplusplus
}
#endif
