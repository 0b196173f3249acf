/* SPDX-License-Identifier: MIT */
/*
 * The path of a host's socket, and connecting to it.
 */
#include <hostd/address.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>

static int compose(char out[ADDRESS_MAX], const char *folder, const char *name)
{
	const int n = snprintf(out, ADDRESS_MAX, "%s%s", folder, name);

	return n >= 0 && (size_t)n < ADDRESS_MAX ? 0 : -TN_EFBIG;
}

/* A variable that is set and not empty, else NULL. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

int address_choose(const char *given, char out[ADDRESS_MAX])
{
	const char *path = given != NULL ? given : variable("TENON_SOCKET");
	const char *runtime = variable("XDG_RUNTIME_DIR");

	if (path != NULL)
		return *path != '\0' ? compose(out, path, "") : -TN_ENOENT;
	if (runtime != NULL)
		return compose(out, runtime, "/tenon.sock");
	return geteuid() == 0 ? compose(out, "/run", "/tenon.sock")
			      : -TN_ENOENT;
}

int address_connect(const char *path, int *fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct stat st;
	int s, err;

	if (compose(to.sun_path, path, "") != 0)
		return -ENAMETOOLONG;
	if (stat(path, &st) != 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	if (connect(s, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		err = -errno;
		(void)close(s);
		return err;
	}
	*fd = s;
	return 0;
}
