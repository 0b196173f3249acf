/* SPDX-License-Identifier: MIT */
/*
 * The shared library, opened and closed by a program that knows nothing of
 * it: what threads and the process remember of it must stay mapped.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

/* lib/libtenon.so.1 beside the bin/ of this program. */
static void *open_library(void)
{
	char path[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 40);
	char *slash;

	path[n > 0 ? n : 0] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return NULL;
	strcpy(slash, "/../lib/libtenon.so.1");
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void *find(void *library, const char *name)
{
	return dlsym(library, name);
}

/* Opens an engine, looks something up, closes it, and closes the library. */
static void *use_and_close(void *library)
{
	union {
		void *p;
		int (*fn)(const struct tn_host_config *, struct tn_system **);
	} open = { find(library, "tn_open") };
	union {
		void *p;
		int (*fn)(struct tn_system *, const char *, struct tn_symbol *);
	} lookup = { find(library, "tn_symbol_find") };
	union {
		void *p;
		int (*fn)(struct tn_system *);
	} end = { find(library, "tn_close") };
	struct tn_system *sys;
	struct tn_symbol sym;

	if (open.fn(NULL, &sys) != 0 || lookup.fn(sys, "printk", &sym) != 0 ||
	    end.fn(sys) != 0)
		return library;
	return dlclose(library) == 0 ? NULL : library;
}

TEST(shared, it_may_be_closed_while_threads_and_forks_go_on)
{
	void *library = open_library(), *failed;
	int status;
	pthread_t t;
	pid_t pid;

	if (!library && strstr(dlerror(), "initial-exec"))
		SKIP("musl opens no library with initial-exec TLS");
	CHECK(library);
	CHECK_EQ(pthread_create(&t, NULL, use_and_close, library), 0);
	pthread_join(t, &failed);
	CHECK(!failed);
	pid = fork();
	if (pid == 0)
		_exit(0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}
