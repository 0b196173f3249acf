/* SPDX-License-Identifier: MIT */
/*
 * Isolated slots, by an isolation that only pretends: what the manager asks of
 * it and when, and that a slot is the same to its users whether its module is
 * here or elsewhere.
 */
#include <string.h>

#include <base/compiler.h>
#include <test/test.h>

#include "kit.h"

/* One worker, and what has been asked of it. */
struct pretence {
	struct tn_isolation table;
	int workers; /* that are open */
	struct tn_isolation_load load;
	char name[TN_MODULE_NAME_MAX];
	uint8_t first; /* of the blob */
	int open_error;
	int status;     /* of the worker */
	int next_error; /* what the next call meets */
	uint64_t timeout_ns;
	unsigned lookups, calls;
	/* the manager that kill asks, as an embedder's callback may, and that
	   open tells to end what it opens */
	struct tn_slots *asked, *told;
	bool heeds; /* open sees that */
	int answer; /* of its unload of slot 0 */
};

static int pretend_open(void *ctx, const struct tn_isolation_load *load,
    void **worker, struct tn_diag *diag)
{
	struct pretence *p = ctx;

	if (p->open_error != 0) {
		diag->error = p->open_error;
		diag->reason = TN_REASON_INIT_FAILED;
		return p->open_error;
	}
	p->load = *load;
	if (p->told != NULL) {
		EXPECT(tn_slot_kill(p->told, load->slot) == 0);
		EXPECT(*load->stop != 0);
		if (p->heeds)
			return TN_SLOT_KILLED;
	}
	strcpy(p->name, load->name);
	p->first = *(const uint8_t *)load->blob;
	p->workers++;
	p->status = 0;
	*worker = p;
	return 0;
}

static void pretend_close(void *worker)
{
	struct pretence *p = worker;

	p->workers--;
}

/* Functions "f1" to "f9". */
static int pretend_lookup(void *worker, const char *symbol, uint64_t *function)
{
	struct pretence *p = worker;

	p->lookups++;
	if (p->status != 0)
		return p->status;
	if (symbol[0] != 'f' || symbol[1] < '1' || symbol[1] > '9')
		return -TN_ENOENT;
	*function = (uint64_t)(symbol[1] - '0');
	return 0;
}

static int pretend_call(void *worker, struct tn_isolation_call *call)
{
	struct pretence *p = worker;

	p->calls++;
	p->timeout_ns = call->timeout_ns;
	if (p->status == 0)
		p->status = p->next_error;
	p->next_error = 0;
	if (p->status != 0)
		return p->status;
	call->ret = (int64_t)call->function * 10000 + call->args[0] * 1000 +
		    call->args[1] * 100 + call->args[2] * 10 + call->args[3];
	return 0;
}

static void pretend_kill(void *worker)
{
	struct pretence *p = worker;
	struct tn_slot_info info;

	p->status = TN_SLOT_KILLED;
	if (p->asked == NULL)
		return;
	EXPECT(tn_slot_info(p->asked, 0, &info) == 0);
	p->answer = tn_slot_unload(p->asked, 0, NULL);
}

static void pretend_info(void *worker, struct tn_isolation_info *info)
{
	const struct pretence *p = worker;

	*info = (struct tn_isolation_info){ .status = p->status,
		.base = 0x1000,
		.bytes = 0x3000,
		.id = 4711,
		.timing = { .init = 7 } };
	strcpy(info->name, p->name);
}

static bool open(struct kit *k, struct pretence *p, bool fixed)
{
	*p = (struct pretence){ .table = { .size = sizeof(p->table),
				    .abi = 1,
				    .ctx = p,
				    .open = pretend_open,
				    .close = pretend_close,
				    .lookup = pretend_lookup,
				    .call = pretend_call,
				    .kill = pretend_kill,
				    .info = pretend_info } };
	kit_prepare(k, fixed, 3);
	k->config.isolation = &p->table;
	k->config.timeout_ns = 12345;
	return EXPECT(kit_start(k) == 0);
}

/* Anything will do for a pretence. */
static const struct span blob = { (const uint8_t *)"Zblob", 5 };

TEST(isolation, asks_for_a_worker_when_a_slot_is_loaded)
{
	PROVES("G10 G11");
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_info info;
		struct pretence p;
		struct kit k;

		CHECK(open(&k, &p, fixed));
		CHECK_EQ(kit_load_blob(&k, 2, blob, TN_SLOT_ISOLATED), 0);
		CHECK_EQ(p.workers, 1);
		CHECK_EQ(p.load.slot, 2);
		CHECK_EQ(p.load.blob_size, 5);
		CHECK_EQ(p.first, 'Z');
		CHECK_STR(p.name, "slot2");
		CHECK_EQ(p.load.timeout_ns, 12345);
		CHECK_EQ(
		    p.load.load_flags, TN_LOAD_UNMARKED | TN_LOAD_NO_IMPORTS);
		CHECK_EQ(tn_slot_info(k.slots, 2, &info), 0);
		CHECK(info.isolated && info.mod == NULL);
		CHECK_EQ(info.state, TN_SLOT_LOADED);
		CHECK_EQ(info.mod_base, 0x1000);
		CHECK_EQ(info.mod_size, 0x3000);
		CHECK_EQ(info.worker_id, 4711);
		CHECK_EQ(info.timing.init, 7);
		CHECK_EQ(tn_slot_unload(k.slots, 2, &k.diag), 0);
		CHECK_EQ(p.workers, 0);
		CHECK_EQ(kit_state(&k, 2), TN_SLOT_REGISTERED);
		CHECK_EQ(tn_slot_unregister(k.slots, 2), 0);
		CHECK_EQ(tn_slot_info(k.slots, 2, &info), 0);
		CHECK(!info.isolated);
		CHECK_EQ(kit_load_blob(&k, 2, blob, TN_SLOT_ISOLATED), 0);
		CHECK(kit_close(&k)); /* closes it */
		CHECK_EQ(p.workers, 0);
	}
}

TEST(isolation, works_as_a_module_that_is_here)
{
	struct tn_slot_handle h;
	void *function;
	struct pretence p;
	int64_t ret;
	uint32_t slot;
	struct kit k;

	PROVES("G14 G15 G16 G20 G21 G30");
	CHECK(open(&k, &p, true));
	CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
	CHECK_EQ(kit_call(&k, 0, "f3", ARGS(1, 2, 3, 4)), 31234);
	CHECK_EQ(p.timeout_ns, 12345);
	CHECK_EQ(kit_try(&k, 0, "g"), TN_SLOT_NOT_FOUND);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "f5"), 0);
	CHECK_EQ(tn_slot_call_entry(k.slots, 0, ARGS(1), &ret), 0);
	CHECK_EQ(ret, 51000);
	CHECK_EQ(tn_slot_find(k.slots, "slot0", &slot), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "me", &h), 0);
	CHECK_EQ(tn_slot_handle_call(&h, "f1", ARGS(0), &ret), 0);
	CHECK_EQ(ret, 10000);
	CHECK_EQ(tn_slot_handle_call_entry(&h, ARGS(2), &ret), 0);
	CHECK_EQ(ret, 52000);
	CHECK_EQ(tn_slot_set_entry(k.slots, 0, "f6"), 0);
	CHECK_EQ(tn_slot_handle_call_entry(&h, ARGS(2), &ret), 0);
	CHECK_EQ(ret, 62000);
	/* there is no address to be had, so no call by any other type */
	CHECK_EQ(tn_slot_handle_function(&h, "f1", &function),
	    TN_SLOT_NOT_SUPPORTED);
	CHECK_EQ(tn_slot_handle_entry(&h, &function), TN_SLOT_NOT_SUPPORTED);
	CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), TN_SLOT_BUSY);
	CHECK_EQ(tn_slots_shutdown(k.slots, &k.diag), TN_SLOT_BUSY);
	CHECK_EQ(p.workers, 1);
	CHECK_EQ(tn_slot_release(&h), 0);
	CHECK_EQ(tn_slot_unload(k.slots, 0, &k.diag), 0);
	CHECK(kit_close(&k));
}

TEST(isolation, names_the_end_of_a_worker_and_loads_the_slot_again)
{
	NEED_MODULES();
	static const int ends[] = { TN_SLOT_FAULT, TN_SLOT_TIMED_OUT,
		TN_SLOT_KILLED };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct tn_slot_info info;
		struct pretence p;
		struct kit k;

		CHECK(open(&k, &p, false));
		CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
		CHECK_EQ(kit_load(&k, 1, "hello"), 0);
		p.next_error = ends[i];
		CHECK_EQ(kit_try(&k, 0, "f1"), ends[i]);
		CHECK_EQ(kit_try(&k, 0, "f1"), ends[i]); /* from now on */
		CHECK_EQ(tn_slot_info(k.slots, 0, &info), 0);
		CHECK_EQ(info.worker_status, ends[i]);
		CHECK_EQ(info.state, TN_SLOT_LOADED);
		/* nobody else has noticed */
		CHECK_EQ(kit_call(&k, 1, "hello_add", ARGS(2, 3)), 5);
		CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
		CHECK_EQ(tn_slot_load(k.slots, 0, NULL), 0);
		CHECK_EQ(kit_call(&k, 0, "f1", ARGS(0)), 10000);
		CHECK(kit_close(&k));
	}
}

TEST(isolation, kills_a_worker_on_request)
{
	NEED_MODULES();
	struct pretence p;
	struct kit k;

	CHECK(open(&k, &p, true));
	CHECK_EQ(tn_slot_kill(k.slots, 0), TN_SLOT_NOT_FOUND);
	CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
	CHECK_EQ(kit_load(&k, 1, "hello"), 0);
	CHECK_EQ(tn_slot_kill(k.slots, 1), TN_SLOT_NOT_SUPPORTED);
	CHECK_EQ(tn_slot_kill(k.slots, 0), 0);
	CHECK_EQ(kit_try(&k, 0, "f1"), TN_SLOT_KILLED);
	CHECK(kit_close(&k));
	CHECK_EQ(p.workers, 0);
}

/* What kill runs is the embedder's, who may call the manager. */
TEST(isolation, kills_a_worker_without_a_lock_of_the_manager)
{
	struct pretence p;
	struct kit k;

	CHECK(open(&k, &p, false));
	CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
	p.asked = k.slots;
	CHECK_EQ(tn_slot_kill(k.slots, 0), 0);
	CHECK_EQ(p.answer, TN_SLOT_BUSY); /* the worker is pinned meanwhile */
	CHECK_EQ(tn_slot_unload(k.slots, 0, NULL), 0);
	CHECK_EQ(tn_slot_kill(k.slots, 0), TN_SLOT_NOT_FOUND);
	CHECK(kit_close(&k));
}

TEST(isolation, kills_a_worker_that_is_loading)
{
	/* it sees that in time, or not */
	for (int heeds = 0; heeds < 2; heeds++) {
		struct pretence p;
		struct kit k;

		CHECK(open(&k, &p, false));
		p.told = k.slots;
		p.heeds = heeds;
		CHECK_EQ(kit_load_blob(&k, 1, blob, TN_SLOT_ISOLATED),
		    heeds ? TN_SLOT_KILLED : 0);
		CHECK_EQ(kit_try(&k, 1, "f1"),
		    heeds ? TN_SLOT_NOT_FOUND : TN_SLOT_KILLED);
		CHECK_EQ(tn_slot_unload(k.slots, 1, NULL),
		    heeds ? TN_SLOT_NOT_FOUND : 0);
		CHECK_EQ(p.workers, 0);
		p.told = NULL; /* and that is over */
		CHECK_EQ(tn_slot_load(k.slots, 1, NULL), 0);
		CHECK(*p.load.stop == 0);
		CHECK_EQ(kit_try(&k, 1, "f1"), 0);
		CHECK(kit_close(&k));
	}
}

/* Nobody may be there to end a worker that is loading: its time always ends. */
TEST(isolation, bounds_the_time_of_a_load_that_has_no_limit)
{
	struct pretence p;
	struct kit k;

	CHECK(open(&k, &p, false));
	CHECK(kit_close(&k));
	kit_prepare(&k, false, 1);
	k.config.isolation = &p.table;
	k.config.timeout_ns = 0;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
	CHECK_EQ(p.load.timeout_ns, TN_SLOT_LOAD_TIMEOUT_NS);
	CHECK_EQ(kit_try(&k, 0, "f1"), 0);
	CHECK_EQ(p.timeout_ns, 0); /* a call can be killed */
	CHECK(kit_close(&k));
}

TEST(isolation, fails_as_the_worker_does)
{
	struct pretence p;
	struct kit k;

	CHECK(open(&k, &p, false));
	p.open_error = -TN_EAGAIN;
	CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), -TN_EAGAIN);
	CHECK_EQ(k.diag.reason, TN_REASON_INIT_FAILED);
	CHECK_EQ(kit_state(&k, 0), TN_SLOT_REGISTERED);
	p.open_error = 0;
	CHECK_EQ(tn_slot_load(k.slots, 0, NULL), 0);
	CHECK(kit_close(&k));
}

TEST(isolation, is_refused_where_there_is_none)
{
	struct pretence p;
	struct kit k;

	CHECK(kit_open(&k, false, 1));
	CHECK_EQ(tn_slot_register(k.slots, 0, blob.p, blob.n, TN_SLOT_ISOLATED),
	    TN_SLOT_NOT_SUPPORTED);
	CHECK_EQ(kit_state(&k, 0), TN_SLOT_EMPTY);
	CHECK(kit_close(&k));
	/* nor is a table of another layout taken */
	CHECK(open(&k, &p, false));
	CHECK(kit_close(&k));
	kit_prepare(&k, false, 1);
	p.table.abi = 2;
	k.config.isolation = &p.table;
	CHECK_EQ(kit_start(&k), TN_SLOT_INVALID_ARGS);
	CHECK(kit_finish(&k));
}

TEST(isolation, of_an_abandoned_manager_ends_with_the_last_handle)
{
	for (int fixed = 0; fixed < 2; fixed++) {
		struct tn_slot_handle h;
		struct pretence p;
		int64_t ret;
		struct kit k;

		CHECK(open(&k, &p, fixed));
		CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
		CHECK_EQ(tn_slot_acquire(k.slots, 0, "me", &h), 0);
		tn_slots_abandon(k.slots);
		CHECK_EQ(tn_slot_handle_call(&h, "f1", ARGS(0), &ret),
		    TN_SLOT_STALE);
		CHECK_EQ(tn_slot_release(&h), 0);
		CHECK_EQ(p.workers, 0);
		CHECK(kit_finish(&k));
	}
}

/* There the manager ends with the pool, so its workers cannot wait. */
TEST(isolation, of_an_abandoned_manager_in_its_pool_ends_at_once)
{
	struct tn_slot_handle h;
	struct pretence p;
	struct kit k;

	CHECK(open(&k, &p, true));
	CHECK(kit_close(&k));
	kit_prepare(&k, true, 3);
	k.config.slot_count = 2;
	k.config.isolation = &p.table;
	CHECK_EQ(kit_start(&k), 0);
	CHECK_EQ(kit_load_blob(&k, 0, blob, TN_SLOT_ISOLATED), 0);
	CHECK_EQ(kit_load_blob(&k, 1, blob, TN_SLOT_ISOLATED), 0);
	CHECK_EQ(tn_slot_acquire(k.slots, 0, "me", &h), 0);
	tn_slots_abandon(k.slots);
	CHECK_EQ(p.workers, 0);
	CHECK(kit_finish(&k)); /* unmaps the pool */
	CHECK(!tn_slot_handle_is_held(&h));
	CHECK_EQ(tn_slot_release(&h), 0);
}
