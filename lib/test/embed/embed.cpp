// SPDX-License-Identifier: MIT
//
// embed MODULE NAME: embed.c as a C++17 program. What it opens closes itself;
// the exceptions are the program's own, none passes through the engine.
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include <tenon/tenon.h>

namespace
{

struct diagnosis : tn_diag {
	diagnosis() { tn_diag_init(this); }
	~diagnosis() { tn_diag_fini(this); }
	diagnosis(const diagnosis &) = delete;
	diagnosis &operator=(const diagnosis &) = delete;

	std::string text() const
	{
		std::string s(tn_diag_text(this, nullptr, 0), ' ');

		tn_diag_text(this, s.data(), s.size() + 1);
		return s;
	}
};

class engine
{
	struct closer {
		void operator()(tn_system *open) const { tn_close(open); }
	};
	std::unique_ptr<tn_system, closer> sys;

    public:
	engine()
	{
		tn_system *made = nullptr;

		if (tn_open(nullptr, &made) != 0)
			throw std::runtime_error("tn_open");
		sys.reset(made);
	}
	tn_system *get() const { return sys.get(); }
};

class module
{
	tn_system *sys;
	tn_module *mod = nullptr;

    public:
	module(const engine &e, const char *path) : sys(e.get())
	{
		tn_load_args args = {};
		diagnosis diag;

		args.size = sizeof(args);
		args.path = path;
		if (tn_load(sys, &args, &mod, &diag) != 0)
			throw std::runtime_error(diag.text());
	}
	~module() { tn_unload(sys, mod, nullptr); }
	module(const module &) = delete;
	module &operator=(const module &) = delete;

	template <typename F> F *symbol(const char *name) const
	{
		void *addr = nullptr;
		F *fn;

		if (tn_module_symbol(mod, name, &addr) != 0)
			throw std::runtime_error(name);
		static_assert(sizeof(fn) == sizeof(addr), "one address space");
		std::memcpy(&fn, &addr, sizeof(fn));
		return fn;
	}
};

bool refuses(const engine &e, const char *path)
{
	try {
		module absent(e, path);
	} catch (const std::runtime_error &why) {
		return std::strstr(why.what(), path) != nullptr;
	}
	return false;
}

} // namespace

int main(int argc, char **argv)
try {
	if (argc != 3) {
		std::fputs("usage: embed MODULE NAME\n", stderr);
		return 1;
	}
	engine e;
	if (!refuses(e, "/nonexistent.ko"))
		return 2;
	module m(e, argv[1]);
	auto *add = m.symbol<long(long, long)>(argv[2]);
	std::printf("%s %s(40, 2) = %ld\n", tn_version(), argv[2], add(40, 2));
	return 0;
} catch (const std::exception &why) {
	std::fprintf(stderr, "embed: %s\n", why.what());
	return 1;
}
