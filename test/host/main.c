/* SPDX-License-Identifier: MIT */
/*
 * The test harness as a Linux program.  Usage: PROGRAM [-v] [SUBSTRING]
 * Exit status 0: tests ran and none failed.
 */
#include <string.h>
#include <unistd.h>

#include <test/test.h>

/* Unbuffered, so that nothing is lost when a test crashes. */
void test_write(const char *s, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDOUT_FILENO, s, n);

		if (done <= 0)
			return;
		s += done;
		n -= (size_t)done;
	}
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	int at = verbose ? 2 : 1;

	return test_main(at < argc ? argv[at] : NULL, verbose, NULL);
}
