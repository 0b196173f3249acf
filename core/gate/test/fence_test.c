/* SPDX-License-Identifier: MIT */
/*
 * The same storms where the system forbids membarrier, so that every reader
 * has a fence: this program once more, in a process with a filter.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <host/epoch.h>
#include <host/process.h>

#include "kit.h"

#define NO_FILTER 77

static bool forbid_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter),
		filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 &&
	       !process_barrier(BARRIER_MEMORY);
}

static int run_again(const char *filter)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		/* Its counts are not ours. */
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		if (forbid_membarrier())
			execl("/proc/self/exe", "again", filter, (char *)NULL);
		_exit(NO_FILTER);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

TEST(fence, gates_work_without_membarrier)
{
	static const char *const suites[] = { "gate.", "handle.", "target.",
		"storm." };

	if (epoch_fences())
		SKIP("this is where there is none");
	for (unsigned i = 0; i < 4; i++) {
		const int status = run_again(suites[i]);

		if (status == NO_FILTER)
			SKIP("no system call filters here");
		CHECK_EQ(status, 0);
	}
}
