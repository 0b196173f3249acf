/* SPDX-License-Identifier: MIT */
/*
 * The back end that is a module host: what a command asks becomes requests of
 * the protocol.
 */
#include <hostd/backend.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hostd/client.h>
#include <tenon/err.h>

#define WAIT_MS 86400000u /* for ever, as far as a command can tell */

struct backend {
	struct hostc *c;
};

static void say(struct backend_why *why, const char *text)
{
	(void)snprintf(
	    why->text, sizeof(why->text), "%s", text != NULL ? text : "");
}

static int backend_open(
    const char *where, struct backend **out, struct backend_why *why)
{
	struct backend *be = calloc(1, sizeof(*be));
	char *text = NULL;
	int err;

	say(why, NULL);
	if (be == NULL)
		return -TN_ENOMEM;
	err = hostc_open(where, program_invocation_short_name, &be->c, &text);
	if (err != 0) {
		say(why, text);
		free(be);
	} else {
		*out = be;
	}
	free(text);
	return err;
}

static void backend_close(struct backend *be)
{
	hostc_close(be->c);
	free(be);
}

/* Sends the request; what the host says about a failure goes to @why. */
static int ask(struct backend *be, struct backend_why *why)
{
	const int err = hostc_run(be->c, NULL, NULL);

	if (err != 0)
		say(why, hostc_get(be->c, "text"));
	return err;
}

static int backend_insert(struct backend *be, const struct backend_insert *what,
    struct backend_why *why)
{
	const int fd = open(what->path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	int err;

	say(why, NULL);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)close(fd);
		return -EISDIR;
	}
	hostc_begin(be->c, "insmod");
	hostc_add_fd(be->c, fd);
	hostc_add(be->c, "file", what->path);
	if (*what->params != '\0')
		hostc_add(be->c, "params", what->params);
	/* What stands for the version magic is the note. */
	if (what->flags & BACKEND_IGNORE_VERMAGIC)
		hostc_add_number(be->c, "unmarked", 1);
	err = ask(be, why);
	(void)close(fd);
	return err;
}

static int backend_remove(struct backend *be, const char *name, unsigned flags,
    struct backend_why *why)
{
	say(why, NULL);
	hostc_begin(be->c, "rmmod");
	hostc_add(be->c, "names", name);
	if (flags & BACKEND_FORCE)
		hostc_add_number(be->c, "force", 1);
	if (flags & BACKEND_WAIT)
		hostc_add_number(be->c, "wait", WAIT_MS);
	return ask(be, why);
}

/* --- looking */

static enum backend_state state_of(const char *word)
{
	static const struct {
		const char *word;
		enum backend_state state;
	} states[] = {
		{ "coming", BACKEND_COMING },
		{ "loaded", BACKEND_COMING },
		{ "initialized", BACKEND_COMING },
		{ "going", BACKEND_GOING },
	};

	for (size_t i = 0; word != NULL && i < sizeof(states) / sizeof(*states);
	     i++)
		if (strcmp(word, states[i].word) == 0)
			return states[i].state;
	return BACKEND_LIVE;
}

/* A line of the host as one of lsmod; its texts are the line's. */
static struct backend_module module_of(const struct wire_line *line)
{
	const char *name = wire_get(line, "module");
	const char *users = wire_get(line, "users");
	struct backend_module m = {
		.name = name != NULL ? name : "",
		.holders = users != NULL ? users : "",
		.state = state_of(wire_get(line, "state")),
	};
	uint64_t refs = 0;

	(void)wire_get_number(line, "bytes", UINT64_MAX, &m.size);
	(void)wire_get_number(line, "refs", INT64_MAX, &refs);
	m.refs = (int64_t)refs;
	return m;
}

/* The host lists in the order of loading, and a command wants the reverse. */
struct listed {
	struct listed *next; /* loaded before it */
	struct backend_module m;
	char texts[]; /* name and holders */
};

struct listing {
	struct listed *last;
	bool failed;
};

static void keep(void *arg, const struct wire_line *line)
{
	struct listing *all = arg;
	const struct backend_module m = module_of(line);
	const size_t n = strlen(m.name) + 1, k = strlen(m.holders) + 1;
	struct listed *l;

	if (strcmp(line->word, "module") != 0)
		return;
	l = malloc(sizeof(*l) + n + k);
	if (l == NULL) {
		all->failed = true;
		return;
	}
	l->m = m;
	l->m.name = memcpy(l->texts, m.name, n);
	l->m.holders = memcpy(l->texts + n, m.holders, k);
	l->next = all->last;
	all->last = l;
}

static int backend_list(struct backend *be, backend_visit_fn *visit, void *arg,
    struct backend_why *why)
{
	struct listing all = { .last = NULL };
	bool more = true;
	int err;

	say(why, NULL);
	hostc_begin(be->c, "list");
	err = hostc_run(be->c, keep, &all);
	if (err != 0)
		say(why, hostc_get(be->c, "text"));
	else if (all.failed)
		err = -TN_ENOMEM;
	while (all.last != NULL) {
		struct listed *l = all.last;

		all.last = l->next;
		if (err == 0 && more)
			more = visit(&l->m, arg);
		free(l);
	}
	return err;
}

static int backend_state(
    struct backend *be, const char *name, backend_visit_fn *visit, void *arg)
{
	struct backend_module m;
	int err;

	hostc_begin(be->c, "info");
	hostc_add(be->c, "module", name);
	err = hostc_run(be->c, NULL, NULL);
	if (err == -TN_ENOENT)
		return BACKEND_ABSENT;
	if (err != 0)
		return err;
	m = module_of(hostc_last(be->c));
	if (visit != NULL)
		(void)visit(&m, arg);
	return (int)m.state;
}

const struct backend_ops host_backend = {
	.name = "host",
	.open = backend_open,
	.close = backend_close,
	.insert = backend_insert,
	.remove = backend_remove,
	.list = backend_list,
	.state = backend_state,
};
