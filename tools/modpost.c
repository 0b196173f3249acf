/* SPDX-License-Identifier: MIT */
/*
 * The applet: options, files, and the order of the steps. See modpost.h.
 */
#include "modpost.h"
#include "applets.h"
#include "file_read.h"
#include "output.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <kmod/clean.h>
#include <tenon/engine.h>

static const char usage[] =
    "usage: tenon modpost [OPTION]... FILE.o\n"
    "Writes the C source that completes the module whose joined object is\n"
    "FILE.o.\n"
    "  -o, --output FILE    the C source (default: standard output)\n"
    "  -n, --name NAME      the module's name (default: from FILE.o)\n"
    "  -p, --profile NAME   common (default) or hosted\n"
    "  -s, --symvers FILE   Module.symvers of modules that it may use\n"
    "  -S, --write-symvers FILE   write its own exports there\n"
    "  -c, --crc-from FILE  CRCs of its own exports, `CRC NAME` a line\n"
    "  -w, --warn           what it finds wrong does not make it fail\n"
    "  -q, --quiet          the same, and is not even said\n"
    "  -h, --help           this text\n";

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "name", required_argument, NULL, 'n' },
	{ "profile", required_argument, NULL, 'p' },
	{ "symvers", required_argument, NULL, 's' },
	{ "write-symvers", required_argument, NULL, 'S' },
	{ "crc-from", required_argument, NULL, 'c' },
	{ "warn", no_argument, NULL, 'w' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* "modpost: hello: warning: ..." */
PRINTF_LIKE(3, 0)
static void say(
    const struct modpost *mp, const char *kind, const char *fmt, va_list ap)
{
	fprintf(stderr, "%s: %s%s%s", mp->applet, mp->name,
	    mp->name[0] != '\0' ? ": " : "", kind);
	clean_print_list(stderr, CLEAN_LINE, fmt, ap);
	fputc('\n', stderr);
}

void mp_complain(struct modpost *mp, const char *fmt, ...)
{
	va_list ap;

	if (!mp->warn_only)
		mp->errors++;
	if (mp->quiet)
		return;
	va_start(ap, fmt);
	say(mp, mp->warn_only ? "warning: " : "", fmt, ap);
	va_end(ap);
}

void mp_fail(struct modpost *mp, const char *fmt, ...)
{
	va_list ap;

	mp->errors++;
	va_start(ap, fmt);
	say(mp, "", fmt, ap);
	va_end(ap);
}

bool mp_file_read(struct modpost *mp, const char *path, struct text_file *out)
{
	out->data = file_read(path, &out->size);
	if (out->data == NULL)
		mp_fail(mp, "cannot read %s: %s", path, strerror(errno));
	return out->data != NULL;
}

bool mp_is_plain_name(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("_.$-/", *s) == NULL)
			return false;
	return true;
}

static const char name_rule[] =
    ": a name has at most 55 letters, digits, '_' and '-'";

/* As Linux does it, where a name has no '-'. */
static bool name_take(struct modpost *mp, const char *text, size_t n)
{
	char name[sizeof(mp->name)] = "";

	if (n == 0 || n > NAME_LIMIT)
		return false;
	for (size_t i = 0; i < n; i++) {
		name[i] = (char)(text[i] == '-' ? '_' : text[i]);
		if (!isalnum((unsigned char)name[i]) && name[i] != '_')
			return false;
	}
	memcpy(mp->name, name, sizeof(name));
	return true;
}

bool mp_name_set(struct modpost *mp, const char *text)
{
	return name_take(mp, text, strlen(text));
}

bool mp_name_from(struct modpost *mp, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;

	return name_take(mp, base, strcspn(base, "."));
}

static bool profile_set(struct modpost *mp, const char *text)
{
	if (strcmp(text, "common") == 0)
		mp->profile = TN_PROFILE_COMMON;
	else if (strcmp(text, "hosted") == 0)
		mp->profile = TN_PROFILE_HOSTED;
	else
		return false;
	return true;
}

static bool option_set(struct modpost *mp, int option, const char *value)
{
	switch (option) {
	case 'o': mp->output = value; return true;
	case 'n': return mp_name_set(mp, value);
	case 'p': return profile_set(mp, value);
	case 'S': mp->symvers_out = value; return true;
	case 'c': mp->crc_from = value; return true;
	case 'w': mp->warn_only = true; return true;
	case 'q': mp->warn_only = mp->quiet = true; return true;
	case 's':
		if (mp->nsymvers == MAX_SYMVERS)
			return false;
		mp->symvers[mp->nsymvers++] = value;
		return true;
	default: return false;
	}
}

/* False: wrong usage. */
static bool options_read(struct modpost *mp, int argc, char **argv, bool *help)
{
	int option;

	mp->profile = TN_PROFILE_COMMON;
	optind = 1;
	while ((option = getopt_long(
		    argc, argv, "o:n:p:s:S:c:wqh", options, NULL)) != -1) {
		if (option == 'h') {
			*help = true;
			return true;
		}
		if (!option_set(mp, option, optarg)) {
			if (option != '?') /* else getopt has told */
				mp_fail(mp, "'%s' does not fit -%c%s", optarg,
				    option, option == 'n' ? name_rule : "");
			return false;
		}
	}
	if (optind + 1 != argc)
		return say_usage("modpost", "one FILE.o is needed");
	mp->input = argv[optind];
	if (mp->name[0] != '\0' || mp_name_from(mp, mp->input))
		return true;
	mp_fail(mp, "%s: --name must say the module's name", mp->input);
	return false;
}

static bool write_to(struct modpost *mp, FILE *out, bool module)
{
	if (module)
		return mp_write_module(mp, out);
	mp_write_symvers(mp, out);
	return true;
}

static bool write_file(struct modpost *mp, const char *path, bool module)
{
	struct output out;
	const bool ok = output_open(&out, "modpost", path) &&
			write_to(mp, out.file, module) && output_end(&out) &&
			output_keep(&out);

	output_drop(&out);
	return ok;
}

static bool modpost_run(struct modpost *mp)
{
	if (!mp_known_read(mp) || !mp_object_read(mp) || !mp_crcs_read(mp))
		return false;
	mp_check_all(mp);
	if (mp->errors != 0)
		return false;
	return (mp->output != NULL ? write_file(mp, mp->output, true)
				   : write_to(mp, stdout, true)) &&
	       (mp->symvers_out == NULL ||
		   write_file(mp, mp->symvers_out, false));
}

void mp_fini(struct modpost *mp)
{
	for (size_t i = 0; i < mp->nsymvers; i++)
		free(mp->symvers_file[i].data);
	free(mp->crc_file.data);
	free(mp->known);
	free(mp->object.imports);
	free(mp->object.exports);
	free(mp->object.file.data);
}

int modpost_main(int argc, char **argv)
{
	struct modpost mp = { .applet = "modpost" };
	bool help = false;

	if (!options_read(&mp, argc, argv, &help))
		return EXIT_USAGE;
	if (help) {
		fputs(usage, stdout);
		return EXIT_OK;
	}
	const bool ok = modpost_run(&mp);

	mp_fini(&mp);
	return ok ? EXIT_OK : EXIT_FAILED;
}
