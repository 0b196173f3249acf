/* SPDX-License-Identifier: MIT */
/*
 * What a crash report says: see crash_text.h. The backtrace follows frame
 * pointers, which modules have; where code without them is in between, it ends
 * or leaves out callers.
 */
#include "crash_text.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <base/format.h>
#include <host/machine.h>

#define FRAMES_MAX   64
#define AGAIN_MAX    100000 /* of a recursion */
#define LINES_MAX_MS 5000   /* for one run of addr2line */

void crash_say(const struct crash_report *r, const char *fmt, ...)
{
	char line[640];
	va_list ap;

	va_start(ap, fmt);
	const size_t n = text_vformat(line, sizeof(line), fmt, ap);
	va_end(ap);
	/* Nobody is left to tell that telling has failed. */
	if (write(r->fd, line, n < sizeof(line) ? n : sizeof(line) - 1) < 0)
		return;
}

/* --- memory that may not be there */

static bool read_eight(uint64_t addr, void *word)
{
	const struct iovec to = { word, 8 };
	const struct iovec from = { (void *)(uintptr_t)addr, 8 };

	return syscall(SYS_process_vm_readv, (long)getpid(), &to, 1L, &from, 1L,
		   0L) == 8;
}

static bool read_word(uint64_t addr, uint64_t *word)
{
	return addr % 8 == 0 && read_eight(addr, word);
}

/* --- the other code of the process */

/* "START-END PERM OFFSET DEV INODE PATH", as the kernel writes it. */
struct mapping {
	uint64_t start, end, offset;
	bool executable;
	char path[256];
};

static const char *take_hex(const char *p, uint64_t *value)
{
	for (*value = 0;; p++) {
		const char *digits = "0123456789abcdef";
		const char *at = *p != '\0' ? strchr(digits, *p) : NULL;

		if (!at)
			return p;
		*value = *value << 4 | (uint64_t)(at - digits);
	}
}

static bool parse_mapping(const char *line, struct mapping *m)
{
	const char *p = take_hex(line, &m->start);

	if (*p != '-')
		return false;
	p = take_hex(p + 1, &m->end);
	if (strlen(p) < 6)
		return false;
	m->executable = p[3] == 'x';
	p = take_hex(p + 6, &m->offset);
	p = strchr(p, '/');
	m->path[0] = '\0';
	for (size_t i = 0; p && p[i] && i < sizeof(m->path) - 1; i++) {
		m->path[i] = p[i];
		m->path[i + 1] = '\0';
	}
	return true;
}

/* Reads a line of any length, of which it keeps the beginning. */
static bool next_line(int fd, char *line, size_t cap)
{
	size_t n = 0;
	char c;

	for (;;) {
		if (read(fd, &c, 1) != 1)
			return false;
		if (c == '\n')
			break;
		if (n < cap - 1)
			line[n++] = c;
	}
	line[n] = '\0';
	return true;
}

static bool find_mapping(uint64_t addr, struct mapping *m)
{
	const int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	char line[512];
	bool found = false;

	if (fd < 0)
		return false;
	while (!found && next_line(fd, line, sizeof(line)))
		found = parse_mapping(line, m) &&
			addr - m->start < m->end - m->start;
	close(fd);
	return found;
}

/* --- source lines */

static void wait_for(pid_t pid)
{
	const struct timespec nap = { 0, 1000000 };

	for (int i = 0; i < LINES_MAX_MS; i++) {
		const long done = syscall(
		    SYS_wait4, (long)pid, NULL, (long)(WNOHANG | __WALL), NULL);

		if (done != 0 && !(done < 0 && errno == EINTR))
			return;
		nanosleep(&nap, NULL);
	}
	kill(pid, SIGKILL);
	(void)syscall(SYS_wait4, (long)pid, NULL, (long)__WALL, NULL);
}

/*
 * The system call, not fork(): handlers of fork take locks. The child has no
 * signal to send when it ends, so the program's own handlers see nothing.
 */
static void run_addr2line(const struct crash_report *r,
    const struct tn_origin *from, const char *offset)
{
	const char *argv[] = { r->addr2line, "-fpiC", "-e", from->path, "-j",
		from->section, offset, NULL };

	if (from->section[0] == '\0') {
		argv[4] = offset;
		argv[5] = NULL;
	}
	const pid_t pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);

	if (pid == 0) {
		(void)dup2(r->fd, STDOUT_FILENO);
		(void)execve(argv[0], (char *const *)(uintptr_t)argv, environ);
		_exit(127);
	}
	if (pid > 0)
		wait_for(pid);
}

/* What a module was loaded from, as it is by now. */
enum source {
	SOURCE_ELF,
	SOURCE_OTHER, /* such as a packed module, which addr2line cannot read */
	SOURCE_LOST,
};

static enum source look_at(const char *path)
{
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char magic[SELFMAG] = { 0 };
	ssize_t n;

	if (fd < 0)
		return SOURCE_LOST;
	n = read(fd, magic, sizeof(magic));
	close(fd);
	return n == SELFMAG && memcmp(magic, ELFMAG, SELFMAG) == 0
		   ? SOURCE_ELF
		   : SOURCE_OTHER;
}

/* @call: a return address; the call stands before it. */
static void say_line(const struct crash_report *r, struct tn_system *sys,
    uint64_t addr, bool call)
{
	struct tn_origin from;
	char offset[24];

	if (tn_symbolize_origin(sys, addr - call, &from) != 0 ||
	    from.path[0] == '\0')
		return;
	const enum source source = look_at(from.path);

	if (source == SOURCE_OTHER)
		return;
	(void)text_format(
	    offset, sizeof(offset), "0x%llx", (unsigned long long)from.offset);
	if (r->addr2line && source == SOURCE_ELF) {
		crash_say(r, "        ");
		run_addr2line(r, &from, offset);
	} else {
		crash_say(r, "        addr2line -fpiC -e %s%s%s %s\n",
		    from.path, from.section[0] != '\0' ? " -j " : "",
		    from.section, offset);
	}
}

/* --- frames */

static bool say_module(
    const struct crash_report *r, unsigned number, uint64_t addr, bool call)
{
	struct tn_location at;

	for (int i = 0; i < CRASH_SYSTEMS; i++) {
		struct tn_system *sys = r->systems[i];

		/* A call may be the last instruction of its function. */
		if (!sys || tn_symbolize(sys, addr - call, &at) != 0)
			continue;
		crash_say(r, "  #%-3u 0x%016llx %s+0x%llx/0x%llx [%s]\n",
		    number, (unsigned long long)addr,
		    at.symbol[0] != '\0' ? at.symbol : "text",
		    (unsigned long long)at.offset + call,
		    (unsigned long long)at.size, at.module_name);
		say_line(r, sys, addr, call);
		return true;
	}
	return false;
}

/* False when no code is there. */
static bool say_frame(
    const struct crash_report *r, unsigned number, uint64_t addr, bool call)
{
	struct mapping m;

	if (say_module(r, number, addr, call))
		return true;
	if (!find_mapping(addr, &m) || !m.executable)
		return false;
	crash_say(r, "  #%-3u 0x%016llx %s+0x%llx\n", number,
	    (unsigned long long)addr,
	    m.path[0] != '\0' ? m.path : "(anonymous)",
	    (unsigned long long)addr - m.start + m.offset);
	return true;
}

/* The start of the function at @addr as far as one is known, else 0. */
static uint64_t function_of(const struct crash_report *r, uint64_t addr)
{
	struct tn_location at;

	for (int i = 0; i < CRASH_SYSTEMS; i++) {
		struct tn_system *sys = r->systems[i];

		if (sys && tn_symbolize(sys, addr, &at) == 0)
			return addr - at.offset;
	}
	return 0;
}

/*
 * A function that calls none has no frame of its own, nor has one that has
 * just begun: then the return address is where the call has left it. What
 * stands there is none when it is not behind a call, or is one of the same
 * function, left over from a call that has returned.
 */
static bool find_caller(
    const struct crash_report *r, const struct host_frame *f, uint64_t *ret)
{
	uint64_t saved = 0;
	uint8_t code[8];

	*ret = f->lr;
	if (f->lr == 0 && !read_word(f->sp, ret))
		return false;
	if (!read_eight(*ret - 8, code) || !host_machine.ends_call(code))
		return false;
	(void)read_word(f->fp + (uint64_t)host_machine.frame_return, &saved);
	return saved != *ret &&
	       (function_of(r, f->pc) == 0 ||
		   function_of(r, *ret) != function_of(r, f->pc));
}

/* Frames ascend; what does not is no frame. A recursion is told once. */
static void say_chain(
    const struct crash_report *r, uint64_t fp, unsigned number)
{
	uint64_t ret, prev, last = 0;
	unsigned again = 0;

	for (unsigned n = 0; n < FRAMES_MAX; n += again == 0) {
		if (!read_word(
			fp + (uint64_t)host_machine.frame_return, &ret) ||
		    !read_word(
			fp + (uint64_t)host_machine.frame_previous, &prev))
			break;
		again = ret == last ? again + 1 : 0;
		if (again == 1)
			crash_say(r, "        and again\n");
		if (again == 0 && !say_frame(r, number + n, ret, true))
			break;
		if (prev <= fp || again == AGAIN_MAX)
			break;
		last = ret;
		fp = prev;
	}
}

static void say_backtrace(const struct crash_report *r, void *context)
{
	struct host_frame f;
	uint64_t ret;
	unsigned n = 1;

	host_machine.frame(context, &f);
	if (!say_frame(r, 0, f.pc, false))
		crash_say(r, "  #0   0x%016llx (no code)\n",
		    (unsigned long long)f.pc);
	if (find_caller(r, &f, &ret) && say_frame(r, n, ret, true))
		n++;
	say_chain(r, f.fp, n);
}

/* --- the whole */

static const char *signal_name(int number)
{
	switch (number) {
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGILL: return "SIGILL";
	case SIGFPE: return "SIGFPE";
	case SIGABRT: return "SIGABRT";
	default: return "signal";
	}
}

static void say_head(const struct crash_report *r, const siginfo_t *info)
{
	const char *name = signal_name(info->si_signo);
	const int thread = (int)syscall(SYS_gettid);

	if (info->si_code <= 0) {
		crash_say(r, "tenon: crash: %s, process %d, thread %d\n", name,
		    (int)getpid(), thread);
		return;
	}
	crash_say(r,
	    "tenon: crash: %s at address 0x%llx (code %d), process %d, "
	    "thread %d\n",
	    name, (unsigned long long)(uintptr_t)info->si_addr, info->si_code,
	    (int)getpid(), thread);
}

struct names {
	const struct crash_report *r;
	char last[TN_MODULE_NAME_MAX];
};

/* A module with several texts is named once where they are neighbours. */
static int say_name(void *arg, const char *name, uint64_t addr, uint64_t size)
{
	struct names *names = arg;

	(void)addr;
	(void)size;
	if (strcmp(names->last, name) != 0)
		crash_say(names->r, " %s", name);
	(void)text_format(names->last, sizeof(names->last), "%s", name);
	return 0;
}

static void say_modules(const struct crash_report *r)
{
	char last[TN_MODULE_NAME_MAX];

	for (int i = 0; i < CRASH_SYSTEMS; i++) {
		struct tn_system *sys = r->systems[i];
		struct names names = { .r = r };

		if (!sys)
			continue;
		crash_say(r, "  modules:");
		(void)tn_symbolize_each(sys, say_name, &names);
		tn_last_unloaded(sys, last);
		crash_say(r, "\n  last unloaded: %s\n",
		    last[0] != '\0' ? last : "none");
	}
}

void crash_write(
    const struct crash_report *r, const siginfo_t *info, void *context)
{
	say_head(r, info);
	say_backtrace(r, context);
	say_modules(r);
}
