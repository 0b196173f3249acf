/* SPDX-License-Identifier: MIT */
/*
 * Helpers of the tests of plugins: see plugin_kit.h.
 */
#include "plugin_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <test/test.h>

const char *plugin_path(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX - 100];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	for (int up = 0; up < 2; up++) {
		char *slash = strrchr(self, '/');

		if (slash)
			*slash = '\0';
	}
	snprintf(path, PATH_MAX, "%s/plugins/%.50s.so", self, name);
	return path;
}

void plugin_script(const struct script *s)
{
	char text[32];

	snprintf(text, sizeof(text), "%llx", (unsigned long long)(uintptr_t)s);
	if (s)
		setenv(SCRIPT_VARIABLE, text, 1);
	else
		unsetenv(SCRIPT_VARIABLE);
}

struct plugin *plugin_kit_load(
    struct tn_system *sys, const char *name, struct tn_diag *diag)
{
	char path[PATH_MAX];
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = plugin_path(name, path),
		.system = sys };
	struct plugin *p = NULL;

	return plugin_load_with(&args, &p, diag) == 0 ? p : NULL;
}

int plugin_kit_unload(struct plugin *p)
{
	return plugin_unload_with(p, NULL, NULL);
}

const char *plugin_said(struct tn_diag *diag)
{
	static char text[600];

	tn_diag_text(diag, text, sizeof(text));
	tn_diag_fini(diag);
	return text;
}

const char *plugin_printed(void (*fn)(void *arg), const void *arg)
{
	const int file = memfd_create("printed", MFD_CLOEXEC);
	static char text[4000];
	int out, err;
	ssize_t n;

	fflush(stdout);
	out = dup(1);
	err = dup(2);
	dup2(file, 1);
	dup2(file, 2);
	fn((void *)(uintptr_t)arg);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	n = pread(file, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(out);
	close(err);
	close(file);
	return text;
}

static void unload_in_vain(void *arg)
{
	EXPECT(plugin_unload(arg) == -1);
}

const char *plugin_refusal(struct plugin *p)
{
	return plugin_printed(unload_in_vain, p);
}

void plugin_folder_make(char folder[PATH_MAX])
{
	snprintf(folder, PATH_MAX, "/tmp/tenon-plugin-XXXXXX");
	EXPECT(mkdtemp(folder) != NULL);
	strcat(folder, "/");
}

void plugin_folder_remove(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d && (e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	(void)rmdir(folder);
}

int plugin_copy(const char *from, const char *to)
{
	const int in = open(from, O_RDONLY | O_CLOEXEC);
	const int out =
	    open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	char buf[4096];
	ssize_t n = in < 0 || out < 0 ? -1 : 1;

	while (n > 0 && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			n = -1;
	close(in);
	close(out);
	return (int)n;
}
