/* SPDX-License-Identifier: MIT */
/*
 * The port's table: memory, files, unpacking, symbols, time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <host/machine.h>
#include <host/port.h>
#include <tenon/err.h>
#include <test/emulated.h>
#include <test/sanitized.h>
#include <test/test.h>

#include "blocks.h"
#include "kit.h"

static const struct host_port_config standard = { .arena.span = KIT_SPAN };

TEST(port, its_memory_is_zeroed_also_when_it_is_reused)
{
	struct host_port *p;
	const struct tn_port *port;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	port = host_port_table(p);
	for (size_t size = 1; size <= 8u << 20; size *= 3) {
		for (int i = 0; i < 2; i++) {
			uint8_t *mem = port->alloc(port->ctx, size);

			CHECK(mem && (uintptr_t)mem % 16 == 0);
			for (size_t k = 0; k < size; k += 61)
				CHECK_EQ(mem[k], 0);
			CHECK_EQ(mem[size - 1], 0);
			memset(mem, 0xff, size);
			port->free(port->ctx, mem, size);
		}
	}
	CHECK(!port->alloc(port->ctx, SIZE_MAX));
	CHECK(!port->alloc(port->ctx, SIZE_MAX / 2));
	host_port_destroy(p);
}

TEST(port, large_blocks_are_kept_within_bounds)
{
	struct blocks b;
	void *first;

	blocks_init(&b);
	first = block_take(&b, 1u << 20, true);
	block_give(&b, first, 1u << 20);
	CHECK_EQ(b.bytes, 1u << 20);
	CHECK_EQ(block_take(&b, (1u << 20) - 100, false), first);
	CHECK_EQ(b.bytes, 0);
	block_give(&b, first, (1u << 20) - 100);
	for (size_t i = 1; i < 20; i++)
		block_give(&b, block_take(&b, i * 3000000, false), i * 3000000);
	CHECK(b.bytes <= BLOCKS_KEPT_BYTES);
	block_give(&b, NULL, 1u << 20);
	blocks_fini(&b);
}

TEST(port, it_names_this_machine)
{
	struct host_port *p;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	CHECK_EQ(host_port_table(p)->machine, host_machine.elf_machine);
	CHECK_EQ(host_port_table(p)->size, sizeof(struct tn_port));
	host_port_destroy(p);
}

TEST(port, symbols_of_the_process_are_found_unless_forbidden)
{
	const struct host_port_config none = { .flags = HOST_PORT_NO_SYMBOLS };
	const struct tn_port *port;
	struct host_port *p;
	uint64_t addr = 0;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	port = host_port_table(p);
	CHECK_EQ(port->host_symbol(port->ctx, "strtoul", &addr), 0);
	CHECK_EQ(addr, (uintptr_t)strtoul);
	CHECK_EQ(
	    port->host_symbol(port->ctx, "no_such_symbol", &addr), -TN_ENOENT);
	host_port_destroy(p);
	CHECK_EQ(host_port_create(&none, &p), 0);
	CHECK(!host_port_table(p)->host_symbol);
	host_port_destroy(p);
}

TEST(port, time_does_not_go_backwards)
{
	const struct tn_port *port;
	struct host_port *p;
	uint64_t t;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	port = host_port_table(p);
	t = port->now_ns(port->ctx);
	CHECK(t > 0 && port->now_ns(port->ctx) >= t);
	host_port_destroy(p);
}

TEST(port, a_port_is_found_by_its_system)
{
	struct host_port *p, *q;
	char place;
	/* Only its address counts, as nobody forks meanwhile. */
	struct tn_system *sys = (struct tn_system *)(void *)&place;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	CHECK_EQ(host_port_create(&standard, &q), 0);
	host_port_set_system(q, sys);
	CHECK_EQ(host_port_find(sys), q);
	CHECK(!host_port_find((void *)&p));
	host_port_destroy(p);
	host_port_destroy(q);
	CHECK(!host_port_find(sys));
}

/* Puts @n bytes into a new file; its name is in the returned buffer. */
static const char *make_file(const void *data, size_t n)
{
	static char path[64];
	int fd;

	strcpy(path, "/tmp/tenon-test-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		return NULL;
	close(fd);
	return path;
}

TEST(port, a_file_is_read_whole_and_aligned)
{
	static uint8_t data[300000];
	const struct tn_port *port;
	struct host_port *p;

	CHECK_EQ(host_port_create(&standard, &p), 0);
	port = host_port_table(p);
	for (size_t n = 0; n <= sizeof(data); n += 99999) {
		const char *path;
		struct tn_bytes bytes;

		memset(data, (int)n, sizeof(data));
		path = make_file(data, n);
		CHECK(path);
		CHECK_EQ(port->read_file(port->ctx, path, &bytes), 0);
		CHECK_EQ(bytes.size, n);
		CHECK_EQ((uintptr_t)bytes.data % 8, 0);
		CHECK_MEM(bytes.data, data, n);
		port->release(port->ctx, &bytes);
		CHECK(!bytes.data);
		unlink(path);
	}
	host_port_destroy(p);
}

/* How many of the @size bytes at @data are in memory; all, when that fails. */
static size_t resident(const uint8_t *data, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t before = (uintptr_t)data % page;
	const size_t pages = (before + size + page - 1) / page;
	unsigned char *in_memory = calloc(pages, 1);
	size_t n = 0;

	if (!in_memory || mincore((void *)(uintptr_t)(data - before),
			      before + size, in_memory) != 0)
		n = pages;
	for (size_t i = 0; n < pages && i < pages; i++)
		n += in_memory[i] & 1;
	free(in_memory);
	return n * page;
}

/* A gigabyte less a little, as fast as its few bytes of data, and as small. */
TEST(port, holes_of_a_file_are_zeros_and_not_read)
{
	const size_t size = ((size_t)1 << 30) - 5;
	char path[] = "/tmp/tenon-test-XXXXXX";
	const int fd = mkstemp(path);
	const struct tn_port *port;
	struct tn_bytes bytes;
	struct host_port *p;
	const uint8_t *b;

	CHECK(fd >= 0);
	CHECK_EQ(host_port_create(&standard, &p), 0);
	port = host_port_table(p);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	CHECK_EQ(pwrite(fd, "first", 5, 0), 5);
	CHECK_EQ(pwrite(fd, "middle", 6, 500000001), 6);
	for (int last = 0; last < 2; last++) {
		if (last)
			CHECK_EQ(pwrite(fd, "last", 4, (off_t)size - 4), 4);
		CHECK_EQ(port->read_file(port->ctx, path, &bytes), 0);
		/* Emulators have pages of their own. */
		CHECK(TEST_SANITIZED || test_is_emulated() ||
		      resident(bytes.data, bytes.size) < size / 4);
		CHECK_EQ(bytes.size, size);
		b = bytes.data;
		CHECK(memcmp(b, "first\0", 6) == 0);
		CHECK(memcmp(b + 500000000, "\0middle\0", 8) == 0);
		CHECK(memcmp(b + size - 5, last ? "\0last" : "\0\0\0\0\0", 5) ==
		      0);
		port->release(port->ctx, &bytes);
	}
	close(fd);
	unlink(path);
	host_port_destroy(p);
}

TEST(port, files_that_cannot_be_read_are_told_apart)
{
	const struct host_port_config small = { .unpack_limit = 10 };
	const struct tn_port *port;
	struct tn_bytes bytes;
	struct host_port *p;
	char fifo[80], name[300] = "";
	const char *path;

	CHECK_EQ(host_port_create(&small, &p), 0);
	port = host_port_table(p);
	CHECK_EQ(
	    port->read_file(port->ctx, "/no/such/file", &bytes), -TN_ENOENT);
	CHECK_EQ(port->read_file(port->ctx, "/dev/null/x", &bytes), -TN_ENOENT);
	CHECK_EQ(port->read_file(port->ctx, "/tmp", &bytes), -TN_EINVAL);
	CHECK_EQ(port->read_file(port->ctx, "/dev/null", &bytes), -TN_EINVAL);
	path = make_file("twelve bytes", 12);
	CHECK_EQ(port->read_file(port->ctx, path, &bytes), -TN_EFBIG);
	chmod(path, 0);
	if (geteuid() != 0)
		CHECK_EQ(port->read_file(port->ctx, path, &bytes), -TN_EACCES);
	strcpy(fifo, path);
	unlink(path);
	CHECK_EQ(symlink(fifo, fifo), 0);
	CHECK_EQ(port->read_file(port->ctx, fifo, &bytes), -TN_ELOOP);
	unlink(fifo);
	memset(name, 'n', sizeof(name) - 1);
	CHECK_EQ(port->read_file(port->ctx, name, &bytes), -TN_ENAMETOOLONG);
	CHECK_EQ(mkfifo(fifo, 0600), 0);
	CHECK_EQ(port->read_file(port->ctx, fifo, &bytes), -TN_EINVAL);
	unlink(fifo);
	host_port_destroy(p);
}
