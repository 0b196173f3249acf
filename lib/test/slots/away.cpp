// SPDX-License-Identifier: MIT
//
// away: typed calls of isolated modules. The isolation is one that calls
// functions of this program as a worker calls those of its module: with four
// integers, for an integer.
#include <cstdio>
#include <cstring>

#include <lkmod/gaia_module_manager.h>

#include "expect.h"

enum class Answer : bool {
	no,
	yes
};
enum class Level : signed char {
	low = -3
};

// --- the functions

static bool is_five(long a, long b)
{
	return a / b == 5;
}

static bool all_ones(unsigned x)
{
	return x == 0xffffffffu;
}

static bool is_minus_two(short a, signed char b, int c, Level d)
{
	return a == -2 && b == -2 && c == -2 && d == Level::low;
}

static bool is_large(unsigned short a, unsigned char b, std::uint64_t c)
{
	return a == 0xffff && b == 0xff && c == UINT64_MAX;
}

// What is left in a register beyond a result of 8 and one of 32 bits.
static std::int64_t false_and_more()
{
	return 0x12345678700;
}

static std::int64_t low_and_more()
{
	return 0x123456787fd;
}

static std::int64_t seven_and_more()
{
	return 0x12300000007;
}

static int touched;

static void touch(int *x)
{
	touched += x != nullptr;
}

// --- the isolation

template <typename Fn> static std::uint64_t address(Fn *fn)
{
	return reinterpret_cast<std::uintptr_t>(fn);
}

static const struct {
	const char *name;
	std::uint64_t function;
} table[] = {
	{ "is_five", address(is_five) },
	{ "all_ones", address(all_ones) },
	{ "is_minus_two", address(is_minus_two) },
	{ "is_large", address(is_large) },
	{ "false_and_more", address(false_and_more) },
	{ "low_and_more", address(low_and_more) },
	{ "seven_and_more", address(seven_and_more) },
	{ "touch", address(touch) },
};

static int open_worker(
    void *ctx, const tn_isolation_load *, void **worker, tn_diag *)
{
	*worker = ctx;
	return 0;
}

static void leave_worker(void *)
{
}

static int look_up(void *, const char *symbol, std::uint64_t *function)
{
	for (const auto &row : table)
		if (std::strcmp(row.name, symbol) == 0) {
			*function = row.function;
			return 0;
		}
	return -TN_ENOENT;
}

static int call_function(void *, tn_isolation_call *call)
{
	using Fn = std::int64_t (*)(
	    std::int64_t, std::int64_t, std::int64_t, std::int64_t);

	call->ret = reinterpret_cast<Fn>(call->function)(
	    call->args[0], call->args[1], call->args[2], call->args[3]);
	return 0;
}

static void tell(void *, tn_isolation_info *info)
{
	*info = {};
}

// --- calls

static void calls_by_type(const GaiaModuleManager::Handle &h)
{
	bool is = true;
	Answer answer = Answer::yes;
	Level level = {};
	int number = 0;

	EXPECT(h.call<bool(long, long)>("is_five", &is, 0x700, 3) == NO_ERROR);
	EXPECT(!is);
	EXPECT(h.call<bool(long, long)>("is_five", &is, 15, 3) == NO_ERROR);
	EXPECT(is);
	EXPECT(h.call<bool()>("false_and_more", &is) == NO_ERROR && !is);
	EXPECT(h.call<Answer()>("false_and_more", &answer) == NO_ERROR);
	EXPECT(answer == Answer::no);
	EXPECT(h.call<Level()>("low_and_more", &level) == NO_ERROR);
	EXPECT(level == Level::low);
	EXPECT(h.call<int()>("seven_and_more", &number) == NO_ERROR);
	EXPECT(number == 7);
	EXPECT(h.call<bool(unsigned)>("all_ones", &is, ~0u) == NO_ERROR && is);
	is = false;
	EXPECT(h.call<bool(short, signed char, int, Level)>(
		   "is_minus_two", &is, -2, -2, -2, Level::low) == NO_ERROR);
	EXPECT(is);
	is = false;
	EXPECT(h.call<bool(unsigned short, unsigned char, std::uint64_t)>(
		   "is_large", &is, 0xffff, 0xff, UINT64_MAX) == NO_ERROR);
	EXPECT(is);
}

// A reference is an address, and one of this process.
static void refuses_what_is_no_integer(const GaiaModuleManager::Handle &h)
{
	int x = 1;
	double wide = 0;

	EXPECT(h.call<void(int &)>("touch", x) == ERR_NOT_SUPPORTED);
	EXPECT(h.call<void(const int &)>("touch", 1) == ERR_NOT_SUPPORTED);
	EXPECT(h.call<void(int *)>("touch", &x) == ERR_NOT_SUPPORTED);
	EXPECT(h.call<void(double)>("touch", 1.0) == ERR_NOT_SUPPORTED);
	EXPECT(h.call<double()>("touch", &wide) == ERR_NOT_SUPPORTED);
	EXPECT(h.call<void(int, int, int, int, int)>("touch", 1, 2, 3, 4, 5) ==
	       ERR_NOT_SUPPORTED);
#ifdef __SIZEOF_INT128__
	__extension__ using Wide = __int128;
	Wide sum = 0;

	EXPECT(h.call<void(Wide)>("touch", Wide(1)) == ERR_NOT_SUPPORTED);
	EXPECT(h.call<Wide()>("touch", &sum) == ERR_NOT_SUPPORTED);
#endif
	EXPECT(touched == 0);
}

int main()
{
	tn_isolation isolation = {};
	GaiaModuleManager m;
	GaiaModuleManager::Config c;

	isolation.size = sizeof(isolation);
	isolation.abi = 1;
	isolation.open = open_worker;
	isolation.close = leave_worker;
	isolation.lookup = look_up;
	isolation.call = call_function;
	isolation.kill = leave_worker;
	isolation.info = tell;
	isolation.ctx = &isolation;
	c.slot_capacity = 4096;
	c.slot_count = 1;
	c.isolation = &isolation;
	EXPECT(m.init(c) == NO_ERROR);
	EXPECT(m.register_isolated(0, "a module", 8) == NO_ERROR);
	EXPECT(m.load(0) == NO_ERROR);
	{
		const GaiaModuleManager::Handle h = m.acquire(0);

		EXPECT(h);
		calls_by_type(h);
		refuses_what_is_no_integer(h);
	}
	EXPECT(m.shutdown() == NO_ERROR);
	std::printf("%d failures\n", failures);
	return failures != 0;
}
