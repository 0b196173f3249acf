/* SPDX-License-Identifier: MIT */
/*
 * A module host: an engine behind a unix socket (docs/host.md).
 *
 * Each client has a thread, which does its requests one after the other, so a
 * module whose init does not return holds up the client that loads it, for a
 * time those who want this very module, and nobody else. One host object; several
 * may be in a process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <tenon/tenon.h>

struct hostd;

/* Zeroed but for @socket it is the default. */
struct hostd_config {
	const char *socket;   /* path; NULL: none, see hostd_attach */
	mode_t mode;          /* of the socket; 0: 0600 */
	unsigned max_clients; /* at a time; 0: 64 */
	unsigned send_ms;     /* a client that takes nothing for so long is
				 dropped; 0: 10 s */
	unsigned hello_ms;    /* so is one that does not say hello; 0: 10 s */
	unsigned stop_ms;     /* what requests get to end; 0: 30 s */
	unsigned wait_ms;     /* a load waits so long for a module that another
				 client is loading, and then the log names that
				 request; 0: 30 s */
	size_t max_file;      /* bytes of a module file; 0: 64 MiB */
	const uid_t *users;   /* may connect beside ours and root */
	size_t nusers;
	const char *const *folders; /* for modules that clients only name */
	size_t nfolders;
	unsigned load_flags; /* TN_LOAD_*: of every load */
	bool paths;          /* clients may name files for us to open */
	/* Asked about each file before it is parsed; or NULL. */
	tn_verify_fn *verify;
	void *verify_arg;
	/* Why @verify has refused the last file of this thread; or NULL. */
	const char *(*doubt)(void);
	/* Told in a sentence of what happens; any thread. Or NULL. */
	void (*log)(void *arg, bool important, const char *text);
	void *log_arg;
};

/*
 * Opens the engine, then the socket, which it takes over from a host that has
 * died. What @config points to outlives the host. 0; or a negative enum
 * tn_errno, and *@why is a sentence to be freed (NULL: no memory): -TN_EBUSY: a
 * host serves there; -TN_EEXIST: something that is no socket is there;
 * -TN_EACCES, -TN_EIO: it cannot be made.
 */
int hostd_open(
    const struct hostd_config *config, struct hostd **out, char **why);

/*
 * Serves a client at the other end of the connected unix socket @fd, which it
 * takes over, whoever that is. 0; -TN_ENOMEM, and @fd is closed.
 */
int hostd_attach(struct hostd *h, int fd);

/*
 * Serves until hostd_stop, then removes the socket, lets requests end, and says
 * goodbye to clients. 0; -TN_ETIMEDOUT: some request still runs, and the host
 * can be neither unloaded nor closed; -TN_EIO: the socket failed.
 */
int hostd_serve(struct hostd *h);

/* Ends hostd_serve. Any thread, signal handlers too. */
void hostd_stop(struct hostd *h);

/*
 * Unloads all modules in the reverse order of their loads; returns how many
 * refused, each of which the log has been told of (permanent ones do not
 * count). After hostd_serve has returned 0.
 */
unsigned hostd_unload(struct hostd *h);

/* Frees it; modules that are still loaded stay where they are. */
void hostd_close(struct hostd *h);

/* The engine: for those in whose process the host runs. */
struct tn_system *hostd_system(struct hostd *h);
