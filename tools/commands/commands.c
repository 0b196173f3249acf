/* SPDX-License-Identifier: MIT */
/* The table of kmod's commands, and the back ends that they load into. */
#include <kmod/commands.h>

#include <string.h>

#include <base/compiler.h>
#include <hostd/backend.h>
#include <kmod/applets.h>
#include <kmod/backend.h>

static const struct backends backends = {
	.host = &host_backend,
	.kernel = &kernel_backend,
};

static int modprobe_main(int argc, char **argv)
{
	return modprobe_command(argc, argv, &backends);
}

static int insmod_main(int argc, char **argv)
{
	return insmod_command(argc, argv, &backends);
}

static int rmmod_main(int argc, char **argv)
{
	return rmmod_command(argc, argv, &backends);
}

static int lsmod_main(int argc, char **argv)
{
	return lsmod_command(argc, argv, &backends);
}

static const struct kmod_command commands[] = {
	// clang-format off
	{ "depmod", depmod_main, "write the indexes of a module tree" },
	{ "modinfo", modinfo_main, "show what module files say of themselves" },
	{ "insmod", insmod_main, "load one module file" },
	{ "lsmod", lsmod_main, "list what is loaded" },
	{ "modprobe", modprobe_main, "load or unload a module and what it needs" },
	{ "rmmod", rmmod_main, "unload modules" },
	// clang-format on
};

const struct kmod_command *kmod_commands(size_t *n)
{
	*n = ARRAY_SIZE(commands);
	return commands;
}

const struct kmod_command *kmod_command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
