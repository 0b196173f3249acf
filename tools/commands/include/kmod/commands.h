/* SPDX-License-Identifier: MIT */
/*
 * kmod's commands with the back ends of this system, for programs that have
 * them as applets.
 */
#pragma once

#include <stddef.h>

struct kmod_command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help; /* one line */
};

/* The command called @name, or NULL. */
const struct kmod_command *kmod_command_find(const char *name);

/* All of them; *@n is their number. */
const struct kmod_command *kmod_commands(size_t *n);
