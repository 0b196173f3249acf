/* SPDX-License-Identifier: MIT */
/*
 * closed LIBRARY MODULE: a program that is not linked with libtenon opens it
 * with dlopen, loads a module, and closes the library again while two threads
 * live: one that has used the engine and ends later, one that goes on calling
 * the module. Then it forks and ends. Nothing of this may need the library to
 * have been unmapped, and nothing may crash because it was.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tenon/tenon.h>

static int (*open_engine)(const struct tn_host_config *, struct tn_system **);
static int (*find)(struct tn_system *, const char *, struct tn_symbol *);
static int (*load)(struct tn_system *, const struct tn_load_args *,
    struct tn_module **, struct tn_diag *);

static struct tn_system *sys;
static long (*add)(long, long);
static atomic_int used, closed;

static int resolve(void *library, const char *name, void *fn, size_t size)
{
	void *p = dlsym(library, name);

	memcpy(fn, &p, size);
	return p ? 0 : -1;
}

static void *calls_on(void *arg)
{
	long sum = 0;

	(void)arg;
	while (!atomic_load(&closed))
		sum += add(1, 2) == 3;
	for (int i = 0; i < 1000; i++)
		sum += add(1, 2) == 3;
	return sum >= 1000 ? NULL : "wrong sum";
}

static void *ends_later(void *arg)
{
	struct tn_symbol sym;

	(void)arg;
	if (find(sys, "printk", &sym) != 0) /* a read section */
		return "no printk";
	atomic_fetch_add(&used, 1);
	while (!atomic_load(&closed))
		usleep(100);
	return NULL; /* its destructor runs in the closed library */
}

static int use(const char *path)
{
	struct tn_load_args args = { .size = sizeof(args), .path = path };
	struct tn_module *mod;
	struct tn_symbol sym;

	if (open_engine(NULL, &sys) != 0 || load(sys, &args, &mod, NULL) != 0 ||
	    find(sys, "hello_add", &sym) != 0)
		return -1;
	memcpy(&add, &sym.addr, sizeof(add));
	return 0;
}

static int close_under_threads(void *library)
{
	pthread_t t[2];
	void *bad[2];
	int status;

	pthread_create(&t[0], NULL, ends_later, NULL);
	pthread_create(&t[1], NULL, calls_on, NULL);
	while (!atomic_load(&used))
		usleep(100);
	if (dlclose(library) != 0)
		return 3;
	atomic_store(&closed, 1);
	pthread_join(t[0], &bad[0]);
	pthread_join(t[1], &bad[1]);
	if (fork() == 0) /* the fork handlers are the library's */
		_exit(add(2, 2) == 4 ? 0 : 1);
	wait(&status);
	return bad[0] || bad[1] || status ? 4 : 0;
}

int main(int argc, char **argv)
{
	void *library;
	int status;

	if (argc != 3) {
		fputs("usage: closed LIBRARY MODULE\n", stderr);
		return 2;
	}
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!library || resolve(library, "tn_open", &open_engine, 8) ||
	    resolve(library, "tn_symbol_find", &find, 8) ||
	    resolve(library, "tn_load", &load, 8) || use(argv[2]) != 0)
		return 2;
	status = close_under_threads(library);
	if (status)
		return status;
	/* Opened again it is the same library, with its engine. */
	library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!library || add(40, 2) != 42)
		return 5;
	puts("closed and open again");
	return 0;
}
