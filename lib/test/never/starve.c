/* SPDX-License-Identifier: MIT */
/*
 * Loads, uses and unloads a plugin while each allocation, each mapping and each
 * dlopen fails once: starve PLUGIN.so. The linker's --wrap leads the calls of
 * the library here. Prints how many positions there were.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <tenon/tenon.h>

#include <tenon/plugin.h>

static long calls, fail_at;

static int fails(void)
{
	return ++calls == fail_at;
}

#define WRAP(type, name, params, args, failed)                                 \
	type __real_##name params;                                             \
	type __wrap_##name params;                                             \
	type __wrap_##name params                                              \
	{                                                                      \
		return fails() ? (failed) : __real_##name args;                \
	}

WRAP(void *, malloc, (size_t n), (n), NULL)
WRAP(void *, calloc, (size_t n, size_t size), (n, size), NULL)
WRAP(void *, realloc, (void *p, size_t n), (p, n), NULL)
WRAP(char *, strdup, (const char *s), (s), NULL)
WRAP(char *, realpath, (const char *s, char *to), (s, to), NULL)
WRAP(void *, dlopen, (const char *s, int flags), (s, flags), NULL)
WRAP(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at), MAP_FAILED)

static int one_life(struct tn_system *sys, const char *path)
{
	const struct plugin_load_args args = {
		.size = sizeof(args), .path = path, .system = sys
	};
	struct tn_diag diag;
	struct plugin *p;
	int err, result, status;

	tn_diag_init(&diag);
	err = plugin_load_with(&args, &p, &diag);
	tn_diag_fini(&diag);
	if (err != 0)
		return err;
	err = plugin_process(p, NULL, &result);
	status = plugin_unload_with(p, NULL, NULL);
	return err != 0 ? err : status;
}

/* What fails, fails with an error and leaves nothing: the next life is whole. */
static int starve(struct tn_system *sys, const char *path)
{
	long refused = 0, at = 1;

	for (;; at++) {
		calls = 0;
		fail_at = at;
		const int err = one_life(sys, path);
		const long reached = calls;

		fail_at = 0;
		if (err > 0)
			return 2;
		refused += err != 0;
		if (one_life(sys, path) != 0 || plugin_registry()->plugins)
			return 3;
		if (reached < at)
			break;
	}
	printf("%ld positions, %ld refusals\n", at - 1, refused);
	return 0;
}

int main(int argc, char **argv)
{
	struct tn_system *sys;
	int status;

	if (argc != 2) {
		fputs("usage: starve PLUGIN.so\n", stderr);
		return 1;
	}
	if (tn_open(NULL, &sys) != 0)
		return 1;
	if (one_life(sys, argv[1]) != 0)
		return 1;
	status = starve(sys, argv[1]);
	return tn_close(sys) != 0 ? 4 : status;
}
