/* SPDX-License-Identifier: MIT */
/*
 * A system over the test port, and the questions that tests ask again and
 * again: load this, link that, is it refused for this reason in these words,
 * has nothing changed, has nothing leaked.
 */
#pragma once

#include <stdbool.h>

#include <host/port.h>
#include <tenon/engine.h>
#include <tenon/link.h>

#include "author.h"
#include "rig.h"

struct world {
	struct host_port *host; /* NULL: offline */
	struct rig rig;
	struct tn_system *sys;
	struct tn_diag diag; /* of the last load or link */
	unsigned flags;      /* for CHECK_REFUSED: TN_LOAD_* */
	void *copy;          /* of the file that was linked last */
	struct tn_export *guaranteed;
};

/* What a world exports: struct tn_export rows. */
#define WORLD_EXPORT(symbol)                                                   \
	{                                                                      \
		.name = #symbol, .addr = (const void *)&symbol                 \
	}

/* Over this process. False when that cannot be made. */
bool world_open(struct world *w, const struct tn_export *exports, size_t n);
/* The same with more of a configuration: its exports, flags and listeners. */
bool world_open_with(struct world *w, const struct tn_config *config);
/* The same with the guaranteed symbols, printk made silent. */
bool world_open_guaranteed(struct world *w);
/* For linking only: parts of any machine from address @at on. */
bool world_offline(
    struct world *w, uint64_t at, const struct tn_export *exports, size_t n);
/* Ends it. False when the engine has kept something or misused its port. */
bool world_close(struct world *w);

/* Loads the object of @a; 0 or the error, which is in w->diag too. */
int world_load(
    struct world *w, struct object *o, unsigned flags, struct tn_module **mod);
/* Loads bytes. */
int world_load_bytes(
    struct world *w, struct span bytes, unsigned flags, struct tn_module **mod);
/* Unloads and forgets: nothing of it is left. */
int world_unload(struct world *w, struct tn_module *mod);
/* Links; the result lives until tn_linked_free or the next world_link. */
int world_link(struct world *w, struct object *o, struct tn_linked **linked);
int world_link_bytes(
    struct world *w, struct span bytes, struct tn_linked **linked);

/* A number that changes with modules, references, exports and memory held. */
uint64_t world_state(struct world *w);

/* The function @name of a module, or NULL. */
typedef uint64_t world_fn(uint64_t a, uint64_t b);
world_fn *world_function(struct tn_module *mod, const char *name);
void *world_object(struct tn_module *mod, const char *name);

/* The loaded section @name of @linked; size 0 when there is none. */
struct tn_linked_section world_section(
    const struct tn_linked *linked, const char *name);
/* The value of the first symbol @name, or 0. */
uint64_t world_value(const struct tn_linked *linked, const char *name);

/*
 * Is @o refused with @error, for the reason of this stable name, with exactly
 * this sentence, and does it change nothing? Tried by tn_load with the flags
 * of the world, or by tn_link when the world is offline.
 */
struct world_refusal {
	enum tn_errno error;
	const char *reason;
	const char *text;
};
#define CHECK_REFUSED(w, o, err, why, words)                                   \
	TEST_OR_RETURN(world_refuses((w), object_file(o),                      \
	    (struct world_refusal){ (err), (why), (words) }, TEST_AT))
/* The same for an object whose finished file has been spoilt. */
#define CHECK_SPOILT(w, o, err, why, words)                                    \
	TEST_OR_RETURN(world_refuses((w), object_bytes(o),                     \
	    (struct world_refusal){ (err), (why), (words) }, TEST_AT))
bool world_refuses(struct world *w, struct span file, struct world_refusal want,
    const char *at, int line);
