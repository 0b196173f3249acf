/* SPDX-License-Identifier: MIT */
/*
 * embed MODULE NAME: a C program that embeds the engine, as a user writes it:
 * loads MODULE, calls its `long NAME(long, long)` with 40 and 2, is refused
 * what does not exist, and unloads. test_embed.py compiles it in every way.
 */
#include <stdio.h>
#include <string.h>

#include <tenon/tenon.h>

static int complain(const char *what, struct tn_diag *diag)
{
	char text[500];

	tn_diag_text(diag, text, sizeof(text));
	fprintf(stderr, "%s: %s\n", what, text);
	tn_diag_fini(diag);
	return 1;
}

/* Data pointers and code pointers are of one size where libtenon runs. */
static long call(void *addr, long a, long b)
{
	long (*fn)(long, long);

	memcpy(&fn, &addr, sizeof(fn));
	return fn(a, b);
}

static int use(struct tn_system *sys, const char *path, const char *name)
{
	struct tn_load_args args = { 0 };
	struct tn_module *mod;
	struct tn_diag diag;
	void *addr;

	args.size = sizeof(args);
	args.path = "/nonexistent.ko";
	tn_diag_init(&diag);
	if (tn_load(sys, &args, &mod, &diag) != -TN_ENOENT)
		return 2;
	tn_diag_fini(&diag);
	args.path = path;
	if (tn_load(sys, &args, &mod, &diag) != 0)
		return complain("load", &diag);
	if (tn_module_symbol(mod, name, &addr) != 0)
		return 3;
	printf("%s %s(40, 2) = %ld\n", tn_version(), name, call(addr, 40, 2));
	if (tn_close(sys) != -TN_EBUSY)
		return 4;
	if (tn_unload(sys, mod, &diag) != 0)
		return complain("unload", &diag);
	tn_diag_fini(&diag);
	return 0;
}

int main(int argc, char **argv)
{
	struct tn_system *sys;
	int status;

	if (argc != 3) {
		fputs("usage: embed MODULE NAME\n", stderr);
		return 1;
	}
	if (tn_open(NULL, &sys) != 0)
		return 1;
	status = use(sys, argv[1], argv[2]);
	return tn_close(sys) == 0 ? status : 5;
}
