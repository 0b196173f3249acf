/* SPDX-License-Identifier: MIT */
/*
 * A module for a slot: a low-pass filter. It imports nothing and needs no
 * library; what it may call is in the table that lkmod_init is handed.
 */
#include <lkmod/lkmod.h>

LKMOD_EXPORT int64_t filter_step(int64_t sample, int64_t, int64_t, int64_t);
LKMOD_EXPORT int filter_set_weight(int percent);

struct filter {
	const struct lkmod_api *api;
	int64_t value;
	int weight; /* of a new sample, in percent */
};

static struct filter *filter;

int64_t filter_step(int64_t sample, int64_t b, int64_t c, int64_t d)
{
	(void)b;
	(void)c;
	(void)d;
	filter->value += (sample - filter->value) * filter->weight / 100;
	return filter->value;
}

int filter_set_weight(int percent)
{
	const int before = filter->weight;

	if (percent > 0 && percent <= 100)
		filter->weight = percent;
	return before;
}

int lkmod_init(const struct lkmod_api *api, void **handle_out)
{
	filter = api->alloc(api->ctx, sizeof(*filter));
	if (filter == NULL)
		return LKMOD_NO_MEMORY;
	filter->api = api;
	filter->weight = 50;
	*handle_out = filter;
	return 0;
}

int lkmod_exit(void *handle)
{
	struct filter *f = handle;

	f->api->printf(f->api->ctx, "filter: the last value was %lld",
	    (long long)f->value);
	f->api->free(f->api->ctx, f); /* else it would be taken back, aloud */
	return 0;
}
