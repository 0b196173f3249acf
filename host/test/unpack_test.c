/* SPDX-License-Identifier: MIT */
/*
 * Unpacking: whole, cut at every byte, damaged, too large. The packed data is
 * made by gzip, xz and zstd themselves; a build without unpackers must say so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <host/port.h>
#include <tenon/err.h>
#include <test/test.h>

#include "unpack.h"

static const struct host_port_config standard;

static bool can_unpack(void)
{
	return unpacker(TN_GZIP) != NULL;
}

/* Bytes that the caller frees. */
struct packed {
	uint8_t *data;
	size_t size;
};

/* Packs with the tool of the format; data is NULL when that fails. */
static struct packed pack(
    enum tn_packing packing, const void *data, size_t size)
{
	static const char *const tools[] = { "", "gzip -n", "xz -1",
		"zstd -q" };
	struct packed out = { NULL, 0 };
	char path[] = "/tmp/tenon-test-XXXXXX", command[80];
	const int fd = mkstemp(path);
	FILE *from;

	if (fd < 0)
		return out;
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(
		    command, sizeof(command), "%s <%s", tools[packing], path);
		from = popen(command, "r");
		out.data = malloc(size + 1000);
		if (from && out.data)
			out.size = fread(out.data, 1, size + 1000, from);
		if (from)
			pclose(from);
	}
	close(fd);
	unlink(path);
	return out;
}

/* Something that packs well, but not to nothing. */
static void make_plain(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * i >> 7 ^ i >> 3);
}

static int unpack(const struct tn_port *port, enum tn_packing packing,
    struct packed in, struct tn_bytes *out)
{
	return port->unpack(port->ctx, packing, in.data, in.size, out);
}

static void check_round_trip(
    const struct tn_port *port, enum tn_packing packing, size_t n)
{
	uint8_t *plain = malloc(n + 1);
	struct packed packed;
	struct tn_bytes out;

	make_plain(plain, n);
	packed = pack(packing, plain, n);
	CHECK(packed.size);
	CHECK_EQ(unpack(port, packing, packed, &out), 0);
	CHECK_EQ(out.size, n);
	CHECK_EQ((uintptr_t)out.data % 8, 0);
	CHECK_MEM(out.data, plain, n);
	port->release(port->ctx, &out);
	free(packed.data);
	free(plain);
}

TEST(unpack, what_was_packed_comes_back)
{
	struct host_port *p;

	if (!can_unpack())
		SKIP("this build has no unpackers");
	CHECK_EQ(host_port_create(&standard, &p), 0);
	for (int packing = TN_GZIP; packing <= TN_ZSTD; packing++) {
		for (size_t n = 1; n < 4u << 20; n = n * 9 + 1)
			check_round_trip(
			    host_port_table(p), (enum tn_packing)packing, n);
	}
	host_port_destroy(p);
}

TEST(unpack, two_packed_pieces_are_one_behind_the_other)
{
	struct host_port *p;
	uint8_t plain[1000];

	if (!can_unpack())
		SKIP("this build has no unpackers");
	make_plain(plain, sizeof(plain));
	CHECK_EQ(host_port_create(&standard, &p), 0);
	for (int packing = TN_GZIP; packing <= TN_ZSTD; packing++) {
		struct packed one =
		    pack((enum tn_packing)packing, plain, sizeof(plain));
		struct packed two = { malloc(2 * one.size), 2 * one.size };
		struct tn_bytes out;

		memcpy(two.data, one.data, one.size);
		memcpy(two.data + one.size, one.data, one.size);
		CHECK_EQ(unpack(host_port_table(p), (enum tn_packing)packing,
			     two, &out),
		    0);
		CHECK_EQ(out.size, 2 * sizeof(plain));
		CHECK_MEM((const uint8_t *)out.data + sizeof(plain), plain,
		    sizeof(plain));
		host_port_table(p)->release(host_port_table(p)->ctx, &out);
		free(one.data);
		free(two.data);
	}
	host_port_destroy(p);
}

static void check_damage(
    const struct tn_port *port, enum tn_packing packing, struct packed whole)
{
	struct tn_bytes out;

	for (size_t n = 0; n < whole.size; n++) {
		const struct packed cut = { whole.data, n };

		CHECK_EQ(unpack(port, packing, cut, &out), -TN_EBADMSG);
	}
	/* The contents are guarded by a sum, so any change is seen, */
	for (size_t i = whole.size / 3; i < whole.size; i++) {
		int err;

		whole.data[i] ^= 0x10;
		err = unpack(port, packing, whole, &out);
		CHECK(err == -TN_EBADMSG || err == -TN_EFBIG);
		whole.data[i] ^= 0x10;
	}
	/* in the header it may be a comment that has changed. */
	for (size_t i = 0; i < whole.size / 3; i++) {
		whole.data[i] ^= 0xff;
		if (unpack(port, packing, whole, &out) == 0)
			port->release(port->ctx, &out);
		whole.data[i] ^= 0xff;
	}
}

TEST(unpack, cut_or_damaged_data_is_refused)
{
	struct host_port *p;
	uint8_t plain[500];

	if (!can_unpack())
		SKIP("this build has no unpackers");
	make_plain(plain, sizeof(plain));
	CHECK_EQ(host_port_create(&standard, &p), 0);
	for (int packing = TN_GZIP; packing <= TN_ZSTD; packing++) {
		struct packed whole =
		    pack((enum tn_packing)packing, plain, sizeof(plain));

		check_damage(
		    host_port_table(p), (enum tn_packing)packing, whole);
		free(whole.data);
	}
	host_port_destroy(p);
}

TEST(unpack, a_bomb_ends_at_the_limit)
{
	const struct host_port_config small = { .unpack_limit = 1u << 20 };
	const size_t size = 8u << 20;
	uint8_t *zeros = calloc(1, size);
	struct tn_bytes out;
	struct host_port *p;

	if (!can_unpack()) {
		free(zeros);
		SKIP("this build has no unpackers");
	}
	CHECK_EQ(host_port_create(&small, &p), 0);
	for (int packing = TN_GZIP; packing <= TN_ZSTD; packing++) {
		struct packed bomb =
		    pack((enum tn_packing)packing, zeros, size);
		struct packed fits =
		    pack((enum tn_packing)packing, zeros, 1u << 20);

		CHECK(bomb.size < 100000);
		CHECK_EQ(unpack(host_port_table(p), (enum tn_packing)packing,
			     bomb, &out),
		    -TN_EFBIG);
		CHECK_EQ(unpack(host_port_table(p), (enum tn_packing)packing,
			     fits, &out),
		    0);
		host_port_table(p)->release(host_port_table(p)->ctx, &out);
		free(bomb.data);
		free(fits.data);
	}
	host_port_destroy(p);
	free(zeros);
}

TEST(unpack, an_unknown_format_is_not_supported)
{
	struct tn_bytes out;
	struct host_port *p;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	CHECK_EQ(host_port_table(p)->unpack(
		     host_port_table(p)->ctx, TN_PLAIN, "x", 1, &out),
	    -TN_EOPNOTSUPP);
	if (!can_unpack())
		CHECK_EQ(host_port_table(p)->unpack(
			     host_port_table(p)->ctx, TN_GZIP, "x", 1, &out),
		    -TN_EOPNOTSUPP);
	host_port_destroy(p);
}
