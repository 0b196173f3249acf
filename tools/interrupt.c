/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C, SIGTERM and SIGHUP: see interrupt.h.
 *
 * Handlers may run in any thread, so all that they look at is atomic, and who
 * waits for a signal is woken by a semaphore, wherever it has come.
 */
#include "interrupt.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <tenon/inspect.h>

#include "signals.h"

static sem_t come;                               /* posted by each signal */
static const char *_Atomic called;               /* its module, or NULL */
static const struct tn_module *_Atomic changing; /* or NULL */
static const char *_Atomic changing_name;
static bool json; /* set before the handlers are */

/* What has not returned: an operation of the module, or "function". */
struct hanging {
	const char *what; /* NULL: nothing */
	const char *module;
};

static struct hanging find_hanging(void)
{
	/* acquire: pairs with the release of interrupt_changes */
	const struct tn_module *mod =
	    atomic_load_explicit(&changing, memory_order_acquire);
	const char *name = atomic_load_explicit(&called, memory_order_relaxed);
	const char *hook = mod != NULL ? tn_module_running(mod) : NULL;

	if (hook != NULL)
		return (
		    struct hanging){ hook, atomic_load_explicit(&changing_name,
					       memory_order_relaxed) };
	return (struct hanging){ name != NULL ? "function" : NULL, name };
}

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
static void say(struct hanging h, const char *clause)
{
	struct line l = { .n = 0 };

	add(&l, "tenon run: ");
	if (h.what != NULL) {
		add(&l, h.module);
		add(&l, ": its ");
		add(&l, h.what);
		add(&l, " has not returned; ");
	}
	add(&l, clause);
	add(&l, "\n");
	put(&l, STDERR_FILENO);
}

static void say_json(struct hanging h)
{
	struct line l = { .n = 0 };

	/* Names of modules have no character that would need an escape. */
	add(&l, "{\"event\":\"gave_up\",\"module\":\"");
	add(&l, h.what != NULL ? h.module : "");
	add(&l, "\",\"in\":\"");
	add(&l, h.what != NULL ? h.what : "");
	add(&l, "\"}\n");
	put(&l, STDOUT_FILENO);
}

static void heed(int number, bool insists)
{
	const struct hanging h = find_hanging();

	if (!insists) {
		say(h, "interrupted: unloading (once more to give up)");
		(void)sem_post(&come);
		return;
	}
	say(h, "given up, nothing more is unloaded");
	if (json)
		say_json(h);
	_exit(128 + number);
}

void interrupt_install(bool with_json)
{
	json = with_json;
	(void)sem_init(&come, 0, 0);
	signals_catch(heed);
}

int interrupt_pending(void)
{
	return signals_first();
}

void interrupt_calls(const char *name)
{
	atomic_store_explicit(&called, name, memory_order_relaxed);
}

void interrupt_changes(const struct tn_module *mod, const char *name)
{
	/* Never a module with the name of another one. */
	atomic_store_explicit(&changing, NULL, memory_order_relaxed);
	atomic_store_explicit(&changing_name, name, memory_order_relaxed);
	/* release: pairs with the acquire of find_hanging */
	atomic_store_explicit(&changing, mod, memory_order_release);
}

void interrupt_wait(void)
{
	while (sem_wait(&come) != 0 && errno == EINTR)
		;
}
