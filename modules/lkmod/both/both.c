/* SPDX-License-Identifier: MIT */
/*
 * A shared object with Linux's two functions and lkmod's two: all four run,
 * lkmod's inside of Linux's.
 */
#include <lkmod/lkmod.h>

LKMOD_EXPORT int init_module(void);
LKMOD_EXPORT void cleanup_module(void);

static const struct lkmod_api *api;
static int steps;

int init_module(void)
{
	steps = 1;
	return 0;
}

int lkmod_init(const struct lkmod_api *table, void **handle)
{
	api = table;
	*handle = &steps;
	steps = steps * 10 + 2;
	return 0;
}

int lkmod_exit(void *handle)
{
	steps = steps * 10 + (handle == &steps ? 3 : 0);
	return 0;
}

void cleanup_module(void)
{
	api->printf(api->ctx, "steps %d", steps * 10 + 4);
}
