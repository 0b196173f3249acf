/* SPDX-License-Identifier: MIT */
#include "meeting.h"

#include <sched.h>

static struct {
	char letter;
	enum actor_op op;
	atomic_bool inside, go;
} door;

static void stay(enum actor_op op, struct tn_module *mod, char letter)
{
	(void)mod;
	if (op != door.op || letter != door.letter)
		return;
	atomic_store(&door.inside, true);
	while (!atomic_load(&door.go))
		sched_yield();
}

void door_at(char letter, enum actor_op op)
{
	door.letter = letter;
	door.op = op;
	atomic_store(&door.inside, false);
	atomic_store(&door.go, false);
	play.inside = stay;
}

void door_wait(void)
{
	while (!atomic_load(&door.inside))
		sched_yield();
}

void door_open(void)
{
	atomic_store(&door.go, true);
}

int play_load_file(struct span file, unsigned flags, struct tn_module **mod,
    struct tn_diag *diag)
{
	const struct tn_load_args args = { .size = sizeof(args),
		.flags = flags,
		.data = file.p,
		.data_size = file.n };

	return tn_load(play.w.sys, &args, mod, diag);
}

struct job job_of(struct author *a)
{
	return (struct job){ .file = object_file(a->o) };
}

void *job_load(void *job)
{
	struct job *j = job;

	tn_diag_init(&j->diag);
	atomic_store(&j->started, true);
	j->err = play_load_file(j->file, j->flags, &j->mod, &j->diag);
	tn_diag_text(&j->diag, j->text, sizeof(j->text));
	return NULL;
}

void *job_unload(void *job)
{
	struct job *j = job;

	tn_diag_init(&j->diag);
	atomic_store(&j->started, true);
	j->err = tn_unload(play.w.sys, j->mod, &j->diag);
	tn_diag_text(&j->diag, j->text, sizeof(j->text));
	return NULL;
}

void job_start(struct job *j, void *(*fn)(void *))
{
	if (pthread_create(&j->thread, NULL, fn, j) != 0)
		__builtin_trap();
}

void job_wait(struct job *j)
{
	while (!atomic_load(&j->started))
		sched_yield();
	for (int i = 0; i < 1000; i++)
		sched_yield();
}

void job_end(struct job *j)
{
	pthread_join(j->thread, NULL);
}
