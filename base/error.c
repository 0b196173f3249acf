/* SPDX-License-Identifier: MIT */
/*
 * The names of error numbers.
 */
#include <tenon/err.h>

#include <base/compiler.h>

#define NAME(e)                                                                \
	{                                                                      \
		TN_##e, #e                                                     \
	}

static const struct {
	int error;
	const char *name;
} names[] = {
	{ 0, "OK" },
	NAME(EPERM),
	NAME(ENOENT),
	NAME(EIO),
	NAME(ENOEXEC),
	NAME(EAGAIN),
	NAME(ENOMEM),
	NAME(EACCES),
	NAME(EFAULT),
	NAME(EBUSY),
	NAME(EEXIST),
	NAME(ENODEV),
	NAME(EINVAL),
	NAME(EFBIG),
	NAME(ENOSPC),
	NAME(ERANGE),
	NAME(EDEADLK),
	NAME(ENAMETOOLONG),
	NAME(ENOSYS),
	NAME(ELOOP),
	NAME(ENODATA),
	NAME(EBADMSG),
	NAME(EOPNOTSUPP),
	NAME(ETIMEDOUT),
	NAME(EALREADY),
	NAME(ESTALE),
	NAME(ENOKEY),
	NAME(EKEYREJECTED),
	NAME(EOWNERDEAD),
};

const char *tn_error_name(int error)
{
	/* unsigned: INT_MIN has no opposite */
	const unsigned wanted =
	    error < 0 ? 0u - (unsigned)error : (unsigned)error;

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if ((unsigned)names[i].error == wanted)
			return names[i].name;
	return "unknown";
}
