/* SPDX-License-Identifier: MIT */
/*
 * The memory that a struct plugin lies in. A record is given out once and
 * never again, so that a pointer to an ended plugin stays a pointer to an ended
 * plugin; what it costs for ever is address space.
 *
 *	region k    [ record | record | ... ]   64 KiB << k, in order
 *
 * A page of records that have all ended is given back to the system; it reads
 * as zero then, which is what an ended record looks like.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/plugin.h>

struct plugin_entry;

/* struct record.state: 0 is what memory without a record is. */
enum record_state {
	RECORD_ENDED,
	RECORD_COMING,
	RECORD_GOING, /* it cannot be had any more */
	RECORD_LIVE,
	RECORD_LEAVING, /* somebody tries to unload it; it can be had */
};

struct record {
	struct plugin pub;             /* first: what users hold */
	struct tn_module *_Atomic mod; /* set before it is LIVE */
	struct plugin_entry *entry;    /* registry lock */
	_Atomic uint32_t state;        /* enum record_state */
	uint32_t padding;
};

_Static_assert(sizeof(struct record) == 64, "a page holds whole records");

/* A new record, COMING; NULL: no memory. Registry lock. */
struct record *record_new(void) MUST_CHECK;
/* It has ended, and nobody is looking at it any more. Registry lock. */
void record_end(struct record *rec);

/* The record that @p is, ended or not; NULL: none was ever given out there. */
struct record *record_of(const struct plugin *p);

/* Can references on it be had? */
static inline bool record_is_live(const struct record *rec)
{
	/* acquire: what was written before it became LIVE */
	return atomic_load_explicit(&rec->state, memory_order_acquire) >=
	       RECORD_LIVE;
}
