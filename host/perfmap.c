/* SPDX-License-Identifier: MIT */
/*
 * /tmp/perf-PID.map for perf: a line "START SIZE NAME" for each function, in
 * hexadecimal. Lines are only added: perf reads the file when it reports, after
 * the process has ended, so it is neither shortened nor removed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <host/debug.h>
#include <host/process.h>
#include <tenon/link.h>

/* Protects the following; taken before a fork. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *map;     /* or NULL */
static pid_t process; /* that the map is of; 0: none yet */

static void before_fork(struct process_member *m)
{
	(void)m;
	pthread_mutex_lock(&lock);
}

static void after_fork(struct process_member *m)
{
	(void)m;
	pthread_mutex_unlock(&lock);
}

static struct process_member member = { .before = before_fork,
	.after = after_fork };

static void join(void)
{
	process_join(&member);
}

/*
 * The name can be guessed and the folder is everybody's: a file that is not
 * ours alone is not written to. perf trusts none of others either.
 */
static FILE *map_open(void)
{
	char path[64];
	struct stat st;
	FILE *f;
	int fd;

	(void)snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
	fd = open(path,
	    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0600);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || st.st_nlink != 1) {
		close(fd);
		return NULL;
	}
	/* Left by an earlier process of this number. */
	if (ftruncate(fd, 0) != 0)
		st.st_size = 0; /* perf takes what comes later */
	f = fdopen(fd, "a");
	if (!f)
		close(fd);
	return f;
}

/* A child of fork begins a map of its own. */
static void map_check(void)
{
	if (process == getpid())
		return;
	if (map)
		fclose(map); /* nothing is buffered: see write_symbols */
	process = getpid();
	map = map_open();
}

#define TYPE_FUNC 2 /* STT_FUNC */

static void write_symbols(const struct tn_notice *n)
{
	struct tn_linked_symbol sym;

	for (uint32_t i = 1; tn_linked_symbol(n->file, i, &sym); i++) {
		/* A name with a line end would make a line of its own. */
		if ((sym.info & 15) != TYPE_FUNC || sym.section == 0 ||
		    sym.name[0] == '\0' || strchr(sym.name, '\n') != NULL)
			continue;
		(void)fprintf(map, "%llx %llx %s [%s]\n",
		    (unsigned long long)sym.value, (unsigned long long)sym.size,
		    sym.name, n->name);
	}
	/* A profile that lacks names is no reason to fail a load. */
	(void)fflush(map);
}

static void on_event(void *arg, const struct tn_notice *n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)arg;
	if (n->event != TN_EVENT_LOADED || !n->file)
		return;
	pthread_once(&once, join);
	pthread_mutex_lock(&lock);
	map_check();
	if (map)
		write_symbols(n);
	pthread_mutex_unlock(&lock);
}

const struct tn_listener host_perf_map = { .fn = on_event };
