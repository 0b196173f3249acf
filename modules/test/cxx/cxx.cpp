/* SPDX-License-Identifier: MIT */
/*
 * A module in C++: a global object with a constructor, virtual functions,
 * templates, and C linkage where other modules look. What needs a runtime
 * library is missing: exceptions, abstract classes, destructors of globals.
 */
#include <tenon/module.h>

namespace
{

struct Shape {
	virtual long area() const
	{
		return 0;
	}

protected:
	~Shape() = default;
};

struct Square final : Shape {
	explicit Square(long side)
	    : side_(side)
	{
	}
	long area() const override
	{
		return side_ * side_;
	}

private:
	long side_;
};

template <typename T> T twice(T x)
{
	return x + x;
}

volatile long six = 6;
Square square(six);

int cxx_start()
{
	pr_info("cxx: area %ld\n", square.area());
	return 0;
}

void cxx_stop()
{
	pr_info("cxx: stops\n");
}

} // namespace

extern "C" long cxx_area(long n)
{
	const Shape &shape = square;

	return twice(shape.area()) + n;
}

module_init(cxx_start);
module_exit(cxx_stop);
EXPORT_SYMBOL(cxx_area);
MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("a module in C++");
