/* SPDX-License-Identifier: MIT */
/*
 * Calls, handles and bonds against a provider that is loaded and unloaded all
 * the time. What is called lies in the module: a call that the gate lets in too
 * late meets pages that are gone, and thread sanitizer sees the rest.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <test/test.h>

#include <tenon/interfaces.h>

#include "files.h"
#include "world.h"

/* As modules/test/ticker/ticker.h has it. */
#define TICKER_NAME    "test/ticker"
#define TICKER_VERSION TN_INTERFACE_VERSION(1, 2)

struct ticker_ops {
	struct tn_ops_head head;
	int (*next)(void *instance, uint64_t *out);
};

#define ROUNDS     300
#define MAX_ROUNDS 200000 /* until the others have met both sides */

static struct {
	struct world w;
	struct tn_interface *iface;
	struct tn_module *mod;
	atomic_bool over;
	atomic_ulong calls, absent, held, busy, wrong;
} storm;

static const struct tn_interface_want wanted = {
	.size = sizeof(wanted),
	.flags = TN_BIND_WEAK,
	.name = TICKER_NAME,
	.version = TICKER_VERSION,
	.holder = "a caller of the storm",
};

static void count(int err, atomic_ulong *good)
{
	if (err == 0)
		atomic_fetch_add(good, 1);
	else if (err == -TN_ENODEV || err == -TN_ESTALE)
		atomic_fetch_add(&storm.absent, 1);
	else
		atomic_fetch_add(&storm.wrong, 1);
}

static void *call(void *arg)
{
	(void)arg;
	while (!atomic_load(&storm.over)) {
		uint64_t n;

		count(tn_call(storm.iface, const struct ticker_ops, next, &n),
		    &storm.calls);
	}
	return NULL;
}

static int use(struct tn_handle h, const struct tn_binding *b)
{
	uint64_t n;
	int err = tn_handle_enter(h);

	if (err != 0)
		return err;
	err = ((const struct ticker_ops *)b->ops)->next(b->instance, &n);
	tn_handle_exit(h);
	return err;
}

static void *hold(void *arg)
{
	(void)arg;
	while (!atomic_load(&storm.over)) {
		const struct tn_binding *b;
		struct tn_handle h;
		int err = tn_interface_acquire(
		    storm.iface, "a holder of the storm", &h, &b);

		if (err == 0) {
			err = use(h, b);
			if (tn_handle_put(h) != 0)
				atomic_fetch_add(&storm.wrong, 1);
		}
		count(err, &storm.held);
	}
	return NULL;
}

static void *bind(void *arg)
{
	(void)arg;
	while (!atomic_load(&storm.over)) {
		struct tn_interface *iface;

		if (tn_interface_bind(storm.w.sys, &wanted, &iface) != 0 ||
		    iface != storm.iface ||
		    tn_interface_unbind(iface, NULL, wanted.holder) != 0)
			atomic_fetch_add(&storm.wrong, 1);
	}
	return NULL;
}

/* A moment without a user comes sooner: otherwise something is stuck. */
#define MAX_TRIES 1000000

/* False when a load or an unload ends as it must not. */
static bool come_and_go(const struct tn_load_args *args)
{
	int err = tn_load(storm.w.sys, args, &storm.mod, &storm.w.diag);
	unsigned tries = 0;

	if (!EXPECT(err == 0))
		return false;
	do {
		tn_diag_fini(&storm.w.diag);
		err = tn_unload(storm.w.sys, storm.mod, &storm.w.diag);
		if (err == -TN_EBUSY)
			atomic_fetch_add(&storm.busy, 1);
	} while (err == -TN_EBUSY && ++tries < MAX_TRIES);
	return EXPECT(err == 0);
}

static bool all_have_met(void)
{
	return atomic_load(&storm.calls) != 0 &&
	       atomic_load(&storm.held) != 0 && atomic_load(&storm.absent) != 0;
}

TEST(interface_storm,
    calls_handles_and_bonds_meet_a_provider_that_comes_and_goes)
{
	void *(*const kinds[])(void *) = { call, call, hold, bind };
	pthread_t thread[ARRAY_SIZE(kinds)];
	struct tn_load_args args = { .size = sizeof(args) };
	struct file_path path;
	struct span bytes;
	unsigned n = 0;

	PROVES("L04");
	PROVES("K5.3");
	if (!file_of_module(&path, isa_here()->name, "ticker"))
		SKIP("module files are not built");
	memset(&storm, 0, sizeof(storm));
	bytes = file_read(path.text);
	args.data = bytes.p;
	args.data_size = bytes.n;
	CHECK(world_open_guaranteed(&storm.w));
	CHECK_EQ(tn_interface_bind(storm.w.sys, &wanted, &storm.iface), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, kinds[i], NULL), 0);
	while ((n < ROUNDS || !all_have_met()) && n < MAX_ROUNDS &&
	       come_and_go(&args))
		n++;
	atomic_store(&storm.over, true);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK(n >= ROUNDS);
	CHECK_EQ(storm.wrong, 0);
	CHECK(all_have_met());
	CHECK_EQ(tn_module_forget(storm.w.sys, storm.mod), 0);
	CHECK(world_close(&storm.w));
	file_free(bytes);
}

/* --- withdraw */

static int world_next(void *instance, uint64_t *out)
{
	(void)instance;
	*out = 0;
	return 0;
}

static const struct ticker_ops world_ops = {
	.head = { sizeof(world_ops), 1 },
	.next = world_next,
};

static void *acquire(void *arg)
{
	(void)arg;
	while (!atomic_load(&storm.over)) {
		const struct tn_binding *b;
		struct tn_handle h;
		const int err = tn_interface_acquire(
		    storm.iface, "a holder of the storm", &h, &b);

		/* It stays what it is until the handle is put. */
		for (unsigned i = 0; err == 0 && i < 50; i++)
			if (*(const void *const volatile *)&b->ops !=
			    &world_ops)
				atomic_fetch_add(&storm.wrong, 1);
		count(err, &storm.held);
		if (err == 0 && tn_handle_put(h) != 0)
			atomic_fetch_add(&storm.wrong, 1);
	}
	return NULL;
}

TEST(interface_storm, bindings_of_handles_stay_while_interfaces_are_withdrawn)
{
	const struct tn_interface_desc desc = { .size = sizeof(desc),
		.name = TICKER_NAME,
		.version = TICKER_VERSION,
		.ops = &world_ops };
	pthread_t thread[2];
	unsigned n = 0;

	memset(&storm, 0, sizeof(storm));
	CHECK(world_open(&storm.w, NULL, 0));
	CHECK_EQ(tn_interface_bind(storm.w.sys, &wanted, &storm.iface), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK_EQ(pthread_create(&thread[i], NULL, acquire, NULL), 0);
	for (; (n < 10 * ROUNDS || !atomic_load(&storm.held) ||
		   !atomic_load(&storm.absent)) &&
	       n < MAX_ROUNDS;
	     n++) {
		int err = tn_interface_provide(storm.w.sys, NULL, &desc);

		if (!EXPECT(err == 0 || err == -TN_EEXIST))
			break;
		err = tn_interface_withdraw(storm.w.sys, NULL, TICKER_NAME, 0);
		if (!EXPECT(err == 0 || err == -TN_EBUSY))
			break;
	}
	atomic_store(&storm.over, true);
	for (unsigned i = 0; i < ARRAY_SIZE(thread); i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
	CHECK(n >= ROUNDS);
	CHECK_EQ(storm.wrong, 0);
	CHECK(world_close(&storm.w));
}
