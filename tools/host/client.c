/* SPDX-License-Identifier: MIT */
/*
 * A client's side of a connection: see hostd/client.h. A request is one line;
 * what comes back is read line by line until one says ok or error. Of events
 * and answers a buffer of one line is kept, so nothing that a host sends can
 * make a client grow.
 */
#include <hostd/client.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/compiler.h>
#include <hostd/address.h>
#include <tenon/err.h>

struct hostc {
	int fd;
	uint32_t id; /* of the last request */
	struct wire_text out;
	int fds[WIRE_FDS_MAX];
	size_t nfds;
	hostc_line_fn *on_event;
	void *event_arg;
	struct wire_line last; /* the end of the last answer */
	char text[256];        /* of a failure of our own */
	/* in[0..skip) is the line that is looked at, the rest came with it */
	size_t have, skip;
	char in[WIRE_LINE_MAX + 1];
};

/* --- failures of our own, in the form of an answer */

static int PRINTF_LIKE(3, 4)
    fail(struct hostc *c, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	c->last = (struct wire_line){ .word = "error", .nfields = 2 };
	c->last.fields[0] = (struct wire_field){ "reason", "connection" };
	c->last.fields[1] = (struct wire_field){ "text", c->text };
	return error;
}

static int fail_errno(struct hostc *c, int err)
{
	if (err == EPIPE || err == ECONNRESET)
		return fail(c, -EPIPE, "the host has left");
	return fail(c, -err, "the connection fails: %s", strerror(err));
}

/* --- lines */

/* Reads until a whole line is there; *@length of it, without the newline. */
static int read_line(struct hostc *c, size_t *length)
{
	char *end;

	c->have -= c->skip;
	memmove(c->in, c->in + c->skip, c->have);
	c->skip = 0;
	while ((end = memchr(c->in, '\n', c->have)) == NULL) {
		ssize_t n;

		if (c->have == WIRE_LINE_MAX)
			return fail(
			    c, -EPROTO, "the host does not speak the protocol");
		n = recv(c->fd, c->in + c->have, WIRE_LINE_MAX - c->have, 0);
		if (n == 0)
			return fail_errno(c, EPIPE);
		if (n < 0 && errno != EINTR)
			return fail_errno(c, errno);
		c->have += n > 0 ? (size_t)n : 0;
	}
	*length = (size_t)(end - c->in);
	c->skip = *length + 1;
	return 0;
}

static int next_line(struct hostc *c, struct wire_line *line)
{
	const char *why;
	size_t length = 0;
	const int err = read_line(c, &length);

	if (err != 0)
		return err;
	if (wire_parse(c->in, length, line, &why) != 0)
		return fail(c, -EPROTO, "the host sends a line with %s", why);
	return 0;
}

/* The negative error that an answer of the host states. */
static int error_of(const struct wire_line *line)
{
	const char *text = wire_get(line, "error");
	const long error = text != NULL ? strtol(text, NULL, 10) : 0;

	return error < 0 && error > -4096 ? (int)error : -EPROTO;
}

/* What belongs to no request: an event, a goodbye, or a refusal of us. */
static int take_other(struct hostc *c, const struct wire_line *line)
{
	if (strcmp(line->word, "event") == 0) {
		if (c->on_event != NULL)
			c->on_event(c->event_arg, line);
		return 0;
	}
	c->last = *line;
	if (strcmp(line->word, "bye") == 0)
		return fail(c, -EPIPE, "the host is stopping");
	return strcmp(line->word, "error") == 0 ? error_of(line) : 0;
}

static int read_answer(struct hostc *c, hostc_line_fn *fn, void *arg)
{
	for (;;) {
		struct wire_line line;
		int err = next_line(c, &line);

		if (err != 0)
			return err;
		if (line.id != c->id) {
			err = line.id == 0 ? take_other(c, &line) : 0;
			if (err != 0)
				return err;
			continue;
		}
		if (strcmp(line.word, "ok") == 0 ||
		    strcmp(line.word, "error") == 0) {
			c->last = line;
			return *line.word == 'o' ? 0 : error_of(&line);
		}
		if (fn != NULL)
			fn(arg, &line);
	}
}

/* --- requests */

void hostc_begin(struct hostc *c, const char *verb)
{
	c->id = c->id % 999999999u + 1;
	c->nfds = 0;
	wire_clear(&c->out);
	wire_begin(&c->out, c->id, verb);
}

void hostc_add(struct hostc *c, const char *key, const char *value)
{
	wire_add(&c->out, key, value);
}

void hostc_add_number(struct hostc *c, const char *key, uint64_t value)
{
	wire_add_number(&c->out, key, value);
}

void hostc_add_fd(struct hostc *c, int fd)
{
	if (c->nfds < WIRE_FDS_MAX)
		c->fds[c->nfds++] = fd;
}

/* The descriptors go with the first byte. */
static ssize_t send_some(struct hostc *c, size_t from)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(c->fds))];
	const size_t size = c->nfds * sizeof(*c->fds);
	struct iovec v = { c->out.bytes + from, c->out.length - from };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (from == 0 && size != 0) {
		memset(control, 0, sizeof(control));
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(size);
		h = (struct cmsghdr *)(void *)control;
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(h), c->fds, size);
	}
	return sendmsg(c->fd, &m, MSG_NOSIGNAL);
}

static int send_request(struct hostc *c)
{
	size_t sent = 0;

	if (c->nfds != 0)
		wire_add_number(&c->out, "fds", c->nfds);
	wire_end(&c->out);
	if (c->out.failed)
		return fail(c, -ENOMEM, "no memory");
	if (c->out.length > WIRE_LINE_MAX)
		return fail(c, -EMSGSIZE,
		    "the request is longer than a line may be (%u bytes)",
		    WIRE_LINE_MAX);
	while (sent < c->out.length) {
		const ssize_t n = send_some(c, sent);

		if (n < 0 && errno != EINTR)
			return fail_errno(c, errno);
		sent += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int hostc_run(struct hostc *c, hostc_line_fn *fn, void *arg)
{
	const int err = send_request(c);

	/* A host that turns us away has said why before it left. */
	return err == 0 || err == -EPIPE ? read_answer(c, fn, arg) : err;
}

const char *hostc_get(const struct hostc *c, const char *key)
{
	return wire_get(&c->last, key);
}

const struct wire_line *hostc_last(const struct hostc *c)
{
	return &c->last;
}

const char *hostc_text(const struct hostc *c, const char *key)
{
	const char *value = hostc_get(c, key);

	return value != NULL ? value : "";
}

uint64_t hostc_number(const struct hostc *c, const char *key)
{
	uint64_t value = 0;

	(void)wire_get_number(&c->last, key, UINT64_MAX, &value);
	return value;
}

/* --- events */

void hostc_on_event(struct hostc *c, hostc_line_fn *fn, void *arg)
{
	c->on_event = fn;
	c->event_arg = arg;
}

int hostc_wait(struct hostc *c)
{
	struct wire_line line;
	const int err = next_line(c, &line);

	return err != 0 ? err : take_other(c, &line);
}

int hostc_fd(const struct hostc *c)
{
	return c->fd;
}

/* --- connections */

static int PRINTF_LIKE(3, 4) refuse(char **why, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(why, fmt, ap) < 0)
		*why = NULL;
	va_end(ap);
	return error;
}

static int connect_to(const char *path, int *fd, char **why)
{
	char place[ADDRESS_MAX];
	int err = address_choose(path, place);

	if (err == -TN_ENOENT)
		return refuse(why, -ENOENT,
		    "no socket is named: neither TENON_SOCKET nor "
		    "XDG_RUNTIME_DIR is set");
	if (err != 0)
		return refuse(
		    why, -ENAMETOOLONG, "the path of the socket is too long");
	err = address_connect(place, fd);
	if (err == -ENOENT || err == -ECONNREFUSED)
		return refuse(why, err, "no host serves %s", place);
	if (err != 0)
		return refuse(why, err, "%s: %s", place, strerror(-err));
	return 0;
}

int hostc_adopt(int fd, const char *name, struct hostc **out, char **why)
{
	struct hostc *c = calloc(1, sizeof(*c));
	int err;

	*why = NULL;
	if (c == NULL) {
		(void)close(fd);
		return -ENOMEM;
	}
	c->fd = fd;
	hostc_begin(c, "hello");
	hostc_add_number(c, "version", WIRE_VERSION);
	hostc_add(c, "client", name);
	err = hostc_run(c, NULL, NULL);
	if (err != 0) {
		(void)refuse(why, err, "%s", hostc_text(c, "text"));
		hostc_close(c);
	} else {
		*out = c;
	}
	return err;
}

int hostc_open(
    const char *path, const char *name, struct hostc **out, char **why)
{
	int fd = -1, err;

	*why = NULL;
	err = connect_to(path, &fd, why);
	return err != 0 ? err : hostc_adopt(fd, name, out, why);
}

void hostc_close(struct hostc *c)
{
	if (c == NULL)
		return;
	(void)close(c->fd);
	wire_free(&c->out);
	free(c);
}
