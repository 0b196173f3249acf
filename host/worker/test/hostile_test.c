/* SPDX-License-Identifier: MIT */
/*
 * A worker that lies. Whatever it writes to the page that it shares with its
 * host, at any time: a call ends with a named error or a number, in time, and
 * the host is whole.
 */
#include <stddef.h>
#include <string.h>

#include <tenon/err.h>

#include "kit.h"

/* For those who never answer, and for those who do, on a busy machine. */
#define SHORT_NS 10000000u
#define LONG_NS  20000000000u

struct scene {
	struct kit_said said;
	struct tn_isolate_config config;
	struct worker *w;
	uint64_t lane; /* of the page, in the worker */
	uint64_t timeout_ns;
};

static bool scene_open(struct scene *s, uint64_t timeout_ns)
{
	struct worker_info info;

	memset(s, 0, sizeof(*s));
	s->timeout_ns = timeout_ns;
	s->config = kit_config(&s->said);
	s->w = kit_open(&s->config);
	if (!EXPECT(s->w != NULL))
		return false;
	worker_info(s->w, &info);
	s->lane =
	    info.buffer.module - WIRE_BUFFER + offsetof(struct wire_page, lane);
	return true;
}

static int scene_call(
    struct scene *s, const char *name, const int64_t args[4], int64_t *ret)
{
	uint64_t fn;
	int err = worker_lookup(s->w, name, &fn);

	return err ? err : worker_call(s->w, fn, args, s->timeout_ns, ret);
}

static bool is_named(int err)
{
	return err == 0 || err == -TN_EFAULT || err == -TN_ETIMEDOUT ||
	       err == -TN_EOWNERDEAD;
}

/* The worker writes all over the page, and answers or does not. */
static bool survives_scribbling(uint64_t seed)
{
	struct tn_isolate_report r;
	struct scene s;
	int64_t ret;
	int err;

	if (!scene_open(&s, SHORT_NS))
		return false;
	/* From the plan to the end of the text. */
	const int64_t args[4] = { (int64_t)(s.lane -
					    offsetof(struct wire_page, lane)),
		(WIRE_TEXT + WIRE_TEXT_SIZE) / 8, (int64_t)seed, 0 };

	err = scene_call(&s, "captive_scribble", args, &ret);
	EXPECT(is_named(err));
	EXPECT(is_named(scene_call(&s, "captive_add", args, &ret)));
	worker_close(s.w, &r);
	return EXPECT(kit_dies(r.process)) && !test_failed();
}

TEST(hostile, worker_may_write_anything_to_the_page)
{
	NEED_WORKERS();
	for (uint64_t seed = 1; seed <= 8; seed++)
		CHECK(survives_scribbling(seed));
}

/* The worker forges a message of @kind. */
static int forged(uint32_t kind, uint64_t seed, uint64_t timeout_ns,
    struct tn_isolate_report *r)
{
	const uint64_t value = seed * 0x9e3779b97f4a7c15u;
	struct scene s;
	int64_t ret = 4711;
	int err;

	if (!scene_open(&s, timeout_ns))
		return 1;
	const int64_t args[4] = { (int64_t)s.lane, (int64_t)kind,
		(int64_t)value, (int64_t)seed };

	err = scene_call(&s, "captive_forge", args, &ret);
	EXPECT(err == 0 || ret == 4711);
	EXPECT(strlen(s.said.text) <= WIRE_TEXT_SIZE);
	worker_kill(s.w); /* or its exit would be waited for */
	worker_close(s.w, r);
	EXPECT(kit_dies(r->process));
	return err;
}

TEST(hostile, worker_may_forge_any_message)
{
	struct tn_isolate_report r;
	char text[400];

	NEED_WORKERS();
	for (uint32_t kind = 0; kind <= WIRE_TICKS + 1; kind++) {
		if (kind == 4)
			kind = WIRE_HELLO - 1;
		for (uint64_t seed = 1; seed <= 2; seed++) {
			const int err = forged(kind, seed, SHORT_NS, &r);

			CHECK(is_named(err));
			CHECK(err != 0 || kind == WIRE_RETURN);
			CHECK(tn_isolate_text(&r, text, sizeof(text)) <
			      sizeof(text));
			CHECK(!test_failed());
		}
	}
}

TEST(hostile, kinds_that_no_worker_sends_are_said_to_be_broken)
{
	struct tn_isolate_report r;

	NEED_WORKERS();
	CHECK_EQ(forged(WIRE_CALL, 1, LONG_NS, &r), -TN_EOWNERDEAD);
	CHECK_EQ(r.end, TN_ISOLATE_BROKEN);
	CHECK_EQ(forged(WIRE_READY, 1, LONG_NS, &r), -TN_EOWNERDEAD);
	CHECK_EQ(r.end, TN_ISOLATE_BROKEN);
	CHECK_EQ(forged(WIRE_TICKS + 1, 1, LONG_NS, &r), -TN_EOWNERDEAD);
	CHECK_EQ(r.end, TN_ISOLATE_BROKEN);
}

TEST(hostile, worker_may_count_the_turn_as_it_likes)
{
	struct tn_isolate_report r;

	NEED_WORKERS();
	for (int i = 0; i < 5; i++) {
		struct scene s;
		int64_t ret;

		CHECK(scene_open(&s, SHORT_NS));
		const int64_t args[4] = { (int64_t)s.lane };
		const int err = scene_call(&s, "captive_race", args, &ret);

		CHECK(err != 0 && is_named(err));
		worker_close(s.w, &r);
		CHECK(kit_dies(r.process));
	}
}
