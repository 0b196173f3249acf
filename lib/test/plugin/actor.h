/* SPDX-License-Identifier: MIT */
/*
 * A plugin that does what its test says: the test puts the address of a struct
 * script into the environment, where a library that is loaded finds it.
 */
#pragma once

#include <stdlib.h>

#define SCRIPT_VARIABLE "TENON_TEST_PLUGIN"

struct script {
	int inits, exits, calls; /* atomic */
	int init_result;
	/* called in the middle of them; or NULL */
	void (*in_init)(void);
	void (*in_exit)(void);
	int (*in_process)(void *data);
};

static inline struct script *script(void)
{
	const char *text = getenv(SCRIPT_VARIABLE);

	return text ? (struct script *)strtoull(text, NULL, 16) : NULL;
}

static inline int script_init(void)
{
	struct script *s = script();

	if (!s)
		return 0;
	(void)__atomic_fetch_add(&s->inits, 1, __ATOMIC_SEQ_CST);
	if (s->in_init)
		s->in_init();
	return s->init_result;
}

static inline void script_exit(void)
{
	struct script *s = script();

	if (!s)
		return;
	(void)__atomic_fetch_add(&s->exits, 1, __ATOMIC_SEQ_CST);
	if (s->in_exit)
		s->in_exit();
}

static inline int script_process(void *data)
{
	struct script *s = script();

	if (!s)
		return 0;
	(void)__atomic_fetch_add(&s->calls, 1, __ATOMIC_SEQ_CST);
	return s->in_process ? s->in_process(data) : 0;
}

#define SCRIPTED(title)                                                        \
	struct plugin_ops plugin_ops = {                                       \
		.name = title,                                                 \
		.init = script_init,                                           \
		.exit = script_exit,                                           \
		.process = script_process,                                     \
	}
