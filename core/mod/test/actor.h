/* SPDX-License-Identifier: MIT */
/*
 * Actors: modules whose operations are functions of the test. Each appends
 * two letters to the play's text, the first letter of its module's name and
 * that of the operation, does what the test has asked for, and returns what it
 * was told to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "world.h"

enum actor_op {
	ACTOR_INIT,
	ACTOR_START,
	ACTOR_STOP,
	ACTOR_CLEANUP,
	ACTOR_QUIESCE,
	ACTOR_RESUME,
	ACTOR_SAVE,
	ACTOR_RESTORE,
	ACTOR_OPS
};

#define ACTOR_LETTERS "ispxqrvw" /* in this order */

struct play {
	struct world w;
	char text[512];
	/* What an operation returns, by the first letter of the module. */
	int result[128][ACTOR_OPS];
	/* Called inside of each operation, when set. */
	void (*inside)(enum actor_op op, struct tn_module *mod, char letter);
};

/* The one that is on. */
extern struct play play;

/* Opens its world; @wait_ns as in tn_config. */
bool play_open(uint64_t wait_ns);
/* Ends it; false as world_close. */
bool play_close(void);
/* What has been played since the last call. */
const char *play_text(void);

/* A module with these operations (1 << ACTOR_...). */
struct author actor_new(const char *name, unsigned ops);
#define ACTOR_ALL 0xffu
#define ACTOR_PLAIN                                                            \
	(1u << ACTOR_INIT | 1u << ACTOR_START | 1u << ACTOR_STOP |             \
	    1u << ACTOR_CLEANUP)
/* It exports the word @symbol. */
void actor_export(struct author *a, const char *symbol);
/* It imports it. */
void actor_import(struct author *a, const char *symbol);
/* It needs these modules. */
void actor_depends(struct author *a, const char *list);

/*
 * The play's world is opened, with one actor loaded into it: a, with @ops.
 * NULL when that fails.
 */
struct tn_module *play_alone(unsigned ops);

/* Loads it into the world of the play. */
int actor_load(struct author *a, unsigned flags, struct tn_module **mod);
/* a <- b <- c, each importing from the one before; loads them. */
void actor_chain(struct author a[3], struct tn_module *mod[3]);
void actor_chain_free(struct author a[3]);

/* Unloads from the world of the play, with TN_UNLOAD_* and a time. */
int play_unload(struct tn_module *mod, unsigned flags, uint64_t ns);
int play_unload_set(struct tn_module *const *mods, uint32_t n);

/* The sentence of the play's diagnosis. */
const char *play_sentence(void);
/* Does it begin so? */
bool play_says(const char *start);

enum tn_state actor_state(struct tn_module *mod);
uint32_t actor_refs(struct tn_module *mod);
