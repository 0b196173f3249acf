/* SPDX-License-Identifier: MIT */
/*
 * Every allocation and every call of the port fails once, at every position,
 * until a run passes in which none has failed. After each failure the error
 * and the diagnosis must be those of the failed call, nothing may have
 * changed or leaked, and the next load must work. The positions are printed
 * by the stage in which they lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <test/test.h>

#include "files.h"
#include "world.h"

#define AT UINT64_C(0x40000000)

/* Positions by stage of the diagnosis and by call. */
struct tally {
	unsigned stage[TN_STAGES];
	unsigned call[RIG_CALLS];
	unsigned total;
};

static void say(const char *text)
{
	test_write(text, strlen(text));
}

static void print_tally(const char *what, const struct tally *t)
{
	char line[64];

	snprintf(
	    line, sizeof(line), "inject %s: %u positions:", what, t->total);
	say(line);
	for (int i = 0; i < TN_STAGES; i++) {
		if (t->stage[i] == 0)
			continue;
		snprintf(line, sizeof(line), " %s %u",
		    tn_stage_name((enum tn_stage)i), t->stage[i]);
		say(line);
	}
	say(" (");
	for (int i = 0; i < RIG_CALLS; i++) {
		if (t->call[i] == 0)
			continue;
		snprintf(line, sizeof(line), "%s %u ", rig_call_names[i],
		    t->call[i]);
		say(line);
	}
	say(")\n");
}

/* What a failing call makes of the load. */
struct outcome {
	int error;
	enum tn_reason reason;
};

static const struct outcome outcomes[RIG_CALLS] = {
	[RIG_ALLOC] = { -TN_ENOMEM, TN_REASON_NO_MEMORY },
	[RIG_IMAGE_ALLOC] = { -TN_ENOMEM, TN_REASON_NO_MEMORY },
	[RIG_IMAGE_SEAL] = { -TN_EACCES, TN_REASON_PROTECT },
	[RIG_IMAGE_FINISH] = { -TN_EACCES, TN_REASON_PROTECT },
	[RIG_READ_FILE] = { -TN_EIO, TN_REASON_UNREADABLE },
	[RIG_UNPACK] = { -TN_ENOMEM, TN_REASON_NO_MEMORY },
};

/* Is the failure at the armed position told as it should be? */
static bool is_told(struct world *w, int err, struct tally *t)
{
	const struct outcome *want = &outcomes[w->rig.failed];
	char text[256];

	t->total++;
	t->call[w->rig.failed]++;
	t->stage[w->diag.stage]++;
	return EXPECT(err == want->error) && EXPECT(w->diag.error == err) &&
	       EXPECT(w->diag.reason == want->reason) &&
	       EXPECT(w->diag.stage != TN_STAGE_NONE) &&
	       EXPECT(tn_diag_text(&w->diag, text, sizeof(text)) > 0) &&
	       EXPECT(strstr(text, " 0 bytes") == NULL);
}

/* --- one load, as often as it has positions */

struct subject {
	const char *name;
	struct tn_load_args args;
};

static int load_once(struct world *w, const struct subject *s, unsigned fail_at,
    struct tn_module **mod)
{
	int err;

	tn_diag_fini(&w->diag);
	rig_arm(&w->rig, fail_at);
	err = tn_load(w->sys, &s->args, mod, &w->diag);
	if (w->rig.calls < fail_at)
		w->rig.failed = RIG_CALLS; /* it was not reached */
	rig_arm(&w->rig, 0);
	return err;
}

static bool loads_and_unloads(struct world *w, const struct subject *s)
{
	struct tn_module *mod;

	return EXPECT(load_once(w, s, 0, &mod) == 0) &&
	       EXPECT(world_unload(w, mod) == 0);
}

static void fails_everywhere(struct world *w, const struct subject *s)
{
	struct tally t = { .total = 0 };
	struct tn_module *mod;

	CHECK(loads_and_unloads(w, s)); /* tables grow to their size */
	const uint64_t before = world_state(w);

	for (unsigned n = 1;; n++) {
		const int err = load_once(w, s, n, &mod);

		if (w->rig.failed == RIG_CALLS) {
			CHECK_EQ(err, 0);
			break;
		}
		CHECK(is_told(w, err, &t));
		tn_diag_fini(&w->diag);
		CHECK_EQ(world_state(w), before);
		CHECK(w->rig.misuse == NULL);
		CHECK(loads_and_unloads(w, s));
		CHECK_EQ(world_state(w), before);
	}
	/* unloading can fail nowhere */
	rig_arm(&w->rig, 1);
	CHECK_EQ(tn_unload(w->sys, mod, &w->diag), 0);
	CHECK_EQ(w->rig.calls, 0);
	rig_arm(&w->rig, 0);
	CHECK_EQ(tn_module_forget(w->sys, mod), 0);
	CHECK_EQ(world_state(w), before);
	CHECK(t.total >= 8);
	print_tally(s->name, &t);
}

static struct subject subject_file(const char *name, const char *path)
{
	return (struct subject){ name,
		{ .size = sizeof(struct tn_load_args), .path = path } };
}

static struct subject subject_object(const char *name, struct object *o)
{
	const struct span file = object_file(o);

	return (struct subject){ name, { .size = sizeof(struct tn_load_args),
					   .data = file.p,
					   .data_size = file.n } };
}

static void module_fails_everywhere(const char *name, const char *needs)
{
	struct tn_module *provider = NULL;
	struct file_path path, other;
	struct world w;

	if (!file_of_module(&path, isa_here()->name, name))
		SKIP("module files are not built");
	CHECK(world_open_guaranteed(&w));
	if (needs != NULL) {
		CHECK(file_of_module(&other, isa_here()->name, needs));
		const struct subject s = subject_file(needs, other.text);

		CHECK_EQ(load_once(&w, &s, 0, &provider), 0);
	}
	const struct subject s = subject_file(name, path.text);

	fails_everywhere(&w, &s);
	if (provider != NULL)
		CHECK_EQ(world_unload(&w, provider), 0);
	CHECK(world_close(&w));
}

TEST(inject, hello_fails_at_every_call)
{
	module_fails_everywhere("hello", NULL);
}

TEST(inject, upper_life_cycle_fails_at_every_call)
{
	module_fails_everywhere("lifecycle", NULL);
}

/* exports, with checksums and namespaces */
TEST(inject, provider_fails_at_every_call)
{
	module_fails_everywhere("provider", NULL);
}

TEST(inject, user_of_provider_fails_at_every_call)
{
	module_fails_everywhere("user", "provider");
}

TEST(inject, constructors_fail_at_every_call)
{
	module_fails_everywhere("ctors", NULL);
}

TEST(inject, common_symbols_fail_at_every_call)
{
	module_fails_everywhere("common_bss", NULL);
}

TEST(inject, many_calls_fail_at_every_call)
{
	module_fails_everywhere("calls", "callee");
}

TEST(inject, read_only_after_init_fails_at_every_call)
{
	module_fails_everywhere("roafter", NULL);
}

/* The index by which deprecated exports are found. */
TEST(inject, deprecated_exports_fail_at_every_call)
{
	struct author a = author_new(isa_here()->machine, "going");
	struct world w;

	author_export(&a, (struct author_export){ .name = "old",
			      .symbol = author_word(&a, "old", 0) });
	author_info(&a, "tenon.deprecated=old:use new");
	CHECK(world_open(&w, NULL, 0));
	const struct subject s = subject_object("deprecated exports", a.o);

	fails_everywhere(&w, &s);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Two texts are kept, one of them taken apart. */
TEST(inject, parameters_fail_at_every_call)
{
	struct file_path path;
	struct world w;

	if (!file_of_module(&path, isa_here()->name, "params"))
		SKIP("module files are not built");
	CHECK(world_open_guaranteed(&w));
	struct subject s = subject_file("params", path.text);

	s.args.params = "mode=slow ports=1,2 label=x window=64";
	fails_everywhere(&w, &s);
	CHECK(world_close(&w));
}

/* From memory at an odd address: a copy is one more. */
TEST(inject, file_in_memory_fails_at_every_call)
{
	struct file_path path;
	struct world w;
	struct span s;
	uint8_t *odd;

	if (!file_of_module(&path, isa_here()->name, "weak"))
		SKIP("module files are not built");
	s = file_read(path.text);
	odd = malloc(s.n + 1);
	CHECK(s.p != NULL && odd != NULL);
	memcpy(odd + 1, s.p, s.n);
	CHECK(world_open_guaranteed(&w));
	const struct subject subject = { "weak, in memory",
		{ .size = sizeof(struct tn_load_args),
		    .data = odd + 1,
		    .data_size = s.n } };

	fails_everywhere(&w, &subject);
	free(odd);
	file_free(s);
	CHECK(world_close(&w));
}

TEST(inject, packed_file_fails_at_every_call)
{
	struct file_path path, packed;
	struct tn_module *mod;
	struct span plain, gz;
	struct world w;
	int err;

	if (!file_of_module(&path, isa_here()->name, "hello"))
		SKIP("module files are not built");
	plain = file_read(path.text);
	gz = file_gzip(plain);
	CHECK(file_write(&packed, gz));
	file_free(plain);
	file_free(gz);
	CHECK(world_open_guaranteed(&w));
	const struct subject s = subject_file("hello.ko.gz", packed.text);

	err = load_once(&w, &s, 0, &mod);
	if (err == 0) {
		CHECK_EQ(world_unload(&w, mod), 0);
		fails_everywhere(&w, &s);
	} else {
		CHECK_EQ(w.diag.reason, TN_REASON_NO_UNPACKER);
	}
	unlink(packed.text);
	CHECK(world_close(&w));
	if (err != 0)
		SKIP("this build has no unpackers");
}

/* More names than the table has room for: it is made anew, or not. */
TEST(inject, growing_index_fails_at_every_call)
{
	struct author a = author_new(isa_here()->machine, "grows");
	struct tally t = { .total = 0 };
	struct tn_module *mod;
	struct world w;
	char name[32];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "name_%d", i);
		author_export(&a, (struct author_export){ .name = name,
				      .symbol = author_word(&a, name, 0) });
	}
	const struct subject s = subject_object("growing index", a.o);

	for (unsigned n = 1; w.rig.failed != RIG_CALLS || n == 1; n++) {
		CHECK(world_open(&w, NULL, 0));
		const int err = load_once(&w, &s, n, &mod);

		if (w.rig.failed == RIG_CALLS) {
			CHECK_EQ(tn_symbol_count(w.sys), 200);
			CHECK_EQ(world_unload(&w, mod), 0);
		} else {
			CHECK(is_told(&w, err, &t));
			CHECK_EQ(tn_symbol_count(w.sys), 0);
			CHECK(loads_and_unloads(&w, &s));
		}
		CHECK(world_close(&w));
	}
	print_tally(s.name, &t);
	author_free(&a);
}

/* --- a load that fails by itself: the list of missing symbols */

TEST(inject, list_of_missing_symbols_may_be_short_of_memory)
{
	struct author a = author_new(isa_here()->machine, "poor");
	struct tally t = { .total = 0 };
	struct tn_module *mod;
	struct world w;
	uint64_t before;
	char text[128];

	author_pointer(&a, "p", object_undefined(a.o, "absent"), 0);
	author_pointer(&a, "q", object_undefined(a.o, "missing"), 0);
	CHECK(world_open(&w, NULL, 0));
	const struct subject s = subject_object("missing symbols", a.o);

	before = world_state(&w);
	for (unsigned n = 1;; n++) {
		const int err = load_once(&w, &s, n, &mod);

		if (w.rig.failed == RIG_CALLS)
			break;
		t.total++;
		t.call[w.rig.failed]++;
		t.stage[w.diag.stage]++;
		if (err == -TN_ENOENT) {
			/* at least how many there are */
			CHECK_EQ(w.diag.nmissing, 2);
			CHECK(w.diag.missing == NULL);
			tn_diag_text(&w.diag, text, sizeof(text));
			CHECK_STR(text, "poor: 2 missing symbols:");
		} else {
			CHECK_EQ(err, -TN_ENOMEM);
		}
		tn_diag_fini(&w.diag);
		CHECK_EQ(world_state(&w), before);
	}
	CHECK_EQ(w.diag.nmissing, 2);
	CHECK(w.diag.missing != NULL);
	print_tally(s.name, &t);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- the tables that are made of .modinfo and __versions */

static int plain_word;

TEST(inject, namespaces_and_versions_fail_at_every_call)
{
	static const struct tn_export exports[] = {
		{ .name = "a", .addr = &plain_word, .ns = "SPACE", .crc = 7 },
		{ .name = "b",
		    .addr = &plain_word,
		    .ns = "OTHER",
		    .flags = TN_EXPORT_GPL },
	};
	struct author a = author_new(isa_here()->machine, "tables");
	struct world w;

	author_info(&a, "tenon.provides=this, that");
	author_info(&a, "import_ns=SPACE");
	author_info(&a, "import_ns=OTHER");
	author_version(&a, "a", 7);
	author_pointer(&a, "p", object_undefined(a.o, "a"), 0);
	author_pointer(&a, "q", object_undefined(a.o, "b"), 0);
	CHECK(world_open(&w, exports, ARRAY_SIZE(exports)));
	const struct subject s = subject_object("namespaces and versions", a.o);

	fails_everywhere(&w, &s);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- what is kept for those who debug: symbols, sections, ordered exports */

TEST(inject, kept_symbols_fail_at_every_call)
{
	const struct tn_config keeping = { .flags = TN_CONFIG_KEEP_SYMBOLS };
	struct author a = author_new(isa_here()->machine, "kept");
	const uint32_t low = author_return(&a, "low");
	const uint32_t high = author_return(&a, "high");
	struct world w;

	author_export(&a,
	    (struct author_export){ "high", .symbol = high, .ns = "SPACE" });
	author_export(&a, (struct author_export){ "low", .symbol = low });
	CHECK(world_open_with(&w, &keeping));
	const struct subject s = subject_object("kept symbols", a.o);

	fails_everywhere(&w, &s);
	author_free(&a);
	CHECK(world_close(&w));
}

/* --- linking offline, for every machine */

static int link_once(struct world *w, const struct subject *s, unsigned fail_at,
    struct tn_linked **linked)
{
	int err;

	tn_diag_fini(&w->diag);
	rig_arm(&w->rig, fail_at);
	err = tn_link(w->sys, &s->args, linked, &w->diag);
	if (w->rig.calls < fail_at)
		w->rig.failed = RIG_CALLS;
	rig_arm(&w->rig, 0);
	return err;
}

/* An object of riscv with every table that a load has. */
static struct object *full_object(void)
{
	struct author a = author_new(EM_RISCV, "full");
	uint32_t far;

	author_jump(&a, "jump", "far");
	far = object_undefined(a.o, "far");
	author_got(&a, "got", far);
	author_pointer(&a, "pointer", far, 8);
	object_rela(a.o, a.text,
	    (struct object_fix){ object_size(a.o, a.text), 43, 0, 6 });
	for (int i = 0; i < 3; i++)
		object_add(a.o, a.text, "\x01\x00", 2);
	return a.o;
}

TEST(inject, link_fails_at_every_call)
{
	const struct tn_export far = { .name = "far",
		.addr = (const void *)(uintptr_t)(AT << 12) };
	struct object *o = full_object();
	struct tally t = { .total = 0 };
	struct tn_linked *linked;
	struct world w;
	uint64_t before;

	CHECK(world_offline(&w, AT, &far, 1));
	const struct subject s = subject_object("offline link", o);

	before = world_state(&w);
	for (unsigned n = 1;; n++) {
		const int err = link_once(&w, &s, n, &linked);

		if (w.rig.failed == RIG_CALLS) {
			CHECK_EQ(err, 0);
			break;
		}
		CHECK(is_told(&w, err, &t));
		CHECK_EQ(world_state(&w), before);
		CHECK_EQ(link_once(&w, &s, 0, &linked), 0);
		tn_linked_free(linked);
		CHECK_EQ(world_state(&w), before);
	}
	tn_linked_free(linked);
	print_tally(s.name, &t);
	object_free(o);
	CHECK(world_close(&w));
}

/* --- a system */

TEST(inject, system_fails_at_every_call)
{
	const struct tn_config config = { .size = sizeof(config),
		.abi = 1,
		.exports = tn_guaranteed,
		.nexports = tn_guaranteed_count };
	const struct rig_held none = { 0 };
	struct tn_system *sys;
	struct rig rig;
	unsigned n;
	char line[64];

	rig_offline(&rig, AT);
	for (n = 1;; n++) {
		rig_arm(&rig, n);
		const int err = tn_system_create(&rig.port, &config, &sys);

		if (rig.calls < n) {
			CHECK_EQ(err, 0);
			break;
		}
		CHECK_EQ(err, -TN_ENOMEM);
		CHECK(rig_same(rig_held(&rig), none));
	}
	rig_arm(&rig, 0);
	CHECK_EQ(tn_symbol_count(sys), tn_guaranteed_count);
	CHECK_EQ(tn_system_destroy(sys), 0);
	CHECK(rig_same(rig_held(&rig), none));
	snprintf(line, sizeof(line), "inject system: %u positions\n", n - 1);
	say(line);
	CHECK(n > 3);
}
