/* SPDX-License-Identifier: MIT */
/*
 * A module of the upper life cycle. Each operation appends a digit to a
 * number, which cleanup prints.
 */
#include <tenon/module.h>
#include <tenon/string.h>

static long steps, count;

static void step(long digit)
{
	steps = steps * 10 + digit;
}

static int __init life_init(struct module *self)
{
	step(1);
	return self == THIS_MODULE ? 0 : -1;
}

static int life_start(struct module *self)
{
	step(2);
	return self == THIS_MODULE ? 0 : -1;
}

static int life_stop(struct module *self)
{
	step(3);
	return self == THIS_MODULE ? 0 : -1;
}

static void life_cleanup(struct module *self)
{
	(void)self;
	step(4);
	pr_info("lifecycle: steps %ld\n", steps);
}

static int life_save(struct module *self, void *buf, size_t cap, size_t *len)
{
	(void)self;
	*len = sizeof(count);
	if (cap < sizeof(count))
		return -28; /* ENOSPC */
	memcpy(buf, &count, sizeof(count));
	return 0;
}

static int life_restore(struct module *self, const void *buf, size_t len)
{
	(void)self;
	if (len != sizeof(count))
		return -22; /* EINVAL */
	memcpy(&count, buf, sizeof(count));
	return 0;
}

static const struct module_ops life_ops = {
	MODULE_OPS_HEADER,
	.init = life_init,
	.start = life_start,
	.stop = life_stop,
	.cleanup = life_cleanup,
	.save_state = life_save,
	.restore_state = life_restore,
};
DEFINE_MODULE(life_ops);

long lifecycle_steps(void);
long lifecycle_count(void);

long lifecycle_steps(void)
{
	return steps;
}
EXPORT_SYMBOL(lifecycle_steps);

long lifecycle_count(void)
{
	return ++count;
}
EXPORT_SYMBOL(lifecycle_count);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("all operations of the upper life cycle");
