/* SPDX-License-Identifier: MIT */
/*
 * Where a module host is to be found: the path of its socket.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define ADDRESS_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/*
 * The path: @given (or NULL), else $TENON_SOCKET, else tenon.sock in
 * $XDG_RUNTIME_DIR, else /run/tenon.sock for root. 0; -TN_ENOENT: none of these
 * is there; -TN_EFBIG: it is longer than a socket's path may be.
 */
int address_choose(const char *given, char out[ADDRESS_MAX]);

/*
 * Connects to the socket at @path: 0 and *@fd, or -errno; -ENOTSOCK: something
 * else is at @path.
 */
int address_connect(const char *path, int *fd);
