/* SPDX-License-Identifier: MIT */
/*
 * calls: provides interfaces of all three kinds and calls them, with and
 * without arguments, and calls through a slot's handle that holds nothing. It
 * is C11 and, included by calls.cpp, C++17.
 */
#include <stddef.h>
#include <string.h>

#include <tenon/tenon.h>

struct sum_ops {
	struct tn_ops_head head;
	int (*one)(void *instance);
	int (*sum)(void *instance, int a, int b, int c, int d, int e, int f,
	    int g, int h);
};

static int one(void *instance)
{
	return instance == NULL ? 1 : 0;
}

/* NOLINTNEXTLINE(readability-function-size): as many as a call takes */
static int sum(
    void *instance, int a, int b, int c, int d, int e, int f, int g, int h)
{
	return one(instance) + a + b + c + d + e + f + g + h;
}

static const struct sum_ops ops = { { sizeof(struct sum_ops), 1 }, one, sum };

/* 38, whatever kind it is. */
static int call(struct tn_interface *i, unsigned flags)
{
	if (flags == TN_INTERFACE_SLEEPS)
		return tn_call_sleeping(i, const struct sum_ops, one) +
		       tn_call_sleeping(i, const struct sum_ops, sum, 1, 2, 3,
			   4, 5, 6, 7, 8);
	if (flags == TN_INTERFACE_GUARDED)
		return tn_call_guarded(i, const struct sum_ops, one) +
		       tn_call_guarded(i, const struct sum_ops, sum, 1, 2, 3, 4,
			   5, 6, 7, 8);
	return tn_call(i, const struct sum_ops, one) +
	       tn_call(i, const struct sum_ops, sum, 1, 2, 3, 4, 5, 6, 7, 8);
}

static int provide_and_call(
    struct tn_system *sys, const char *name, unsigned flags)
{
	struct tn_interface_desc desc;
	struct tn_interface_want want;
	struct tn_interface *i;

	memset(&desc, 0, sizeof(desc));
	memset(&want, 0, sizeof(want));
	desc.size = sizeof(desc);
	desc.flags = want.flags = flags;
	desc.name = want.name = name;
	desc.version = want.version = TN_INTERFACE_VERSION(1, 0);
	desc.ops = &ops;
	want.size = sizeof(want);
	want.holder = "calls";
	if (tn_interface_provide(sys, NULL, &desc) != 0 ||
	    tn_interface_bind(sys, &want, &i) != 0)
		return 0;
	return call(i, flags) == 38 &&
	       tn_interface_unbind(i, NULL, "calls") == 0;
}

static int call_slot(void)
{
	struct tn_slot_handle none;
	int sum = 4711;

	memset(&none, 0, sizeof(none));
	return TN_SLOT_CALL(int, (int, int), &none, "add", &sum, (1, 2)) ==
		   -TN_ESTALE &&
	       TN_SLOT_CALL_VOID((int), &none, "run", (42)) == -TN_ESTALE &&
	       TN_SLOT_CALL_ENTRY(int, (int, int), &none, &sum, (1, 2)) ==
		   -TN_ESTALE &&
	       TN_SLOT_CALL_ENTRY_VOID((int), &none, (42)) == -TN_ESTALE &&
	       sum == 4711;
}

int main(void)
{
	struct tn_system *sys;

	if (tn_open(NULL, &sys) != 0)
		return 1;
	if (!provide_and_call(sys, "counted", 0) ||
	    !provide_and_call(sys, "guarded", TN_INTERFACE_GUARDED) ||
	    !provide_and_call(sys, "sleeping", TN_INTERFACE_SLEEPS))
		return 2;
	if (!call_slot())
		return 3;
	return tn_close(sys);
}
