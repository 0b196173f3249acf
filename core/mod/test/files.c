/* SPDX-License-Identifier: MIT */
/*
 * Module files for tests: see files.h.
 */
#include "files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool file_of_module(struct file_path *path, const char *arch, const char *name)
{
	char *p = path->text;
	ssize_t n = readlink("/proc/self/exe", p, sizeof(path->text) - 1);

	if (n < 0)
		return false;
	p[n] = '\0';
	/* BUILD/CONFIG/bin/PROGRAM */
	for (int i = 0; i < 3; i++) {
		char *slash = strrchr(p, '/');

		if (slash == NULL)
			return false;
		*slash = '\0';
	}
	n = (ssize_t)strlen(p);
	snprintf(p + n, sizeof(path->text) - (size_t)n,
	    "/modules/%s/common/%s.ko", arch, name);
	return access(p, R_OK) == 0;
}

struct span file_read(const char *path)
{
	struct span none = { NULL, 0 };
	FILE *f = fopen(path, "rb");
	uint8_t *p = NULL;
	long n;

	if (f == NULL)
		return none;
	if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) > 0)
		p = malloc((size_t)n);
	rewind(f);
	if (p != NULL && fread(p, 1, (size_t)n, f) != (size_t)n) {
		free(p);
		p = NULL;
	}
	fclose(f);
	return p != NULL ? (struct span){ p, (size_t)n } : none;
}

/* CRC-32 of RFC 1952. */
static uint32_t crc32(struct span s)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

#define BLOCK 65535u /* the most that a stored block holds */

/* RFC 1952 around stored blocks of RFC 1951, section 3.2.4. */
struct span file_gzip(struct span plain)
{
	static const uint8_t head[10] = { 0x1f, 0x8b, 8 };
	uint8_t *p = malloc(plain.n + plain.n / BLOCK * 5 + 5 + 18);
	size_t n = sizeof(head);

	if (p == NULL)
		abort();
	memcpy(p, head, sizeof(head));
	for (size_t at = 0; at < plain.n || at == 0;) {
		const size_t left = plain.n - at;
		const uint16_t size = (uint16_t)(left < BLOCK ? left : BLOCK);

		p[n] = size == left;
		put_le16(p + n + 1, size);
		put_le16(p + n + 3, (uint16_t)~size);
		memcpy(p + n + 5, plain.p + at, size);
		n += 5u + size;
		at += size;
	}
	put_le32(p + n, crc32(plain));
	put_le32(p + n + 4, (uint32_t)plain.n);
	return (struct span){ p, n + 8 };
}

bool file_write(struct file_path *path, struct span bytes)
{
	bool ok;
	int fd;

	snprintf(path->text, sizeof(path->text), "/tmp/tenon-test-XXXXXX");
	fd = mkstemp(path->text);
	if (fd < 0)
		return false;
	ok = write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n;
	close(fd);
	return ok;
}
