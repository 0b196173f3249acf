/* SPDX-License-Identifier: MIT */
/*
 * What the parts that use libcrypto share: its reasons as sentences, and files
 * that hold a certificate.
 */
#pragma once

#include <openssl/x509.h>

#include <base/compiler.h>
#include <sign/cms.h>

/* "TEXT: libcrypto's reason"; empties the queue of errors. Returns @err. */
int crypto_fail(struct sign_why *why, int err, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/*
 * Reads a certificate, PEM or DER; X509_free frees it. NULL: *@err and @why
 * say why.
 */
X509 *certificate_read(const char *path, int *err, struct sign_why *why);

struct keyring {
	STACK_OF(X509) * certificates;
};
