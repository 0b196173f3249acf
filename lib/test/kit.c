/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the tests with module files: see kit.h.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <test/test.h>

#include "kit.h"

/* Writes the path of a module of the common profile. */
static void module_path(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX - 100];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct utsname machine;

	self[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 3; up++) {
		char *slash = strrchr(self, '/');

		if (slash)
			*slash = '\0';
	}
	uname(&machine);
	snprintf(path, PATH_MAX, "%s/modules/%.20s/common/%.50s.ko", self,
	    machine.machine, name);
}

bool kit_has_modules(void)
{
	char path[PATH_MAX];

	module_path("provider", path);
	return access(path, R_OK) == 0;
}

const void *kit_blob(const char *name, size_t *size)
{
	static char bytes[1 << 18] __attribute__((aligned(8)));
	char path[PATH_MAX];
	FILE *f;

	module_path(name, path);
	f = fopen(path, "r");
	if (!f)
		return NULL;
	*size = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return bytes;
}

int kit_try(struct tn_system *sys, const char *name, struct tn_module **mod,
    struct tn_diag *diag)
{
	char path[PATH_MAX];
	const struct tn_load_args args = { .size = sizeof(args), .path = path };

	module_path(name, path);
	return tn_load(sys, &args, mod, diag);
}

int kit_load_as(struct tn_system *sys, const char *name, const char *as,
    struct tn_module **mod)
{
	char path[PATH_MAX];
	const struct tn_load_args args = {
		.size = sizeof(args), .path = path, .name = as
	};

	module_path(name, path);
	return tn_load(sys, &args, mod, NULL);
}

struct tn_module *kit_load(struct tn_system *sys, const char *name)
{
	struct tn_module *mod = NULL;
	struct tn_diag diag;
	char text[500];

	tn_diag_init(&diag);
	if (kit_try(sys, name, &mod, &diag) != 0) {
		tn_diag_text(&diag, text, sizeof(text));
		fprintf(stderr, "%s: %s\n", name, text);
	}
	tn_diag_fini(&diag);
	return mod;
}

/* Calls `long symbol(long)`; LONG_MIN when there is no such. */
long kit_call(struct tn_system *sys, const char *symbol, long x)
{
	struct tn_symbol found;
	union {
		uintptr_t bits;
		long (*fn)(long x);
	} code;

	if (tn_symbol_find(sys, symbol, &found) != 0)
		return LONG_MIN;
	code.bits = (uintptr_t)found.addr;
	return code.fn(x);
}

/* Loads a provider and its user, calls through both, and unloads. */
void kit_check_pair(struct tn_system *sys)
{
	struct tn_module *provider = kit_load(sys, "provider");
	struct tn_module *user = kit_load(sys, "user");

	CHECK(provider && user);
	CHECK_EQ(kit_call(sys, "user_sum", 1), 3 * 18);
	CHECK_EQ(tn_unload(sys, provider, NULL), -TN_EBUSY);
	CHECK_EQ(tn_system_destroy(sys), -TN_EBUSY);
	CHECK_EQ(tn_unload(sys, user, NULL), 0);
	CHECK_EQ(tn_unload(sys, provider, NULL), 0);
	CHECK_EQ(kit_call(sys, "user_sum", 1), LONG_MIN);
}

bool kit_goes_on(unsigned i, unsigned n, time_t began)
{
	return i < n / 10 || (i < n && time(NULL) - began < 10);
}
