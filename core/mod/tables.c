/* SPDX-License-Identifier: MIT */
/*
 * See tables.h.
 */
#include "tables.h"

#include <base/string.h>
#include <tenon/err.h>

/* What stands in front of a table, so that it is aligned for any type. */
struct head {
	struct list link;
	size_t bytes, unused;
};

void tables_init(struct tables *t, const struct tn_port *port)
{
	t->port = port;
	list_init(&t->list);
}

void *tables_add(struct tables *t, uint64_t n, size_t size)
{
	struct head *h;
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) ||
	    __builtin_add_overflow(bytes, sizeof(*h), &bytes))
		return NULL;
	h = t->port->alloc(t->port->ctx, bytes);
	if (h == NULL)
		return NULL;
	h->bytes = bytes;
	list_add(&t->list, &h->link);
	return h + 1;
}

static void drop(const struct tables *t, struct head *h)
{
	list_del(&h->link);
	t->port->free(t->port->ctx, h, h->bytes);
}

void tables_drop(const struct tables *t, void *table)
{
	if (table != NULL)
		drop(t, (struct head *)table - 1);
}

void tables_free(struct tables *t)
{
	while (!list_empty(&t->list))
		drop(t, CONTAINER_OF(t->list.next, struct head, link));
}

int tables_grow(
    struct tables *t, void **array, uint32_t n, uint32_t *max, size_t size)
{
	const uint32_t more = *max < 16 ? 16 : *max * 2;
	void *bigger;

	if (n < *max)
		return 0;
	bigger = more > *max ? tables_add(t, more, size) : NULL;
	if (bigger == NULL)
		return -TN_ENOMEM;
	if (n != 0)
		memcpy(bigger, *array, n * size);
	tables_drop(t, *array);
	*array = bigger;
	*max = more;
	return 0;
}
