/* SPDX-License-Identifier: MIT */
/*
 * Threads that meet in a play: jobs, which load or unload a module, and a door,
 * at which an operation of a module stays until the test lets it go on. So no
 * test depends on who is faster.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "actor.h"

/* From now on @op of the module of this letter stays inside of the door. */
void door_at(char letter, enum actor_op op);
/* Returns when somebody is there. */
void door_wait(void);
/* For who is there, and all who come. */
void door_open(void);

struct job {
	pthread_t thread;
	struct span file;
	unsigned flags;
	struct tn_module *mod; /* unload this one, or what was loaded */
	int err;
	struct tn_diag diag; /* job_load and job_unload set it up */
	char text[256];
	atomic_bool started;
};

/* One that loads @a; of all jobs of a file before the first one starts, since
 * making the file anew moves it. */
struct job job_of(struct author *a);

/* What jobs do; their argument is the job. */
void *job_load(void *job);
void *job_unload(void *job);

void job_start(struct job *j, void *(*fn)(void *));
/* It runs, and has had time to come to where it waits for us, most likely. */
void job_wait(struct job *j);
void job_end(struct job *j);

/* tn_load of the bytes of a file, by any thread. */
int play_load_file(struct span file, unsigned flags, struct tn_module **mod,
    struct tn_diag *diag);
