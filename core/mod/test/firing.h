/* SPDX-License-Identifier: MIT */
/*
 * A world whose interface "probe" timers, work items, threads and callbacks of
 * tests fire: each operation is one thing that may happen in one. The cookie is
 * a struct probe, in which the operation leaves its traces.
 *
 * Nothing here sleeps for a time: tests wait for what is to happen.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <tenon/interfaces.h>
#include <tenon/ledger.h>
#include <tenon/resource.h>

#include "../resource.h"
#include "world.h"

enum probe_op {
	OP_HIT,   /* counts */
	OP_NOTE,  /* adds probe.name to the trace of the world */
	OP_BLOCK, /* says that it is inside, and stays until it is let go */
	OP_CALL,  /* calls probe.call, counts, and returns probe.result */
	OP_STEP,  /* counts, and returns probe.result */
	OP_NONE,  /* there is no such operation */
};

struct firing_world;

struct probe {
	struct firing_world *fw;
	atomic_int hits, inside, left;
	atomic_bool go;
	atomic_int result;
	char name;
	void (*call)(struct probe *p);
	atomic_int called; /* what call found */
	struct timer_list timer;
	struct work_struct work;
	struct kthread thread;
	struct notifier_block callback;
};

struct firing_world {
	struct world w;
	struct tn_interface *iface;
	struct tn_module *mod;
	char trace[64];
	atomic_uint ntrace;
};

/* A system with the interface and a module "holder". */
bool firing_open(struct firing_world *fw);
/* Unloads the module, if it is still there. False: something was left. */
bool firing_close(struct firing_world *fw);

/* The interface, which goes and comes. */
bool firing_provide(struct firing_world *fw);
bool firing_withdraw(struct firing_world *fw);

struct probe probe_new(struct firing_world *fw, char name);
struct module *firing_owner(const struct firing_world *fw);

/* Waits until it is at least @n; false after half a minute. */
bool reaches(atomic_int *what, int n);

#define SET_UP(fw, kind, p, what, op)                                          \
	resource_##kind##_setup(                                               \
	    firing_owner(fw), &(p)->what, (fw)->iface, op, p)

/* --- who ends what is inside */

struct ender {
	pthread_t thread;
	struct probe *p;
	int (*end)(struct probe *p);
	atomic_bool started;
	atomic_int result; /* 1: returned */
	int value;
	int left; /* what the operation had left by then */
};

/*
 * When the operation of its probe is inside (OP_BLOCK, probe_stay), calls its
 * end in another thread, which must not return before the operation is let go.
 */
void ender_meet(struct ender *e);

/* For OP_CALL: says that it is inside, and stays until it is let go. */
void probe_stay(struct probe *p);

/* Is any timer or work item of the module set? */
bool firing_is_set(struct firing_world *fw);

/* @end waits for an operation that sets its own timer or work item again. */
void firing_ends_again(struct firing_world *fw, struct probe *p,
    int (*end)(struct probe *p), int called);
