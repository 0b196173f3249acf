/* SPDX-License-Identifier: MIT */
/*
 * `tenon host`: a process that holds modules for others, which address it by a
 * socket (tools/host, docs/host.md). man tenon-host.
 *
 * SIGTERM, SIGINT and SIGHUP end it in order: requests end, modules are
 * unloaded, the socket goes; one that insists (signals.h) ends it at once.
 */
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hostd/address.h>
#include <hostd/daemon.h>
#include <kmod/clean.h>
#include <tenon/crash.h>

#include "applets.h"
#include "policy.h"
#include "signals.h"

#define LIST_MAX 64 /* folders, users */

static const char usage_text[] =
    "usage: tenon host [OPTION]..\n"
    "  --socket PATH    the socket; else $TENON_SOCKET, else tenon.sock in\n"
    "                   $XDG_RUNTIME_DIR, else /run/tenon.sock for root\n"
    "  --mode OCTAL     its permissions (0600)\n"
    "  --user NAME      another user who may connect; may be repeated\n"
    "  -L DIR           where modules are that clients only name\n"
    "  --paths          clients may name files for the host to open\n"
    "  --verify MODE    off, warn, require: are modules signed by one of --keys\n"
    "                   DIR, or listed in --allow FILE? (off)\n"
    "  --unmarked       load files without .note.tenon too\n"
    "  --direct         bind imports directly (pins their providers)\n"
    "  --clients N      at most so many at a time (64)\n"
    "  --slow SECONDS   drop a client that takes nothing for so long (10)\n"
    "  --stop SECONDS   what requests get to end at a stop (30)\n"
    "  --wait SECONDS   what loads wait for a module that is being loaded (30)\n"
    "  --max-file MIB   the largest module file (64)\n"
    "  --keep-modules   do not unload them at the end\n"
    "  -q, --quiet      say nothing but errors\n"
    "  -v, --verbose    say more\n"
    "  @FILE            a profile: a file with words of this command\n"
    "  -h, --help       this\n"
    "It serves until SIGTERM, SIGINT or SIGHUP; a second one ends it at once.\n"
    "exit status: 0 all modules are unloaded, 1 something failed or was left,\n"
    "2 usage, 128+N ended by the second signal N\n";

enum {
	OPT_SOCKET = 1,
	OPT_MODE,
	OPT_USER,
	OPT_PATHS,
	OPT_UNMARKED,
	OPT_DIRECT,
	OPT_CLIENTS,
	OPT_SLOW,
	OPT_STOP,
	OPT_WAIT,
	OPT_MAX_FILE,
	OPT_KEEP,
};

static const struct option longs[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "user", required_argument, NULL, OPT_USER },
	{ "paths", no_argument, NULL, OPT_PATHS },
	{ "unmarked", no_argument, NULL, OPT_UNMARKED },
	{ "direct", no_argument, NULL, OPT_DIRECT },
	{ "clients", required_argument, NULL, OPT_CLIENTS },
	{ "slow", required_argument, NULL, OPT_SLOW },
	{ "stop", required_argument, NULL, OPT_STOP },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "max-file", required_argument, NULL, OPT_MAX_FILE },
	{ "keep-modules", no_argument, NULL, OPT_KEEP },
	POLICY_OPTIONS,
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct options {
	struct hostd_config config;
	struct sign_config verify;
	const char *socket;
	const char *folders[LIST_MAX];
	uid_t users[LIST_MAX];
	int loudness; /* -1 quiet, 1 verbose */
	bool keep_modules;
};

/* Of the policy, about the file that this thread loads. */
static _Thread_local struct sign_why doubted;

/* For the handler; NULL: it is not open yet. */
static struct hostd *_Atomic running;

/* --- the command line */

static bool complain(const char *option, const char *arg, const char *what)
{
	fprintf(stderr, "tenon host: %s %s: %s\n", option, arg, what);
	return false;
}

static bool parse_count(
    const char *option, const char *arg, uint64_t max, unsigned *out)
{
	uint64_t value;

	if (!parse_number(arg, &value) || value == 0 || value > max)
		return complain(option, arg, "not a sensible number");
	*out = (unsigned)value;
	return true;
}

static bool parse_seconds(const char *option, const char *arg, unsigned *out)
{
	if (!parse_count(option, arg, 86400, out))
		return false;
	*out *= 1000;
	return true;
}

static bool parse_mode(const char *arg, mode_t *out)
{
	char *end;
	const unsigned long mode = strtoul(arg, &end, 8);

	if (*arg < '0' || *arg > '7' || *end != '\0' || mode == 0 ||
	    mode > 0777)
		return complain("--mode", arg, "not an octal mode like 0660");
	*out = (mode_t)mode;
	return true;
}

static bool add_user(struct options *o, const char *arg)
{
	const struct passwd *user = getpwnam(arg);
	uint64_t uid;

	if (user != NULL)
		uid = user->pw_uid;
	else if (!parse_number(arg, &uid) || uid >= UINT32_MAX)
		return complain("--user", arg, "there is no such user");
	if (o->config.nusers == LIST_MAX)
		return complain("--user", arg, "too many users");
	o->users[o->config.nusers++] = (uid_t)uid;
	return true;
}

static bool add_folder(struct options *o, const char *arg)
{
	if (o->config.nfolders == LIST_MAX)
		return complain("-L", arg, "too many folders");
	if (!is_folder(arg))
		return complain("-L", arg, "there is no such folder");
	o->folders[o->config.nfolders++] = arg;
	return true;
}

static bool set_max_file(struct options *o, const char *arg)
{
	unsigned mib;

	if (!parse_count("--max-file", arg, 4096, &mib))
		return false;
	o->config.max_file = (size_t)mib << 20;
	return true;
}

static bool set_option(struct options *o, int c, const char *arg)
{
	struct hostd_config *g = &o->config;

	switch (c) {
	case 'L': return add_folder(o, arg);
	case 'q': o->loudness = -1; return true;
	case 'v': o->loudness = 1; return true;
	case OPT_SOCKET: o->socket = arg; return true;
	case OPT_MODE: return parse_mode(arg, &g->mode);
	case OPT_USER: return add_user(o, arg);
	case OPT_PATHS: g->paths = true; return true;
	case OPT_UNMARKED: g->load_flags |= TN_LOAD_UNMARKED; return true;
	case OPT_DIRECT: g->load_flags |= TN_LOAD_DIRECT; return true;
	case OPT_CLIENTS:
		return parse_count("--clients", arg, 4096, &g->max_clients);
	case OPT_SLOW: return parse_seconds("--slow", arg, &g->send_ms);
	case OPT_STOP: return parse_seconds("--stop", arg, &g->stop_ms);
	case OPT_WAIT: return parse_seconds("--wait", arg, &g->wait_ms);
	case OPT_MAX_FILE: return set_max_file(o, arg);
	case OPT_KEEP: o->keep_modules = true; return true;
	case POLICY_VERIFY:
	case POLICY_KEYS:
	case POLICY_ALLOW: return policy_option(&o->verify, "host", c, arg);
	default: return false;
	}
}

static bool parse(int argc, char **argv, struct options *o, int *status)
{
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "L:qvh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		}
		if (!set_option(o, c, optarg))
			return false;
	}
	if (optind == argc)
		return true;
	return complain("a host takes no argument, but", argv[optind],
	    "`tenon insmod` loads modules into it");
}

/* --- signals */

static void heed(int number, bool insists)
{
	struct hostd *h = atomic_load(&running);

	if (insists)
		_exit(128 + number);
	if (h != NULL)
		hostd_stop(h);
}

/* --- serving */

static void say(void *arg, bool important, const char *text)
{
	const struct options *o = arg;

	if (important ? o->loudness >= 0 : o->loudness > 0)
		clean_print(stderr, "tenon host: %s\n", text);
}

/* A refusal is in the reply, with this; else nobody would hear of it. */
static void doubt(void *arg, const char *sentence)
{
	const struct options *o = arg;

	(void)snprintf(doubted.text, sizeof(doubted.text), "%s", sentence);
	if (o->verify.mode == SIGN_WARN)
		clean_print(stderr, "tenon host: warning: %s\n", sentence);
}

static const char *last_doubt(void)
{
	return doubted.text;
}

static int finish(struct hostd *h, const struct options *o, int err)
{
	if (err == -TN_ETIMEDOUT) {
		fputs("tenon host: requests did not end; modules are left as "
		      "they are\n",
		    stderr);
		(void)fflush(NULL);
		/* Their threads still use what we would free. */
		_exit(EXIT_FAILED);
	}
	if (!o->keep_modules && hostd_unload(h) != 0)
		err = -TN_EBUSY;
	hostd_close(h);
	return err == 0 ? EXIT_OK : EXIT_FAILED;
}

static bool announce(const struct options *o)
{
	return printf("serving %s\n", o->config.socket) > 0 &&
	       fflush(stdout) == 0;
}

static int serve(struct options *o)
{
	struct hostd *h;
	char *why;

	signals_catch(heed);
	if (hostd_open(&o->config, &h, &why) != 0) {
		fprintf(stderr, "tenon host: %s\n",
		    why != NULL ? why : "no memory");
		free(why);
		return EXIT_FAILED;
	}
	atomic_store(&running, h);
	if (signals_first() != 0) /* before the handler knew the host */
		hostd_stop(h);
	/* Without it a crash only says less. */
	(void)tn_crash_enable(TN_CRASH_LINES, -1);
	/* Who is not told that it serves may wait for ever. */
	if (o->loudness >= 0 && !announce(o)) {
		hostd_close(h);
		return EXIT_FAILED;
	}
	return finish(h, o, hostd_serve(h));
}

static int serve_by_policy(struct options *o)
{
	struct sign_policy *policy;
	int status;

	o->verify.say = doubt;
	o->verify.say_arg = o;
	status = policy_open(&o->verify, "host", &policy);
	if (status != EXIT_OK)
		return status;
	o->config.verify = sign_policy_check;
	o->config.verify_arg = policy;
	o->config.doubt = last_doubt;
	status = serve(o);
	sign_policy_close(policy);
	return status;
}

int host_main(int argc, char **argv)
{
	struct options o = { .loudness = 0 };
	char path[ADDRESS_MAX];
	int status, err;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	if (!parse(argc, argv, &o, &status))
		return status;
	err = address_choose(o.socket, path);
	if (err != 0) {
		fputs(err == -TN_EFBIG
			  ? "tenon host: the path of the socket is too long\n"
			  : "tenon host: give --socket PATH, or set "
			    "TENON_SOCKET or XDG_RUNTIME_DIR\n",
		    stderr);
		return EXIT_USAGE;
	}
	o.config.socket = path;
	o.config.users = o.users;
	o.config.folders = o.folders;
	o.config.log = say;
	o.config.log_arg = &o;
	return serve_by_policy(&o);
}
