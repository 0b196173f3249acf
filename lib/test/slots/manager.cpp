// SPDX-License-Identifier: MIT
//
// manager BLOB: what the class promises beyond the document's example: the
// names of its errors, handles that move, typed calls, copies of symbols, a
// pool of the caller, and handles that outlive their manager.
#include <cstdio>
#include <cstring>
#include <type_traits>
#include <utility>

#include <lkmod/gaia_module_manager.h>

#include "expect.h"

using Manager = GaiaModuleManager;
using Handle = Manager::Handle;

static_assert(!std::is_copy_constructible_v<Handle>);
static_assert(!std::is_copy_assignable_v<Handle>);
static_assert(std::is_nothrow_move_constructible_v<Handle>);
static_assert(std::is_nothrow_move_assignable_v<Handle>);
static_assert(!std::is_convertible_v<Handle, bool>); // explicit only
static_assert(std::is_constructible_v<bool, const Handle &>);
static_assert(!std::is_copy_constructible_v<Manager>);

static char blob[256 * 1024];
static std::size_t blob_len;

static Manager::Config config()
{
	Manager::Config c;

	c.slot_capacity = sizeof(blob);
	c.slot_count = 4;
	return c;
}

static void names_its_errors()
{
	Manager m;
	Manager::Config c = config();
	Manager::Info info;
	std::int64_t ret = 0;
	static char pool[1000];

	EXPECT(m.slot_count() == 0 && m.slot_capacity() == 0);
	EXPECT(m.load(0) == ERR_BAD_STATE);
	EXPECT(m.shutdown() == ERR_BAD_STATE);
	EXPECT(!m.acquire(0));
	c.slot_capacity = 0;
	EXPECT(m.init(c) == ERR_INVALID_ARGS);
	c = config();
	c.pool_base = pool;
	c.pool_size = sizeof(pool);
	EXPECT(m.init(c) == ERR_OUT_OF_RANGE);
	EXPECT(m.init(config()) == NO_ERROR);
	EXPECT(m.init(config()) == ERR_BAD_STATE);
	EXPECT(m.slot_count() == 4 && m.slot_capacity() == sizeof(blob));
	EXPECT(m.register_blob(4, blob, blob_len) == ERR_INVALID_ARGS);
	EXPECT(m.register_blob(0, nullptr, 1) == ERR_INVALID_ARGS);
	EXPECT(m.register_blob(0, blob, sizeof(blob) + 1) == ERR_TOO_BIG);
	EXPECT(m.load(0) == ERR_NOT_FOUND);
	EXPECT(m.unregister_blob(0) == ERR_NOT_FOUND);
	EXPECT(m.register_blob(0, blob, blob_len) == NO_ERROR);
	EXPECT(m.register_blob(0, blob, blob_len) == ERR_ALREADY_EXISTS);
	EXPECT(m.register_blob(0, blob, blob_len, true) == NO_ERROR);
	EXPECT(m.unload(0) == ERR_NOT_FOUND);
	EXPECT(m.load(0) == NO_ERROR);
	EXPECT(m.load(0) == ERR_ALREADY_EXISTS);
	EXPECT(m.register_blob(0, blob, blob_len, true) == ERR_BUSY);
	EXPECT(m.unregister_blob(0) == ERR_BUSY);
	EXPECT(m.call(0, "nobody", 0, 0, 0, 0, &ret) == ERR_NOT_FOUND);
	EXPECT(m.call(0, nullptr, 0, 0, 0, 0, &ret) == ERR_INVALID_ARGS);
	EXPECT(m.call(1, "hello_add", 0, 0, 0, 0, &ret) == ERR_NOT_FOUND);
	EXPECT(m.call_entry(0, 0, 0, 0, 0, &ret) == ERR_NOT_FOUND);
	EXPECT(m.get_info(0, nullptr) == ERR_INVALID_ARGS);
	EXPECT(m.get_info(9, &info) == ERR_INVALID_ARGS);
	EXPECT(
	    m.acquire(1, static_cast<Handle *>(nullptr)) == ERR_INVALID_ARGS);
	EXPECT(m.register_blob(1, "no module", 9) == NO_ERROR);
	EXPECT(m.load(1) == ERR_NOT_VALID);
	EXPECT(m.register_isolated(2, blob, blob_len) == ERR_NOT_SUPPORTED);
	EXPECT(m.unload(0) == NO_ERROR);
	EXPECT(m.shutdown() == NO_ERROR);
	EXPECT(m.init(config()) == NO_ERROR); /* once more */
}

static void keeps_entries()
{
	Manager m;
	char longest[80];

	m.init(config());
	m.register_blob(0, blob, blob_len);
	EXPECT(!m.get_entry(0));
	EXPECT(m.set_entry(0, "hello_add") == NO_ERROR);
	const Manager::Symbol symbol = m.get_entry(0);
	EXPECT(m.set_entry(0, "other") == NO_ERROR);
	EXPECT(std::strcmp(symbol.c_str(), "hello_add") == 0); /* a copy */
	std::memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	EXPECT(m.set_entry(0, longest) == ERR_TOO_BIG);
	EXPECT(m.set_entry(0, nullptr) == NO_ERROR && !m.get_entry(0));
	EXPECT(!m.get_entry(77));
}

static Handle pass_on(Handle h)
{
	return h;
}

static void moves_handles()
{
	Manager m;
	Manager::Info info;

	m.init(config());
	m.register_blob(0, blob, blob_len);
	m.load(0);
	Handle a = m.acquire(0, "a"), b;

	EXPECT(a && !b);
	b = std::move(a);
	EXPECT(!a && b);
	b = pass_on(std::move(b));
	EXPECT(b);
	EXPECT(m.get_info(0, &info) == NO_ERROR && info.handles == 1);
	Handle &self = b;
	b = std::move(self);
	EXPECT(b);
	EXPECT(m.acquire(0, &b, "b") == NO_ERROR); /* the first is released */
	EXPECT(m.get_info(0, &info) == NO_ERROR && info.handles == 1);
	EXPECT(m.unload(0) == ERR_BUSY);
	{
		const Handle scoped = m.acquire(0);
		EXPECT(m.get_info(0, &info) == NO_ERROR && info.handles == 2);
	}
	b.release();
	b.release();
	EXPECT(!b);
	EXPECT(m.unload(0) == NO_ERROR);
}

enum class Colour : int {
	red = 3,
	green = 4
};

static void calls_by_type()
{
	Manager m;
	int sum = 0;
	long wide = 0;
	Colour colour = Colour::red;
	std::int64_t runs = -1;

	m.init(config());
	m.register_blob(0, blob, blob_len);
	m.load(0);
	const Handle h = m.acquire(0);

	EXPECT(h.call<int(int, int)>("hello_add", &sum, 1, 2) == NO_ERROR);
	EXPECT(sum == 3);
	EXPECT(h.call<long(long, long)>("hello_add", &wide, 1L << 40, -1) ==
	       NO_ERROR);
	EXPECT(wide == (1L << 40) - 1);
	EXPECT(h.call<Colour(Colour, int)>(
		   "hello_add", &colour, Colour::red, 1) == NO_ERROR);
	EXPECT(colour == Colour::green);
	EXPECT(h.call<void(int)>("hello_run", 2) == NO_ERROR);
	EXPECT(h.call<std::int64_t()>("hello_runs", &runs) == NO_ERROR);
	EXPECT(runs == 2);
	EXPECT(h.call<int(int, int)>("nobody", &sum, 1, 2) == ERR_NOT_FOUND);
	EXPECT(h.call<int(int, int)>(nullptr, &sum, 1, 2) == ERR_INVALID_ARGS);
	EXPECT(h.call_entry<void(int)>(1) == ERR_NOT_FOUND);
	m.set_entry(0, "hello_add");
	EXPECT(h.call_entry<int(int, int)>(&sum, 40, 2) == NO_ERROR);
	EXPECT(sum == 42);
	EXPECT(Handle().call<void(int)>("hello_run", 2) == ERR_BAD_HANDLE);
	EXPECT(Handle().call_entry<void(int)>(2) == ERR_BAD_HANDLE);
}

// Cannot be copied.
struct Once {
	explicit Once(int v) noexcept : value(v)
	{
	}
	Once(Once &&other) noexcept : value(other.value)
	{
		other.value = 0;
	}
	int value;
};

static void takes_what_can_only_be_moved()
{
	Manager m;
	Once once(7);
	int *const nowhere = nullptr;
	int sum = 0;

	m.init(config());
	m.register_blob(0, blob, blob_len);
	m.load(0);
	const Handle h = m.acquire(0);

	// Compiled and refused by name: there is no function for it.
	EXPECT(h.call<int(Once)>("nobody", &sum, std::move(once)) ==
	       ERR_NOT_FOUND);
	EXPECT(h.call<void(Once, int)>("nobody", Once(1), 2) == ERR_NOT_FOUND);
	EXPECT(h.call<int(int, int)>("hello_add", nullptr, 1, 2) ==
	       ERR_INVALID_ARGS);
	EXPECT(h.call<int(int, int)>("hello_add", nowhere, 1, 2) ==
	       ERR_INVALID_ARGS);
	m.set_entry(0, "hello_add");
	EXPECT(h.call_entry<int(int, int)>(nullptr, 1, 2) == ERR_INVALID_ARGS);
}

static void survives_its_manager(bool fixed)
{
	Handle h;
	int sum = 5;
	alignas(65536) static char pool[4 * sizeof(blob)];

	{
		Manager m;
		Manager::Config c = config();

		if (fixed) {
			c.pool_base = pool;
			c.pool_size = 4 * sizeof(blob);
		}
		EXPECT(m.init(c) == NO_ERROR);
		EXPECT(m.register_blob(0, blob, blob_len) == NO_ERROR);
		EXPECT(m.load(0) == NO_ERROR);
		h = m.acquire(0);
		EXPECT(
		    h.call<int(int, int)>("hello_add", &sum, 1, 2) == NO_ERROR);
		EXPECT(m.shutdown() == ERR_BUSY);
	}
	EXPECT(!h);
	EXPECT(
	    h.call<int(int, int)>("hello_add", &sum, 4, 4) == ERR_BAD_HANDLE);
	EXPECT(sum == 3);
	h.release();
	EXPECT(!h);
}

int main(int, char **argv)
{
	std::FILE *f = std::fopen(argv[1], "rb");

	if (f == nullptr)
		return 2;
	blob_len = std::fread(blob, 1, sizeof(blob), f);
	std::fclose(f);
	names_its_errors();
	keeps_entries();
	moves_handles();
	calls_by_type();
	takes_what_can_only_be_moved();
	survives_its_manager(false);
	survives_its_manager(true);
	std::printf("%d failures\n", failures);
	return failures != 0;
}
