/* SPDX-License-Identifier: MIT */
/*
 * The arrays that an operation needs while it lasts: zeroed memory on a list,
 * freed with it all at once, or before.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>
#include <base/list.h>
#include <tenon/port.h>

struct tables {
	const struct tn_port *port;
	struct list list;
};

void tables_init(struct tables *t, const struct tn_port *port);
void tables_free(struct tables *t);

/* Room for @n elements of @size bytes, or NULL. */
void *tables_add(struct tables *t, uint64_t n, size_t size) MUST_CHECK;
/*
 * Makes room in *@array, which has @n elements and room for *@max, for one
 * more. -TN_ENOMEM: nothing has changed.
 */
int tables_grow(struct tables *t, void **array, uint32_t n, uint32_t *max,
    size_t size) MUST_CHECK;
/* @table, which may be NULL, is of no use any more. */
void tables_drop(const struct tables *t, void *table);
