/* SPDX-License-Identifier: MIT */
/*
 * `tenon link`: links a module file offline at a given address, with symbol
 * values from a file, and writes the image. man tenon-link.
 */
#include "applets.h"
#include "file_read.h"
#include "image_file.h"
#include "offline.h"
#include "output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <host/port.h>
#include <kmod/clean.h>

struct options {
	const char *input, *output, *map, *symbols;
	const char *at_text;
	uint64_t at;
	bool no_relax;
};

static const char usage_text[] =
    "usage: tenon link FILE --at ADDR -o IMAGE [--symbols FILE] [--map FILE]\n"
    "                  [--no-relax]\n"
    "\n"
    "  --at ADDR           address of the first part (text): whole 4 KiB pages\n"
    "  -o, --output IMAGE  the ELF file to write\n"
    "  --symbols FILE      values of undefined symbols: System.map lines\n"
    "  --map FILE          write sections, cells, stubs and what was relaxed\n"
    "  --no-relax          keep every GOT access\n"
    "\n"
    "exit status: 0 linked, 1 failed, 2 usage, 3 refused as unsupported\n";

/* Would an output replace another one, or an input? */
static bool outputs_collide(const struct options *o)
{
	const char *const files[] = { o->output, o->map, o->input, o->symbols };

	for (int i = 0; i < 2; i++) {
		for (int j = i + 1; j < 4; j++) {
			if (files[i] == NULL || files[j] == NULL ||
			    !output_is_same(files[i], files[j]))
				continue;
			clean_print(stderr,
			    "tenon link: %s would be overwritten: it is also "
			    "%s\n",
			    files[j], files[i]);
			return true;
		}
	}
	return false;
}

static bool fail(const char *word, const char *clause)
{
	clean_print(stderr, "tenon link: %s%s\n", word, clause);
	return false;
}

/* @second: a word behind the input, or NULL. */
static bool check(struct options *o, const char *second)
{
	if (o->input == NULL)
		return fail("FILE", " is missing");
	if (second != NULL)
		return fail(second, ": one file is linked at a time");
	if (o->at_text == NULL)
		return fail("--at ADDR", " is missing");
	if (o->output == NULL)
		return fail("-o IMAGE", " is missing");
	if (parse_number(o->at_text, &o->at) && o->at % 4096 == 0)
		return true;
	clean_print(stderr, "tenon link: --at %s: not %s\n", o->at_text,
	    parse_number(o->at_text, &o->at) ? "a multiple of 4096"
					     : "an address");
	return false;
}

static bool parse(int argc, char **argv, struct options *o, int *status)
{
	static const struct option longs[] = {
		{ "at", required_argument, NULL, 'a' },
		{ "output", required_argument, NULL, 'o' },
		{ "symbols", required_argument, NULL, 's' },
		{ "map", required_argument, NULL, 'm' },
		{ "no-relax", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "o:h", longs, NULL)) != -1) {
		switch (c) {
		case 'a': o->at_text = optarg; break;
		case 'o': o->output = optarg; break;
		case 's': o->symbols = optarg; break;
		case 'm': o->map = optarg; break;
		case 'n': o->no_relax = true; break;
		case 'h':
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		default: return false;
		}
	}
	o->input = argv[optind];
	return check(o, o->input != NULL ? argv[optind + 1] : NULL) &&
	       !outputs_collide(o);
}

static bool write_image(
    struct output *out, const char *path, const struct tn_linked *linked)
{
	if (!output_open(out, "link", path))
		return false;
	if (image_file_write(out->file, linked))
		return output_end(out);
	clean_print(stderr, "tenon link: %s: no memory\n", path);
	return false;
}

static bool write_map(
    struct output *out, const char *path, const struct tn_linked *linked)
{
	if (!output_open(out, "link", path))
		return false;
	map_file_write(out->file, linked);
	return output_end(out);
}

static int write_results(
    const struct options *o, const struct tn_linked *linked)
{
	struct output image, map = { 0 };
	bool ok = write_image(&image, o->output, linked);

	if (ok && o->map != NULL)
		ok = write_map(&map, o->map, linked) && output_keep(&map);
	ok = ok && output_keep(&image);
	output_drop(&image);
	output_drop(&map);
	return ok ? EXIT_OK : EXIT_FAILED;
}

/* What the sentence of the engine cannot know. */
static void say_hint(const struct options *o, const struct tn_diag *diag)
{
	char *text = NULL;

	if (diag->reason == TN_REASON_MISSING_SYMBOL && o->symbols == NULL)
		fputs(
		    "tenon link: --symbols FILE says where they are\n", stderr);
	if (diag->reason == TN_REASON_ELF)
		text = file_read(o->input, NULL);
	if (text != NULL && strncmp(text, ARCHIVE_MAGIC, 8) == 0)
		clean_print(
		    stderr, "tenon link: %s: " ARCHIVE_HINT "\n", o->input);
	free(text);
}

/* The engine knows only that the parts cannot be where we want them. */
static void say_failure(
    const struct options *o, const struct offline *off, struct tn_diag *diag)
{
	if (diag->reason == TN_REASON_PLACEMENT && off->is_past_end) {
		clean_print(stderr,
		    "tenon link: %s: its parts do not fit between --at %s and "
		    "the last address\n",
		    o->input, o->at_text);
		return;
	}
	if (diag->module[0] == '\0' && diag->reason != TN_REASON_UNREADABLE)
		(void)snprintf(
		    diag->module, sizeof(diag->module), "%s", o->input);
	say_diag("link", diag);
	say_hint(o, diag);
}

static int link_file(
    const struct options *o, const struct offline *off, struct tn_system *sys)
{
	const struct tn_load_args args = {
		.size = sizeof(args),
		.flags = o->no_relax ? TN_LOAD_NO_RELAX : 0,
		.path = o->input,
	};
	struct tn_linked *linked;
	struct tn_diag diag;
	int status;

	tn_diag_init(&diag);
	if (tn_link(sys, &args, &linked, &diag) != 0) {
		say_failure(o, off, &diag);
		status =
		    diag.error == -TN_EOPNOTSUPP ? EXIT_REFUSED : EXIT_FAILED;
	} else {
		status = write_results(o, linked);
		tn_linked_free(linked);
	}
	tn_diag_fini(&diag);
	return status;
}

static int link_with(const struct options *o, struct host_port *host,
    const struct symbol_file *symbols)
{
	struct offline off;
	struct tn_system *sys;
	int status;

	offline_init(&off, host_port_table(host), o->at);
	const struct tn_config config = {
		.size = sizeof(config),
		.abi = 1,
		.exports = symbols->exports,
		.nexports = symbols->n,
	};

	if (tn_system_create(&off.port, &config, &sys) != 0) {
		fputs("tenon link: no memory\n", stderr);
		return EXIT_FAILED;
	}
	status = link_file(o, &off, sys);
	(void)tn_system_destroy(sys);
	return status;
}

int link_main(int argc, char **argv)
{
	struct options o = { 0 };
	struct symbol_file symbols = { 0 };
	const struct host_port_config config = { 0 };
	struct host_port *host;
	int status;

	if (!parse(argc, argv, &o, &status))
		return status;
	if (o.symbols != NULL && !symbol_file_read(o.symbols, &symbols))
		return EXIT_FAILED;
	if (host_port_create(&config, &host) != 0) {
		fputs("tenon link: no memory\n", stderr);
		status = EXIT_FAILED;
	} else {
		status = link_with(&o, host, &symbols);
		host_port_destroy(host);
	}
	symbol_file_free(&symbols);
	return status;
}
