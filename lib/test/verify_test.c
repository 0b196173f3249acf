/* SPDX-License-Identifier: MIT */
/*
 * The verification hook: asked once for every load, with the whole file as it
 * is before anything of it has been looked at, whatever way it has come.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "kit.h"

/* What no check of ELF would let pass, and the same packed by the tools. */
static const _Alignas(8) char plain[] = "not ELF at all";
// clang-format off
static const _Alignas(8) uint8_t gzipped[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0xcb,
	0x2f, 0x51, 0x70, 0xf5, 0x71, 0x53, 0x48, 0x2c, 0x51, 0x48, 0xcc, 0xc9,
	0x61, 0x00, 0x00, 0x17, 0x43, 0x60, 0xc0, 0x0f, 0x00, 0x00, 0x00,
};
static const _Alignas(8) uint8_t xzipped[] = {
	0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36,
	0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3,
	0x01, 0x00, 0x0e, 0x6e, 0x6f, 0x74, 0x20, 0x45, 0x4c, 0x46, 0x20, 0x61,
	0x74, 0x20, 0x61, 0x6c, 0x6c, 0x00, 0x00, 0x00, 0x17, 0x43, 0x60, 0xc0,
	0x00, 0x01, 0x23, 0x0f, 0xdb, 0xdf, 0x90, 0x0e, 0x90, 0x42, 0x99, 0x0d,
	0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
};
static const _Alignas(8) uint8_t zstded[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x79, 0x00, 0x00, 0x6e, 0x6f, 0x74,
	0x20, 0x45, 0x4c, 0x46, 0x20, 0x61, 0x74, 0x20, 0x61, 0x6c, 0x6c, 0x00,
	0x00, 0x5f, 0x75, 0x97,
};
// clang-format on

struct hook {
	unsigned asked;
	int answer;
	size_t size;
	uint8_t seen[16];
};

static int ask(void *arg, const void *data, size_t size)
{
	struct hook *h = arg;

	h->asked++;
	h->size = size;
	memcpy(h->seen, data, size < 16 ? size : 16);
	return h->answer;
}

static struct tn_system *open_with(struct hook *h, int answer)
{
	const struct tn_host_config config = {
		.size = sizeof(config), .abi = 1, .verify = ask, .verify_arg = h
	};
	struct tn_system *sys = NULL;

	*h = (struct hook){ .answer = answer };
	return tn_open(&config, &sys) == 0 ? sys : NULL;
}

/* The hook refuses: its reason wins over all that is wrong with the bytes. */
static void check_refused(const struct tn_load_args *args)
{
	struct hook h;
	struct tn_system *sys = open_with(&h, -1);
	struct tn_module *mod = NULL;
	struct tn_diag diag;

	CHECK(sys);
	tn_diag_init(&diag);
	EXPECT(tn_load(sys, args, &mod, &diag) == -TN_EACCES || h.asked == 0);
	if (diag.reason == TN_REASON_NO_UNPACKER)
		test_skip("this build has no unpackers");
	else
		EXPECT(diag.reason == TN_REASON_VERIFY &&
		       diag.stage == TN_STAGE_SOURCE && h.asked == 1 &&
		       h.size == sizeof(plain) &&
		       memcmp(h.seen, plain, sizeof(plain)) == 0);
	tn_diag_fini(&diag);
	EXPECT(!mod);
	EXPECT(tn_close(sys) == 0);
}

static void check_memory(const void *data, size_t size)
{
	const struct tn_load_args args = {
		.size = sizeof(args), .data = data, .data_size = size
	};

	check_refused(&args);
}

TEST(verify, sees_memory_before_anything_is_parsed)
{
	char shifted[sizeof(plain) + 1];

	check_memory(plain, sizeof(plain));
	memcpy(shifted + 1, plain, sizeof(plain));
	check_memory(shifted + 1, sizeof(plain)); /* is copied */
}

TEST(verify, sees_what_was_compressed_before_it_is_parsed)
{
	check_memory(gzipped, sizeof(gzipped));
	check_memory(xzipped, sizeof(xzipped));
	check_memory(zstded, sizeof(zstded));
}

static void check_file(const void *data, size_t size)
{
	char path[] = "/tmp/tenon-verify-XXXXXX";
	const struct tn_load_args args = { .size = sizeof(args), .path = path };
	const int fd = mkstemp(path);

	CHECK(fd >= 0);
	EXPECT(write(fd, data, size) == (ssize_t)size);
	close(fd);
	check_refused(&args);
	unlink(path);
}

TEST(verify, sees_files_before_anything_is_parsed)
{
	check_file(plain, sizeof(plain));
	check_file(gzipped, sizeof(gzipped));
}

TEST(verify, one_that_accepts_is_followed_by_the_checks)
{
	NEED_MODULES();
	const struct tn_load_args args = {
		.size = sizeof(args), .data = plain, .data_size = sizeof(plain)
	};
	struct hook h;
	struct tn_system *sys = open_with(&h, 0);
	struct tn_module *mod;
	struct tn_diag diag;

	CHECK(sys);
	tn_diag_init(&diag);
	CHECK_EQ(tn_load(sys, &args, &mod, &diag), -TN_ENOEXEC);
	CHECK_EQ(diag.reason, TN_REASON_ELF);
	CHECK_EQ(h.asked, 1);
	tn_diag_fini(&diag);
	CHECK(kit_load(sys, "tiny"));
	CHECK_EQ(h.asked, 2);
	CHECK_MEM(h.seen, "\177ELF", 4);
	mod = tn_module_find(sys, "tiny");
	tn_module_put(mod);
	CHECK_EQ(tn_unload(sys, mod, NULL), 0);
	CHECK_EQ(tn_close(sys), 0);
}

static int never(void *arg, const void *data, size_t size)
{
	(void)data;
	(void)size;
	*(bool *)arg = true;
	return 0;
}

TEST(verify, is_asked_when_a_file_is_only_read)
{
	const struct tn_load_args args = {
		.size = sizeof(args), .data = plain, .data_size = sizeof(plain)
	};
	bool reached = false;
	struct hook h;
	struct tn_system *sys = open_with(&h, 1);

	CHECK(sys);
	CHECK_EQ(tn_read(sys, &args, never, &reached, NULL), -TN_EACCES);
	CHECK(!reached);
	CHECK_EQ(h.asked, 1);
	CHECK_EQ(tn_close(sys), 0);
}
