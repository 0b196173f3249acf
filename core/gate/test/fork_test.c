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
	bad += gate_close(&f->gate, &tn_binding_closed) != 0;
	bad += gate_drain(&f->gate, TN_GATE_FOREVER) != 0;
	bad += gate_target_close(&f->target, false) != -TN_EBUSY;
	bad += tn_handle_put(f->handle) != 0;
	bad += gate_target_close(&f->target, false) != 0;
	t = gate_thread_claim(1, false);
	bad += t == NULL || t->chunks == NULL; /* of the guest */
	return bad;
}

TEST(fork, leaves_the_child_with_handles_but_without_sections)
{
	struct family f = { .target.word = TN_TARGET_LIVE };
	struct kit_guest g = { .in = stay, .arg = &f };
	int status;
	pid_t pid;

	gate_init(&f.gate, NULL, 0);
	f.open = kit_binding(NULL, NULL);
	gate_publish(&f.gate, &f.open);
	CHECK(kit_enter(&g));
	epoch_before_fork();
	pid = fork();
	epoch_after_fork(pid == 0);
	if (pid == 0)
		_exit(child(&f));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	kit_leave(&g); /* it ends inside of a section */
	gate_synchronize();
	CHECK_EQ(tn_handle_put(f.handle), 0);
}
