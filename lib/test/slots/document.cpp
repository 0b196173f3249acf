// SPDX-License-Identifier: MIT
//
// document BLOB: the example of the founding document of slots, unchanged, in
// example.inc. Its handle lives to the end of its block, so that what follows
// there is refused, and is done here.
#include <cstdio>
#include <cstring>

#include <lkmod/gaia_module_manager.h>

static char blob_bytes[256 * 1024];

static std::size_t read_blob(const char *path)
{
	std::FILE *f = std::fopen(path, "rb");
	const std::size_t n =
	    f != nullptr ? std::fread(blob_bytes, 1, sizeof(blob_bytes), f) : 0;

	if (f != nullptr)
		std::fclose(f);
	return n;
}

static bool expect(bool right, const char *what)
{
	std::printf("%s %s\n", right ? "ok" : "FAIL", what);
	return right;
}

int main(int, char **argv)
{
	const void *blob_ptr = blob_bytes;
	const std::size_t blob_len = read_blob(argv[1]);
	bool right = true;

	{
#include "example.inc"
		GaiaModuleManager::Info info;
		std::int64_t runs = 0;

		right &= expect(ret == 12, "call_entry(7, 5) is 12");
		right &= expect(static_cast<bool>(h), "the handle is alive");
		right &= expect(mgr.get_info(0, &info) == NO_ERROR &&
				    info.state ==
					GaiaModuleManager::State::Loaded,
		    "so the slot is loaded");
		right &= expect(h.call<std::int64_t()>("hello_runs", &runs) ==
					NO_ERROR &&
				    runs == 42,
		    "the entry was called with 42");
		right &= expect(mgr.shutdown() == ERR_BUSY,
		    "shutdown is refused while a handle is alive");
		h.release();
		right &= expect(mgr.unload(0) == NO_ERROR, "unload");
		right &=
		    expect(mgr.unregister_blob(0) == NO_ERROR, "unregister");
		right &= expect(mgr.shutdown() == NO_ERROR, "shutdown");
	}
	return right ? 0 : 1;
}
