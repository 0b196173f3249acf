/* SPDX-License-Identifier: MIT */
/*
 * A port for tests: it stands over the port of this process, or over malloc
 * alone for linking offline at addresses of the test's choice. It counts what
 * the engine holds, sees wrong use of its functions, and lets any call fail.
 *
 * Every call that can fail has a number, from 1 on since rig_arm; with
 * fail_at set, the call of this number fails as the world's would. Counters
 * are atomic; arming is for one thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tenon/port.h>

enum rig_call {
	RIG_ALLOC,
	RIG_IMAGE_ALLOC,
	RIG_IMAGE_SEAL,
	RIG_IMAGE_FINISH,
	RIG_READ_FILE,
	RIG_UNPACK,
	RIG_THREAD,
	RIG_CALLS
};

extern const char *const rig_call_names[RIG_CALLS];

/* What the engine holds. */
struct rig_held {
	long blocks, bytes; /* of alloc */
	long images, files;
};

struct rig {
	struct tn_port port;
	const struct tn_port *world; /* NULL: offline */

	/* injection */
	unsigned fail_at;
	unsigned calls;
	enum rig_call failed; /* what the failing call was */

	/* accounting */
	atomic_long blocks, bytes, images, files;
	const char *_Atomic misuse; /* the first wrong use, or NULL */
	int locked;

	/* images: larger ones are refused, as by a small world */
	size_t image_limit;
	/* or NULL; sees each image before it is freed */
	void (*on_free)(void *arg, const struct tn_image *img);
	void *on_free_arg;
	/* offline: parts follow each other from here on, page by page ... */
	uint64_t at;
	/* ... but a part of a kind whose entry is not 0 goes there */
	uint64_t at_kind[TN_PART_KINDS];
};

void rig_over(struct rig *r, const struct tn_port *world);
void rig_offline(struct rig *r, uint64_t at);

/* Numbers calls anew; @fail_at 0: none fails. */
void rig_arm(struct rig *r, unsigned fail_at);

struct rig_held rig_held(struct rig *r);
bool rig_same(struct rig_held a, struct rig_held b);
