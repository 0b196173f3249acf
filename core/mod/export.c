/* SPDX-License-Identifier: MIT */
/*
 * Exports by address: see export.h.
 */
#include "export.h"

#include "module.h"

#include <stdatomic.h>
#include <stdbool.h>

#include <base/sort.h>

static bool lies_before(const void *a, const void *b, const void *arg)
{
	const struct export_record *records = arg;
	const uint32_t *x = a, *y = b;
	const uint64_t v = records[*x].value, w = records[*y].value;

	return v != w ? v < w : *x < *y; /* as scan finds them */
}

/*
 * False while another is at it, which may be the very thread that this signal
 * has interrupted, or one that a fork has left behind.
 */
static bool order(struct export_block *b)
{
	struct export_order *o = b->order;
	uint32_t state = atomic_load_explicit(&o->state, memory_order_acquire);

	if (state != EXPORTS_UNORDERED ||
	    !atomic_compare_exchange_strong(
		&o->state, &state, EXPORTS_BEING_ORDERED))
		return state == EXPORTS_ORDERED;
	for (uint32_t i = 0; i < b->n; i++)
		o->at[i] = i;
	heap_sort(o->at, b->n, sizeof(o->at[0]), lies_before, b->records);
	atomic_store_explicit(&o->state, EXPORTS_ORDERED, memory_order_release);
	return true;
}

/* The record that is number @i by address. */
static const struct export_record *nth(const struct export_block *b, uint32_t i)
{
	return &b->records[b->order != NULL ? b->order->at[i] : i];
}

static struct export_place search(const struct export_block *b, uint64_t addr)
{
	uint32_t low = 0;

	for (uint32_t n = b->n; n > 0;) {
		const uint32_t half = (n + 1) / 2;

		low = nth(b, low + half - 1)->value <= addr ? low + half : low;
		n -= half;
	}
	return (struct export_place){
		.before = low != 0 ? nth(b, low - 1) : NULL,
		.after = low < b->n ? nth(b, low) : NULL,
	};
}

static struct export_place scan(const struct export_block *b, uint64_t addr)
{
	struct export_place at = { NULL, NULL };

	for (uint32_t i = 0; i < b->n; i++) {
		const struct export_record *rec = &b->records[i];

		if (rec->value > addr) {
			if (at.after == NULL || rec->value < at.after->value)
				at.after = rec;
		} else if (at.before == NULL ||
			   rec->value >= at.before->value) {
			at.before = rec;
		}
	}
	return at;
}

struct export_place export_find(struct export_block *b, uint64_t addr)
{
	return b->order == NULL || order(b) ? search(b, addr) : scan(b, addr);
}

void export_block_free(const struct tn_port *port, struct export_block *b)
{
	if (b == NULL)
		return;
	port_free(port, b->ns, b->n * sizeof(*b->ns));
	port_free(port, b->order, export_order_size(b->n));
	port_free(port, b, export_block_size(b->n));
}
