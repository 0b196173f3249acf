/* SPDX-License-Identifier: MIT */
/*
 * A client's side of a connection to a module host (docs/host.md).
 *
 *	struct hostc *c;
 *	char *why;
 *	int err = hostc_open(NULL, "mytool", &c, &why);
 *
 *	hostc_begin(c, "insmod");
 *	hostc_add_fd(c, fd);
 *	hostc_add(c, "params", "level=3");
 *	err = hostc_run(c, NULL, NULL);
 *	... hostc_get(c, "text") is the reason
 *
 * One thread at a time uses a connection.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <hostd/wire.h>

struct hostc;

/*
 * Connects to the host at @path (NULL: where one is by default) and says hello
 * as @name. 0; or -errno, and *@why is a sentence to be freed, or NULL.
 */
int hostc_open(
    const char *path, const char *name, struct hostc **out, char **why);
/* The same over the connected socket @fd, which it takes over in any case. */
int hostc_adopt(int fd, const char *name, struct hostc **out, char **why);
void hostc_close(struct hostc *c);

/* Begins a request. A value that is NULL is left out. */
void hostc_begin(struct hostc *c, const char *verb);
void hostc_add(struct hostc *c, const char *key, const char *value);
void hostc_add_number(struct hostc *c, const char *key, uint64_t value);
/* Passes a descriptor, which stays the caller's and open until hostc_run. */
void hostc_add_fd(struct hostc *c, int fd);

/* A line that belongs to the answer, or an event; @line is valid meanwhile. */
typedef void hostc_line_fn(void *arg, const struct wire_line *line);

/*
 * Sends the request and waits for its end. @fn (or NULL) gets the lines before
 * the last one. 0; the negative error that the host answered, with the fields
 * of the answer; -EPIPE and others: the connection has failed, and hostc_get
 * has a "text" about it; -EMSGSIZE: the request does not fit a line.
 */
int hostc_run(struct hostc *c, hostc_line_fn *fn, void *arg);

/*
 * A field of the last line that hostc_run has read, or NULL. Valid until the
 * next request.
 */
const char *hostc_get(const struct hostc *c, const char *key);
/* The same, and "" instead of NULL. */
const char *hostc_text(const struct hostc *c, const char *key);
uint64_t hostc_number(const struct hostc *c, const char *key);

/* The whole of that line. */
const struct wire_line *hostc_last(const struct hostc *c);

/* Gets all events, also those between answers. */
void hostc_on_event(struct hostc *c, hostc_line_fn *fn, void *arg);
/* Waits for one line that is no answer. 0, or -errno as hostc_run. */
int hostc_wait(struct hostc *c);
/* For poll(2). */
int hostc_fd(const struct hostc *c);
