/* SPDX-License-Identifier: MIT */
/*
 * Where files come from: the port's reader and unpacker with all that they may
 * answer. Whether a packed file is one is told by its content.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <test/test.h>

#include "files.h"
#include "world.h"

/* The unpacker of the test: its answer, and what it was asked for. */
static struct {
	int answer;
	int asked; /* enum tn_packing, or -1 */
	size_t size;
	struct span plain; /* when the answer is 0 */
	int released;
} fake;

static int fake_unpack(void *ctx, enum tn_packing packing, const void *in,
    size_t size, struct tn_bytes *out)
{
	(void)ctx;
	(void)in;
	fake.asked = (int)packing;
	fake.size = size;
	if (fake.answer == 0)
		*out = (struct tn_bytes){ .data = fake.plain.p,
			.size = fake.plain.n };
	return fake.answer;
}

static void fake_release(void *ctx, struct tn_bytes *bytes)
{
	(void)ctx;
	fake.released += bytes->data == fake.plain.p;
}

static bool begin(struct world *w, int answer)
{
	memset(&fake, 0, sizeof(fake));
	fake.answer = answer;
	fake.asked = -1;
	if (!world_open(w, NULL, 0))
		return false;
	w->rig.port.unpack = fake_unpack;
	w->rig.port.release = fake_release;
	return true;
}

struct magic {
	const char *bytes;
	size_t n;
	int packing; /* -1: none of them */
};

static const struct magic magics[] = {
	{ "\x1f\x8b", 2, TN_GZIP },
	{ "\xfd"
	  "7zXZ\0",
	    6, TN_XZ },
	{ "\x28\xb5\x2f\xfd", 4, TN_ZSTD },
	{ "\x1f", 1, -1 },
	{ "\xfd"
	  "7zXZ",
	    5, -1 },
	{ "\xfd"
	  "7zXZ\1",
	    6, -1 },
	{ "\x28\xb5\x2f", 3, -1 },
	{ "\x1f\x8a", 2, -1 },
	{ "BZh9", 4, -1 },
};

TEST(source, packing_is_told_by_its_first_bytes)
{
	struct tn_module *mod;
	struct world w;

	for (unsigned i = 0; i < ARRAY_SIZE(magics); i++) {
		const struct span s = { (const uint8_t *)magics[i].bytes,
			magics[i].n };

		CHECK(begin(&w, -TN_EBADMSG));
		CHECK(world_load_bytes(&w, s, 0, &mod) < 0);
		CHECK_EQ(fake.asked, magics[i].packing);
		CHECK(magics[i].packing < 0 || fake.size == magics[i].n);
		CHECK(world_close(&w));
	}
}

struct answer {
	int answer;
	enum tn_errno error;
	const char *reason, *text;
};

static const struct answer answers[] = {
	{ -TN_EBADMSG, TN_EBADMSG, "unpack", "damaged zstd data" },
	{ -TN_EIO, TN_EBADMSG, "unpack", "damaged zstd data" },
	{ -TN_EOPNOTSUPP, TN_EOPNOTSUPP, "no_unpacker",
	    "cannot unpack zstd here" },
	{ -TN_ENOMEM, TN_ENOMEM, "no_memory", "no memory for 4 bytes" },
	{ -TN_EFBIG, TN_EFBIG, "unsupported",
	    "a file as large as this unpacks to is not supported" },
};

TEST(source, every_answer_of_the_unpacker_is_told)
{
	static const struct span packed = { (const uint8_t *)"\x28\xb5\x2f\xfd",
		4 };
	struct world w;

	for (unsigned i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		const struct world_refusal want = { a->error, a->reason,
			a->text };

		CHECK(begin(&w, a->answer));
		CHECK(world_refuses(&w, packed, want, TEST_AT));
		CHECK_EQ(fake.released, 0);
		CHECK(world_close(&w));
	}
	CHECK(begin(&w, 0));
	w.rig.port.unpack = NULL;
	CHECK(world_refuses(&w, packed,
	    (struct world_refusal){
		TN_EOPNOTSUPP, "no_unpacker", "cannot unpack zstd here" },
	    TEST_AT));
	CHECK(world_close(&w));
}

/* What has been unpacked is given back, whether the load works or not. */
TEST(source, unpacked_bytes_are_released)
{
	struct author a = author_new(isa_here()->machine, "packed");
	static const struct span packed = { (const uint8_t *)"\x1f\x8b", 2 };
	struct tn_module *mod;
	struct world w;

	CHECK(begin(&w, 0));
	fake.plain = object_file(a.o);
	CHECK_EQ(world_load_bytes(&w, packed, 0, &mod), 0);
	CHECK_EQ(fake.released, 1);
	CHECK_EQ(world_load_bytes(&w, packed, 0, &mod), -TN_EEXIST);
	CHECK_EQ(fake.released, 2);
	fake.plain.n = 17;
	CHECK_EQ(world_load_bytes(&w, packed, 0, &mod), -TN_ENOEXEC);
	CHECK_EQ(fake.released, 3);
	mod = tn_module_find(w.sys, "packed");
	tn_module_put(mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

static int load_path(struct world *w, const char *path)
{
	const struct tn_load_args args = { .size = sizeof(args), .path = path };
	struct tn_module *mod;

	tn_diag_fini(&w->diag);
	return tn_load(w->sys, &args, &mod, &w->diag);
}

TEST(source, a_file_that_cannot_be_read_is_named)
{
	struct world w;
	char text[128];

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(load_path(&w, "/nowhere/at/all.ko"), -TN_ENOENT);
	CHECK_EQ(w.diag.reason, TN_REASON_UNREADABLE);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(
	    text, "cannot read /nowhere/at/all.ko: there is no such file");
	CHECK(load_path(&w, "/tmp") < 0);
	CHECK_EQ(w.diag.reason, TN_REASON_UNREADABLE);
	w.rig.port.read_file = NULL;
	CHECK_EQ(load_path(&w, "/tmp"), -TN_EOPNOTSUPP);
	CHECK(world_close(&w));
}

/* The name of the file counts when the file has none of its own. */
TEST(source, a_module_is_called_by_its_file_when_it_says_nothing)
{
	struct author a = author_new(isa_here()->machine, "own");
	struct tn_module *mod;
	struct file_path path;
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	object_file(a.o);
	*((uint8_t *)(uintptr_t)object_bytes(a.o).p +
	    object_shdr(a.o, a.modinfo)->sh_offset) = 'N';
	CHECK(file_write(&path, object_bytes(a.o)));
	CHECK_EQ(load_path(&w, path.text), 0);
	unlink(path.text);
	path.text[10] = '_';
	path.text[15] = '_';
	mod = tn_module_find(w.sys, path.text + 5);
	CHECK(mod != NULL);
	tn_module_put(mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

/* Not cut, or it would be another module's name. */
TEST(source, a_file_name_that_is_too_long_is_refused)
{
	struct author a = author_new(isa_here()->machine, "own");
	struct file_path path;
	char dir[] = "/tmp/tenon-long-XXXXXX", text[200], stem[64];
	struct world w;

	CHECK(world_open(&w, NULL, 0));
	CHECK(mkdtemp(dir) != NULL);
	object_file(a.o);
	*((uint8_t *)(uintptr_t)object_bytes(a.o).p +
	    object_shdr(a.o, a.modinfo)->sh_offset) = 'N';
	for (size_t n = 55; n <= 56; n++) {
		memset(stem, 'l', n);
		stem[n] = '\0';
		snprintf(text, sizeof(text), "%s/%s.ko", dir, stem);
		CHECK(file_write(&path, object_bytes(a.o)));
		CHECK_EQ(rename(path.text, text), 0);
		CHECK_EQ(load_path(&w, text), n == 55 ? 0 : -TN_EINVAL);
		unlink(text);
	}
	CHECK_EQ(w.diag.reason, TN_REASON_BAD_NAME);
	tn_diag_text(&w.diag, text, sizeof(text));
	CHECK_STR(text, "'llllllllllllllllllllllllllllllllllllllllllllllllll"
			"llllll.ko' is not a module name");
	rmdir(dir);
	stem[55] = '\0';
	struct tn_module *mod = tn_module_find(w.sys, stem);

	CHECK(mod != NULL);
	tn_module_put(mod);
	CHECK_EQ(world_unload(&w, mod), 0);
	author_free(&a);
	CHECK(world_close(&w));
}

TEST(source, a_path_that_no_file_can_have_is_refused)
{
	static char path[5000];
	const struct tn_load_args args = { .size = sizeof(args), .path = path };
	struct tn_module *mod;
	struct world w;

	memset(path, 'x', sizeof(path) - 1);
	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(tn_load(w.sys, &args, &mod, &w.diag), -TN_ENAMETOOLONG);
	CHECK_EQ(w.diag.reason, TN_REASON_UNREADABLE);
	CHECK(world_close(&w));
}

static int remember(void *arg, const void *data, size_t size)
{
	*(size_t *)arg = size;
	return memcmp(data,
		   "\x7f"
		   "ELF",
		   4) == 0
		   ? 42
		   : -1;
}

TEST(source, read_hands_over_what_load_would_see)
{
	struct author a = author_new(isa_here()->machine, "read");
	const struct span file = object_file(a.o);
	const struct tn_load_args args = {
		.size = sizeof(args), .data = file.p, .data_size = file.n
	};
	struct world w;
	size_t size = 0;

	CHECK(world_open(&w, NULL, 0));
	CHECK_EQ(tn_read(w.sys, &args, remember, &size, &w.diag), 42);
	CHECK_EQ(size, file.n);
	const struct tn_load_args none = { .size = sizeof(none),
		.path = "/nowhere" };

	CHECK_EQ(tn_read(w.sys, &none, remember, &size, &w.diag), -TN_ENOENT);
	CHECK_EQ(w.diag.reason, TN_REASON_UNREADABLE);
	author_free(&a);
	CHECK(world_close(&w));
}
