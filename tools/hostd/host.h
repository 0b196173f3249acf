/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the module host share.
 *
 *	listen.c     the socket: made, taken over, removed
 *	daemon.c     accepting clients, stopping, unloading
 *	session.c    one client: its thread, lines in, lines out
 *	event.c      telling clients what happens to modules
 *	doing.c      what each client's request is at
 *	request.c    from a line to its verb: a table
 *	reply.c      answers, and failures as fields
 *	source.c     module files from descriptors, paths and folders
 *	verb_*.c     the verbs
 *
 * Locks: hostd.lock guards the list of sessions, session.lock its queue of
 * events and what it is doing. The first may be held when the second is taken.
 * Who holds one does not call the engine; the engine, which calls listeners
 * without a lock of its own, may call event_of_module, which takes both.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/compiler.h>
#include <hostd/daemon.h>
#include <hostd/wire.h>

struct session;

struct hostd {
	struct hostd_config config;
	struct tn_system *sys;
	struct tn_listener listener;
	int socket, lock_file;
	ino_t inode; /* of the socket's name, which may be replaced */
	int wake;    /* eventfd: stop, or a session has ended */
	char *lock_path;
	uint64_t since_ns;
	atomic_bool stopping;
	atomic_ullong nrequests;
	pthread_mutex_t lock;
	struct session *sessions; /* under the lock */
	struct session *ended;    /* threads to be joined; under the lock */
	unsigned nclients;        /* that are served; under the lock */
	unsigned nsessions;       /* that are not freed; under the lock */
};

/* A request while its session's thread does it. */
struct doing {
	const char *verb;                /* a constant; NULL: there is none */
	char module[TN_MODULE_NAME_MAX]; /* as far as it is known, or "" */
	uint64_t since_ns;
	bool told; /* the log, that it takes long */
};

#define CLIENT_MAX 32 /* of its name, with the NUL */

/* One client. Its own thread uses it, but for what stands under the lock. */
struct session {
	struct session *next;
	struct hostd *host;
	pthread_t thread;
	int fd, wake;
	pid_t pid;
	uid_t uid;
	char client[CLIENT_MAX]; /* what it calls itself */
	bool greeted;
	bool at_end; /* of what can be read from it */
	uint64_t since_ns;
	unsigned nbad;
	const char *dropped; /* why, or NULL */
	/* read, and not yet a request */
	char *in;
	size_t have;
	int fds[WIRE_FDS_MAX];
	size_t nfds;
	struct wire_text out;
	pthread_mutex_t lock;
	struct doing doing; /* under the lock, as those below */
	bool subscribed;
	bool lost;               /* events, for want of room */
	struct wire_text events; /* not yet sent */
};

/* A request while it is done. */
struct request {
	struct hostd *host;
	struct session *session;
	const struct wire_line *line;
	struct wire_text *out;
	int fds[WIRE_FDS_MAX]; /* closed when it has been done */
	size_t nfds;
};

/* --- daemon.c */

void host_log(struct hostd *h, bool important, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* The session's thread ends. */
void host_ended(struct session *s);
uint64_t host_now_ns(void);

/* --- listen.c */

int listen_open(struct hostd *h, char **why);
/* The name goes: nobody connects any more. */
void listen_hide(struct hostd *h);
void listen_close(struct hostd *h);

/* --- session.c */

/* Takes @fd over. -TN_ENOMEM, and it is closed. */
int session_start(struct hostd *h, int fd);
/* After its thread has ended. */
void session_free(struct session *s);
void session_wake(struct session *s);

/* --- event.c */

void event_of_module(void *arg, const struct tn_notice *notice);
void event_stopping(struct hostd *h);

/* --- doing.c */

/* Of the session's thread, around a request; @verb is a constant. */
void doing_begin(struct request *q, const char *verb);
void doing_end(void);
/* What this thread does is about the module @name. */
void doing_module(const char *name);

/* Who does what, a copy. */
struct worker {
	const char *verb;
	uint64_t since_ns;
	pid_t pid;
	char module[TN_MODULE_NAME_MAX];
	char client[CLIENT_MAX];
};

/* Who else works on @module; false: nobody. */
bool doing_find(struct hostd *h, const char *module, struct worker *out);

/* Names in the log: what takes longer than others wait for it, each once. */
void doing_log_long(struct hostd *h);
/* All that is still done. */
void doing_log_rest(struct hostd *h);

/* --- request.c */

/* Does what @q asks and answers in @q->out. */
void request_run(struct request *q);

/* --- reply.c: each request ends in one ok or one failure */

/* Begins the last line; the caller adds fields and ends it. */
void reply_begin_ok(struct request *q);
void reply_ok(struct request *q);
/* @error is a negative enum tn_errno. */
void reply_fail(struct request *q, int error, const char *reason,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
void reply_no_memory(struct request *q);
/* The engine has failed with @diag, whose module is @name if it has none. */
void reply_diag(
    struct request *q, const struct tn_diag *diag, const char *name);
/* The line about a holder. */
void reply_holder(struct request *q, const struct tn_holder *h);
/* A line before the last one, as reply_begin_ok. */
void reply_begin(struct request *q, const char *word);

/* --- the request's fields: those that return false have failed it */

bool need(struct request *q, const char *key, const char **out);
/* A list whose words are parted by commas, none empty; the caller frees it. */
bool list_of(struct request *q, const char *key, char **out);
bool number(struct request *q, const char *key, uint64_t max, uint64_t *out);
/* "1" is true, "0" and none are false. */
bool flag(struct request *q, const char *key, bool *out);
/* The running module that the field @key names, with a reference. */
bool module_of(struct request *q, const char *key, struct tn_module **out);

/* --- source.c */

/* A module file in memory. */
struct source {
	void *data;
	size_t size;
	char name[TN_MODULE_NAME_MAX]; /* by the file's name */
};

/*
 * Reads the descriptor. 0, or a negative error and a constant that says why.
 */
int source_read(
    const struct hostd *h, int fd, struct source *out, const char **why);
/* Opens and reads the file of @path, or of module @name in the folders. */
int source_open(const struct hostd *h, const char *path, struct source *out,
    const char **why);
int source_find(const struct hostd *h, const char *name, struct source *out,
    const char **why);
void source_free(struct source *s);

/* --- verb_*.c */

typedef void verb_fn(struct request *q);
verb_fn verb_ping, verb_status, verb_requests, verb_subscribe, verb_unsubscribe;
verb_fn verb_insmod, verb_load, verb_rmmod, verb_start, verb_stop;
verb_fn verb_list, verb_info, verb_holders, verb_ledger, verb_symbols;
verb_fn verb_symbol, verb_where;
verb_fn verb_call, verb_params, verb_get, verb_set;
