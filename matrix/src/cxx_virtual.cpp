/* SPDX-License-Identifier: MIT */
/*
 * C++: virtual tables and calls, pure functions that are never called,
 * inheritance from two bases (thunks), pointers to members, templates and
 * inline functions (section groups).
 */
#include "matrix.h"

/* What a C++ runtime would bring. */
extern "C" HIDDEN void __cxa_pure_virtual()
{
	for (;;)
		;
}

namespace
{

struct Shape {
	virtual int area() const = 0;
	virtual int edges() const
	{
		return 0;
	}
	int doubled() const
	{
		return 2 * area();
	}

      protected:
	~Shape() = default;
};

struct Named {
	virtual const char *name() const
	{
		return "nobody";
	}

      protected:
	~Named() = default;
};

template <int side> struct Square final : Shape, Named {
	int area() const override
	{
		return world_mul(side, side);
	}
	int edges() const override
	{
		return 4;
	}
	const char *name() const override
	{
		return "square";
	}
};

struct Line final : Shape {
	int area() const override
	{
		return 0;
	}
	static volatile int made;
};

volatile int Line::made = 6;

} // namespace

/* With linkage, so that their groups and tables are weak symbols. */
template <typename T> struct Pair {
	T first, second;
	virtual T sum() const
	{
		return first + second;
	}
	Pair(T a, T b) : first(a), second(b)
	{
	}
};

template <typename T> inline NOINLINE T larger(T a, T b)
{
	return a < b ? b : a;
}

inline volatile int shared_counter = 3;

static Square<3> three;
static Square<5> five;
static Line line;

static NOINLINE const Shape *shape(int n)
{
	OPAQUE(n);
	switch (n) {
	case 0: return &three;
	case 1: return &five;
	default: return &line;
	}
}

static NOINLINE const char *name_of(const Named *named)
{
	OPAQUE(named);
	return named->name();
}

MATRIX(cxx_virtual)
{
	int (Shape::*volatile method)() const = &Shape::edges;
	const Pair<long> pair(20, 3);
	const Pair<long> *p = &pair;
	long big = 7;

	OPAQUE(p);
	OPAQUE(big);
	CHECK(shape(0)->area() == 9 && shape(1)->doubled() == 50);
	CHECK((shape(1)->*method)() == 4 && (shape(2)->*method)() == 0);
	CHECK(name_of(&five)[3] == 'a');
	CHECK(p->sum() == 23 && larger(big, 5l) == 7 && larger(1, 2) == 2);
	shared_counter = shared_counter + Line::made;
	CHECK(shared_counter == 9);
	return 0;
}
