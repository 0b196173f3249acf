/* SPDX-License-Identifier: MIT */
/* Texts that are cut. */
#include <base/format.h>

#include <test/test.h>

TEST(format, a_text_that_is_cut_says_so)
{
	char buf[8];
	struct text t = { buf, sizeof(buf), 0 };

	text_add(&t, "seven..");
	text_mark_cut(&t);
	CHECK_STR(buf, "seven..");
	text_add(&t, "+");
	text_mark_cut(&t);
	CHECK_STR(buf, "seve...");
}
