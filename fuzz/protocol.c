/* SPDX-License-Identifier: MIT */
/*
 * The protocol of module hosts. The first byte chooses who is talked to:
 *
 *	'h'	a host, which gets the bytes after a proper hello
 *	'r'	a host, which gets them at once
 *	'c'	a client, which gets them for an answer to its hello
 *	else	the reader of lines
 *
 * Whatever a host gets, each of its answers is a line of the protocol, and it
 * goes on to serve; no descriptor and no module stays.
 */
#include "kit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hostd/client.h>
#include <hostd/daemon.h>

#define HELLO "1 hello version=1\n"

/* One for all inputs: it has to bear them one after the other. */
static struct hostd *the_host(void)
{
	static const struct hostd_config config = { .socket = NULL };
	static struct hostd *host;
	static pthread_t thread;
	char *why;

	if (host != NULL)
		return host;
	FUZZ_CHECK(hostd_open(&config, &host, &why) == 0);
	FUZZ_CHECK(pthread_create(&thread, NULL,
		       (void *(*)(void *))(void *)hostd_serve, host) == 0);
	return host;
}

static void check_line(char *text, size_t n)
{
	struct wire_line line;
	const char *why;

	FUZZ_CHECK(wire_parse(text, n, &line, &why) == 0);
	FUZZ_CHECK(*line.word != '\0');
	for (size_t i = 0; i < line.nfields; i++)
		touch_string(line.fields[i].value);
}

/* Reads to the end and judges every line. */
static void check_answers(int fd)
{
	static char buf[1 << 20];
	size_t have = 0;
	ssize_t n;
	char *end;

	while ((n = read(fd, buf + have, sizeof(buf) - 1 - have)) > 0) {
		char *from = buf;

		have += (size_t)n;
		while ((end = memchr(
			    from, '\n', have - (size_t)(from - buf))) != NULL) {
			check_line(from, (size_t)(end - from));
			from = end + 1;
		}
		have -= (size_t)(from - buf);
		memmove(buf, from, have);
	}
	FUZZ_CHECK(have == 0);
}

struct talk {
	int fd;
	const char *hello;
	const uint8_t *bytes;
	size_t size;
};

static void put(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n != 0) {
		const ssize_t done = send(fd, p, n, MSG_NOSIGNAL);

		if (done <= 0)
			return; /* it has hung up, as it may */
		p += done;
		n -= (size_t)done;
	}
}

static void *talk(void *arg)
{
	const struct talk *t = arg;

	put(t->fd, t->hello, strlen(t->hello));
	put(t->fd, t->bytes, t->size);
	(void)shutdown(t->fd, SHUT_WR);
	return NULL;
}

static void talk_to_host(const char *hello, const uint8_t *bytes, size_t size)
{
	struct hostd *h = the_host();
	pthread_t writer;
	int ends[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	FUZZ_CHECK(hostd_attach(h, ends[0]) == 0);
	struct talk t = { ends[1], hello, bytes, size };

	FUZZ_CHECK(pthread_create(&writer, NULL, talk, &t) == 0);
	check_answers(ends[1]);
	(void)pthread_join(writer, NULL);
	(void)close(ends[1]);
	FUZZ_CHECK(tn_module_first(hostd_system(h)) == NULL);
}

static void talk_to_client(const uint8_t *bytes, size_t size)
{
	struct hostc *c;
	pthread_t writer;
	char *why;
	int ends[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	struct talk t = { ends[1], "", bytes, size };

	FUZZ_CHECK(pthread_create(&writer, NULL, talk, &t) == 0);
	if (hostc_adopt(ends[0], "fuzz", &c, &why) == 0) {
		hostc_begin(c, "list");
		while (hostc_run(c, NULL, NULL) == 0)
			hostc_begin(c, "list");
		touch_string(hostc_text(c, "text"));
		hostc_close(c);
	}
	touch_string(why);
	free(why);
	(void)pthread_join(writer, NULL);
	(void)close(ends[1]);
}

static void read_line(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1);
	struct wire_text again = { 0 };
	struct wire_line line;
	const char *why;

	FUZZ_CHECK(text != NULL);
	memcpy(text, bytes, size);
	if (wire_parse(text, size, &line, &why) != 0) {
		touch_string(why);
	} else {
		/* What is written of it means the same. */
		wire_begin(&again, line.id, line.word);
		for (size_t i = 0; i < line.nfields; i++)
			wire_add(
			    &again, line.fields[i].key, line.fields[i].value);
		wire_end(&again);
		check_line(again.bytes, again.length - 1);
	}
	wire_free(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size == 0)
		return 0;
	switch (bytes[0]) {
	case 'h': talk_to_host(HELLO, bytes + 1, size - 1); break;
	case 'r': talk_to_host("", bytes + 1, size - 1); break;
	case 'c': talk_to_client(bytes + 1, size - 1); break;
	default: read_line(bytes + 1, size - 1); break;
	}
	return 0;
}
