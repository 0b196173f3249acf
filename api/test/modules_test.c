/* SPDX-License-Identifier: MIT */
/*
 * Every module in build/modules/, loaded in a process of its machine: it must
 * load and go again without a trace, or be refused for the reason that its
 * own `tenon.expect=` states. No table here: a new module is a new case.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <base/compiler.h>
#include <elf/file.h>
#include <elf/tables.h>
#include <tenon/tenon.h>
#include <test/test.h>

#define MAX_CHAIN      8 /* modules that one module needs */
#define UNLOADED_NEVER "no_exit"

struct world {
	struct tn_system *sys;
	char folder[256];
	struct tn_module *loaded[MAX_CHAIN];
	unsigned nloaded;
};

/* The part of a file that this test wants to know. */
struct facts {
	char expect[64];
	char depends[256];
};

static void *file_bytes(const char *path, size_t *size)
{
	FILE *in = fopen(path, "rb");
	const size_t room = 64u << 20;
	void *bytes = in != NULL ? malloc(room) : NULL;

	*size = bytes != NULL ? fread(bytes, 1, room, in) : 0;
	if (in != NULL)
		fclose(in);
	return bytes;
}

static void facts_take(struct span bytes, struct facts *facts)
{
	struct elf_file elf;
	struct elf_where where;

	if (!elf_open(&elf, bytes, 0, &where))
		return;
	const struct span modinfo =
	    elf_section_bytes(&elf, elf_section_find(&elf, ".modinfo"));
	const char *expect = elf_modinfo_get(modinfo, "tenon.expect");
	const char *depends = elf_modinfo_get(modinfo, "depends");

	if (expect != NULL)
		snprintf(facts->expect, sizeof(facts->expect), "%s", expect);
	if (depends != NULL)
		snprintf(facts->depends, sizeof(facts->depends), "%s", depends);
}

static void module_path(
    const struct world *w, const char *name, char *path, size_t cap)
{
	snprintf(path, cap, "%s/%s.ko", w->folder, name);
}

static struct facts facts_of(const struct world *w, const char *name)
{
	struct facts facts = { "", "" };
	char path[512];
	size_t size;

	module_path(w, name, path, sizeof(path));
	void *bytes = file_bytes(path, &size);

	if (bytes != NULL)
		facts_take((struct span){ bytes, size }, &facts);
	free(bytes);
	return facts;
}

static enum tn_reason load(struct world *w, const char *name)
{
	char path[512];
	struct tn_load_args args = { .size = sizeof(args), .path = path };
	struct tn_module *mod;
	struct tn_diag diag;
	enum tn_reason reason = TN_REASON_NONE;

	module_path(w, name, path, sizeof(path));
	tn_diag_init(&diag);
	if (tn_load(w->sys, &args, &mod, &diag) == 0)
		w->loaded[w->nloaded++] = mod;
	else
		reason = diag.reason;
	tn_diag_fini(&diag);
	return reason;
}

/* Loads what @name needs, and what that needs, before it. */
static void load_providers(struct world *w, const char *name, unsigned depth)
{
	struct facts facts = facts_of(w, name);
	char *rest = facts.depends;
	char *one;

	while ((one = strsep(&rest, ",")) != NULL) {
		if (*one == '\0' || w->nloaded == MAX_CHAIN || depth == 0)
			continue;
		load_providers(w, one, depth - 1);
		CHECK_STR(tn_reason_name(load(w, one)), "none");
	}
}

/* A timer of its own may be at work at the moment. */
static const struct tn_unload_args patiently = { .size = sizeof(patiently),
	.flags = TN_UNLOAD_WAIT,
	.timeout_ns = UINT64_C(10000000000) };

static void unload_all(struct world *w, const char *expect)
{
	while (w->nloaded != 0) {
		struct tn_diag diag;
		const char *want = "none";

		tn_diag_init(&diag);
		if (strcmp(expect, UNLOADED_NEVER) == 0)
			want = expect;
		(void)tn_unload_with(
		    w->sys, w->loaded[--w->nloaded], &patiently, &diag);
		EXPECT(strcmp(tn_reason_name(diag.reason), want) == 0);
		tn_diag_fini(&diag);
	}
}

static void try_module(struct world *w, const char *name)
{
	/* What stays loaded for ever keeps its system, where ASan sees it. */
	static struct tn_system *kept;
	const struct facts facts = facts_of(w, name);
	const bool refused = facts.expect[0] != '\0' &&
			     strcmp(facts.expect, UNLOADED_NEVER) != 0;

	CHECK_EQ(tn_open(NULL, &w->sys), 0);
	load_providers(w, name, MAX_CHAIN);
	const char *got = tn_reason_name(load(w, name));

	if (!EXPECT(strcmp(got, refused ? facts.expect : "none") == 0))
		printf("  %s/%s: %s\n", w->folder, name, got);
	unload_all(w, facts.expect);
	if (strcmp(facts.expect, UNLOADED_NEVER) == 0)
		kept = w->sys;
	else
		CHECK_EQ(tn_close(w->sys), 0);
	(void)kept;
}

static unsigned try_folder(const char *profile)
{
	const char *build = getenv("TENON_BUILD");
	struct world w = { .sys = NULL };
	struct utsname machine;
	const struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	uname(&machine);
	snprintf(w.folder, sizeof(w.folder), "%s/modules/%s/%s",
	    build != NULL ? build : "build", machine.machine, profile);
	dir = opendir(w.folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char name[64];

		if (sscanf(entry->d_name, "%55[^.].ko", name) != 1 ||
		    strstr(entry->d_name, ".ko") == NULL)
			continue;
		try_module(&w, name);
		n++;
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

TEST(modules, common_files_load_or_are_refused_for_their_stated_reason)
{
	PROVES("L02 L07 L08 L09 L11 L17");
	CHECK(try_folder("common") >= 20);
}

TEST(modules, hosted_files_load_or_are_refused_for_their_stated_reason)
{
	CHECK(try_folder("hosted") >= 20);
}
