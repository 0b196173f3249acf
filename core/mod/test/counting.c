/* SPDX-License-Identifier: MIT */
/*
 * See counting.h.
 */
#include "counting.h"

#include <string.h>

#include "../interface.h"

static int count_add(void *instance, int n)
{
	int *count = instance;

	*count += n;
	return *count;
}

static int count_cookie(void *instance, void *cookie)
{
	int *count = instance;

	*count += *(int *)cookie;
	return *count;
}

static const struct count_ops ops = {
	.head = { sizeof(ops), 1 },
	.add = count_add,
	.cookie = count_cookie,
};

struct tn_interface_desc counting_desc(const char *name, int *instance)
{
	return (struct tn_interface_desc){
		.size = sizeof(struct tn_interface_desc),
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 2),
		.ops = &ops,
		.instance = instance,
	};
}

struct tn_interface_want counting_want(const char *name)
{
	return (struct tn_interface_want){
		.size = sizeof(struct tn_interface_want),
		.name = name,
		.version = TN_INTERFACE_VERSION(1, 0),
		.ops_size = sizeof(struct count_ops),
		.holder = "the test",
	};
}

int counting_fire(struct tn_interface *iface, unsigned op, void *cookie)
{
	int status = 0;
	const int err = interface_fire(iface, op, cookie, &status);

	return err != 0 ? err : status;
}

/* --- modules whose init provides what the test says */

static struct {
	struct world *w;
	struct tn_interface_desc desc;
	int result;
} probe;

static int find_named(void *arg, struct tn_module *mod)
{
	struct tn_module **out = arg;
	struct tn_module_info info;

	tn_module_info(mod, &info);
	if (info.state == TN_STATE_RUNNING)
		return 0;
	*out = mod;
	return 1;
}

static int t_provide(void)
{
	struct tn_module *self = NULL;

	tn_module_each(probe.w->sys, find_named, &self);
	if (tn_interface_provide(probe.w->sys, self, &probe.desc) != 0)
		return -1;
	return probe.result;
}

static int t_nothing(void)
{
	return 0;
}

static const struct tn_export exports[] = {
	WORLD_EXPORT(t_provide),
	WORLD_EXPORT(t_nothing),
};

bool counting_open(struct world *w)
{
	memset(&probe, 0, sizeof(probe));
	probe.w = w;
	return world_open(w, exports, ARRAY_SIZE(exports));
}

/* A module of this name that provides @desc in its init. */
int counting_load(struct world *w, const char *name,
    struct tn_interface_desc desc, struct tn_module **mod)
{
	struct author a = author_new(isa_here()->machine, name);
	int err;

	(void)author_jump(&a, "init_module", "t_provide");
	(void)author_jump(&a, "cleanup_module", "t_nothing");
	probe.desc = desc;
	err = world_load(w, a.o, 0, mod);
	author_free(&a);
	return err;
}

void counting_fail_init(int result)
{
	probe.result = result;
}
