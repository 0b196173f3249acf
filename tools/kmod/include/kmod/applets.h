/* SPDX-License-Identifier: MIT */
/*
 * The applets of this component, for the table in tools/tenon.c. Each takes
 * the arguments of its command, argv[0] being the name that it was called by,
 * and returns the exit status that kmod's command of that name has.
 */
#pragma once

struct backends;

/* depmod(8): writes modules.dep and the other indexes of a module tree. */
int depmod_main(int argc, char **argv);

/* modprobe, which loads through one of @backends: <kmod/backend.h>. */
int modprobe_command(int argc, char **argv, const struct backends *backends);

/* modinfo */
int modinfo_main(int argc, char **argv);

/* One file, one or more names, or all that is there: in the same way. */
int insmod_command(int argc, char **argv, const struct backends *backends);
int rmmod_command(int argc, char **argv, const struct backends *backends);
int lsmod_command(int argc, char **argv, const struct backends *backends);
