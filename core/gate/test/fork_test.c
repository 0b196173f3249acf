/* SPDX-License-Identifier: MIT */
/*
 * In the child of a fork the other threads are gone: their sections hold
 * nobody, their handles stay held, their records are used again.
 */
#include <sys/wait.h>
#include <unistd.h>

#include <host/epoch.h>

#include "kit.h"

struct family {
	struct tn_gate_target target;
	struct tn_gate gate;
	struct tn_binding open;
	struct tn_handle handle;
};

static void stay(void *arg)
{
	struct family *f = arg;

	(void)tn_gate_enter(&f->gate); /* open */
	(void)tn_handle_take(&f->target, f, NULL, &f->handle);
}

static int child(struct family *f)
{
	const struct tn_gate_thread *t;
	int bad = 0;

	alarm(60); /* a hang is a failure */
	t = gate_world()->self(false);
	bad += t == NULL || t->taken != (uint32_t)getpid();
	bad += gate_close(&f->gate, &tn_binding_closed) != 0;
	bad += gate_drain(&f->gate, TN_GATE_FOREVER) != 0;
	bad += gate_target_close(&f->target, false) != -TN_EBUSY;
	bad += tn_handle_put(f->handle) != 0;
	bad += gate_target_close(&f->target, false) != 0;
	t = gate_thread_claim(1, false);
	bad += t == NULL || t->chunks == NULL; /* of the guest */
	/* which may have been in the middle of its lists */
	bad += t == NULL || t->free != NULL || t->sweep != NULL;
	return bad;
}

/* The exit status of a child that runs @fn. */
static int fork_to(int (*fn)(struct family *f), struct family *f)
{
	int status = -1;
	pid_t pid;

	epoch_before_fork();
	pid = fork();
	epoch_after_fork(pid == 0);
	if (pid == 0)
		_exit(fn(f));
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static void family_open(struct family *f)
{
	gate_init(&f->gate, NULL, 0);
	f->open = kit_binding(NULL, NULL);
	gate_publish(&f->gate, &f->open);
}

TEST(fork, leaves_the_child_with_handles_but_without_sections)
{
	struct family f = { .target.word = TN_TARGET_LIVE };
	struct kit_guest g = { .in = stay, .arg = &f };

	family_open(&f);
	CHECK(gate_world()->self(true) != NULL);
	CHECK(kit_enter(&g));
	CHECK_EQ(fork_to(child, &f), 0);
	kit_leave(&g); /* it ends inside of a section */
	gate_synchronize();
	CHECK_EQ(tn_handle_put(f.handle), 0);
}

/* --- threads without a record */

static void enter_crowd(void *arg)
{
	struct family *f = arg;

	(void)EXPECT(tn_gate_enter(&f->gate) == &f->open);
	(void)EXPECT(gate_world()->self(false) == NULL);
}

static void exit_crowd(void *arg)
{
	struct family *f = arg;

	tn_gate_exit(&f->gate);
}

/* Only the thread that has forked is inside. */
static int leave_crowd(struct family *f)
{
	int bad = 0;

	alarm(60); /* a hang is a failure */
	bad += gate_is_alone() || !gate_is_inside();
	exit_crowd(f);
	bad += gate_is_inside();
	gate_synchronize();
	bad += !gate_is_alone();
	return bad;
}

static void fork_in_crowd(void *arg)
{
	struct family *f = arg;

	enter_crowd(f);
	(void)EXPECT(fork_to(leave_crowd, f) == 0);
	exit_crowd(f);
}

static void crowd(void *arg)
{
	struct kit_guest *g = arg;

	(void)EXPECT(kit_enter(g));
	(void)EXPECT(kit_elsewhere(fork_in_crowd, g->arg));
}

TEST(fork, leaves_no_other_thread_in_the_crowd)
{
	struct family f = { 0 };
	struct kit_guest g = { enter_crowd, exit_crowd, .arg = &f };

	family_open(&f);
	CHECK(gate_is_alone());
	kit_in_need(crowd, &g);
	/* All records are free, and still somebody is inside. */
	CHECK(!gate_is_alone());
	kit_leave(&g);
	CHECK(gate_is_alone());
}
