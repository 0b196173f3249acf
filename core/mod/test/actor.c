/* SPDX-License-Identifier: MIT */
/*
 * Actors: see actor.h.
 */
#include "actor.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <base/compiler.h>
#include <test/test.h>

struct play play;

static pthread_mutex_t text_lock = PTHREAD_MUTEX_INITIALIZER;

static void note(char who, char what)
{
	pthread_mutex_lock(&text_lock);
	const size_t n = strlen(play.text);

	if (n + 3 < sizeof(play.text))
		snprintf(play.text + n, 3, "%c%c", who, what);
	pthread_mutex_unlock(&text_lock);
}

static int perform(enum actor_op op, struct tn_module *mod)
{
	struct tn_module_info info;

	/* Hooks run in the thread that holds the module. */
	tn_module_info(mod, &info);
	note(info.name[0], ACTOR_LETTERS[op]);
	if (play.inside != NULL)
		play.inside(op, mod, info.name[0]);
	return play.result[(unsigned char)info.name[0]][op];
}

static int op_init(struct tn_module *mod)
{
	return perform(ACTOR_INIT, mod);
}

static int op_start(struct tn_module *mod)
{
	return perform(ACTOR_START, mod);
}

static int op_stop(struct tn_module *mod)
{
	return perform(ACTOR_STOP, mod);
}

static void op_cleanup(struct tn_module *mod)
{
	(void)perform(ACTOR_CLEANUP, mod);
}

static int op_quiesce(struct tn_module *mod)
{
	return perform(ACTOR_QUIESCE, mod);
}

static void op_resume(struct tn_module *mod)
{
	(void)perform(ACTOR_RESUME, mod);
}

/* Its state is one letter, its name's; it leaves refusals to the engine. */
static int op_save(struct tn_module *mod, void *buf, size_t cap, size_t *len)
{
	const int result = perform(ACTOR_SAVE, mod);
	struct tn_module_info info;

	tn_module_info(mod, &info);
	*len = 1;
	if (cap >= 1)
		memcpy(buf, info.name, 1);
	return result;
}

static int op_restore(struct tn_module *mod, const void *buf, size_t len)
{
	const int result = perform(ACTOR_RESTORE, mod);
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (len != 1 || memcmp(buf, info.name, 1) != 0)
		return -TN_EINVAL;
	return result;
}

static const char *const targets[ACTOR_OPS] = { "op_init", "op_start",
	"op_stop", "op_cleanup", "op_quiesce", "op_resume", "op_save",
	"op_restore" };

bool play_open(uint64_t wait_ns)
{
	static const struct tn_export exports[] = {
		WORLD_EXPORT(op_init),
		WORLD_EXPORT(op_start),
		WORLD_EXPORT(op_stop),
		WORLD_EXPORT(op_cleanup),
		WORLD_EXPORT(op_quiesce),
		WORLD_EXPORT(op_resume),
		WORLD_EXPORT(op_save),
		WORLD_EXPORT(op_restore),
	};
	const struct tn_config config = { .exports = exports,
		.nexports = ARRAY_SIZE(exports),
		.wait_ns = wait_ns };

	memset(&play, 0, sizeof(play));
	return world_open_with(&play.w, &config);
}

bool play_close(void)
{
	return world_close(&play.w);
}

const char *play_text(void)
{
	static char last[sizeof(play.text)];

	pthread_mutex_lock(&text_lock);
	memcpy(last, play.text, sizeof(last));
	play.text[0] = '\0';
	pthread_mutex_unlock(&text_lock);
	return last;
}

struct author actor_new(const char *name, unsigned ops)
{
	struct author a = author_new(isa_here()->machine, name);
	struct author_ops table = { .size = 0 };

	for (unsigned i = 0; i < ACTOR_OPS; i++)
		if ((ops >> i & 1) != 0)
			table.target[i] = targets[i];
	author_ops(&a, &table);
	return a;
}

void actor_export(struct author *a, const char *symbol)
{
	author_export(a, (struct author_export){ .name = symbol,
			     .symbol = author_word(a, symbol, 1) });
}

void actor_import(struct author *a, const char *symbol)
{
	author_pointer(a, "imported", object_undefined(a->o, symbol), 0);
}

void actor_depends(struct author *a, const char *list)
{
	char entry[128];

	snprintf(entry, sizeof(entry), "tenon.depends=%s", list);
	author_info(a, entry);
}

int actor_load(struct author *a, unsigned flags, struct tn_module **mod)
{
	return world_load(&play.w, a->o, flags, mod);
}

struct tn_module *play_alone(unsigned ops)
{
	struct author a = actor_new("a", ops);
	struct tn_module *mod = NULL;

	if (play_open(0) && actor_load(&a, 0, &mod) != 0)
		(void)play_close(); /* mod is NULL: the test has failed */
	author_free(&a);
	return mod;
}

const char *play_sentence(void)
{
	static char text[1024];

	tn_diag_text(&play.w.diag, text, sizeof(text));
	return text;
}

enum tn_state actor_state(struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	return info.state;
}

uint32_t actor_refs(struct tn_module *mod)
{
	struct tn_module_info info;

	tn_module_info(mod, &info);
	return info.refs;
}

int play_unload(struct tn_module *mod, unsigned flags, uint64_t ns)
{
	const struct tn_unload_args args = {
		.size = sizeof(args), .flags = flags, .timeout_ns = ns
	};

	return tn_unload_with(play.w.sys, mod, &args, &play.w.diag);
}

int play_unload_set(struct tn_module *const *mods, uint32_t n)
{
	return tn_unload_set(play.w.sys, mods, n, NULL, &play.w.diag);
}

/* a <- b <- c, each importing from the one before. */
void actor_chain(struct author a[3], struct tn_module *mod[3])
{
	static const char *const names[] = { "a", "b", "c" };
	static const char *const symbols[] = { "of_a", "of_b", "of_c" };

	for (int i = 0; i < 3; i++) {
		a[i] = actor_new(names[i], ACTOR_ALL);
		actor_export(&a[i], symbols[i]);
		if (i != 0)
			actor_import(&a[i], symbols[i - 1]);
		CHECK_EQ(actor_load(&a[i], 0, &mod[i]), 0);
	}
	(void)play_text();
}

void actor_chain_free(struct author a[3])
{
	for (int i = 0; i < 3; i++)
		author_free(&a[i]);
}

bool play_says(const char *start)
{
	return strncmp(play_sentence(), start, strlen(start)) == 0;
}
