/* SPDX-License-Identifier: MIT */
/*
 * A host whose memory is short: of each request every allocation fails once. The
 * client hears of it by name, nothing has changed, and the next request is
 * served. The client is this thread and allocates nothing meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <hostd/client.h>
#include <hostd/daemon.h>
#include <hostd/wire.h>
#include <tenon/err.h>
#include <test/test.h>

#include "memory.h"

#define ANSWER_MAX (1u << 18)

static struct {
	struct hostd *h;
	pthread_t server;
	int fd;                  /* the client's end */
	char folder[PATH_MAX];   /* of modules */
	char answer[ANSWER_MAX]; /* the lines of the last one */
	const char *last;        /* of them */
} w;

/* --- a client of a few system calls */

/* Waits for the end of the answer; false: the host has left. */
static bool read_answer(void)
{
	size_t n = 0;

	for (;;) {
		const ssize_t got =
		    recv(w.fd, w.answer + n, sizeof(w.answer) - 1 - n, 0);

		if (got <= 0)
			return false;
		n += (size_t)got;
		w.answer[n] = '\0';
		if (w.answer[n - 1] != '\n')
			continue;
		w.answer[n - 1] = '\0';
		w.last = strrchr(w.answer, '\n');
		w.last = w.last != NULL ? w.last + 1 : w.answer;
		if (strncmp(w.last, "1 ok", 4) == 0 ||
		    strncmp(w.last, "1 error ", 8) == 0)
			return true;
		w.answer[n - 1] = '\n';
	}
}

static bool send_line(const char *request, int file)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(file))] = { 0 };
	char line[PATH_MAX + 256];
	const int n = snprintf(
	    line, sizeof(line), "1 %s%s\n", request, file >= 0 ? " fds=1" : "");
	struct iovec v = { line, (size_t)n };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *c = (struct cmsghdr *)(void *)control;

	if (file >= 0) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(file));
		memcpy(CMSG_DATA(c), &file, sizeof(file));
	}
	return sendmsg(w.fd, &m, MSG_NOSIGNAL) == n;
}

/* Asks, with the module @name as a file, or NULL. */
static bool ask(const char *request, const char *name)
{
	char path[PATH_MAX + 80];
	int file = -1;
	bool ok;

	(void)snprintf(
	    path, sizeof(path), "%s/%s.ko", w.folder, name != NULL ? name : "");
	if (name != NULL)
		file = open(path, O_RDONLY | O_CLOEXEC);
	ok = (name == NULL || file >= 0) && send_line(request, file) &&
	     read_answer();
	if (file >= 0)
		(void)close(file);
	return ok;
}

static bool is_ok(void)
{
	return strncmp(w.last, "1 ok", 4) == 0;
}

/* --- the host */

static void *serve(void *arg)
{
	(void)hostd_serve(arg);
	return NULL;
}

static bool find_folder(void)
{
	char self[PATH_MAX - 100];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct utsname machine;

	self[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 3 && strrchr(self, '/') != NULL; up++)
		*strrchr(self, '/') = '\0';
	(void)uname(&machine);
	(void)snprintf(w.folder, sizeof(w.folder), "%s/modules/%.20s/common",
	    self, machine.machine);
	return access(w.folder, R_OK) == 0;
}

static int attach(void)
{
	int ends[2], err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -errno;
	w.fd = ends[1];
	err = hostd_attach(w.h, ends[0]);
	return err;
}

static bool world_open(void)
{
	static const char *folders[1];
	const struct hostd_config config = {
		.folders = folders, .nfolders = 1, .paths = true
	};
	char *why;

	folders[0] = w.folder;
	return hostd_open(&config, &w.h, &why) == 0 &&
	       pthread_create(&w.server, NULL, serve, w.h) == 0;
}

static bool world_close(void)
{
	bool ok;

	hostd_stop(w.h);
	ok = pthread_join(w.server, NULL) == 0 && hostd_unload(w.h) == 0;
	hostd_close(w.h);
	return ok;
}

static bool greet(void)
{
	return attach() == 0 && ask("hello version=1 client=test", NULL) &&
	       is_ok();
}

/* --- requests */

struct row {
	const char *before; /* what makes it possible; or NULL */
	const char *request;
	const char *file;  /* a module; or NULL */
	const char *after; /* takes it back; or NULL */
};

#define LOOK(request)                                                          \
	{                                                                      \
		NULL, request, NULL, NULL                                      \
	}

static const struct row rows[] = {
	LOOK("ping"),
	LOOK("status"),
	LOOK("requests"),
	LOOK("list"),
	LOOK("info module=guest"),
	LOOK("holders module=greeter"),
	LOOK("ledger module=guest"),
	LOOK("symbols module=lifecycle"),
	LOOK("symbol symbol=printk"),
	LOOK("symbol symbol=no_such"),
	LOOK("where address=1"),
	LOOK("params module=greeter"),
	LOOK("get module=greeter param=word"),
	LOOK("get module=greeter param=no"),
	LOOK("set module=greeter param=times value=3"),
	LOOK("set module=greeter param=times value=99"),
	LOOK("set module=greeter param=word value=hallo"),
	LOOK("call symbol=guest_visit args=1,2"),
	LOOK("call symbol=guest_visit args=x"),
	LOOK("insmod path=/no/such"),
	LOOK("load names=no_such"),
	LOOK("load names=missing"),
	LOOK("rmmod names=greeter"),
	LOOK("rmmod names=greeter,lifecycle"),
	LOOK("no_such_request"),
	{ NULL, "subscribe", NULL, "unsubscribe" },
	{ NULL, "stop module=lifecycle", NULL, "start module=lifecycle" },
	{ "stop module=lifecycle", "start module=lifecycle", NULL, NULL },
	{ NULL, "insmod file=hello.ko", "hello", "rmmod names=hello" },
	{ NULL, "insmod", "missing", NULL },
	{ NULL, "insmod params=nonsense=1", "hello", NULL },
	{ NULL, "load names=hello,tiny", NULL, "rmmod names=hello,tiny" },
	{ NULL, "load", "hello", "rmmod names=hello" },
	{ "load names=hello", "rmmod names=hello", NULL, NULL },
	{ "load names=hello,tiny", "rmmod names=tiny,hello", NULL, NULL },
};

/* "NAME:STATE ..": what a request that fails must not change. */
static void list_modules(char out[1024])
{
	size_t n = 0;

	out[0] = '\0';
	if (!EXPECT(ask("list", NULL) && is_ok()))
		return;
	for (char *rest = w.answer, *line; (line = strsep(&rest, "\n"));) {
		char name[64], state[16];
		const char *at = strstr(line, " state=");

		if (sscanf(line, "1 module module=%63s", name) == 1 &&
		    at != NULL && sscanf(at, " state=%15s", state) == 1)
			n += (size_t)snprintf(
			    out + n, 1024 - n, "%s:%s ", name, state);
	}
}

/* The first words of an answer: "1 ok", or "1 error code=ENOENT". */
static void verdict(char out[64])
{
	const bool ok = is_ok();
	const size_t n = ok ? 4 : strcspn(w.last + 8, " ") + 8;

	(void)snprintf(out, 64, "%.*s", (int)(n < 63 ? n : 63), w.last);
}

/* Of what @r asks allocation @n fails; false: there is none of this number. */
static bool starve(const struct row *r, unsigned n, const char *expected)
{
	char before[1024], after[1024], got[64];
	bool reached;

	if (r->before != NULL)
		EXPECT(ask(r->before, NULL) && is_ok());
	list_modules(before);
	memory_fail_at(n);
	const bool answered = ask(r->request, r->file);

	reached = memory_made() >= n;
	memory_fail_at(0);
	if (!EXPECT(answered))
		return false;
	verdict(got);
	if (strcmp(got, expected) != 0) {
		test_expect_str(
		    got, "1 error code=ENOMEM", TEST_AT, r->request);
		EXPECT(reached && strstr(w.last, " reason=") != NULL &&
		       strstr(w.last, " text=") != NULL);
	}
	const bool ok = is_ok();

	if (!ok) {
		list_modules(after);
		test_expect_str(after, before, TEST_AT, r->request);
		/* nothing has changed: it is asked again */
		EXPECT(ask(r->request, r->file));
	}
	if (r->after != NULL)
		EXPECT(ask(r->after, NULL) && is_ok());
	return reached && !test_failed();
}

TEST(memory, each_request_survives_each_allocation_that_fails)
{
	unsigned positions = 0;

	if (!find_folder())
		SKIP("there are no modules for this machine");
	CHECK(world_open() && greet());
	CHECK(ask("load names=guest,lifecycle", NULL) && is_ok());
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		char expected[64];
		unsigned n = 1;

		if (r->before != NULL)
			CHECK(ask(r->before, NULL) && is_ok());
		CHECK(ask(r->request, r->file));
		verdict(expected);
		if (r->after != NULL)
			CHECK(ask(r->after, NULL) && is_ok());
		while (starve(r, n, expected))
			n++;
		if (test_failed())
			return;
		positions += n - 1;
	}
	CHECK(positions > 150);
	(void)close(w.fd);
	CHECK(world_close());
}

TEST(memory, who_finds_no_memory_at_his_coming_is_told)
{
	unsigned n = 1;

	if (!find_folder())
		SKIP("there are no modules for this machine");
	CHECK(world_open());
	for (bool reached = true; reached; n++) {
		memory_fail_at(n);
		const int err = attach();
		const bool answered =
		    err == 0 && ask("hello version=1 client=test", NULL);
		ssize_t got;

		reached = memory_made() >= n;
		memory_fail_at(0);
		CHECK(err == 0 || err == -TN_ENOMEM);
		if (err == 0) {
			CHECK(answered);
			CHECK(is_ok());
		} else {
			got = recv(w.fd, w.answer, sizeof(w.answer) - 1, 0);
			w.answer[got > 0 ? got : 0] = '\0';
			CHECK(strstr(w.answer, "reason=no_memory") != NULL);
			CHECK_EQ(recv(w.fd, w.answer, 1, 0), 0);
		}
		(void)close(w.fd);
	}
	CHECK(n > 3);
	CHECK(greet());
	(void)close(w.fd);
	CHECK(world_close());
}

/* One connection with one request; the negative error of whoever failed. */
static int ask_by_library(void)
{
	char long_name[600];
	struct hostc *c;
	char *why = NULL;
	int err = attach();

	if (err != 0) {
		(void)close(w.fd);
		return err;
	}
	err = hostc_adopt(w.fd, "test", &c, &why);
	free(why);
	if (err != 0)
		return err;
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	hostc_begin(c, "symbol");
	hostc_add(c, "symbol", long_name); /* more than it begins with */
	err = hostc_run(c, NULL, NULL);
	EXPECT(*hostc_text(c, "text") != '\0');
	EXPECT(err == -TN_ENOENT || err == -TN_ENOMEM);
	hostc_begin(c, "ping");
	EXPECT(hostc_run(c, NULL, NULL) == 0);
	hostc_close(c);
	return err;
}

TEST(memory, a_client_says_who_has_none)
{
	unsigned n = 0;
	int err;

	CHECK(world_open());
	do {
		memory_fail_at(++n);
		err = ask_by_library();
		if (err != -TN_ENOMEM)
			CHECK_EQ(err, -TN_ENOENT);
	} while (memory_made() >= n);
	memory_fail_at(0);
	CHECK_EQ(err, -TN_ENOENT);
	CHECK(n > 5);
	CHECK(world_close());
}

TEST(memory, a_host_opens_whole_or_not_at_all)
{
	char folder[] = "/tmp/test-hostd-XXXXXX", path[64];
	const struct hostd_config config = { .socket = path };
	int err = -TN_ENOMEM;
	unsigned n = 0;

	CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(path, sizeof(path), "%s/socket", folder);
	while (err != 0) {
		struct hostd *h;
		char *why;

		memory_fail_at(++n);
		err = hostd_open(&config, &h, &why);
		memory_fail_at(0);
		if (err == 0)
			hostd_close(h);
		else
			CHECK_EQ(err, -TN_ENOMEM);
		free(why);
		/* neither the socket nor its lock is left */
		CHECK_EQ(rmdir(folder), 0);
		CHECK(mkdir(folder, 0700) == 0);
	}
	CHECK(n > 5);
	CHECK_EQ(rmdir(folder), 0);
}
