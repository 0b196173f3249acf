/* SPDX-License-Identifier: MIT */
/*
 * The test harness as a Linux program.  Usage: PROGRAM [-v] [SUBSTRING]
 * Exit status 0: tests ran and none failed.
 */
#include <signal.h>
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

/* Tests are about processes that nobody has prepared, as by nohup(1). */
static void standard_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE,
		SIGALRM, SIGTERM, SIGCHLD };
	sigset_t none;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		(void)signal(numbers[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	int at = verbose ? 2 : 1;

	standard_signals();
	return test_main(at < argc ? argv[at] : NULL, verbose, NULL);
}
