/* SPDX-License-Identifier: MIT */
/*
 * See test/sandbox.h.
 */
#include <test/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds */

static bool answer(unsigned number, unsigned with)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, with),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		   SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

bool sandbox_forbid(unsigned number)
{
	return answer(number, SECCOMP_RET_ERRNO | EPERM);
}

static void *do_nothing(void *arg)
{
	return arg;
}

bool sandbox_kill(unsigned number)
{
	pthread_t first;

	/* What the C library does with the first thread is not tested. */
	if (pthread_create(&first, NULL, do_nothing, NULL) != 0)
		return false;
	pthread_join(first, NULL);
	return answer(number, SECCOMP_RET_KILL_PROCESS);
}

static int status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

int sandbox_run(int (*fn)(void))
{
	const pid_t pid = fork();

	if (pid == 0) {
		alarm(PATIENCE); /* a hang is a failure */
		_exit(fn());
	}
	return status_of(pid);
}

#define AGAIN "TENON_TEST_AGAIN"

int sandbox_again(const char *filter)
{
	pid_t pid;

	if (getenv(AGAIN))
		return SANDBOX_NONE;
	pid = fork();
	if (pid == 0) {
		/* Its counts are not ours. */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		setenv(AGAIN, "1", 1);
		execl("/proc/self/exe", "again", filter, (char *)NULL);
		_exit(SANDBOX_NONE);
	}
	return status_of(pid);
}
