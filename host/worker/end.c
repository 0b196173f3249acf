/* SPDX-License-Identifier: MIT */
/*
 * The ends of workers: what has happened, said once, as data and as a sentence.
 */
#include "internal.h"

#include <signal.h>
#include <sys/socket.h>

#include <base/format.h>
#include <tenon/err.h>

static const struct {
	const char *name;
	int error;
} ends[] = {
	[TN_ISOLATE_RUNS] = { "runs", 0 },
	[TN_ISOLATE_FAULT] = { "fault", -TN_EFAULT },
	[TN_ISOLATE_REFUSED] = { "refused", -TN_EFAULT },
	[TN_ISOLATE_TIMEOUT] = { "timeout", -TN_ETIMEDOUT },
	[TN_ISOLATE_KILLED] = { "killed", -TN_EOWNERDEAD },
	[TN_ISOLATE_EXITED] = { "exited", -TN_EOWNERDEAD },
	[TN_ISOLATE_DIED] = { "died", -TN_EOWNERDEAD },
	[TN_ISOLATE_BROKEN] = { "broken", -TN_EOWNERDEAD },
	[TN_ISOLATE_UNBORN] = { "unborn", -TN_EOPNOTSUPP },
	[TN_ISOLATE_CLOSED] = { "closed", -TN_EOWNERDEAD },
};
_Static_assert(ARRAY_SIZE(ends) == TN_ISOLATE_ENDS, "a row for each");

static const char *const steps[WIRE_STEPS] = {
	[WIRE_STEP_PLAN] = "its plan",
	[WIRE_STEP_MAP] = "mmap",
	[WIRE_STEP_READ] = "read",
	[WIRE_STEP_PROTECT] = "mprotect",
	[WIRE_STEP_SIGNALS] = "sigaction",
	[WIRE_STEP_LIMITS] = "setrlimit",
	[WIRE_STEP_FILTER] = "seccomp",
};

static void add_fault(
    struct worker *w, struct tn_isolate_report *r, const struct message *m)
{
	const struct image_symbol *s;

	r->signal = (int)(m->arg[WIRE_FAULT_SIGNAL] & 0xff);
	r->code = (int)(m->arg[WIRE_FAULT_SIGNAL] >> 32);
	r->addr = m->arg[WIRE_FAULT_ADDR];
	r->pc = m->arg[WIRE_FAULT_PC];
	if (r->signal == SIGSYS) {
		r->end = TN_ISOLATE_REFUSED;
		r->call = (int64_t)m->arg[WIRE_FAULT_CALL];
		r->addr = 0;
	}
	s = image_at(&w->img, r->pc);
	if (s) {
		copy_text(r->symbol, sizeof(r->symbol), s->name);
		r->offset = r->pc - s->addr;
	}
}

static void add_words(
    struct worker *w, struct tn_isolate_report *r, const struct message *m)
{
	switch (r->end) {
	case TN_ISOLATE_FAULT: add_fault(w, r, m); break;
	case TN_ISOLATE_EXITED: r->status = (int64_t)m->value; break;
	case TN_ISOLATE_UNBORN:
		r->status = (int64_t)m->value;
		r->step = steps[m->arg[0] < WIRE_STEPS ? m->arg[0] : 0];
		break;
	default: break;
	}
}

int worker_end(
    struct worker *w, enum tn_isolate_end end, const struct message *m)
{
	const uint64_t called = atomic_load(&w->called);
	const struct image_symbol *s =
	    called ? image_at(&w->img, called) : NULL;
	struct tn_isolate_report *r = &w->report;
	int error;

	pthread_mutex_lock(&w->state);
	if (r->end == TN_ISOLATE_RUNS) {
		r->end = end;
		if (s)
			copy_text(r->entry, sizeof(r->entry), s->name);
		if (m)
			add_words(w, r, m);
		r->error = ends[r->end].error;
		/* Any word from the lifeline ends the process. */
		if (w->lifeline >= 0)
			(void)shutdown(w->lifeline, SHUT_WR);
		process_kill(&w->process);
		lane_stop(&w->lane);
		atomic_store(&w->status, r->error);
		w->has_news =
		    end != TN_ISOLATE_CLOSED && end != TN_ISOLATE_UNBORN;
	}
	error = r->error;
	pthread_mutex_unlock(&w->state);
	return error;
}

void worker_tell(struct worker *w)
{
	struct tn_isolate_report copy;
	bool news;

	pthread_mutex_lock(&w->state);
	news = w->has_news;
	w->has_news = false;
	copy = w->report;
	pthread_mutex_unlock(&w->state);
	if (news && w->config->ended)
		w->config->ended(w->config->arg, w->slot, &copy);
}

/* --- words */

const char *tn_isolate_end_name(enum tn_isolate_end end)
{
	return (unsigned)end < TN_ISOLATE_ENDS ? ends[end].name : "unknown";
}

static const char *signal_name(int signal)
{
	switch (signal) {
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGILL: return "SIGILL";
	case SIGFPE: return "SIGFPE";
	case SIGTRAP: return "SIGTRAP";
	case SIGSYS: return "SIGSYS";
	default: return "a signal";
	}
}

static void add_place(struct text *t, const struct tn_isolate_report *r)
{
	if (r->symbol[0])
		text_add(t, ", in %s+0x%llx", r->symbol,
		    (unsigned long long)r->offset);
	else
		text_add(t, ", at 0x%llx", (unsigned long long)r->pc);
}

static void add_cause(struct text *t, const struct tn_isolate_report *r)
{
	switch (r->end) {
	case TN_ISOLATE_RUNS: text_add(t, "runs"); break;
	case TN_ISOLATE_FAULT:
		text_add(t, "faulted: %s at address 0x%llx (code %d)",
		    signal_name(r->signal), (unsigned long long)r->addr,
		    r->code);
		add_place(t, r);
		break;
	case TN_ISOLATE_REFUSED:
		text_add(t, "made system call %lld, which is forbidden",
		    (long long)r->call);
		add_place(t, r);
		break;
	case TN_ISOLATE_TIMEOUT: text_add(t, "took longer than it may"); break;
	case TN_ISOLATE_KILLED: text_add(t, "was killed"); break;
	case TN_ISOLATE_EXITED:
		text_add(
		    t, "ended itself with status %lld", (long long)r->status);
		break;
	case TN_ISOLATE_DIED: text_add(t, "was ended from outside"); break;
	case TN_ISOLATE_BROKEN:
		text_add(t, "wrote to the shared page what no worker writes");
		break;
	case TN_ISOLATE_UNBORN:
		text_add(t, "could not be started: %s",
		    r->step ? r->step : "it did not come up");
		if (r->status)
			text_add(t, ": errno %d", (int)r->status);
		break;
	case TN_ISOLATE_CLOSED: text_add(t, "was unloaded"); break;
	default: text_add(t, "has an unknown state"); break;
	}
}

size_t tn_isolate_text(
    const struct tn_isolate_report *report, char *buf, size_t cap)
{
	struct text t = { buf, cap, 0 };

	if (cap)
		buf[0] = '\0';
	text_add(&t, "worker");
	if (report->process)
		text_add(&t, " %lld", (long long)report->process);
	if (report->entry[0])
		text_add(&t, ", called at %s,", report->entry);
	text_add(&t, " ");
	add_cause(&t, report);
	return t.len;
}
