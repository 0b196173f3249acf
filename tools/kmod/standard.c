/* SPDX-License-Identifier: MIT */
/* See <kmod/standard.h>. */
#include <kmod/standard.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void standard_open(void)
{
	int fd;

	/* Each gets the lowest number that is free. */
	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
	(void)signal(SIGCHLD, SIG_DFL);
}
