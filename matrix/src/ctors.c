/* SPDX-License-Identifier: MIT */
/*
 * Constructors run by ascending priority, those without one last, and before
 * init_module. (Images of `tenon link` are not started: there it is enough
 * that the arrays hold the right addresses.)
 */
#include "matrix.h"

static int order;

__attribute__((constructor)) static void build_last(void)
{
	order = order * 10 + 4;
}

__attribute__((constructor(300))) static void build_third(void)
{
	order = order * 10 + 3;
}

__attribute__((constructor(101))) static void build_first(void)
{
	order = order * 10 + 1;
}

__attribute__((constructor(102))) static void build_second(void)
{
	order = order * 10 + 2;
}

__attribute__((destructor)) static void destroy(void)
{
	world_note(1);
}

__attribute__((destructor(200))) static void destroy_last(void)
{
	world_note(2);
}

MATRIX(ctors)
{
	CHECK(order == 1234);
	return 0;
}
