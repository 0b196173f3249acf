/* SPDX-License-Identifier: MIT */
/*
 * `tenon cc`: sources to a module file, for any of the three machines, without
 * a makefile of one's own. man tenon-cc.
 *
 * It writes the three lines that such a makefile has, and a few settings, into
 * a folder of its own, runs make there with module.mk, and takes the result out
 * of it. So flags, tables and dependencies are those of every other build.
 */
#include <errno.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applets.h"
#include "file_read.h"
#include "kit.h"
#include "output.h"

static const char usage_text[] =
    "usage: tenon cc [OPTION].. SOURCE..\n"
    "  builds one module of .c, .cpp, .cc and .S files\n"
    "  -o, --output=FILE       the module file; default NAME.ko\n"
    "  -n, --name=NAME         its name; default that of -o or SOURCE\n"
    "  -m, --machine=MACHINE   x86_64, aarch64 or riscv64; default this one\n"
    "      --profile=P         common (process and kernel; default) or hosted\n"
    "  -s, --symvers=FILE      Module.symvers of modules whose exports it uses\n"
    "  -S, --symvers-out=FILE  write the symvers of its own exports\n"
    "      --versions          checksums of its own exports, by their types\n"
    "      --crc-from=FILE     these checksums instead\n"
    "      --cc=COMPILER       gcc (default) or clang, of any name\n"
    "      --makefile          say where module.mk is, to be included\n"
    "  -v, --verbose           show the commands\n"
    "  -h, --help              this\n"
    "  -D.. -I.. -O.. -g.. -W.. -U.. -f.. -m..=..   for the compiler\n"
    "exit status: 0 it is built, 1 it is not, 2 usage\n";

/* The settings of a makefile, in their order; what is empty is left out. */
enum word {
	MODULE,
	SOURCES,
	SYMVERS,
	VERSIONS,
	CRCS,
	MODULE_CFLAGS,
	OPT,
	ARCH,
	PROFILE,
	TENON_CC,
	WORDS
};

static const char *const word_names[WORDS] = { "MODULE", "SOURCES", "SYMVERS",
	"VERSIONS", "CRCS", "MODULE_CFLAGS", "OPT", "ARCH", "PROFILE",
	"TENON_CC" };

struct cc {
	char *words[WORDS]; /* to be freed; or NULL */
	const char *output, *symvers_out;
	bool verbose;
	char name[64];
	char folder[1024]; /* of this call; "": not made */
};

static bool complain(const char *what, const char *why)
{
	fprintf(stderr, "tenon cc: %s: %s\n", what, why);
	return false;
}

/* --- words for make */

/* Make parts words at blanks and knows no way to quote these. */
static bool is_plain(const char *s)
{
	return s[0] != '\0' &&
	       strpbrk(s, " \t\n\\'\"$#%:;|&<>()*?[]{}`~") == NULL;
}

static bool add(struct cc *cc, enum word w, const char *text)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", cc->words[w] ? cc->words[w] : "",
		cc->words[w] ? " " : "", text) < 0)
		return complain(text, "there is no memory for it");
	free(cc->words[w]);
	cc->words[w] = longer;
	return true;
}

/* The last one counts. */
static bool set(struct cc *cc, enum word w, const char *text)
{
	free(cc->words[w]);
	cc->words[w] = NULL;
	return add(cc, w, text);
}

/* A path as seen from here, since module.mk puts "./" in front of it. */
static bool add_path(struct cc *cc, enum word w, const char *path)
{
	char here[PATH_MAX], relative[2 * PATH_MAX];
	size_t n = 0;

	if (!is_plain(path))
		return complain(path,
		    "a path with blanks or other signs that make and shells "
		    "read cannot be built; rename it");
	if (path[0] != '/')
		return add(cc, w, path);
	if (getcwd(here, sizeof(here)) == NULL)
		return complain(".", strerror(errno));
	for (const char *s = here; *s != '\0' && s[1] != '\0'; s++)
		if (*s == '/')
			n += (size_t)snprintf(
			    relative + n, sizeof(relative) - n, "../");
	(void)snprintf(relative + n, sizeof(relative) - n, "%s", path + 1);
	return add(cc, w, relative);
}

/* "-cARG" in single quotes for the shell. */
static bool quote_flag(FILE *out, int c, const char *arg)
{
	if (strpbrk(arg, "\n#$") != NULL)
		return complain(
		    arg, "make cannot hand on what has '$' or '#' in it");
	fprintf(out, "'-%c", c);
	for (const char *s = arg; *s != '\0'; s++)
		(void)(*s == '\'' ? fputs("'\\''", out) : fputc(*s, out));
	(void)fputc('\'', out);
	return true;
}

static bool add_flag(struct cc *cc, int c, const char *arg)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool ok = out != NULL && quote_flag(out, c, arg);

	if (out == NULL || fclose(out) != 0)
		ok = complain(arg, "there is no memory for it");
	ok = ok && add(cc, MODULE_CFLAGS, text);
	free(text);
	return ok;
}

/* --- the command line */

enum {
	OPT_PROFILE = 1,
	OPT_VERSIONS,
	OPT_CRCS,
	OPT_CC,
	OPT_MAKEFILE
};

static bool print_makefile(void)
{
	char path[PATH_MAX];

	if (!kit_makefile(path))
		return complain(
		    "module.mk", "it is not where this tenon was installed");
	puts(path);
	return true;
}

static bool is_machine(const char *s)
{
	return strcmp(s, "x86_64") == 0 || strcmp(s, "aarch64") == 0 ||
	       strcmp(s, "riscv64") == 0;
}

/* -m is a machine, and with more behind it a flag of the compiler. */
static bool set_machine(struct cc *cc, const char *arg)
{
	if (is_machine(arg))
		return set(cc, ARCH, arg);
	if (strchr(arg, '=') == NULL && strchr(arg, '-') == NULL)
		return complain(
		    arg, "modules are built for x86_64, aarch64 and riscv64");
	return add_flag(cc, 'm', arg);
}

static bool set_level(struct cc *cc, const char *arg)
{
	char flag[16];

	if (arg != NULL && (strlen(arg) > 8 || !is_plain(arg)))
		return complain(arg, "that is no level of optimization");
	(void)snprintf(flag, sizeof(flag), "-O%s", arg != NULL ? arg : "");
	return set(cc, OPT, flag);
}

static bool set_profile(struct cc *cc, const char *arg)
{
	if (strcmp(arg, "common") != 0 && strcmp(arg, "hosted") != 0)
		return complain(arg, "the profiles are common and hosted");
	return set(cc, PROFILE, arg);
}

static bool set_option(struct cc *cc, int c, const char *arg)
{
	switch (c) {
	case 'o': cc->output = arg; return true;
	case 'n':
		(void)snprintf(cc->name, sizeof(cc->name), "%s", arg);
		return true;
	case 'm': return set_machine(cc, arg);
	case 's': return add_path(cc, SYMVERS, arg);
	case 'S': cc->symvers_out = arg; return true;
	case 'v': cc->verbose = true; return true;
	case OPT_PROFILE: return set_profile(cc, arg);
	case OPT_VERSIONS: return set(cc, VERSIONS, "y");
	case OPT_CRCS: return add_path(cc, CRCS, arg);
	case OPT_CC: return set(cc, TENON_CC, arg);
	case 'O': return set_level(cc, arg);
	case '?': return false;
	default: return add_flag(cc, c, arg != NULL ? arg : "");
	}
}

/* "dir/my-name.ko" is my_name. */
static void name_from(const char *path, char name[64])
{
	const char *base = strrchr(path, '/');
	const char *dot;

	base = base != NULL ? base + 1 : path;
	dot = strrchr(base, '.');
	(void)snprintf(name, 64, "%.*s",
	    (int)(dot != NULL ? dot - base : (long)strlen(base)), base);
	for (char *s = name; *s != '\0'; s++)
		if (*s == '-')
			*s = '_';
}

static bool is_source(const char *path)
{
	static const char *const ends[] = { ".c", ".cpp", ".cc", ".S" };
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (dot != NULL && strcmp(dot, ends[i]) == 0)
			return true;
	return false;
}

static bool take_sources(struct cc *cc, char **sources)
{
	const char *fault;

	for (char **s = sources; *s != NULL; s++) {
		if (access(*s, R_OK) != 0)
			return complain(*s, strerror(errno));
		if (!is_source(*s))
			return complain(*s, "sources end with .c .cpp .cc .S");
		if (!add_path(cc, SOURCES, *s))
			return false;
	}
	if (cc->name[0] == '\0')
		name_from(cc->output ? cc->output : sources[0], cc->name);
	fault = kit_name_fault(cc->name);
	if (fault != NULL) {
		(void)complain(cc->name, fault);
		fputs("tenon cc: -n NAME gives another name\n", stderr);
		return false;
	}
	return add(cc, MODULE, cc->name);
}

/* --- building */

static bool write_makefile(struct cc *cc, const char *file)
{
	char kit[PATH_MAX];
	FILE *out;

	if (!kit_makefile(kit) || !is_plain(kit))
		return complain(
		    "module.mk", "it is not where this tenon was installed");
	out = fopen(file, "we");
	if (out == NULL)
		return complain(file, strerror(errno));
	for (int w = 0; w < WORDS; w++)
		if (cc->words[w] != NULL)
			fprintf(out, "%s := %s\n", word_names[w], cc->words[w]);
	fprintf(out, "BUILD := %s\ninclude %s\n", cc->folder, kit);
	return fclose(out) == 0 || complain(file, strerror(errno));
}

/*
 * What ends this process ends make first, and then the folder goes. make and
 * what it runs are a group, and get SIGTERM: of SIGINT make tells its children
 * nothing itself, and after SIGQUIT compilers leave their files.
 */
static volatile sig_atomic_t interrupted;
static volatile pid_t making;

static void handle(int number)
{
	interrupted = number;
	if (making > 0)
		(void)kill(-making, SIGTERM);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP,
		SIGPIPE };
	struct sigaction act = { .sa_handler = handle }, before;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (sigaction(numbers[i], NULL, &before) == 0 &&
		    before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &act, NULL);
}

static bool wait_for(pid_t pid)
{
	int status = -1;

	making = pid;
	if (interrupted != 0) /* before that was known */
		(void)kill(-pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	making = 0;
	return status == 0 && interrupted == 0;
}

static bool run_make(const struct cc *cc, char *file)
{
	char make[] = "make", f[] = "-f", no_rules[] = "-r", verbose[] = "V=1";
	char plain[] = "--no-print-directory", quiet[] = "tenon_say=";
	char *argv[] = { make, plain, no_rules, f, file,
		cc->verbose ? verbose : quiet, NULL };
	posix_spawnattr_t own_group;
	pid_t pid;
	int err;

	/* What is set for another make is not for this one. */
	(void)unsetenv("MAKEFLAGS");
	(void)unsetenv("MAKELEVEL");
	(void)unsetenv("MFLAGS");
	err = posix_spawnattr_init(&own_group);
	if (err == 0) {
		(void)posix_spawnattr_setflags(
		    &own_group, POSIX_SPAWN_SETPGROUP);
		err =
		    posix_spawnp(&pid, "make", NULL, &own_group, argv, environ);
		(void)posix_spawnattr_destroy(&own_group);
	}
	if (err != 0)
		return complain("make", strerror(err));
	return wait_for(pid);
}

/* Copies build/ARCH/PROFILE/NAME.@suffix to @to, whole or not at all. */
static bool take_result(const struct cc *cc, const char *suffix, const char *to)
{
	char from[PATH_MAX];
	struct output out;
	char *data;
	size_t size;
	bool ok;

	(void)snprintf(from, sizeof(from), "%s/%s/%s/%s.%s", cc->folder,
	    cc->words[ARCH], cc->words[PROFILE], cc->name, suffix);
	data = file_read(from, &size);
	if (data == NULL)
		return complain(from, strerror(errno));
	ok = output_open(&out, "cc", to);
	if (ok) {
		/* errors of the stream show at its end */
		(void)fwrite(data, 1, size, out.file);
		ok = output_end(&out) && output_keep(&out);
	}
	output_drop(&out);
	free(data);
	return ok;
}

static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static bool make_folder(struct cc *cc)
{
	static const char name[] = "/tenon-cc-XXXXXX";
	const char *tmp = getenv("TMPDIR");

	if (tmp == NULL || !is_plain(tmp))
		tmp = "/tmp";
	if (strlen(tmp) + sizeof(name) > sizeof(cc->folder))
		return complain(tmp, strerror(ENAMETOOLONG));
	(void)snprintf(cc->folder, sizeof(cc->folder), "%s%s", tmp, name);
	return mkdtemp(cc->folder) != NULL ||
	       complain(cc->folder, strerror(errno));
}

static bool build(struct cc *cc)
{
	char file[sizeof(cc->folder) + 16], output[80];
	bool ok;

	catch_signals();
	if (!make_folder(cc))
		return false;
	(void)snprintf(file, sizeof(file), "%s/Makefile", cc->folder);
	(void)snprintf(output, sizeof(output), "%s.ko", cc->name);
	ok = write_makefile(cc, file) && run_make(cc, file) &&
	     take_result(cc, "ko", cc->output ? cc->output : output);
	if (ok && cc->symvers_out != NULL)
		ok = take_result(cc, "symvers", cc->symvers_out);
	(void)nftw(cc->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return ok;
}

static bool set_defaults(struct cc *cc)
{
	struct utsname here;

	if (uname(&here) != 0)
		return complain("uname", strerror(errno));
	return (cc->words[ARCH] != NULL || add(cc, ARCH, here.machine)) &&
	       (cc->words[PROFILE] != NULL || add(cc, PROFILE, "common"));
}

static const struct option longs[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "name", required_argument, NULL, 'n' },
	{ "machine", required_argument, NULL, 'm' },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "symvers", required_argument, NULL, 's' },
	{ "symvers-out", required_argument, NULL, 'S' },
	{ "versions", no_argument, NULL, OPT_VERSIONS },
	{ "crc-from", required_argument, NULL, OPT_CRCS },
	{ "cc", required_argument, NULL, OPT_CC },
	{ "makefile", no_argument, NULL, OPT_MAKEFILE },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* True: go on; else *@status is the answer. */
static bool parse(struct cc *cc, int argc, char **argv, int *status)
{
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv,
		    "o:n:m:s:S:vhD:I:U:W:f:O::g::", longs, NULL)) != -1) {
		if (c == 'h' || c == OPT_MAKEFILE) {
			*status = EXIT_OK;
			if (c == 'h')
				fputs(usage_text, stdout);
			else if (!print_makefile())
				*status = EXIT_FAILED;
			return false;
		}
		if (!set_option(cc, c, optarg))
			return false;
	}
	if (optind == argc)
		return say_usage("cc", "SOURCE is missing");
	return take_sources(cc, argv + optind) && set_defaults(cc);
}

int cc_main(int argc, char **argv)
{
	struct cc cc = { .output = NULL };
	int status;

	if (parse(&cc, argc, argv, &status))
		status = build(&cc) ? EXIT_OK : EXIT_FAILED;
	for (int w = 0; w < WORDS; w++)
		free(cc.words[w]);
	if (interrupted != 0) {
		(void)signal(interrupted, SIG_DFL);
		(void)raise(interrupted);
	}
	return status;
}
