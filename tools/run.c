/* SPDX-License-Identifier: MIT */
/*
 * `tenon run`: loads modules with their dependencies into this process, calls
 * exported functions, and unloads in the reverse order. man tenon-run.
 */
#include "applets.h"
#include "modfile.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/tenon.h>

#define MAX_CALL_ARGS 6

struct run {
	struct tn_system *sys;
	struct modpath path;
	struct tn_module **loaded; /* in load order */
	size_t nloaded;
	const char **calls;
	size_t ncalls;
	unsigned load_flags;
	bool quiet;
};

static const char usage_text[] =
    "usage: tenon run [-q] [-L DIR].. [--call SYM[,ARG..]].. [--unmarked]\n"
    "                 [--direct] MOD..\n"
    "\n"
    "  MOD               a module file, or a name to be found in -L folders\n"
    "  -L DIR            look for dependencies there\n"
    "  --call SYM,ARG..  call an exported int function with up to six\n"
    "                    integers; once all modules are loaded\n"
    "  --unmarked        also run files without .note.tenon\n"
    "  --direct          bind imports directly (pins their providers)\n"
    "  -q                print results of calls only\n"
    "\n"
    "exit status: 0 all went well, 1 something failed, 2 usage\n";

static void complain(const struct tn_diag *diag, const char *path)
{
	if (diag->reason == TN_REASON_NONE)
		fprintf(stderr, "tenon run: %s: no memory\n", path);
	else
		say_diag("run", diag);
}

/* --- loading */

static bool note_loaded(struct run *r, struct tn_module *mod)
{
	struct tn_module **more =
	    realloc(r->loaded, (r->nloaded + 1) * sizeof(*more));

	if (more == NULL)
		return false;
	r->loaded = more;
	r->loaded[r->nloaded++] = mod;
	return true;
}

static bool load_file(struct run *r, struct modfile *f)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = r->load_flags,
		.path = f->path,
	};
	struct tn_module *mod;
	struct tn_module_info info;
	struct tn_diag diag;

	tn_diag_init(&diag);
	if (tn_load(r->sys, &args, &mod, &diag) != 0) {
		if (diag.module[0] == '\0')
			(void)snprintf(
			    diag.module, sizeof(diag.module), "%s", f->name);
		complain(&diag, f->path);
		tn_diag_fini(&diag);
		return false;
	}
	tn_module_info(mod, &info);
	if (!r->quiet)
		printf("loaded %s sha256=%s text=0x%llx bytes=%zu "
		       "exports=%u relocations=%u cells=%u stubs=%u\n",
		    info.name, f->sha256, (unsigned long long)info.text_addr,
		    info.bytes, info.nexports, info.nrelocs, info.ncells,
		    info.nstubs);
	return note_loaded(r, mod);
}

static bool load_tree(struct run *r, struct modfile *f, unsigned depth);

static bool open_file(struct run *r, const char *path, struct modfile **out)
{
	struct tn_diag diag;
	bool ok;

	tn_diag_init(&diag);
	ok = modpath_add(&r->path, r->sys, path, out, &diag) == 0;
	if (!ok)
		complain(&diag, path);
	tn_diag_fini(&diag);
	return ok;
}

/* A dependency that no file is found for may still be needed by nothing. */
static bool load_dependency(
    struct run *r, const struct modfile *f, const char *name, unsigned depth)
{
	struct modfile *dep = modpath_known(&r->path, name);
	bool ok = true;

	if (dep == NULL) {
		char *path = modpath_find(&r->path, f, name);

		if (path == NULL) {
			fprintf(stderr,
			    "tenon run: %s: no file found for its "
			    "dependency %s\n",
			    f->name, name);
			return false;
		}
		ok = open_file(r, path, &dep);
		free(path);
	}
	return ok && load_tree(r, dep, depth + 1);
}

/* Depth-first over the dependencies; @depth bounds the recursion. */
static bool load_tree(struct run *r, struct modfile *f, unsigned depth)
{
	if (f->state == MODFILE_DONE)
		return true;
	if (f->state == MODFILE_ACTIVE || depth > 256) {
		fprintf(stderr, "tenon run: %s: dependency cycle\n", f->name);
		return false;
	}
	f->state = MODFILE_ACTIVE;
	for (size_t i = 0; i < f->ndepends; i++)
		if (!load_dependency(r, f, f->depends[i], depth))
			return false;
	f->state = MODFILE_DONE;
	return load_file(r, f);
}

/* --- calling */

typedef int call_fn(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

static bool parse_call(char *text, int64_t args[MAX_CALL_ARGS], size_t *n)
{
	char *save = NULL, *end;

	*n = 0;
	(void)strtok_r(text, ",", &save);
	for (char *word = strtok_r(NULL, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		if (*n == MAX_CALL_ARGS)
			return false;
		errno = 0;
		args[*n] = strtoll(word, &end, 0);
		if (end == word || *end != '\0' || errno != 0)
			return false;
		(*n)++;
	}
	return *text != '\0';
}

static void print_call(
    const char *name, const int64_t *args, size_t n, int result)
{
	printf("%s(", name);
	for (size_t i = 0; i < n; i++)
		printf("%s%lld", i != 0 ? ", " : "", (long long)args[i]);
	printf(") = %d\n", result);
}

static bool call_with(struct run *r, char *text)
{
	int64_t a[MAX_CALL_ARGS] = { 0 };
	struct tn_symbol sym;
	size_t n;

	if (!parse_call(text, a, &n)) {
		fprintf(stderr, "tenon run: --call %s: not SYM[,INTEGER..]\n",
		    text);
		return false;
	}
	if (tn_symbol_find(r->sys, text, &sym) != 0 || sym.owner == NULL) {
		fprintf(stderr, "tenon run: no module exports '%s'\n", text);
		return false;
	}
	print_call(text, a, n,
	    ((call_fn *)(uintptr_t)sym.addr)(
		a[0], a[1], a[2], a[3], a[4], a[5]));
	return true;
}

static bool call(struct run *r, const char *spec)
{
	char *text = strdup(spec);
	const bool ok = text != NULL && call_with(r, text);

	free(text);
	return ok;
}

/* --- the whole */

static bool unload_all(struct run *r)
{
	bool ok = true;

	while (r->nloaded != 0) {
		struct tn_module *mod = r->loaded[--r->nloaded];
		struct tn_module_info info;
		char name[TN_MODULE_NAME_MAX];
		struct tn_diag diag;

		tn_module_info(mod, &info);
		(void)snprintf(name, sizeof(name), "%s", info.name);
		tn_diag_init(&diag);
		const int err = tn_unload(r->sys, mod, &diag);

		if (err != 0 && diag.reason == TN_REASON_NO_EXIT) {
			if (!r->quiet)
				printf("kept %s: it is permanent\n", name);
		} else if (err != 0) {
			complain(&diag, name);
			ok = false;
		} else if (!r->quiet) {
			printf("unloaded %s\n", name);
		}
		tn_diag_fini(&diag);
	}
	return ok;
}

static bool load_named(struct run *r, const char *mod)
{
	struct modfile *f = modpath_known(&r->path, mod);
	char *path;
	bool ok;

	if (f != NULL)
		return load_tree(r, f, 0);
	path = strchr(mod, '/') == NULL && strchr(mod, '.') == NULL
		   ? modpath_find(&r->path, NULL, mod)
		   : strdup(mod);
	if (path == NULL) {
		fprintf(
		    stderr, "tenon run: no file found for module %s\n", mod);
		return false;
	}
	ok = open_file(r, path, &f) && load_tree(r, f, 0);
	free(path);
	return ok;
}

/* Named files are known before the first is loaded: any order will do. */
static bool run_all(struct run *r, char **mods, int n)
{
	bool ok = true;

	for (int i = 0; i < n && ok; i++) {
		struct modfile *f;

		if (strchr(mods[i], '/') != NULL ||
		    strchr(mods[i], '.') != NULL)
			ok = open_file(r, mods[i], &f);
	}
	for (size_t i = 0, named = r->path.nfiles; i < named && ok; i++)
		ok = load_tree(r, r->path.files[i], 0);
	for (int i = 0; i < n && ok; i++)
		if (strchr(mods[i], '/') == NULL &&
		    strchr(mods[i], '.') == NULL)
			ok = load_named(r, mods[i]);
	for (size_t i = 0; i < r->ncalls && ok; i++)
		ok = call(r, r->calls[i]);
	return unload_all(r) && ok;
}

static bool add_word(const char ***words, size_t *n, const char *word)
{
	const char **more = realloc(*words, (*n + 1) * sizeof(*more));

	if (more == NULL)
		return false;
	*words = more;
	(*words)[(*n)++] = word;
	return true;
}

static bool parse(int argc, char **argv, struct run *r, int *status)
{
	static const struct option longs[] = {
		{ "call", required_argument, NULL, 'c' },
		{ "unmarked", no_argument, NULL, 'u' },
		{ "direct", no_argument, NULL, 'd' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool ok = true;
	int c;

	*status = EXIT_USAGE;
	while (ok && (c = getopt_long(argc, argv, "L:qh", longs, NULL)) != -1) {
		switch (c) {
		case 'L':
			ok = add_word(
			    &r->path.folders, &r->path.nfolders, optarg);
			break;
		case 'c': ok = add_word(&r->calls, &r->ncalls, optarg); break;
		case 'u': r->load_flags |= TN_LOAD_UNMARKED; break;
		case 'd': r->load_flags |= TN_LOAD_DIRECT; break;
		case 'q': r->quiet = true; break;
		case 'h':
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		default: return false;
		}
	}
	if (!ok || optind == argc) {
		fputs(usage_text, stderr);
		return false;
	}
	return true;
}

int run_main(int argc, char **argv)
{
	struct run r = { 0 };
	int status;

	/* What modules print and what we print stay in order. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &r, &status)) {
		status = EXIT_FAILED;
		if (tn_open(NULL, &r.sys) != 0)
			fputs(
			    "tenon run: the engine cannot be opened\n", stderr);
		else if (run_all(&r, argv + optind, argc - optind))
			status = EXIT_OK;
	}
	modpath_free(&r.path);
	free(r.loaded);
	free(r.calls);
	if (r.sys != NULL)
		(void)tn_close(r.sys); /* busy: permanent modules stay */
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		perror("tenon run: standard output");
		status = EXIT_FAILED;
	}
	return status;
}
