/* SPDX-License-Identifier: MIT */
/*
 * A module host: accepting clients, stopping, unloading. The thread of
 * hostd_serve accepts, joins the threads of clients that have ended, and waits
 * for all of them when it is told to stop. The sessions that run and those that
 * have ended are two lists under hostd.lock.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <tenon/err.h>

#define ACCEPT_PAUSE_MS 100 /* when this process has no descriptor left */

uint64_t host_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void host_log(struct hostd *h, bool important, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (h->config.log == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	h->config.log(h->config.log_arg, important, text);
}

static void wake(struct hostd *h)
{
	const uint64_t one = 1;

	/* Fails only when it is awake for 2^64 reasons. */
	(void)!write(h->wake, &one, sizeof(one));
}

/* --- opening */

static void set_defaults(struct hostd_config *c)
{
	if (c->mode == 0)
		c->mode = 0600;
	if (c->max_clients == 0)
		c->max_clients = 64;
	if (c->send_ms == 0)
		c->send_ms = 10000;
	if (c->hello_ms == 0)
		c->hello_ms = 10000;
	if (c->stop_ms == 0)
		c->stop_ms = 30000;
	if (c->wait_ms == 0)
		c->wait_ms = 30000;
	if (c->max_file == 0)
		c->max_file = (size_t)64 << 20;
}

static int open_engine(struct hostd *h)
{
	h->listener = (struct tn_listener){ event_of_module, h };
	const struct tn_host_config config = {
		.size = sizeof(config),
		.abi = 1,
		.flags = TN_HOST_KEEP_SYMBOLS,
		.unpack_limit = 4 * h->config.max_file,
		.listeners = &h->listener,
		.nlisteners = 1,
		.verify = h->config.verify,
		.verify_arg = h->config.verify_arg,
		.wait_ns = h->config.wait_ms * UINT64_C(1000000),
	};

	return tn_open(&config, &h->sys);
}

int hostd_open(
    const struct hostd_config *config, struct hostd **out, char **why)
{
	struct hostd *h = calloc(1, sizeof(*h));
	int err;

	*why = NULL;
	if (h == NULL)
		return -TN_ENOMEM;
	h->config = *config;
	set_defaults(&h->config);
	h->socket = h->lock_file = -1;
	h->since_ns = host_now_ns();
	(void)pthread_mutex_init(&h->lock, NULL);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = h->wake < 0 ? -TN_EIO : open_engine(h);
	if (err != 0)
		*why = strdup("the engine cannot be opened");
	else if (h->config.socket != NULL)
		err = listen_open(h, why);
	if (err != 0)
		hostd_close(h);
	else
		*out = h;
	return err;
}

void hostd_close(struct hostd *h)
{
	listen_close(h);
	if (h->sys != NULL)
		(void)tn_close(h->sys); /* busy: permanent modules stay */
	if (h->wake >= 0)
		(void)close(h->wake);
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

struct tn_system *hostd_system(struct hostd *h)
{
	return h->sys;
}

/* --- clients */

static bool is_allowed(const struct hostd *h, uid_t uid)
{
	if (uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < h->config.nusers; i++)
		if (h->config.users[i] == uid)
			return true;
	return false;
}

/* Says why and closes; whoever does not read it has bad luck. */
static void turn_away(
    struct hostd *h, int fd, int error, const char *reason, const char *text)
{
	struct wire_text t = { 0 };

	wire_begin(&t, 0, "error");
	wire_add(&t, "code", tn_error_name(error));
	wire_add_signed(&t, "error", error);
	wire_add(&t, "reason", reason);
	wire_add(&t, "text", text);
	wire_end(&t);
	if (!t.failed)
		(void)!send(fd, t.bytes, t.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	wire_free(&t);
	(void)close(fd);
	host_log(h, true, "a client was turned away: %s", text);
}

static void admit(struct hostd *h, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	unsigned n;
	int err;

	(void)pthread_mutex_lock(&h->lock);
	n = h->nclients;
	(void)pthread_mutex_unlock(&h->lock);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
	    !is_allowed(h, peer.uid))
		turn_away(h, fd, -TN_EACCES, "peer",
		    "this host does not serve your user");
	else if (n >= h->config.max_clients)
		turn_away(h, fd, -TN_EBUSY, "clients",
		    "this host has as many clients as it serves at a time");
	else if ((err = session_start(h, fd)) != 0)
		host_log(h, true, "no %s for a client",
		    err == -TN_EAGAIN ? "descriptor" : "memory or thread");
}

void host_ended(struct session *s)
{
	struct hostd *h = s->host;
	struct session **at;

	(void)pthread_mutex_lock(&h->lock);
	for (at = &h->sessions; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	h->nclients--;
	s->next = h->ended;
	h->ended = s;
	wake(h);
	(void)pthread_mutex_unlock(&h->lock);
}

/* Joins the threads of clients that have left; returns how many remain. */
static unsigned reap(struct hostd *h)
{
	struct session *s, *next;
	uint64_t count;
	unsigned left;

	(void)!read(h->wake, &count, sizeof(count));
	(void)pthread_mutex_lock(&h->lock);
	s = h->ended;
	h->ended = NULL;
	(void)pthread_mutex_unlock(&h->lock);
	for (; s != NULL; s = next) {
		next = s->next;
		(void)pthread_join(s->thread, NULL);
		session_free(s);
		(void)pthread_mutex_lock(&h->lock);
		h->nsessions--;
		(void)pthread_mutex_unlock(&h->lock);
	}
	(void)pthread_mutex_lock(&h->lock);
	left = h->nsessions;
	(void)pthread_mutex_unlock(&h->lock);
	return left;
}

int hostd_attach(struct hostd *h, int fd)
{
	return session_start(h, fd);
}

/* --- serving */

/* False: the socket is of no use any more. */
static bool accept_one(struct hostd *h)
{
	const int fd = accept4(h->socket, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		admit(h, fd);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM) {
		host_log(h, true, "cannot accept: %s", strerror(errno));
		(void)poll(NULL, 0, ACCEPT_PAUSE_MS);
		return true;
	}
	return errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
}

static int end_sessions(struct hostd *h)
{
	const uint64_t until =
	    host_now_ns() + (uint64_t)h->config.stop_ms * 1000000u;
	struct pollfd p = { .fd = h->wake, .events = POLLIN };

	event_stopping(h);
	while (reap(h) != 0) {
		const uint64_t now = host_now_ns();

		if (now >= until) {
			doing_log_rest(h);
			return -TN_ETIMEDOUT;
		}
		(void)poll(&p, 1, (int)((until - now) / 1000000u) + 1);
	}
	return 0;
}

int hostd_serve(struct hostd *h)
{
	struct pollfd p[] = {
		{ .fd = h->socket, .events = POLLIN },
		{ .fd = h->wake, .events = POLLIN },
	};
	bool ok = true;
	int err, fd;

	while (ok && !atomic_load(&h->stopping)) {
		if (poll(p, 2, (int)h->config.wait_ms) < 0 && errno != EINTR)
			ok = false;
		doing_log_long(h);
		if (p[1].revents != 0)
			(void)reap(h);
		if (p[0].revents != 0 && !atomic_load(&h->stopping))
			ok = accept_one(h) && ok;
	}
	if (!ok)
		host_log(h, true, "the socket fails: %s", strerror(errno));
	atomic_store(&h->stopping, true);
	listen_hide(h);
	/* Who has connected by now is served. */
	while ((fd = accept4(h->socket, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		admit(h, fd);
	listen_close(h);
	err = end_sessions(h);
	return err != 0 || ok ? err : -TN_EIO;
}

void hostd_stop(struct hostd *h)
{
	atomic_store(&h->stopping, true);
	wake(h);
}

/* --- unloading */

struct modules {
	struct tn_module **list;
	size_t n, capacity;
	bool failed;
};

static int collect(void *arg, struct tn_module *mod)
{
	struct modules *m = arg;
	const size_t capacity = m->capacity != 0 ? 2 * m->capacity : 64;

	if (m->n == m->capacity) {
		struct tn_module **more =
		    realloc(m->list, capacity * sizeof(*more));

		m->failed = more == NULL;
		if (m->failed)
			return 1;
		m->list = more;
		m->capacity = capacity;
	}
	m->list[m->n++] = mod;
	return 0;
}

/* False: it refuses. */
static bool unload(struct hostd *h, struct tn_module *mod)
{
	struct tn_diag diag;
	char text[512];
	bool ok;

	tn_diag_init(&diag);
	ok = tn_unload(h->sys, mod, &diag) == 0 ||
	     diag.reason == TN_REASON_NOT_LOADED;
	if (!ok) {
		(void)tn_diag_text(&diag, text, sizeof(text));
		host_log(h, true, "%s", text);
		ok = diag.reason == TN_REASON_NO_EXIT ||
		     diag.reason == TN_REASON_ESSENTIAL;
	}
	tn_diag_fini(&diag);
	return ok;
}

unsigned hostd_unload(struct hostd *h)
{
	struct modules m = { 0 };
	unsigned nrefused = 0;

	(void)tn_module_each(h->sys, collect, &m);
	if (m.failed) {
		host_log(h, true, "no memory to unload the modules");
		nrefused = 1;
	}
	for (size_t i = m.n; i-- != 0;)
		if (!unload(h, m.list[i]))
			nrefused++;
	free(m.list);
	return nrefused;
}
