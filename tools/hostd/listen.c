/* SPDX-License-Identifier: MIT */
/*
 * The socket of a host: made, taken over from a host that has died, removed.
 *
 * Who holds the lock of the file PATH.lock owns PATH, so two hosts that start
 * at once cannot both find the other's socket stale. The lock goes with the
 * process, however that ends. The file is removed by its owner only; who gets
 * the lock of a file that has been removed meanwhile begins again.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hostd/address.h>
#include <tenon/err.h>

#define BACKLOG 128
#define TRIES   100 /* of a lock whose file is removed each time */

/* Fills @why with the sentence; returns @error. */
static int PRINTF_LIKE(3, 4) fail(char **why, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(why, fmt, ap) < 0)
		*why = NULL;
	va_end(ap);
	return error;
}

static int fail_errno(char **why, const char *what, const char *path)
{
	const int err = errno;

	return fail(why, err == EACCES || err == EPERM ? -TN_EACCES : -TN_EIO,
	    "%s %s: %s", what, path, strerror(err));
}

/* --- the lock */

static bool is_at(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 &&
	       mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

/* 1: try again. */
static int try_lock(struct hostd *h, char **why)
{
	const char *path = h->lock_path;
	const int fd = open(
	    path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return fail_errno(why, "cannot make", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		(void)close(fd);
		return fail(why, -TN_EBUSY, "a host serves %s already",
		    h->config.socket);
	}
	if (!is_at(fd, path)) {
		(void)close(fd);
		return 1;
	}
	h->lock_file = fd;
	return 0;
}

static int take_lock(struct hostd *h, char **why)
{
	int err = 1;

	if (asprintf(&h->lock_path, "%s.lock", h->config.socket) < 0) {
		h->lock_path = NULL;
		return fail(why, -TN_ENOMEM, "no memory");
	}
	for (int i = 0; i < TRIES && err > 0; i++)
		err = try_lock(h, why);
	return err <= 0
		   ? err
		   : fail(why, -TN_EBUSY, "%s is fought for", h->lock_path);
}

static void drop_lock(struct hostd *h)
{
	if (h->lock_file >= 0 && h->lock_path != NULL) {
		(void)unlink(h->lock_path);
		(void)close(h->lock_file);
		h->lock_file = -1;
	}
	free(h->lock_path);
	h->lock_path = NULL;
}

/* --- the socket */

static int new_socket(char **why, const struct hostd *h)
{
	const int s =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (s < 0)
		(void)fail_errno(
		    why, "cannot open a socket for", h->config.socket);
	return s;
}

static struct sockaddr_un address_of(const struct hostd *h)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", h->config.socket);
	return a;
}

/* Removes a socket that nobody listens to. */
static int remove_stale(struct hostd *h, char **why)
{
	const struct sockaddr_un a = address_of(h);
	struct stat st;
	int s, err;

	if (lstat(a.sun_path, &st) != 0)
		return 0; /* or bind will say why not */
	if (!S_ISSOCK(st.st_mode))
		return fail(why, -TN_EEXIST, "%s is there and is no socket",
		    a.sun_path);
	s = new_socket(why, h);
	if (s < 0)
		return -TN_EIO;
	err =
	    connect(s, (const struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;
	(void)close(s);
	if (err != ECONNREFUSED)
		return fail(why, -TN_EBUSY,
		    "something serves %s already, or keeps us out", a.sun_path);
	if (unlink(a.sun_path) != 0)
		return fail_errno(why, "cannot replace", a.sun_path);
	host_log(h, true, "%s was left by a host that is gone", a.sun_path);
	return 0;
}

static int make_socket(struct hostd *h, char **why)
{
	const struct sockaddr_un a = address_of(h);
	const mode_t mode = h->config.mode;
	struct stat st;

	h->socket = new_socket(why, h);
	if (h->socket < 0)
		return -TN_EIO;
	/* The name never has more rights than this, whatever the umask is. */
	if (fchmod(h->socket, mode) != 0 ||
	    bind(h->socket, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    lstat(a.sun_path, &st) != 0)
		return fail_errno(why, "cannot make", a.sun_path);
	h->inode = st.st_ino; /* from here on it is ours to remove */
	if (chmod(a.sun_path, mode) != 0 || listen(h->socket, BACKLOG) != 0)
		return fail_errno(why, "cannot make", a.sun_path);
	return 0;
}

int listen_open(struct hostd *h, char **why)
{
	int err;

	if (strlen(h->config.socket) >= ADDRESS_MAX)
		return fail(why, -TN_EINVAL,
		    "%s: the path of a socket has at most %zu bytes",
		    h->config.socket, ADDRESS_MAX - 1);
	err = take_lock(h, why);
	if (err == 0)
		err = remove_stale(h, why);
	if (err == 0)
		err = make_socket(h, why);
	if (err != 0)
		listen_close(h);
	return err;
}

void listen_hide(struct hostd *h)
{
	struct stat st;

	/* Only our own: it may have been removed and made anew. */
	if (h->inode != 0 && lstat(h->config.socket, &st) == 0 &&
	    st.st_ino == h->inode)
		(void)unlink(h->config.socket);
	h->inode = 0;
}

void listen_close(struct hostd *h)
{
	listen_hide(h);
	if (h->socket >= 0)
		(void)close(h->socket);
	h->socket = -1;
	drop_lock(h);
}
