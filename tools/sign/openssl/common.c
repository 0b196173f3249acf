/* SPDX-License-Identifier: MIT */
/*
 * Sentences and certificates: common.h.
 */
#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <tenon/err.h>

int crypto_fail(struct sign_why *why, int err, const char *fmt, ...)
{
	const unsigned long code = ERR_peek_error();
	const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	n = strlen(why->text);
	if (reason != NULL)
		(void)snprintf(
		    why->text + n, sizeof(why->text) - n, ": %s", reason);
	ERR_clear_error();
	return err;
}

X509 *certificate_read(const char *path, int *err, struct sign_why *why)
{
	BIO *in = BIO_new_file(path, "rb");
	X509 *cert;

	if (in == NULL) {
		*err = crypto_fail(why, -TN_ENOENT, "cannot read %s", path);
		return NULL;
	}
	cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	if (cert == NULL && BIO_seek(in, 0) == 0)
		cert = d2i_X509_bio(in, NULL);
	BIO_free(in);
	if (cert == NULL)
		*err = crypto_fail(
		    why, -TN_EBADMSG, "%s is not a certificate", path);
	ERR_clear_error();
	return cert;
}
