/* SPDX-License-Identifier: MIT */
/*
 * One client of a host. Its thread waits for lines and events, does a request
 * at a time, and sends what is to be sent. What it keeps is bounded: one line
 * that is being read, the descriptors that wait for their requests, the answer
 * to one request, and a queue of events. A client that takes nothing, talks
 * garbage or floods is dropped, and the log says why; a request that has begun
 * ends whatever becomes of its client.
 *
 * When the host stops, the requests that have arrived are still done.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/compiler.h>
#include <tenon/err.h>

#define BAD_LINES_MAX 16

static void drop(struct session *s, const char *why)
{
	if (s->dropped == NULL)
		s->dropped = why;
}

static bool is_over(const struct session *s)
{
	return s->dropped != NULL;
}

/* --- sending */

static void send_all(struct session *s, const char *bytes, size_t n)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };

	while (n != 0 && !is_over(s)) {
		const ssize_t sent =
		    send(s->fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN && errno != EINTR) {
			drop(s, "it has left");
		} else if (errno == EAGAIN &&
			   poll(&p, 1, (int)s->host->config.send_ms) == 0) {
			drop(s, "it does not take what it is sent");
		}
	}
}

/* Sends what is to be said to request @id, or that there is no memory for it. */
static void send_out(struct session *s, uint32_t id)
{
	if (s->out.failed) {
		wire_clear(&s->out);
		wire_begin(&s->out, id, "error");
		wire_add(&s->out, "code", tn_error_name(-TN_ENOMEM));
		wire_add_signed(&s->out, "error", -TN_ENOMEM);
		wire_add(&s->out, "reason", "no_memory");
		wire_add(&s->out, "text", "no memory for the answer");
		wire_end(&s->out);
	}
	send_all(s, s->out.bytes, s->out.length);
	wire_clear(&s->out);
}

/* Events leave the queue first, so that nobody waits for this client. */
static void send_events(struct session *s)
{
	struct wire_text t;
	bool lost;

	(void)pthread_mutex_lock(&s->lock);
	t = s->events;
	lost = s->lost;
	s->events = (struct wire_text){ 0 };
	(void)pthread_mutex_unlock(&s->lock);
	if (t.failed)
		drop(s, "no memory for its events");
	else
		send_all(s, t.bytes, t.length);
	wire_free(&t);
	if (lost)
		drop(s, "it does not take its events");
}

/* --- lines */

static void close_fds(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
}

/* Moves the descriptors that belong to @q; false: they have not come. */
static bool take_fds(struct session *s, struct request *q)
{
	uint64_t n = 0;

	if (!number(q, "fds", WIRE_FDS_MAX, &n))
		return false;
	if (n > s->nfds) {
		reply_fail(q, -TN_EINVAL, "descriptors",
		    "fds=%u, but %zu descriptors have come", (unsigned)n,
		    s->nfds);
		return false;
	}
	q->nfds = (size_t)n;
	memcpy(q->fds, s->fds, q->nfds * sizeof(*q->fds));
	s->nfds -= q->nfds;
	memmove(s->fds, s->fds + q->nfds, s->nfds * sizeof(*s->fds));
	return true;
}

/* The first line of a connection. */
static void hello(struct session *s, struct request *q)
{
	const char *client = wire_get(q->line, "client");
	uint64_t version = 0;

	if (strcmp(q->line->word, "hello") != 0) {
		reply_fail(
		    q, -TN_EINVAL, "hello", "the first line must be hello");
		return;
	}
	if (!number(q, "version", UINT32_MAX, &version))
		return;
	if (version != WIRE_VERSION) {
		reply_fail(q, -TN_EOPNOTSUPP, "version",
		    "version %u of the protocol is spoken here, not %u",
		    WIRE_VERSION, (unsigned)version);
		return;
	}
	(void)snprintf(s->client, sizeof(s->client), "%s",
	    client != NULL && *client != '\0' ? client : "unnamed");
	s->greeted = true;
	reply_begin_ok(q);
	wire_add_number(q->out, "version", WIRE_VERSION);
	wire_add(q->out, "release", tn_version());
	wire_add_signed(q->out, "pid", getpid());
	wire_end(q->out);
}

static void do_request(struct session *s, const struct wire_line *line)
{
	struct request q = {
		.host = s->host,
		.session = s,
		.line = line,
		.out = &s->out,
	};

	atomic_fetch_add(&s->host->nrequests, 1);
	if (!s->greeted) {
		hello(s, &q);
	} else if (take_fds(s, &q)) {
		request_run(&q);
	}
	close_fds(q.fds, q.nfds);
	send_out(s, line->id);
	if (!s->greeted)
		drop(s, "it did not say hello");
}

static void do_line(struct session *s, char *text, size_t length)
{
	struct wire_line line;
	const char *why;

	if (wire_parse(text, length, &line, &why) == 0) {
		if (line.id != 0) {
			do_request(s, &line);
			return;
		}
		why = "the number 0 is the host's own";
	}
	struct request q = { .host = s->host, .line = &line, .out = &s->out };

	reply_fail(&q, -TN_EINVAL, "malformed", "malformed line: %s", why);
	/* Which request they were for cannot be known. */
	close_fds(s->fds, s->nfds);
	s->nfds = 0;
	send_out(s, line.id);
	if (++s->nbad == BAD_LINES_MAX || !s->greeted)
		drop(s, "it talks garbage");
}

/* Does the whole lines that have been read. */
static void do_lines(struct session *s)
{
	size_t done = 0;
	char *end;

	while (!is_over(s) &&
	       (end = memchr(s->in + done, '\n', s->have - done)) != NULL) {
		char *line = s->in + done;

		done = (size_t)(end - s->in) + 1;
		do_line(s, line, (size_t)(end - line));
		send_events(s);
	}
	s->have -= done;
	memmove(s->in, s->in + done, s->have);
	if (s->have == WIRE_LINE_MAX && !is_over(s)) {
		static const char text[] =
		    "0 error code=EFBIG error=-27 reason=line "
		    "text=a%20line%20has%20at%20most%2065536%20bytes\n";

		send_all(s, text, sizeof(text) - 1);
		drop(s, "its line is too long");
	}
}

/* --- receiving */

static void keep_fd(struct session *s, int fd)
{
	if (s->nfds < WIRE_FDS_MAX) {
		s->fds[s->nfds++] = fd;
	} else {
		(void)close(fd);
		drop(s, "it sends too many descriptors");
	}
}

static void keep_fds(struct session *s, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c)) {
		size_t n = 0;

		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			keep_fd(s, fd);
		}
	}
	if (m->msg_flags & MSG_CTRUNC)
		drop(s, "it sends too many descriptors");
}

/* False: nothing is there now. */
static bool receive(struct session *s)
{
	_Alignas(struct cmsghdr) char
	    control[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
	struct iovec v = { s->in + s->have, WIRE_LINE_MAX - s->have };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	const ssize_t n = recvmsg(s->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		s->at_end = true;
		return false;
	}
	keep_fds(s, &m);
	s->have += (size_t)n;
	do_lines(s);
	return !is_over(s);
}

/* --- the thread */

static void wait_for_something(struct session *s)
{
	struct pollfd p[] = {
		{ .fd = s->fd, .events = POLLIN },
		{ .fd = s->wake, .events = POLLIN },
	};
	const uint64_t waited = (host_now_ns() - s->since_ns) / 1000000u;
	const uint64_t hello_ms = s->host->config.hello_ms;
	const uint64_t left = waited < hello_ms ? hello_ms - waited : 0;
	uint64_t count;

	if (poll(p, 2, s->greeted ? -1 : (int)left) == 0)
		drop(s, "it does not say hello");
	(void)!read(s->wake, &count, sizeof(count));
}

/* What has arrived when the host stops is done; nothing more can come. */
static void say_goodbye(struct session *s)
{
	(void)shutdown(s->fd, SHUT_RD);
	while (receive(s))
		;
	send_events(s);
	if (!is_over(s)) {
		wire_begin(&s->out, 0, "bye");
		wire_add(&s->out, "reason", "stopping");
		wire_end(&s->out);
		send_out(s, 0);
	}
	drop(s, "the host stops");
}

static void *session_main(void *arg)
{
	struct session *s = arg;

	/* Without it an overflow of the stack is reported less well. */
	(void)tn_crash_thread();
	while (!is_over(s)) {
		send_events(s);
		if (atomic_load(&s->host->stopping))
			say_goodbye(s);
		else if (is_over(s) || receive(s) || is_over(s))
			continue;
		else if (s->at_end)
			drop(s, "it has left");
		else
			wait_for_something(s);
	}
	/* Its place is free before anybody can hear that it is. */
	host_ended(s);
	host_log(s->host, strcmp(s->dropped, "it has left") != 0,
	    "client %s (process %d): %s", s->client, (int)s->pid, s->dropped);
	/* It learns of its end now, not when the thread has been joined. */
	(void)shutdown(s->fd, SHUT_RDWR);
	return NULL;
}

void session_wake(struct session *s)
{
	const uint64_t one = 1;

	(void)!write(s->wake, &one, sizeof(one));
}

void session_free(struct session *s)
{
	close_fds(s->fds, s->nfds);
	if (s->fd >= 0)
		(void)close(s->fd);
	if (s->wake >= 0)
		(void)close(s->wake);
	wire_free(&s->out);
	wire_free(&s->events);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->in);
	free(s);
}

/* Its thread takes no signals, which are for the thread that serves. */
static int start_thread(struct session *s)
{
	/* A fault whose signal is blocked ends the process without a word. */
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
		SIGABRT };
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		(void)sigdelset(&all, faults[i]);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->thread, NULL, session_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err == 0 ? 0 : -TN_ENOMEM;
}

/* For one who cannot be served; whoever does not read it has bad luck. */
static void refuse(int fd, int err)
{
	const char *text =
	    err == -TN_EAGAIN
		? "0 error code=EAGAIN error=-11 "
		  "reason=no_descriptor "
		  "text=the%20host%20has%20no%20descriptor%20left\n"
		: "0 error code=ENOMEM error=-12 "
		  "reason=no_memory text=no%20memory\n";

	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

int session_start(struct hostd *h, int fd)
{
	struct session *s = calloc(1, sizeof(*s));
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	int err;

	if (s == NULL) {
		refuse(fd, -TN_ENOMEM);
		(void)close(fd);
		return -TN_ENOMEM;
	}
	s->host = h;
	s->fd = fd;
	s->since_ns = host_now_ns();
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size);
	s->pid = peer.pid;
	s->uid = peer.uid;
	(void)snprintf(s->client, sizeof(s->client), "unnamed");
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->in = malloc(WIRE_LINE_MAX + 1);
	/* What has been done can be answered then, but by a long list. */
	err = s->wake < 0 ? -TN_EAGAIN
	      : s->in == NULL || !wire_reserve(&s->out, WIRE_LINE_MAX)
		  ? -TN_ENOMEM
		  : 0;
	(void)pthread_mutex_lock(&h->lock);
	if (err == 0)
		err = start_thread(s);
	if (err == 0) {
		s->next = h->sessions;
		h->sessions = s;
		h->nclients++;
		h->nsessions++;
	}
	(void)pthread_mutex_unlock(&h->lock);
	if (err != 0) {
		refuse(fd, err);
		session_free(s);
	}
	return err;
}
