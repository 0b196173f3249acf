/* SPDX-License-Identifier: MIT */
/*
 * What the tests of gates share: bindings, threads that stay inside of
 * something until they are told to leave, and a world that can run dry.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include <gate/close.h>
#include <gate/world.h>
#include <tenon/err.h>
#include <test/test.h>

extern const struct tn_binding kit_draining;

/* An open binding; @instance is what the test calls it by. */
struct tn_binding kit_binding(void *instance, void *owner);

/*
 * A thread that runs in(arg), says so, and runs out(arg) when it is told to.
 */
struct kit_guest {
	void (*in)(void *arg);
	void (*out)(void *arg);
	void *arg;
	pthread_t thread;
	atomic_bool inside, leave, gone;
};

/* Returns when the guest is inside. */
bool kit_enter(struct kit_guest *g);
void kit_leave(struct kit_guest *g);

/* Enough for another thread to come to where it must not get. */
void kit_let_others_run(void);

/* Runs @fn in a thread of its own, to its end. */
bool kit_elsewhere(void (*fn)(void *arg), void *arg);

/* Runs @fn while the world has neither memory nor a record to give. */
void kit_in_need(void (*fn)(void *arg), void *arg);
