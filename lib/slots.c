/* SPDX-License-Identifier: MIT */
/*
 * Slot managers over this process: the manager of core/slot, the port that it
 * works on, and its part in forks, which end together.
 */
#include <stdlib.h>

#include <base/compiler.h>
#include <host/pool.h>
#include <host/port.h>
#include <host/process.h>
#include <tenon/tenon.h>

#include "seed.h"

#define MOST (1u << 24)

struct host_slots {
	struct host_port *port;
	struct tn_slots *slots;
	void *table; /* where that lies */
	struct process_member member;
	unsigned generation; /* of the process before the fork */
	void (*released)(void *arg);
	void *released_arg;
};

static struct host_slots *member_slots(struct process_member *m)
{
	return CONTAINER_OF(m, struct host_slots, member);
}

/* The port has joined before, so its lock is held here. */
static void enter_fork(struct process_member *m)
{
	struct host_slots *h = member_slots(m);

	h->generation = process_generation();
	tn_slots_before_fork(h->slots);
}

static void leave_fork(struct process_member *m)
{
	struct host_slots *h = member_slots(m);

	tn_slots_after_fork(h->slots, process_generation() != h->generation);
}

/*
 * Nothing of the manager is used any more; its table is here until it has left
 * the list of those who are whole after a fork.
 */
static void released(void *arg)
{
	struct host_slots *h = arg;

	process_leave(&h->member);
	host_port_destroy(h->port);
	free(h->table);
	if (h->released)
		h->released(h->released_arg);
	free(h);
}

static uint32_t count_slots(const struct tn_slots_config *c)
{
	size_t n = c->slot_count;

	if (n == 0 && c->pool && c->slot_capacity != 0)
		n = c->pool_size / c->slot_capacity;
	return n <= MOST ? (uint32_t)n : 0; /* refused by the manager */
}

/* What a process adds to the configuration. */
static void complete(struct host_slots *h, struct tn_slots_config *c)
{
	h->released = c->released;
	h->released_arg = c->released_arg;
	c->released = released;
	c->released_arg = h;
	c->table = h->table;
	if (c->seed == 0)
		c->seed = lib_seed();
	if (c->flags & TN_SLOTS_IMPORTS && !c->exports) {
		c->exports = tn_guaranteed;
		c->nexports = tn_guaranteed_count;
	}
}

static int open_over(struct host_slots *h, const struct tn_slots_config *config)
{
	static const struct host_port_config standard;
	struct tn_slots_config c = *config;
	int err;

	c.table_size = tn_slots_table_size(count_slots(config));
	h->table = calloc(1, c.table_size);
	if (!h->table)
		return -TN_ENOMEM;
	err = host_port_create(&standard, &h->port);
	if (err)
		return err;
	complete(h, &c);
	err = tn_slots_create(
	    host_port_table(h->port), &host_pool_world, &c, &h->slots);
	if (err)
		host_port_destroy(h->port);
	return err;
}

int tn_slots_open(const struct tn_slots_config *config, struct tn_slots **out)
{
	struct host_slots *h;
	int err;

	if (config->size != sizeof(*config) || config->table)
		return -TN_EINVAL;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -TN_ENOMEM;
	err = open_over(h, config);
	if (err) {
		free(h->table);
		free(h);
		return err;
	}
	h->member.enter = enter_fork;
	h->member.leave = leave_fork;
	process_join(&h->member);
	*out = h->slots;
	return 0;
}
