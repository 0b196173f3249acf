/* SPDX-License-Identifier: MIT */
/*
 * Reading module files piece by piece: see modread.h.
 *
 * Modules are small or have what is asked for near both ends, so the first
 * read takes the beginning, which is all of most files, and the second one the
 * section headers, which stand at the end with their names before them.
 */
#include "modread.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/overflow.h>
#include <tenon/err.h>

#define FIRST_READ ((size_t)8 << 10)
#define NAMES_READ ((size_t)1 << 10) /* section names, most of the time */
#define FIRST_ROOM ((size_t)1 << 20)
#define FILE_MAX   ((size_t)1 << 30)
#define KEPT       ((size_t)4 << 20) /* of the block, from file to file */

int modread_init(struct modread *r)
{
	*r = (struct modread){ .fd = -1 };
	r->unpacker = host_unpacker_create();
	return r->unpacker != NULL ? 0 : -TN_ENOMEM;
}

void modread_fini(struct modread *r)
{
	if (r->block != NULL)
		(void)munmap(r->block, r->room);
	host_unpacker_destroy(r->unpacker);
	*r = (struct modread){ .fd = -1 };
}

const char *modread_why_text(
    const struct modread_why *why, char out[MODREAD_WHY_TEXT])
{
	if (why->at == MODREAD_NO_NUMBER)
		(void)snprintf(out, MODREAD_WHY_TEXT, "%s", why->what);
	else
		(void)snprintf(
		    out, MODREAD_WHY_TEXT, "%s 0x%" PRIx64, why->what, why->at);
	return out;
}

static int fault(struct modread *r, int err, const char *what, uint64_t at)
{
	r->why = (struct modread_why){ what, at };
	return err;
}

/* The block gets room for a file of @size bytes; what it held is lost. */
static int make_room(struct modread *r, size_t size)
{
	size_t room = r->room != 0 ? r->room : FIRST_ROOM;
	void *block;

	if (r->block != NULL && size <= r->room)
		return 0;
	while (room < size)
		room *= 2;
	block = mmap(NULL, room, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (block == MAP_FAILED)
		return -TN_ENOMEM;
	if (r->block != NULL)
		(void)munmap(r->block, r->room);
	r->block = block;
	r->room = room;
	return 0;
}

/* Reads [at, at + n) of the file to its place. */
static int read_piece(struct modread *r, size_t at, size_t n)
{
	while (n != 0) {
		const ssize_t got = pread(r->fd, r->block + at, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault(r, -errno, "cannot be read at", at);
		if (got == 0)
			return fault(
			    r, -TN_EIO, "has become shorter and ends at", at);
		at += (size_t)got;
		n -= (size_t)got;
	}
	r->most = at > r->most ? at : r->most;
	return 0;
}

static int read_first(struct modread *r, size_t size)
{
	const size_t n = size < FIRST_READ ? size : FIRST_READ;
	int err = make_room(r, size);

	if (err)
		return err;
	err = read_piece(r, 0, n);
	r->bytes = (struct span){ r->block, size };
	r->head = n;
	r->tail = size;
	return err;
}

static int unpack(struct modread *r)
{
	struct span packed;
	int err;

	if (!host_unpacker_knows((struct span){ r->block, r->head }))
		return 0;
	err = modread_bytes(r, 0, r->bytes.n, &packed);
	if (err)
		return err;
	err = host_unpack(r->unpacker, packed, FILE_MAX, &r->bytes);
	r->head = r->bytes.n;
	r->tail = r->bytes.n;
	return err ? fault(r, err, "cannot be unpacked", MODREAD_NO_NUMBER) : 0;
}

static int open_regular(struct modread *r, size_t *size)
{
	struct stat st;

	if (fstat(r->fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return fault(
		    r, -TN_EINVAL, "is not a regular file", MODREAD_NO_NUMBER);
	if ((uint64_t)st.st_size > FILE_MAX)
		return fault(r, -TN_EFBIG, "is larger than", FILE_MAX);
	*size = (size_t)st.st_size;
	return 0;
}

int modread_open(struct modread *r, int dir, const char *path)
{
	size_t size = 0;
	int err;

	r->why = (struct modread_why){ NULL, 0 };
	/* Opening a pipe must not wait for somebody at its other end. */
	r->fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0)
		return -errno;
	err = open_regular(r, &size);
	if (!err)
		err = read_first(r, size);
	if (!err)
		err = unpack(r);
	if (err)
		modread_close(r);
	return err;
}

void modread_close(struct modread *r)
{
	(void)close(r->fd);
	r->fd = -1;
	if (r->most > KEPT)
		(void)madvise(r->block + KEPT, r->room - KEPT, MADV_DONTNEED);
	r->most = 0;
	r->bytes = (struct span){ NULL, 0 };
}

int modread_bytes(struct modread *r, uint64_t at, uint64_t n, struct span *out)
{
	int err = 0;

	if (!span_sub(r->bytes, at, n, out))
		return fault(r, -TN_EINVAL, "ends before", at);
	if (at + n > r->head && at < r->tail)
		err = read_piece(r, (size_t)at, (size_t)n);
	return err;
}

/* --- sections */

static bool is_elf64(const struct elf_ehdr *eh)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
		ELFDATA2LSB };

	return memcmp(eh->e_ident, ident, sizeof(ident)) == 0;
}

/* Everything from the section headers' names to their end at once. */
static int read_headers(struct modread *r, const struct elf_ehdr *eh)
{
	const size_t size = r->bytes.n;
	size_t from;
	int err;

	if (eh->e_shoff >= size || size <= r->head)
		return 0;
	from = eh->e_shoff < NAMES_READ ? 0 : (size_t)eh->e_shoff - NAMES_READ;
	if (size - from > FIRST_READ)
		return 0; /* it is not at the end: read as it is asked for */
	err = read_piece(r, from, size - from);
	if (!err)
		r->tail = from;
	return err;
}

static int names_open(
    struct modread *r, struct modread_sections *s, const struct elf_ehdr *eh)
{
	struct elf_shdr names;
	int err;

	if (eh->e_shstrndx >= s->n)
		return fault(r, -TN_EINVAL,
		    "has no section names: their index is", eh->e_shstrndx);
	memcpy(
	    &names, s->headers + eh->e_shstrndx * sizeof(names), sizeof(names));
	err = modread_bytes(r, names.sh_offset, names.sh_size, &s->names);
	if (err)
		return err;
	if (s->names.n == 0 || s->names.p[s->names.n - 1] != '\0')
		return fault(r, -TN_EINVAL,
		    "has section names without an end at", names.sh_offset);
	return 0;
}

int modread_sections(struct modread *r, struct modread_sections *out)
{
	struct modread_sections s = { 0 };
	struct span headers;
	struct elf_ehdr eh;
	int err;

	if (r->bytes.n < sizeof(eh))
		return fault(r, -TN_EINVAL, "is shorter than an ELF header",
		    MODREAD_NO_NUMBER);
	memcpy(&eh, r->bytes.p, sizeof(eh));
	if (!is_elf64(&eh))
		return fault(r, -TN_ENOEXEC,
		    "is no ELF file of 64 bits, little-endian",
		    MODREAD_NO_NUMBER);
	if (eh.e_shentsize != sizeof(struct elf_shdr))
		return fault(r, -TN_EINVAL,
		    "has section headers of a wrong size:", eh.e_shentsize);
	err = read_headers(r, &eh);
	if (err)
		return err;
	s.n = eh.e_shnum;
	err = modread_bytes(
	    r, eh.e_shoff, s.n * sizeof(struct elf_shdr), &headers);
	if (err)
		return err;
	s.headers = headers.p;
	err = names_open(r, &s, &eh);
	if (!err)
		*out = s;
	return err;
}

int modread_section(struct modread *r, const struct modread_sections *s,
    const char *name, struct span *out)
{
	const size_t n = strlen(name) + 1;

	for (size_t i = 1; i < s->n; i++) {
		struct elf_shdr sh;
		struct span found;

		memcpy(&sh, s->headers + i * sizeof(sh), sizeof(sh));
		if (span_sub(s->names, sh.sh_name, n, &found) &&
		    memcmp(found.p, name, n) == 0)
			return modread_bytes(r, sh.sh_offset, sh.sh_size, out);
	}
	return -TN_ENOENT;
}
