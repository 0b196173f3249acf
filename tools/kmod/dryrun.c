/* SPDX-License-Identifier: MIT */
/*
 * The back end of a dry run: an empty world in which everything succeeds.
 */
#include <kmod/backend.h>

struct backend {
	int unused;
};

static struct backend the_dry_run;

static int dryrun_open(
    const char *where, struct backend **out, struct backend_why *why)
{
	(void)where;
	why->text[0] = '\0';
	*out = &the_dry_run;
	return 0;
}

static void dryrun_close(struct backend *be)
{
	(void)be;
}

static int dryrun_insert(struct backend *be, const struct backend_insert *what,
    struct backend_why *why)
{
	(void)be;
	(void)what;
	why->text[0] = '\0';
	return 0;
}

static int dryrun_remove(struct backend *be, const char *name, unsigned flags,
    struct backend_why *why)
{
	(void)be;
	(void)name;
	(void)flags;
	why->text[0] = '\0';
	return 0;
}

static int dryrun_list(struct backend *be, backend_visit_fn *visit, void *arg,
    struct backend_why *why)
{
	(void)be;
	(void)visit;
	(void)arg;
	why->text[0] = '\0';
	return 0;
}

static int dryrun_state(
    struct backend *be, const char *name, backend_visit_fn *visit, void *arg)
{
	(void)be;
	(void)name;
	(void)visit;
	(void)arg;
	return BACKEND_ABSENT;
}

const struct backend_ops dryrun_backend = {
	.name = "dry run",
	.open = dryrun_open,
	.close = dryrun_close,
	.insert = dryrun_insert,
	.remove = dryrun_remove,
	.list = dryrun_list,
	.state = dryrun_state,
};
