/* SPDX-License-Identifier: MIT */
/* The applet: options, environment, and what they ask for. See modprobe.h. */
#include "modprobe.h"

#include "connect.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <kmod/applets.h>
#include <tenon/err.h>

#include "modprobe_args.h"
#include "version.h"

static const char usage[] =
    "usage: modprobe [OPTION].. MODULE [PARAMETER=VALUE]..\n"
    "       modprobe [OPTION].. -a MODULE..  |  -r MODULE..  |  -R ALIAS  |  -c\n"
    "\n"
    "  -a, --all                 every argument is a module\n"
    "  -r, --remove              unload; what they needed and nobody uses, too\n"
    "      --remove-holders      unload those who use it first\n"
    "  -w, --wait MSEC           with -r: wait so long while it is in use\n"
    "      --first-time          fail if there is nothing to do\n"
    "  -i, --ignore-install, --ignore-remove   no install and remove commands\n"
    "  -b, --use-blacklist       blacklist names, too, not only aliases\n"
    "  -f, --force               both of the next two\n"
    "      --force-modversion    ignore versions of symbols\n"
    "      --force-vermagic      ignore the version magic\n"
    "\n"
    "  -R, --resolve-alias       print the modules that an alias stands for\n"
    "  -D, --show-depends        print what would be loaded\n"
    "  -c, --show-config         print the configuration and the indexes\n"
    "      --show-modversions    print the versions that a file wants\n"
    "      --show-exports        print the symbols that a file exports\n"
    "      --explain             say why each module would be loaded\n"
    "      --provides SYMBOL     say which module exports it\n"
    "      --json                -D, -R and the two above as lines of JSON\n"
    "\n"
    "  -n, --dry-run, --show     do nothing, only print (with -v)\n"
    "  -C, --config PATH         read PATH instead of the modprobe.d folders\n"
    "  -d, --dirname DIR         DIR/lib/modules instead of /lib/modules\n"
    "  -S, --set-version VERSION  instead of that of the running kernel\n"
    "      --kernel              load into the running Linux kernel\n"
    "      --socket PATH         load into the module host at PATH\n"
    "      --run-commands        run install and remove commands\n"
    "  -s, --syslog  -q, --quiet  -v, --verbose  -V, --version  -h, --help\n";

/* Long options without a letter; the values stay above all letters. */
enum {
	OPT_REMOVE_HOLDERS = 256,
	OPT_FIRST_TIME,
	OPT_FORCE_MODVERSION,
	OPT_FORCE_VERMAGIC,
	OPT_VERSIONS,
	OPT_EXPORTS,
	OPT_KERNEL,
	OPT_SOCKET,
	OPT_RUN_COMMANDS,
	OPT_EXPLAIN,
	OPT_PROVIDES,
	OPT_JSON,
};

static const char letters[] = "arw:ibfDcnC:d:S:sqvVhR";
// clang-format off
static const struct option longs[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "remove", no_argument, NULL, 'r' },
	{ "remove-dependencies", no_argument, NULL, OPT_REMOVE_HOLDERS },
	{ "remove-holders", no_argument, NULL, OPT_REMOVE_HOLDERS },
	{ "wait", required_argument, NULL, 'w' },
	{ "resolve-alias", no_argument, NULL, 'R' },
	{ "first-time", no_argument, NULL, OPT_FIRST_TIME },
	{ "ignore-install", no_argument, NULL, 'i' },
	{ "ignore-remove", no_argument, NULL, 'i' },
	{ "use-blacklist", no_argument, NULL, 'b' },
	{ "force", no_argument, NULL, 'f' },
	{ "force-modversion", no_argument, NULL, OPT_FORCE_MODVERSION },
	{ "force-vermagic", no_argument, NULL, OPT_FORCE_VERMAGIC },
	{ "show-depends", no_argument, NULL, 'D' },
	{ "showconfig", no_argument, NULL, 'c' },
	{ "show-config", no_argument, NULL, 'c' },
	{ "show-modversions", no_argument, NULL, OPT_VERSIONS },
	{ "dump-modversions", no_argument, NULL, OPT_VERSIONS },
	{ "show-exports", no_argument, NULL, OPT_EXPORTS },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "show", no_argument, NULL, 'n' },
	{ "config", required_argument, NULL, 'C' },
	{ "dirname", required_argument, NULL, 'd' },
	{ "set-version", required_argument, NULL, 'S' },
	{ "syslog", no_argument, NULL, 's' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ "kernel", no_argument, NULL, OPT_KERNEL },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "run-commands", no_argument, NULL, OPT_RUN_COMMANDS },
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	{ "provides", required_argument, NULL, OPT_PROVIDES },
	{ "json", no_argument, NULL, OPT_JSON },
	{ NULL, 0, NULL, 0 },
};
// clang-format on

/* What the command ends with when the options alone decide. */
enum {
	GO_ON = -1
};

static int take_wait(struct modprobe *mp, const char *text)
{
	char *end;
	const unsigned long ms = strtoul(text, &end, 0);

	if (*text == '\0' || *end != '\0') {
		report(&mp->report, REPORT_ERROR, "unexpected wait value '%s'.",
		    text);
		return EXIT_FAILURE;
	}
	mp->o.wait_ms = (long)(ms & 0x7fffffff);
	return GO_ON;
}

static int take_config(struct modprobe *mp, const char *path)
{
	struct modprobe_options *o = &mp->o;

	if (o->nconfigs == ARRAY_SIZE(o->configs) - 1) {
		report(&mp->report, REPORT_ERROR, "more than %u of --config",
		    o->nconfigs);
		return EXIT_FAILURE;
	}
	o->configs[o->nconfigs++] = path;
	return GO_ON;
}

/* Those without an argument that only set something. */
static bool take_flag(struct modprobe_options *o, int c)
{
	switch (c) {
	case 'a': o->all = true; break;
	case 'r': o->remove = true; break;
	case OPT_REMOVE_HOLDERS: o->remove_holders = true; break;
	case OPT_FIRST_TIME: o->first_time = true; break;
	case 'i': o->bare = true; break;
	case 'b': o->blacklist = true; break;
	case 'f': o->ignore_versions = o->ignore_vermagic = true; break;
	case OPT_FORCE_MODVERSION: o->ignore_versions = true; break;
	case OPT_FORCE_VERMAGIC: o->ignore_vermagic = true; break;
	case 'D': o->depends = o->dry_run = true; break;
	case 'R': o->resolve = true; break;
	case 'c': o->show_config = true; break;
	case OPT_VERSIONS: o->versions = true; break;
	case OPT_EXPORTS: o->exports = true; break;
	case 'n': o->dry_run = true; break;
	case 's': o->use_syslog = true; break;
	case 'q': o->verbose = REPORT_NONE; break;
	case 'v': o->verbose++; break;
	case OPT_KERNEL: o->kernel = true; break;
	case OPT_RUN_COMMANDS: o->run_commands = true; break;
	case OPT_EXPLAIN: o->explain = o->depends = o->dry_run = true; break;
	case OPT_JSON: o->json = true; break;
	default: return false;
	}
	return true;
}

/* Some options count for modprobe in install and remove commands, too. */
static bool pass_on(struct modprobe *mp, int c)
{
	const char word[] = { ' ', '-', (char)c, '\0' };
	struct arena *a = &mp->catalog.arena;
	const char *old = mp->o.passed_on;

	if (strchr("qsvC", c) == NULL)
		return true;
	mp->o.passed_on = arena_join(a, old != NULL ? old : "", word);
	if (c != 'C' || mp->o.passed_on == NULL)
		return mp->o.passed_on != NULL;
	mp->o.passed_on = arena_join(a, mp->o.passed_on, " ");
	if (mp->o.passed_on != NULL)
		mp->o.passed_on = arena_join(a, mp->o.passed_on, optarg);
	return mp->o.passed_on != NULL;
}

static int take_option(struct modprobe *mp, int c)
{
	if (c < OPT_REMOVE_HOLDERS && !pass_on(mp, c)) {
		report(&mp->report, REPORT_ERROR, "no memory");
		return EXIT_FAILURE;
	}
	if (take_flag(&mp->o, c))
		return GO_ON;
	switch (c) {
	case 'w': return take_wait(mp, optarg);
	case 'C': return take_config(mp, optarg);
	case 'd': mp->o.root = optarg; return GO_ON;
	case 'S': mp->o.version = optarg; return GO_ON;
	case OPT_SOCKET: mp->o.socket = optarg; return GO_ON;
	case OPT_PROVIDES: mp->o.provides = optarg; return GO_ON;
	case 'h': fputs(usage, stdout); return EXIT_SUCCESS;
	case 'V': fputs(KMOD_VERSION, stdout); return EXIT_SUCCESS;
	default: return EXIT_FAILURE; /* getopt has told */
	}
}

static int take_options(struct modprobe *mp, int argc, char **argv)
{
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const int status = take_option(mp, c);

		if (status != GO_ON)
			return status;
	}
	return GO_ON;
}

/* --- the world */

/* A dry run needs none: then nothing is loaded yet. */
int modprobe_connect(struct modprobe *mp)
{
	struct connection c = { .kernel = mp->o.kernel, .where = mp->o.socket };
	int err = connect_try(&c, mp->backends);

	if (err != 0 && mp->o.dry_run) {
		c.ops = &dryrun_backend;
		err = c.ops->open(NULL, &c.be, &c.why);
	}
	if (err != 0) {
		connect_tell(&c, err, &mp->report);
		return err;
	}
	mp->ops = c.ops;
	mp->be = c.be;
	return 0;
}

struct state_of {
	int64_t refs;
};

static bool see_refs(const struct backend_module *bm, void *arg)
{
	((struct state_of *)arg)->refs = bm->refs;
	return true;
}

int modprobe_state(struct modprobe *mp, struct module *m, int64_t *refs)
{
	struct state_of s = { 0 };
	int state;

	if (module_is_builtin(&mp->catalog, m))
		return BACKEND_BUILTIN;
	state = mp->ops->state(mp->be, m->name, see_refs, &s);
	if (refs != NULL)
		*refs = s.refs;
	return state < 0 ? BACKEND_ABSENT : state;
}

/* What a command finds in its environment. */
static bool set_environment(struct modprobe *mp, const struct module *m)
{
	const char *old = getenv("MODPROBE_OPTIONS");
	const char *more = mp->o.passed_on;

	if (setenv("MODPROBE_MODULE", m->name, 1) != 0)
		return false;
	if (more == NULL)
		return true;
	if (old == NULL || *old == '\0') {
		old = "";
		more++; /* its blank */
	}
	more = arena_join(&mp->catalog.arena, old, more);
	mp->o.passed_on = NULL; /* it is there for the next command */
	return more != NULL && setenv("MODPROBE_OPTIONS", more, 1) == 0;
}

int modprobe_run_command(struct modprobe *mp, const struct module *m,
    enum config_kind kind, const char *options)
{
	const char *word = config_word(kind);
	const char *command = module_command(&mp->catalog, m, kind);
	char *whole;
	int status;

	if (!mp->o.run_commands) {
		report(&mp->report, REPORT_ERROR,
		    "%s has an %s command, which --run-commands lets run: %s",
		    m->name, word, command);
		return -TN_EPERM;
	}
	whole =
	    args_replace(&mp->catalog.arena, command, "$CMDLINE_OPTS", options);
	if (whole == NULL || !set_environment(mp, m))
		return -TN_ENOMEM;
	(void)fflush(NULL);
	status = system(whole); // NOLINT(cert-env33-c): it is asked for
	if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		report(&mp->report, REPORT_ERROR,
		    "Error running %s command '%s' for module %s: retcode %d",
		    word, whole, m->name, status);
		return -TN_EINVAL;
	}
	return 0;
}

void modprobe_fatal(struct modprobe *mp, const char *fmt, ...)
{
	const int level = mp->o.all ? REPORT_WARNING : REPORT_FATAL;
	va_list ap;

	va_start(ap, fmt);
	report_list(&mp->report, level, fmt, ap);
	va_end(ap);
	if (level == REPORT_FATAL && mp->report.level >= level)
		mp->stopped = true;
}

/* --- actions */

static bool needs_world(const struct modprobe_options *o)
{
	return o->remove || (!o->resolve && !o->depends);
}

static int each_module(struct modprobe *mp, int n, char **names)
{
	int result = 0;

	for (int i = 0; i < n && !mp->stopped; i++) {
		const int err = mp->o.remove
				    ? modprobe_remove(mp, names[i])
				    : modprobe_insert(mp, names[i], NULL);

		if (err == -TN_ENOMEM)
			return err;
		if (err < 0)
			result = err;
	}
	return result;
}

/* A module and its parameters. */
static int one_module(struct modprobe *mp, int n, char **words)
{
	char *options = args_parameters(&mp->catalog.arena, words + 1, n - 1);

	return options == NULL ? -TN_ENOMEM
			       : modprobe_insert(mp, words[0], options);
}

static int act(struct modprobe *mp, int n, char **words)
{
	int err;

	if (mp->o.provides != NULL)
		return modprobe_provides(mp, mp->o.provides);
	if (mp->o.show_config)
		return modprobe_show_config(mp);
	if (mp->o.versions)
		return modprobe_show_versions(mp, words[0]);
	if (mp->o.exports)
		return modprobe_show_exports(mp, words[0]);
	if (needs_world(&mp->o)) {
		err = modprobe_connect(mp);
		if (err)
			return err;
	}
	return mp->o.remove || mp->o.all ? each_module(mp, n, words)
					 : one_module(mp, n, words);
}

static int open_and_act(struct modprobe *mp, int n, char **words)
{
	const char *dir = NULL;
	int err;

	if (mp->o.root != NULL || mp->o.version != NULL) {
		dir =
		    catalog_dir(&mp->catalog.arena, mp->o.root, mp->o.version);
		if (dir == NULL)
			return -TN_ENOMEM;
	}
	err = catalog_open(&mp->catalog, dir,
	    mp->o.nconfigs != 0 ? mp->o.configs : NULL, &mp->report);
	return err ? err : act(mp, n, words);
}

static int run(struct modprobe *mp, int argc, char **argv)
{
	int status = take_options(mp, argc, argv), err;

	if (status != GO_ON)
		return status;
	report_open(&mp->report, "modprobe", mp->o.verbose, mp->o.use_syslog);
	if (optind == argc && !mp->o.show_config && mp->o.provides == NULL) {
		report(
		    &mp->report, REPORT_ERROR, "missing parameters. See -h.");
		return EXIT_FAILURE;
	}
	mp->show = mp->o.depends || mp->o.verbose > REPORT_WARNING;
	err = open_and_act(mp, argc - optind, argv + optind);
	if (err == -TN_ENOMEM)
		report(&mp->report, REPORT_ERROR, "no memory");
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		report(&mp->report, REPORT_ERROR, "could not write the output");
		return EXIT_FAILURE;
	}
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int modprobe_command(int argc, char **argv, const struct backends *backends)
{
	struct modprobe mp = { .backends = backends };
	struct args args = { .n = argc, .words = argv };
	int status = EXIT_FAILURE;

	mp.o.verbose = REPORT_WARNING;
	mp.report =
	    (struct report){ .who = "modprobe", .level = REPORT_WARNING };
	if (args_prepend(&args, &mp.catalog.arena, getenv("MODPROBE_OPTIONS")))
		status = run(&mp, args.n, args.words);
	else
		report(&mp.report, REPORT_ERROR, "no memory");
	if (mp.ops != NULL)
		mp.ops->close(mp.be);
	report_close(&mp.report);
	catalog_close(&mp.catalog);
	return status;
}
