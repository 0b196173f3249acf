/* SPDX-License-Identifier: MIT */
/*
 * Exports its functions but not its init, which is the file's entry point.
 */
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

struct lkmod_api;

int lkmod_init(const struct lkmod_api *api, void **handle_out);
EXPORT int64_t bare_ready(int64_t a, int64_t b, int64_t c, int64_t d);

static int64_t ready;

int lkmod_init(const struct lkmod_api *api, void **handle_out)
{
	ready = api != NULL && *handle_out == NULL ? 42 : -1;
	return 0;
}

int64_t bare_ready(int64_t a, int64_t b, int64_t c, int64_t d)
{
	return ready + a + b + c + d;
}
