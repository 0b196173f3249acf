/* SPDX-License-Identifier: MIT */
/*
 * Error numbers of every Tenon interface: a function returns 0 or the
 * negative of one of these. The values are those of Linux (asm-generic
 * errno.h), so on Linux they may be compared with <errno.h> names.
 */
#pragma once

enum tn_errno {
	TN_EPERM = 1,          /* the operation is not permitted */
	TN_ENOENT = 2,         /* no such module, file or symbol */
	TN_EIO = 5,            /* a source could not be read */
	TN_ENOEXEC = 8,        /* not a valid module file */
	TN_EAGAIN = 11,        /* would have to wait */
	TN_ENOMEM = 12,        /* no memory */
	TN_EACCES = 13,        /* licence or namespace forbids the import */
	TN_EFAULT = 14,        /* the module's code has faulted */
	TN_EBUSY = 16,         /* in use */
	TN_EEXIST = 17,        /* module or export of this name exists */
	TN_ENODEV = 19,        /* nobody provides the interface */
	TN_EINVAL = 22,        /* bad argument */
	TN_EFBIG = 27,         /* larger than a stated limit */
	TN_ENOSPC = 28,        /* the caller's pool is too small */
	TN_ERANGE = 34,        /* a relocation does not reach */
	TN_EDEADLK = 35,       /* it would wait for itself */
	TN_ENAMETOOLONG = 36,  /* no file can have such a path */
	TN_ENOSYS = 38,        /* no such operation in this world */
	TN_ELOOP = 40,         /* dependency cycle; of a path: of links */
	TN_ENODATA = 61,       /* a file is not signed */
	TN_EBADMSG = 74,       /* damaged compressed data or signature */
	TN_EOPNOTSUPP = 95,    /* named, but not supported here */
	TN_ETIMEDOUT = 110,    /* a deadline passed */
	TN_EALREADY = 114,     /* somebody is doing it already */
	TN_ESTALE = 116,       /* a handle whose object is gone */
	TN_ENOKEY = 126,       /* nobody knows the key that has signed it */
	TN_EKEYREJECTED = 129, /* a signature is not one of these bytes */
	TN_EOWNERDEAD = 130,   /* the worker that does it was killed */
};

#ifdef __cplusplus
extern "C" {
#endif

/*
 * "ENOENT" for -TN_ENOENT and TN_ENOENT, "OK" for 0; "unknown" for what is
 * none of these. Any context.
 */
const char *tn_error_name(int error);

#ifdef __cplusplus
}
#endif
