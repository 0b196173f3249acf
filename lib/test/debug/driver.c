// SPDX-License-Identifier: MIT
/*
 * A program with modules, as its user would write it, for test_debug.py:
 *
 *	driver WORD...
 *		jit, perf, keep, crash, lines, previous, skip
 *				what to turn on
 *		load=FILE	a module
 *		rm=FILE		removes that file
 *		many=N		loads it N times, as copy0 and so on
 *		unload		unloads the last one
 *		unload=NAME	unloads that one
 *		sum=N		calls crasher_sum
 *		poke=ADDRESS	calls crasher_poke
 *		jump=ADDRESS	calls nothing
 *		overflow, abort
 *				ends in another way
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tenon/tenon.h>

static struct tn_system *sys;
static struct tn_module *mod;
static sigjmp_buf trapped;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void load(const char *path, const char *name)
{
	const struct tn_load_args args = {
		.size = sizeof(args), .path = path, .name = name
	};
	struct tn_diag diag;
	char text[300];

	tn_diag_init(&diag);
	if (tn_load(sys, &args, &mod, &diag) == 0)
		return;
	tn_diag_text(&diag, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
	exit(3);
}

/* The exports of one file cannot be there twice: modules without any. */
static void load_many(const char *path, int n)
{
	const double begin = now();
	double half = 0;
	char name[32];

	for (int i = 0; i < n; i++) {
		if (i == n / 2)
			half = now();
		snprintf(name, sizeof(name), "copy%d", i);
		load(path, name);
	}
	printf("halves %.6f %.6f\n", half - begin, now() - half);
}

static long call(const char *name, long arg)
{
	struct tn_symbol sym;
	long (*fn)(long);

	if (tn_symbol_find(sys, name, &sym) != 0)
		exit(4);
	memcpy(&fn, &sym.addr, sizeof(fn));
	return fn(arg);
}

static void on_previous(int number)
{
	printf("previous handler of %d\n", number);
	siglongjmp(trapped, 1);
}

static void open_with(int argc, char **argv)
{
	struct tn_host_config config = { .size = sizeof(config), .abi = 1 };
	int crash = -1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "jit") == 0)
			config.flags |= TN_HOST_GDB_JIT;
		else if (strcmp(argv[i], "perf") == 0)
			config.flags |= TN_HOST_PERF_MAP;
		else if (strcmp(argv[i], "keep") == 0)
			config.flags |= TN_HOST_KEEP_SYMBOLS;
		else if (strcmp(argv[i], "crash") == 0)
			crash = 0;
		else if (strcmp(argv[i], "lines") == 0)
			crash = TN_CRASH_LINES;
		else if (strcmp(argv[i], "previous") == 0)
			signal(SIGSEGV, on_previous);
	}
	if (tn_open(&config, &sys) != 0 ||
	    (crash >= 0 && tn_crash_enable((unsigned)crash, -1) != 0))
		exit(2);
}

static __attribute__((noinline)) int overflow(volatile char *from)
{
	volatile char here[4096];

	here[0] = from[0];
	return overflow(here) + here[0];
}

static void jump(uint64_t addr)
{
	void (*fn)(void);

	memcpy(&fn, &addr, sizeof(fn));
	fn();
}

static void act(const char *word)
{
	const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : "";
	static const char *path;

	if (strncmp(word, "load=", 5) == 0)
		load(path = value, NULL);
	else if (strncmp(word, "file=", 5) == 0)
		path = value;
	else if (strncmp(word, "rm=", 3) == 0)
		(void)remove(value);
	else if (strncmp(word, "many=", 5) == 0)
		load_many(path, atoi(value));
	else if (strcmp(word, "unload") == 0)
		printf("unload %d\n", tn_unload(sys, mod, NULL));
	else if (strncmp(word, "unload=", 7) == 0)
		printf("unload %d\n", tn_unload_name(sys, value, NULL, NULL));
	else if (strncmp(word, "sum=", 4) == 0)
		printf("sum %ld\n", call("crasher_sum", atol(value)));
	else if (strncmp(word, "poke=", 5) == 0)
		call("crasher_poke", strtol(value, NULL, 0));
	else if (strncmp(word, "jump=", 5) == 0)
		jump(strtoull(value, NULL, 0));
	else if (strcmp(word, "overflow") == 0)
		overflow("");
	else if (strcmp(word, "abort") == 0)
		abort();
	else if (strcmp(word, "wait") == 0) {
		puts("waiting");
		sleep(60);
	}
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_with(argc, argv);
	if (sigsetjmp(trapped, 1) != 0) {
		puts("went on");
		return 0;
	}
	for (int i = 1; i < argc; i++)
		act(argv[i]);
	return 0;
}
