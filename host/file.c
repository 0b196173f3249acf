/* SPDX-License-Identifier: MIT */
/*
 * Sources of modules: see file.h.
 *
 * A file is read, not mapped: a mapping would change, or end in a signal,
 * when somebody writes to the file or cuts it while it is being checked.
 *
 *	tn_bytes.port_data[0]  the size of the block, as a number
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>

#include "file.h"
#include "unpack.h"

#define FIRST_ROOM (256u << 10)

static int error_of(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR: return -TN_ENOENT;
	case EACCES:
	case EPERM: return -TN_EACCES;
	case ENOMEM: return -TN_ENOMEM;
	case ENAMETOOLONG: return -TN_ENAMETOOLONG;
	case ELOOP: return -TN_ELOOP;
	default: return -TN_EIO;
	}
}

static int read_all(int fd, uint8_t *data, size_t size)
{
	while (size) {
		const ssize_t n = read(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_of(errno);
		if (n == 0)
			return -TN_EIO; /* it became shorter */
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The same of a file with holes, into zeroed memory: that stays untouched. */
static int read_sparse(int fd, uint8_t *data, size_t size)
{
	off_t at = 0, end = 0;
	int err = 0;

	while (!err && (at = lseek(fd, end, SEEK_DATA)) >= 0 &&
	       (uint64_t)at < size) {
		end = lseek(fd, at, SEEK_HOLE);
		if (end < 0 || lseek(fd, at, SEEK_SET) < 0)
			return error_of(errno);
		if ((uint64_t)end > size)
			end = (off_t)size; /* it has become longer */
		err = read_all(fd, data + at, (size_t)(end - at));
	}
	/* ENXIO: there is nothing but a hole behind the last data. */
	return err || at >= 0 || errno == ENXIO ? err : error_of(errno);
}

static void bytes_set(
    struct tn_bytes *out, void *data, size_t size, size_t block)
{
	out->data = data;
	out->size = size;
	out->port_data[0] = (void *)(uintptr_t)block;
	out->port_data[1] = NULL;
}

static int read_open(
    struct blocks *b, int fd, size_t limit, struct tn_bytes *out)
{
	struct stat st;
	size_t size, block;
	bool sparse; /* more hole than data */
	void *data;
	int err;

	if (fstat(fd, &st) != 0)
		return error_of(errno);
	if (!S_ISREG(st.st_mode))
		return -TN_EINVAL;
	if ((uint64_t)st.st_size > limit)
		return -TN_EFBIG;
	size = (size_t)st.st_size;
	sparse = (uint64_t)st.st_blocks < size / 512 / 2;
	block = size ? size : 1; /* an empty file has an address, too */
	data = sparse ? block_take_empty(block) : block_take(b, block, false);
	if (!data)
		return -TN_ENOMEM;
	err = sparse ? read_sparse(fd, data, size) : read_all(fd, data, size);
	if (err)
		block_give(b, data, block);
	else
		bytes_set(out, data, size, block);
	return err;
}

int bytes_read(
    struct blocks *b, const char *path, size_t limit, struct tn_bytes *out)
{
	/* Opening a pipe must not wait for somebody at its other end. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return error_of(errno);
	err = read_open(b, fd, limit, out);
	close(fd);
	return err;
}

int sink_grow(struct sink *s)
{
	size_t cap = s->cap ? s->cap * 2 : FIRST_ROOM;
	uint8_t *data;

	if (s->cap >= s->limit)
		return -TN_EFBIG;
	if (cap > s->limit)
		cap = s->limit;
	data = block_take(s->blocks, cap, false);
	if (!data)
		return -TN_ENOMEM;
	if (s->used)
		memcpy(data, s->data, s->used);
	block_give(s->blocks, s->data, s->cap);
	s->data = data;
	s->cap = cap;
	return 0;
}

int bytes_unpack(struct blocks *b, enum tn_packing packing, struct tn_bytes in,
    size_t limit, struct tn_bytes *out)
{
	unpack_fn *const unpack = unpacker(packing);
	/* Room for one byte more tells what just fits from what does not. */
	struct sink sink = { .blocks = b, .limit = limit + 1 };
	int err;

	if (!unpack)
		return -TN_EOPNOTSUPP;
	err = unpack((struct span){ in.data, in.size }, &sink);
	if (!err && sink.used > limit)
		err = -TN_EFBIG;
	if (err)
		block_give(b, sink.data, sink.cap);
	else
		bytes_set(out, sink.data, sink.used, sink.cap);
	return err;
}

void bytes_release(struct blocks *b, struct tn_bytes *bytes)
{
	union {
		const void *in;
		void *out;
	} data = { .in = bytes->data };

	block_give(b, data.out, (size_t)(uintptr_t)bytes->port_data[0]);
	*bytes = (struct tn_bytes){ 0 };
}
