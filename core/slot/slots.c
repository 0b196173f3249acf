/* SPDX-License-Identifier: MIT */
/*
 * Slot managers: making and ending.
 *
 * A manager whose table stays is kept by its embedder and by each of its
 * handles, and the last of these frees it. Another ends when the embedder says
 * so; handles do not touch it once they are stale.
 */
#include <base/overflow.h>
#include <base/string.h>

#include "internal.h"

#define CONFIG_ABI  1u
#define TABLE_ALIGN 64u
/* So that no product below overflows. */
#define MAX_SLOTS   (1u << 24)
/* Of a slot: the file in it is read in place. */
#define SLOT_ALIGN  8u

void slots_lock(const struct tn_slots *m)
{
	m->port->lock(m->port->ctx);
}

void slots_unlock(const struct tn_slots *m)
{
	m->port->unlock(m->port->ctx);
}

/* --- making */

size_t tn_slots_table_size(uint32_t slot_count)
{
	return sizeof(struct tn_slots) + TABLE_ALIGN +
	       (size_t)slot_count *
		   (sizeof(struct slot) + sizeof(struct gate_closing));
}

/* Where slots are: @count of them, @stride bytes apart, from @skip on. */
struct layout {
	uint32_t count;
	size_t skip; /* bytes of the pool before the first */
	size_t stride;
	size_t bytes; /* of all slots */
};

/* The place of slots, or what is wrong with the pool. */
static int lay_slots(const struct tn_slots_config *c, struct layout *l)
{
	const uintptr_t pool = (uintptr_t)c->pool;
	size_t room = PTRDIFF_MAX;
	uint64_t n = c->slot_count;

	l->skip = (size_t)(-pool % SLOT_ALIGN);
	if (c->pool != NULL)
		room = c->pool_size > l->skip ? c->pool_size - l->skip : 0;
	l->stride = (size_t)align_up(c->slot_capacity, SLOT_ALIGN);
	if (l->stride == 0) /* more than there can be */
		return -TN_ERANGE;
	if (n == 0)
		n = room / l->stride;
	if (n - 1 >= MAX_SLOTS || l->stride > room / n)
		return -TN_ERANGE;
	l->count = (uint32_t)n;
	l->bytes = (size_t)n * l->stride;
	return 0;
}

static int check_config(const struct tn_slots_config *c,
    const struct tn_pool_world *world, struct layout *l)
{
	int err;

	if (c->size != sizeof(*c) || c->abi != CONFIG_ABI ||
	    (c->flags & ~(TN_SLOTS_IMPORTS | TN_SLOTS_NO_INIT)) != 0 ||
	    c->slot_capacity == 0 ||
	    (c->pool != NULL ? world == NULL : c->slot_count == 0) ||
	    (c->table != NULL && c->pool == NULL && c->released == NULL) ||
	    (c->isolation != NULL &&
		(c->isolation->size != sizeof(*c->isolation) ||
		    c->isolation->abi != 1)))
		return -TN_EINVAL;
	err = lay_slots(c, l);
	return err == 0 && c->table != NULL &&
		       c->table_size < tn_slots_table_size(l->count)
		   ? -TN_ENOSPC
		   : err;
}

/* Where the table goes: see tn_slots_config.table. NULL: to the port. */
static void *place_of_table(
    const struct tn_slots_config *c, const struct layout *l)
{
	const size_t slots = l->skip + l->bytes;

	if (c->table != NULL || c->pool == NULL ||
	    c->pool_size - slots < tn_slots_table_size(l->count))
		return c->table;
	return (uint8_t *)c->pool + slots;
}

/* A manager in @table, all but its pool. */
static struct tn_slots *lay_out(void *table, const struct tn_port *port,
    const struct tn_slots_config *config, const struct layout *l)
{
	struct tn_slots *m = (void *)align_up((uintptr_t)table, TABLE_ALIGN);

	memset(m, 0, tn_slots_table_size(l->count) - TABLE_ALIGN);
	m->slot = (struct slot *)(m + 1);
	m->closing = (struct gate_closing *)(void *)(m->slot + l->count);
	m->port = port;
	m->config = *config;
	m->config.slot_count = l->count;
	m->keepers = 1;
	m->stride = l->stride;
	m->base = *port;
	m->base.unpack = NULL; /* it takes memory from elsewhere */
	return m;
}

/* With it goes @m. */
static void free_table(struct tn_slots *m)
{
	const struct tn_port *port = m->port;

	if (m->table != NULL)
		port->free(port->ctx, m->table,
		    tn_slots_table_size(m->config.slot_count));
}

static void free_all(struct tn_slots *m)
{
	const struct tn_port *port = m->port;
	void (*const released)(void *arg) = m->config.released;
	void *const arg = m->config.released_arg;

	if (!m->is_fixed)
		port->free(port->ctx, m->pool,
		    (size_t)m->config.slot_count * m->stride);
	free_table(m);
	if (released != NULL)
		released(arg);
}

int tn_slots_create(const struct tn_port *port,
    const struct tn_pool_world *world, const struct tn_slots_config *config,
    struct tn_slots **out)
{
	struct tn_slots *m;
	void *table, *given;
	struct layout l;
	int err = check_config(config, world, &l);

	if (err != 0)
		return err;
	given = place_of_table(config, &l);
	table = given != NULL
		    ? given
		    : port->alloc(port->ctx, tn_slots_table_size(l.count));
	if (table == NULL)
		return -TN_ENOMEM;
	m = lay_out(table, port, config, &l);
	m->world = world;
	m->table = given == NULL ? table : NULL;
	m->is_kept = given == NULL ||
		     (config->table != NULL && config->released != NULL);
	m->is_fixed = config->pool != NULL;
	m->pool = m->is_fixed ? (uint8_t *)config->pool + l.skip
			      : port->alloc(port->ctx, l.bytes);
	if (m->pool == NULL) {
		free_table(m);
		return -TN_ENOMEM;
	}
	*out = m;
	return 0;
}

uint32_t tn_slots_count(const struct tn_slots *slots)
{
	return slots->config.slot_count;
}

size_t tn_slots_capacity(const struct tn_slots *slots)
{
	return slots->config.slot_capacity;
}

/* --- ending */

void slots_keep(struct tn_slots *m)
{
	(void)__atomic_fetch_add(&m->keepers, 1, __ATOMIC_RELAXED);
}

/*
 * Whatever is still loaded has been abandoned and is unloaded now, or stays if
 * it refuses. But a caller's pool may be gone, with all that is in it.
 */
static int end(struct tn_slots *m, uint32_t none, struct tn_diag *diag)
{
	uint32_t n;
	int err;

	(void)none;
	slots_lock(m);
	n = slots_claim_locked(m, m->closing, m->is_fixed);
	slots_unlock(m);
	err = slots_unload(m, m->closing, n, diag);
	if (err == 0)
		free_all(m);
	return err;
}

void slots_drop(struct tn_slots *m)
{
	/* acquire, release: the last one frees what all have used */
	if (__atomic_sub_fetch(&m->keepers, 1, __ATOMIC_ACQ_REL) == 0)
		(void)slots_explain(m, 0, NULL, end);
}

/* A slot that is between two states, or the number of slots. */
static uint32_t find_changing_locked(const struct tn_slots *m)
{
	uint32_t i = 0;

	while (i < m->config.slot_count &&
	       m->slot[i].state != TN_SLOT_LOADING &&
	       m->slot[i].state != TN_SLOT_UNLOADING)
		i++;
	return i;
}

/* From now on nothing changes but by the caller; *@n slots are loaded. */
static int begin_end(struct tn_slots *m, uint32_t *n, struct tn_diag *diag)
{
	enum tn_errno err = 0;
	uint32_t changing;
	enum tn_slot_state state = TN_SLOT_EMPTY;

	slots_lock(m);
	changing = find_changing_locked(m);
	if (m->ending) {
		err = TN_EALREADY;
	} else if (changing < m->config.slot_count) {
		err = TN_EBUSY;
		state = (enum tn_slot_state)m->slot[changing].state;
	} else {
		m->ending = true;
		*n = slots_claim_locked(m, m->closing, false);
	}
	slots_unlock(m);
	return err == 0 ? 0 : slot_fail_state(diag, changing, err, state);
}

static int shut_down(struct tn_slots *m, uint32_t none, struct tn_diag *diag)
{
	uint32_t n = 0;
	int err = begin_end(m, &n, diag);

	(void)none;
	if (err != 0)
		return err;
	err = slots_unload(m, m->closing, n, diag);
	if (err == 0) {
		slots_drop(m);
		return 0;
	}
	slots_lock(m);
	m->ending = false;
	slots_unlock(m);
	return err;
}

int tn_slots_shutdown(struct tn_slots *slots, struct tn_diag *diag)
{
	return slots_explain(slots, 0, diag, shut_down);
}

void tn_slots_abandon(struct tn_slots *slots)
{
	if (tn_slots_shutdown(slots, NULL) == 0)
		return;
	for (uint32_t i = 0; i < slots->config.slot_count; i++)
		(void)gate_revoke_handles(&slots->slot[i].target);
	slots_drop(slots);
}
