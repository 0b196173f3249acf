/* SPDX-License-Identifier: MIT */
/*
 * The unpackers of a process, each over the same bytes, with room for a
 * megabyte: damage is an error, success is bytes within the limit.
 */
#include "kit.h"

#include <host/port.h>
#include <tenon/err.h>

#define LIMIT ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum tn_packing formats[] = { TN_GZIP, TN_XZ, TN_ZSTD };
	static const struct host_port_config config = { .unpack_limit = LIMIT };
	static struct host_port *host;
	const struct tn_port *port;

	if (size == 0)
		return 0;
	if (host == NULL)
		FUZZ_CHECK(host_port_create(&config, &host) == 0);
	port = host_port_table(host);
	for (unsigned i = 0; i < 3; i++) {
		struct tn_bytes out;
		const int err =
		    port->unpack(port->ctx, formats[i], data, size, &out);

		if (err == 0) {
			FUZZ_CHECK(out.size <= LIMIT);
			touch(out.data, out.size);
			port->release(port->ctx, &out);
		} else {
			FUZZ_CHECK(err == -TN_EBADMSG || err == -TN_EFBIG ||
				   err == -TN_ENOMEM || err == -TN_EOPNOTSUPP);
		}
	}
	return 0;
}
