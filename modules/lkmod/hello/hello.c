/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful module for slots: two functions, found by their names.
 */
#include <lkmod/lkmod.h>

LKMOD_EXPORT int64_t hello_add(int64_t a, int64_t b);
LKMOD_EXPORT void hello_run(int times);
LKMOD_EXPORT int64_t hello_runs(void);

/* What a load has; *handle_out leads to it. */
static struct hello {
	const struct lkmod_api *api;
	int64_t runs;
} hello;

int64_t hello_add(int64_t a, int64_t b)
{
	return a + b;
}

void hello_run(int times)
{
	hello.runs += times;
	hello.api->printf(hello.api->ctx, "hello_run(%d)", times);
}

int64_t hello_runs(void)
{
	return hello.runs;
}

int lkmod_init(const struct lkmod_api *api, void **handle_out)
{
	if (!lkmod_has(api, printf))
		return LKMOD_NOT_SUPPORTED;
	hello.api = api;
	*handle_out = &hello;
	return 0;
}

int lkmod_exit(void *handle)
{
	return handle == &hello ? 0 : LKMOD_INVALID_ARGS;
}
