/* SPDX-License-Identifier: MIT */
/*
 * Telling clients what happens to modules. The engine tells us in the thread
 * that loads or unloads; the line is put into the queue of each client that has
 * subscribed, under that session's lock, and its thread sends it. A queue that
 * is full loses its client, never an event silently.
 */
#include "host.h"

#define QUEUE_MAX (256u << 10) /* bytes */

static void queue(struct session *s, const char *event, const char *module)
{
	bool on;

	(void)pthread_mutex_lock(&s->lock);
	if (s->subscribed && s->events.length >= QUEUE_MAX)
		s->lost = true;
	if (s->subscribed && !s->lost) {
		wire_begin(&s->events, 0, "event");
		wire_add(&s->events, "event", event);
		wire_add(&s->events, "module", module);
		wire_end(&s->events);
	}
	on = s->subscribed;
	(void)pthread_mutex_unlock(&s->lock);
	if (on)
		session_wake(s);
}

static void tell(struct hostd *h, const char *event, const char *module)
{
	(void)pthread_mutex_lock(&h->lock);
	for (struct session *s = h->sessions; s != NULL; s = s->next)
		queue(s, event, module);
	(void)pthread_mutex_unlock(&h->lock);
}

void event_of_module(void *arg, const struct tn_notice *notice)
{
	if (notice->event == TN_EVENT_LOADED)
		doing_module(notice->name);
	tell(arg, tn_event_name(notice->event), notice->name);
}

void event_stopping(struct hostd *h)
{
	tell(h, "stopping", NULL);
	(void)pthread_mutex_lock(&h->lock);
	for (struct session *s = h->sessions; s != NULL; s = s->next)
		session_wake(s);
	(void)pthread_mutex_unlock(&h->lock);
}

static void subscribe(struct request *q, bool on)
{
	(void)pthread_mutex_lock(&q->session->lock);
	q->session->subscribed = on;
	(void)pthread_mutex_unlock(&q->session->lock);
	reply_ok(q);
}

void verb_subscribe(struct request *q)
{
	subscribe(q, true);
}

void verb_unsubscribe(struct request *q)
{
	subscribe(q, false);
}
