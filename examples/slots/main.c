/* SPDX-License-Identifier: MIT */
/*
 * Modules without a file system: the program carries its module inside, as a
 * device would carry it in flash, and runs it in a slot of a pool of its own.
 * Nothing is read from a file. The module, its image and all that the engine
 * needs for it are in the pool; only tn_slots_open takes something from the
 * heap, the manager and its table.
 */
#include <stdio.h>

#include <tenon/tenon.h>

/* Put there by the linker: see the Makefile. */
extern const char _binary_filter_so_start[], _binary_filter_so_end[];

#define SLOTS    2
#define CAPACITY ((size_t)128 * 1024)

static _Alignas(4096) char pool[SLOTS * CAPACITY];

/* Prints why a load or an unload was refused. */
static int complain(struct tn_diag *diag, int err)
{
	char text[256];

	tn_diag_text(diag, text, sizeof(text));
	fprintf(stderr, "%s: %s\n", tn_slot_status_name(err), text);
	return err;
}

/* Feeds a step from 0 to 100 through the filter in slot 0. */
static int run(struct tn_slots *slots)
{
	struct tn_slot_handle h;
	int err = tn_slot_acquire(slots, 0, "the example", &h), before;
	int64_t value = 0;

	if (err)
		return err;
	err = TN_SLOT_CALL(int, (int), &h, "filter_set_weight", &before, (25));
	for (int i = 0; i < 5 && !err; i++) {
		err = tn_slot_handle_call_entry(
		    &h, (const int64_t[4]){ 1000 }, &value);
		printf("step %d: %lld\n", i, (long long)value);
	}
	/* Held, so it cannot go. */
	printf("unload: %s\n",
	    tn_slot_status_name(tn_slot_unload(slots, 0, NULL)));
	tn_slot_release(&h);
	return err;
}

int main(void)
{
	const struct tn_slots_config config = {
		.size = sizeof(config),
		.abi = 1,
		.slot_capacity = CAPACITY,
		.pool = pool,
		.pool_size = sizeof(pool),
	};
	struct tn_slots *slots;
	struct tn_diag diag;
	int err = tn_slots_open(&config, &slots);

	tn_diag_init(&diag);
	if (err)
		return 1;
	err = tn_slot_register(slots, 0, _binary_filter_so_start,
	    (size_t)(_binary_filter_so_end - _binary_filter_so_start), 0);
	if (!err)
		err = tn_slot_load(slots, 0, &diag);
	if (!err)
		err = tn_slot_set_entry(slots, 0, "filter_step");
	if (!err)
		err = run(slots);
	if (err)
		complain(&diag, err);
	tn_diag_fini(&diag);
	return tn_slots_shutdown(slots, NULL) || err;
}
