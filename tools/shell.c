/* SPDX-License-Identifier: MIT */
/*
 * `tenon shell`: a console for modules, in this process or in a host's. man
 * tenon-shell.
 *
 * In this process a module host runs in a thread, and the console is its only
 * client, by a pair of sockets.
 */
#include "shell.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/compiler.h>
#include <hostd/daemon.h>
#include <kmod/clean.h>
#include <tenon/crash.h>

#include "applets.h"
#include "edit/edit.h"
#include "signals.h"

#define FOLDERS_MAX 64

static const char usage_text[] =
    "usage: tenon shell [OPTION].. [SCRIPT]\n"
    "Loads modules, looks at them and calls them, by commands that are typed,\n"
    "or come from SCRIPT, -c or standard input; `help` lists them.\n"
    "  -a, --attach     in the module host behind the socket, not in this\n"
    "                   process\n"
    "  --socket PATH    its socket (see tenon host); implies --attach\n"
    "  -c COMMAND       do this command; may be repeated\n"
    "  -k, --keep-going go on behind a command that fails\n"
    "  -L DIR           where modules are that are only named (not --attach)\n"
    "  --unmarked       load files without .note.tenon too (not --attach)\n"
    "  -h, --help       this\n"
    "exit status: 0 all went well, 1 a command failed, 2 usage or no such\n"
    "command, 130 after Ctrl-C twice, or what `quit STATUS` says\n";

static const struct option longs[] = {
	{ "attach", no_argument, NULL, 'a' },
	{ "socket", required_argument, NULL, 's' },
	{ "keep-going", no_argument, NULL, 'k' },
	{ "unmarked", no_argument, NULL, 'u' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct options {
	bool attach, keep_going;
	const char *socket;
	const char **commands; /* of -c */
	int ncommands;
	const char *script;
	const char *folders[FOLDERS_MAX];
	struct hostd_config host;
};

/* --- the host */

struct inside {
	struct hostd *host; /* NULL: attached */
	pthread_t thread;
};

static void say(void *arg, bool important, const char *text)
{
	(void)arg;
	if (important)
		clean_print(stderr, "tenon shell: %s\n", text);
}

static void *serve(void *arg)
{
	(void)hostd_serve(arg);
	return NULL;
}

static bool complain(char *why)
{
	fprintf(stderr, "tenon shell: %s\n", why != NULL ? why : "no memory");
	free(why);
	return false;
}

static bool start_inside(
    struct inside *in, const struct options *o, struct hostc **out)
{
	char *why = NULL;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return complain(strdup(strerror(errno)));
	if (hostd_open(&o->host, &in->host, &why) != 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return complain(why);
	}
	(void)tn_crash_enable(TN_CRASH_LINES, -1);
	if (pthread_create(&in->thread, NULL, serve, in->host) != 0 ||
	    hostd_attach(in->host, ends[0]) != 0) {
		(void)close(ends[1]);
		return complain(strdup("no thread for the modules"));
	}
	return hostc_adopt(ends[1], "shell", out, &why) == 0 || complain(why);
}

/* False: a module refused to go. */
static bool stop_inside(struct inside *in)
{
	bool ok;

	if (in->host == NULL)
		return true;
	hostd_stop(in->host);
	(void)pthread_join(in->thread, NULL);
	ok = hostd_unload(in->host) == 0;
	hostd_close(in->host);
	return ok;
}

static bool attach(
    struct inside *in, const struct options *o, struct hostc **out)
{
	char *why;

	in->host = NULL;
	return hostc_open(o->socket, "shell", out, &why) == 0 || complain(why);
}

/* --- signals */

static atomic_int ending;     /* the signal that ends us, or 0 */
static atomic_bool at_prompt; /* nothing is done that could be given up */

static void tell(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

/* Of the first signal since the last line, and of what follows. */
static void heed(int number, bool insists)
{
	if (number != SIGINT)
		atomic_store(&ending, number);
	if (atomic_load(&at_prompt))
		return;
	if (insists)
		_exit(128 + number);
	tell(number == SIGINT ? "\nCtrl-C once more gives up, Ctrl-D leaves\n"
			      : "\nunloading (once more to give up)\n");
}

/* What is for the thread that reads lines, and for no other. */
static sigset_t our_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH,
		SIGCONT, SIGTSTP, SIGQUIT };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&set, numbers[i]);
	return set;
}

/* While a line is read they come only where that waits or asks, with this. */
static sigset_t open_mask;

static bool is_over(const struct shell *s)
{
	return s->quit || atomic_load(&ending) != 0;
}

/* --- completion */

/* Of modules; the editor wants them one by one. */
struct names {
	char *list[256];
	size_t n, next;
};

static struct shell *completing; /* the editor passes nothing on */

static void add_name(void *arg, const struct wire_line *line)
{
	struct names *names = arg;
	const char *name = wire_get(line, "module");

	if (name != NULL &&
	    names->n < sizeof(names->list) / sizeof(*names->list))
		names->list[names->n++] = strdup(name);
}

/* A host may not answer: so signals come, as they do during a command. */
static void ask_for_names(struct names *names)
{
	sigset_t closed;

	atomic_store(&at_prompt, false);
	(void)pthread_sigmask(SIG_SETMASK, &open_mask, &closed);
	hostc_begin(completing->c, "list");
	(void)hostc_run(completing->c, add_name, names);
	(void)pthread_sigmask(SIG_SETMASK, &closed, NULL);
	atomic_store(&at_prompt, true);
}

static void find_names(struct names *names, enum shell_words_of kind)
{
	const struct shell_command *c;

	while (names->n != 0)
		free(names->list[--names->n]);
	names->next = 0;
	if (kind == SHELL_MODULES)
		ask_for_names(names);
	for (size_t i = 0;
	     kind == SHELL_COMMANDS && (c = shell_command_at(i)) != NULL; i++)
		names->list[names->n++] = strdup(c->name);
}

/* What follows the words of @line. */
static enum shell_words_of kind_of(const char *line)
{
	const char *word = line + strspn(line, " \t");
	const size_t n = strcspn(word, " \t");
	const struct shell_command *c;

	if (word[n] == '\0')
		return SHELL_COMMANDS;
	for (size_t i = 0; (c = shell_command_at(i)) != NULL; i++)
		if (strlen(c->name) == n && strncmp(c->name, word, n) == 0)
			return c->words;
	return SHELL_NOTHING;
}

static char *complete(
    const char *line, const char *text, bool first, bool *files)
{
	static struct names names;

	if (first) {
		const enum shell_words_of kind = kind_of(line);

		*files = kind == SHELL_FILES;
		find_names(&names, kind);
	}
	while (names.next < names.n) {
		const char *name = names.list[names.next++];

		if (name != NULL && strncmp(name, text, strlen(text)) == 0)
			return strdup(name);
	}
	return NULL;
}

/* --- the loop */

static void show_event(void *arg, const struct wire_line *line)
{
	const char *module = wire_get(line, "module");

	(void)arg;
	printf("event: %s%s%s\n", wire_get(line, "event"),
	    module != NULL ? " " : "", module != NULL ? module : "");
}

/* In the user's own folder, unless $TENON_HISTORY names a file, or none. */
static char *history_path(void)
{
	const char *named = getenv("TENON_HISTORY"), *home = getenv("HOME");
	char *path = NULL;

	if (named != NULL)
		return *named != '\0' ? strdup(named) : NULL;
	if (home == NULL || asprintf(&path, "%s/.tenon_history", home) < 0)
		return NULL;
	return path;
}

static enum edit_news wait_for_input(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int n = 0;

	if (signals_first() == 0) /* none has come while names were asked for */
		n = ppoll(&p, 1, NULL, &open_mask);
	if (signals_first() != 0)
		return EDIT_STOP;
	return n < 0 && errno == EINTR ? EDIT_SIGNAL : EDIT_INPUT;
}

/* The next line that is typed; Ctrl-C only throws away what has been. */
static char *next_line(const struct shell *s)
{
	const sigset_t ours = our_signals();
	char *line = NULL;
	bool again = true;

	(void)pthread_sigmask(SIG_BLOCK, &ours, &open_mask);
	atomic_store(&at_prompt, true);
	while (again && !is_over(s)) {
		signals_forget();
		line = edit_line("tenon> ");
		again = line == NULL && signals_first() != 0;
		if (again && !is_over(s))
			tell("\nCtrl-D leaves\n");
	}
	atomic_store(&at_prompt, false);
	if (!is_over(s))
		signals_forget();
	(void)pthread_sigmask(SIG_SETMASK, &open_mask, NULL);
	return line;
}

static void converse(struct shell *s)
{
	char *history = history_path(), *line;

	completing = s;
	edit_open(history, complete, wait_for_input);
	while ((line = next_line(s)) != NULL) {
		(void)shell_do(s, line);
		free(line);
	}
	if (!s->quit)
		(void)putchar('\n');
	edit_close();
	free(history);
	/* Who types sees what fails; `quit STATUS` says otherwise. */
	if (!s->quit)
		s->status = 0;
}

/* More than the protocol's line can carry. */
enum {
	SCRIPT_LINE_MAX = 65536
};

struct script {
	const char *name;
	int fd;
	int error; /* errno of what could not be read */
	size_t at, have;
	char bytes[4096];
	char line[SCRIPT_LINE_MAX];
};

/* Waits for more of @f; false: nothing comes, or we are to end. */
static bool script_fill(struct script *f)
{
	const sigset_t ours = our_signals();
	struct pollfd p = { .fd = f->fd, .events = POLLIN };
	ssize_t n = 0;

	(void)pthread_sigmask(SIG_BLOCK, &ours, &open_mask);
	while (atomic_load(&ending) == 0 &&
	       ppoll(&p, 1, NULL, &open_mask) < 0 && errno == EINTR)
		; /* where it cannot be waited for, it is read */
	(void)pthread_sigmask(SIG_SETMASK, &open_mask, NULL);
	if (atomic_load(&ending) == 0)
		n = read(f->fd, f->bytes, sizeof(f->bytes));
	if (n < 0)
		f->error = errno;
	f->at = 0;
	f->have = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The next line of @f; NULL at its end, or with @why. */
static char *script_line(struct script *f, const char **why)
{
	size_t n = 0;
	bool more = true;
	char c = '\0';

	while ((more = f->at < f->have || script_fill(f)) &&
	       (c = f->bytes[f->at++]) != '\n') {
		if (c == '\0')
			*why = "this is no text";
		else if (n == SCRIPT_LINE_MAX - 1)
			*why = "this line is too long";
		else
			f->line[n++] = c;
		if (*why != NULL)
			return NULL;
	}
	f->line[n] = '\0';
	if (f->error != 0)
		*why = strerror(f->error);
	return *why == NULL && (more || n != 0) ? f->line : NULL;
}

static void read_script(struct shell *s, struct script *f, bool keep_going)
{
	const char *why = NULL;
	char *line;

	while (!is_over(s) && (line = script_line(f, &why)) != NULL) {
		s->line++;
		if (!shell_do(s, line) && !keep_going)
			break;
	}
	if (why != NULL && !is_over(s)) {
		fprintf(stderr, "tenon shell: %s: ", f->name);
		if (f->error == 0)
			fprintf(stderr, "line %u: ", s->line + 1);
		fprintf(stderr, "%s\n", why);
		s->status = EXIT_USAGE;
	}
}

static void run_script(struct shell *s, const struct options *o)
{
	struct script f = { .name = "standard input", .fd = STDIN_FILENO };

	s->source = o->script;
	if (o->script != NULL) {
		f.name = o->script;
		f.fd = open(o->script, O_RDONLY | O_CLOEXEC);
	}
	if (f.fd < 0) {
		fprintf(stderr, "tenon shell: %s: %s\n", o->script,
		    strerror(errno));
		s->status = EXIT_USAGE;
		return;
	}
	read_script(s, &f, o->keep_going);
	if (o->script != NULL)
		(void)close(f.fd);
}

static void run_commands(struct shell *s, const struct options *o)
{
	for (int i = 0; i < o->ncommands && !is_over(s); i++) {
		char *line = strdup(o->commands[i]);
		const bool ok = line != NULL && shell_do(s, line);

		free(line);
		if (!ok && !o->keep_going)
			return;
	}
}

static void run(struct shell *s, const struct options *o)
{
	hostc_on_event(s->c, show_event, NULL);
	if (o->ncommands != 0)
		run_commands(s, o);
	else if (o->script == NULL && isatty(STDIN_FILENO))
		converse(s);
	else
		run_script(s, o);
}

/* --- the command line */

static bool add_folder(struct options *o, const char *folder)
{
	if (o->host.nfolders == FOLDERS_MAX)
		return say_usage("shell", "too many folders");
	if (!is_folder(folder))
		return say_usage(
		    "shell", "-L %s: there is no such folder", folder);
	o->folders[o->host.nfolders++] = folder;
	return true;
}

static bool set_option(struct options *o, int c, const char *arg)
{
	switch (c) {
	case 's':
		o->socket = arg;
		o->attach = true;
		return true;
	case 'a': o->attach = true; return true;
	case 'k': o->keep_going = true; return true;
	case 'c': o->commands[o->ncommands++] = arg; return true;
	case 'L': return add_folder(o, arg);
	case 'u': o->host.load_flags |= TN_LOAD_UNMARKED; return true;
	default: return false;
	}
}

static bool parse(int argc, char **argv, struct options *o, int *status)
{
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "akc:L:h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		}
		if (!set_option(o, c, optarg))
			return false;
	}
	if (argc - optind > (o->ncommands == 0))
		return say_usage("shell", "one SCRIPT, or -c");
	if (o->attach && (o->host.nfolders != 0 || o->host.load_flags != 0))
		return say_usage("shell",
		    "-L and --unmarked are the host's, not of --attach");
	o->script = argv[optind];
	o->host.folders = o->folders;
	o->host.log = say;
	return true;
}

static int run_all(const struct options *o)
{
	struct shell s = { .source = NULL };
	struct inside in = { .host = NULL };
	const sigset_t ours = our_signals();
	sigset_t before;

	signals_catch(heed);
	(void)pthread_sigmask(SIG_BLOCK, &ours, &before);
	if (!(o->attach ? attach(&in, o, &s.c) : start_inside(&in, o, &s.c)))
		return EXIT_FAILED;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	run(&s, o);
	if (atomic_load(&ending) != 0)
		s.status = 128 + atomic_load(&ending);
	hostc_close(s.c);
	if (!stop_inside(&in) && s.status == 0)
		s.status = EXIT_FAILED;
	return s.status;
}

int shell_main(int argc, char **argv)
{
	struct options o = { .attach = false };
	int status;

	/* What modules print and what we print stay in order. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	o.commands = calloc((size_t)argc, sizeof(*o.commands));
	if (o.commands == NULL)
		return EXIT_FAILED;
	if (parse(argc, argv, &o, &status))
		status = run_all(&o);
	free(o.commands);
	return status;
}
