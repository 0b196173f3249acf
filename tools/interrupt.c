/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C and SIGTERM: see interrupt.h.
 *
 * Handlers may run in any thread, so all that they look at is atomic. System
 * calls are restarted, so no file is half read; sleeps end early whatever the
 * flags, which lets a module notice.
 */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static atomic_int pending;
static const char *_Atomic activity; /* or NULL */
static const char *_Atomic subject;
static bool json; /* set before the handlers are */

struct line {
	char text[256];
	size_t n;
};

static void add(struct line *l, const char *text)
{
	while (*text != '\0' && l->n < sizeof(l->text))
		l->text[l->n++] = *text++;
}

static void put(const struct line *l, int fd)
{
	/* Nothing can be done about lost output here. */
	if (write(fd, l->text, l->n) < 0)
		return;
}

/* "tenon run: hello: its exit has not returned" */
static void say(const char *what, const char *module, const char *clause)
{
	struct line l = { .n = 0 };

	add(&l, "tenon run: ");
	if (what != NULL) {
		add(&l, module);
		add(&l, ": its ");
		add(&l, what);
		add(&l, " has not returned; ");
	}
	add(&l, clause);
	add(&l, "\n");
	put(&l, STDERR_FILENO);
}

static void say_json(const char *what, const char *module)
{
	struct line l = { .n = 0 };

	/* Names of modules have no character that would need an escape. */
	add(&l, "{\"event\":\"gave_up\",\"module\":\"");
	add(&l, what != NULL ? module : "");
	add(&l, "\",\"in\":\"");
	add(&l, what != NULL ? what : "");
	add(&l, "\"}\n");
	put(&l, STDOUT_FILENO);
}

static void handle(int number)
{
	const char *what =
	    atomic_load_explicit(&activity, memory_order_acquire);
	const char *module =
	    atomic_load_explicit(&subject, memory_order_relaxed);
	int none = 0;

	if (atomic_compare_exchange_strong(&pending, &none, number)) {
		say(what, module,
		    "interrupted: unloading (once more to give up)");
		return;
	}
	say(what, module, "given up, nothing more is unloaded");
	if (json)
		say_json(what, module);
	_exit(128 + number);
}

void interrupt_install(bool with_json)
{
	struct sigaction act = {
		.sa_handler = handle,
		.sa_flags = SA_RESTART,
	};

	json = with_json;
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	/* A reader that leaves is an error of the output, not our end. */
	act.sa_handler = SIG_IGN;
	(void)sigaction(SIGPIPE, &act, NULL);
}

int interrupt_pending(void)
{
	return atomic_load_explicit(&pending, memory_order_relaxed);
}

void interrupt_activity(const char *what, const char *module)
{
	/* Never a new activity with an old module. */
	atomic_store_explicit(&activity, NULL, memory_order_relaxed);
	atomic_store_explicit(&subject, module, memory_order_relaxed);
	/* Pairs with the load in handle(). */
	atomic_store_explicit(&activity, what, memory_order_release);
}

void interrupt_wait(void)
{
	sigset_t block, before;

	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigaddset(&block, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &block, &before);
	while (interrupt_pending() == 0)
		(void)sigsuspend(&before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}
