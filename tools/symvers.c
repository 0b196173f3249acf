/* SPDX-License-Identifier: MIT */
/*
 * `tenon symvers`: versions of a module's exports, made from their types. What
 * it writes is what modpost --crc-from and -s read. man tenon-symvers.
 */
#include "applets.h"
#include "modpost.h"
#include "output.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <kmod/clean.h>
#include <symvers/types.h>
#include <tenon/err.h>

struct symvers {
	struct modpost mp; /* reads the object, and writes the lines */
	struct types *types;
	const char *output; /* NULL: standard output */
	bool show_types, untyped;
};

static const char usage_text[] =
    "usage: tenon symvers [OPTION].. FILE\n"
    "Writes a line of Module.symvers for each export of the module FILE, which\n"
    "has been compiled with -g: its CRC is that of its type.\n"
    "\n"
    "  -o, --output FILE   write there (default: standard output)\n"
    "  -n, --name NAME     the module's name (default: from FILE)\n"
    "  -t, --types         write the types themselves, `NAME TYPE` a line\n"
    "  -u, --untyped       exports without a type (of assembly) have the CRC of\n"
    "                      their name; without this they are an error\n"
    "  -h, --help          this text\n"
    "\n"
    "exit status: 0 all were written, 1 nothing was, 2 usage\n";

static const struct option longs[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "name", required_argument, NULL, 'n' },
	{ "types", no_argument, NULL, 't' },
	{ "untyped", no_argument, NULL, 'u' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool option_set(struct symvers *sv, int c)
{
	switch (c) {
	case 'o': sv->output = optarg; return true;
	case 't': sv->show_types = true; return true;
	case 'u': sv->untyped = true; return true;
	case 'n':
		if (mp_name_set(&sv->mp, optarg))
			return true;
		mp_fail(&sv->mp, "'%s' cannot be a module's name", optarg);
		return false;
	default: return false;
	}
}

static bool parse(int argc, char **argv, struct symvers *sv, int *status)
{
	struct modpost *mp = &sv->mp;
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "o:n:tuh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		}
		if (!option_set(sv, c))
			return false;
	}
	if (optind + 1 != argc)
		return say_usage("symvers", "one FILE is needed");
	mp->input = argv[optind];
	if (mp->name[0] != '\0' || mp_name_from(mp, mp->input))
		return true;
	mp_fail(mp, "%s: --name must say the module's name", mp->input);
	return false;
}

/* The type of @name, to be freed; NULL, having failed. */
static char *type_of(struct symvers *sv, const char *name)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	int err =
	    out != NULL ? types_describe(sv->types, name, out) : -TN_ENOMEM;

	if (err == -TN_ENOENT && sv->untyped) {
		fputs(name, out);
		err = 0;
	}
	if (out != NULL && fclose(out) != 0 && err == 0)
		err = -TN_ENOMEM;
	if (err == 0)
		return text;
	if (err == -TN_ENOENT)
		mp_fail(&sv->mp,
		    "'%s' has no type in %s (is its source compiled with -g?)",
		    name, sv->mp.input);
	else if (err == -TN_EBADMSG)
		mp_fail(&sv->mp,
		    "the debug information of '%s' is damaged, or a type has "
		    "more than %d levels",
		    name, TYPES_LEVELS_MAX);
	else
		mp_fail(&sv->mp, "out of memory");
	free(text);
	return NULL;
}

/* All that are wrong are said. */
static bool versions_make(struct symvers *sv, FILE *types)
{
	struct object *obj = &sv->mp.object;

	for (size_t i = 0; i < obj->nexports; i++) {
		struct export *e = &obj->exports[i];
		char *text = type_of(sv, e->name);

		if (text == NULL)
			continue;
		/* 0 stands for none */
		e->crc = (uint32_t)types_crc(text, strlen(text));
		e->crc += e->crc == 0;
		e->has_crc = true;
		if (types != NULL)
			clean_print(types, "%s %s\n", e->name, text);
		free(text);
	}
	return sv->mp.errors == 0;
}

static bool write_to(struct symvers *sv, FILE *out)
{
	if (!versions_make(sv, sv->show_types ? out : NULL))
		return false;
	if (!sv->show_types)
		mp_write_symvers(&sv->mp, out);
	return true;
}

static bool write_file(struct symvers *sv)
{
	struct output out;
	const bool ok = output_open(&out, "symvers", sv->output) &&
			write_to(sv, out.file) && output_end(&out) &&
			output_keep(&out);

	output_drop(&out);
	return ok;
}

static bool symvers_run(struct symvers *sv)
{
	const struct text_file *file = &sv->mp.object.file;
	char why[TYPES_WHY_MAX];

	if (!mp_object_read(&sv->mp))
		return false;
	/* without exports there is nothing to know */
	if (sv->mp.object.nexports != 0 &&
	    types_open(sv->mp.input,
		(struct types_file){ file->data, file->size }, &sv->types,
		why) != 0) {
		mp_fail(&sv->mp, "%s", why);
		return false;
	}
	return sv->output != NULL ? write_file(sv) : write_to(sv, stdout);
}

int symvers_main(int argc, char **argv)
{
	struct symvers sv = { .mp.applet = "symvers" };
	int status;

	if (!parse(argc, argv, &sv, &status))
		return status;
	status = symvers_run(&sv) ? EXIT_OK : EXIT_FAILED;
	types_close(sv.types);
	mp_fini(&sv.mp);
	return status;
}
