/* SPDX-License-Identifier: MIT */
/*
 * From a file or memory to the bytes of an ELF image: reading, unpacking by
 * content, verification. Memory that the caller gives is used in place when it
 * is aligned for ELF's tables, and copied when it is not.
 */
#include "load.h"

#include <base/string.h>

struct packing {
	enum tn_packing packing;
	const char *name;
	uint8_t magic[6];
	size_t magic_size;
};

static const struct packing packings[] = {
	{ TN_GZIP, "gzip", { 0x1f, 0x8b }, 2 },
	{ TN_XZ, "xz", { 0xfd, '7', 'z', 'X', 'Z', 0x00 }, 6 },
	{ TN_ZSTD, "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
};

static const struct packing *find_packing(struct span s)
{
	for (size_t i = 0; i < ARRAY_SIZE(packings); i++)
		if (s.n >= packings[i].magic_size &&
		    memcmp(s.p, packings[i].magic, packings[i].magic_size) == 0)
			return &packings[i];
	return NULL;
}

static int unpack_failed(
    struct tn_load *l, int err, const struct packing *packing)
{
	switch (-err) {
	case TN_EOPNOTSUPP:
		return load_fail_other(l, TN_REASON_NO_UNPACKER, packing->name);
	case TN_ENOMEM: return load_fail_memory(l, l->bytes.n);
	case TN_EFBIG:
		(void)load_fail_other(l, TN_REASON_UNSUPPORTED,
		    "a file as large as this unpacks to");
		return l->diag->error = err;
	default: return load_fail_other(l, TN_REASON_UNPACK, packing->name);
	}
}

static int unpack(struct tn_load *l)
{
	const struct packing *packing = find_packing(l->bytes);
	int err = -TN_EOPNOTSUPP;

	if (packing == NULL)
		return 0;
	if (l->port->unpack != NULL)
		err = l->port->unpack(l->port->ctx, packing->packing,
		    l->bytes.p, l->bytes.n, &l->unpacked);
	if (err != 0)
		return unpack_failed(l, err, packing);
	l->bytes = (struct span){ l->unpacked.data, l->unpacked.size };
	return 0;
}

static int read_path(struct tn_load *l, const char *path)
{
	int err = -TN_EOPNOTSUPP;

	if (l->port->read_file != NULL)
		err = l->port->read_file(l->port->ctx, path, &l->file);
	if (err != 0) {
		(void)load_fail_other(l, TN_REASON_UNREADABLE, path);
		return l->diag->error = err;
	}
	l->bytes = (struct span){ l->file.data, l->file.size };
	return 0;
}

static int take_memory(struct tn_load *l)
{
	const uint8_t *p = l->args->data;
	const size_t n = l->args->data_size;

	if (p == NULL)
		return load_fail_other(
		    l, TN_REASON_BAD_ARGUMENT, "neither path nor data");
	l->bytes = (struct span){ p, n };
	if ((uintptr_t)p % 8 == 0 || n == 0)
		return 0;
	void *copy = load_table(l, n, 1);

	if (copy == NULL)
		return l->diag->error;
	memcpy(copy, p, n);
	l->bytes.p = copy;
	return 0;
}

int load_source(struct tn_load *l)
{
	tn_verify_fn *verify = l->sys->config.verify;
	int err;

	l->stage = TN_STAGE_SOURCE;
	err = l->args->path != NULL ? read_path(l, l->args->path)
				    : take_memory(l);
	if (err == 0)
		err = unpack(l);
	if (err != 0)
		return err;
	if (verify != NULL &&
	    verify(l->sys->config.verify_arg, l->bytes.p, l->bytes.n) != 0)
		return load_fail(l, TN_REASON_VERIFY)->error;
	return 0;
}
