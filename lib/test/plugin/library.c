/* SPDX-License-Identifier: MIT */
/*
 * A shared object that is no plugin.
 */
int library_answer(void);

int library_answer(void)
{
	return 42;
}
