/* SPDX-License-Identifier: MIT */
/*
 * Making signatures: sign/cms.h.
 */
#include "common.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/pem.h>

#include <tenon/err.h>

/* All that one signing takes; freed as one. */
struct signing {
	X509 *cert;
	EVP_PKEY *key;
	BIO *content;
	CMS_ContentInfo *cms;
};

static void signing_free(struct signing *s)
{
	CMS_ContentInfo_free(s->cms);
	BIO_free(s->content);
	EVP_PKEY_free(s->key);
	X509_free(s->cert);
}

/* Never asks on the terminal: without a password there is none. */
static int give_pin(char *buf, int size, int rw, void *arg)
{
	const char *pin = arg;
	const size_t n = pin != NULL ? strlen(pin) : 0;

	(void)rw;
	if (n == 0 || size < 0 || n > (size_t)size)
		return -1;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length says */
	memcpy(buf, pin, n);
	return (int)n;
}

static int read_key(
    struct signing *s, const struct sign_request *req, struct sign_why *why)
{
	BIO *in = BIO_new_file(req->key, "rb");
	union {
		const char *in;
		void *out;
	} pin = { .in = req->pin };

	if (in == NULL)
		return crypto_fail(why, -TN_ENOENT, "cannot read %s", req->key);
	s->key = PEM_read_bio_PrivateKey(in, NULL, give_pin, pin.out);
	BIO_free(in);
	if (s->key == NULL)
		return crypto_fail(why, -TN_EBADMSG,
		    "%s is not a private key, or its password is another",
		    req->key);
	return 0;
}

static int read_all(struct signing *s, struct span content,
    const struct sign_request *req, struct sign_why *why)
{
	int err = read_key(s, req, why);

	if (err != 0)
		return err;
	s->cert = certificate_read(req->certificate, &err, why);
	if (s->cert == NULL)
		return err;
	if (X509_check_private_key(s->cert, s->key) != 1)
		return crypto_fail(why, -TN_EINVAL,
		    "%s is not the key of the certificate %s", req->key,
		    req->certificate);
	if (content.n > INT_MAX)
		return crypto_fail(
		    why, -TN_EINVAL, "a file of 2 GiB or more is not signed");
	s->content = BIO_new_mem_buf(content.p, (int)content.n);
	return s->content != NULL ? 0 : -TN_ENOMEM;
}

static int sign(struct signing *s, const struct sign_request *req,
    const EVP_MD *digest, struct sign_why *why)
{
	const unsigned plain = CMS_NOCERTS | CMS_BINARY;
	const unsigned signer = plain | CMS_NOSMIMECAP | CMS_NOATTR |
				(req->by_key_id ? CMS_USE_KEYID : 0);

	s->cms = CMS_sign(NULL, NULL, NULL, NULL,
	    plain | CMS_PARTIAL | CMS_DETACHED | CMS_STREAM);
	if (s->cms == NULL ||
	    CMS_add1_signer(s->cms, s->cert, s->key, digest, signer) == NULL)
		return crypto_fail(
		    why, -TN_EINVAL, "%s cannot sign", req->certificate);
	if (CMS_final(s->cms, s->content, NULL, plain) != 1)
		return crypto_fail(why, -TN_ENOMEM, "cannot sign");
	return 0;
}

/* As sign-file writes it: definite lengths. */
static int encode(
    const struct signing *s, struct span *out, struct sign_why *why)
{
	unsigned char *der = NULL, *copy;
	const int n = i2d_CMS_ContentInfo(s->cms, &der);

	if (n <= 0)
		return crypto_fail(why, -TN_ENOMEM, "cannot encode");
	copy = malloc((size_t)n);
	if (copy != NULL)
		memcpy(copy, der, (size_t)n);
	OPENSSL_free(der);
	if (copy == NULL)
		return -TN_ENOMEM;
	*out = (struct span){ copy, (size_t)n };
	return 0;
}

int cms_sign(struct span content, const struct sign_request *req,
    struct span *out, struct sign_why *why)
{
	struct signing s = { 0 };
	int err;

	why->text[0] = '\0';
	err = read_all(&s, content, req, why);
	if (err == 0)
		err = sign(&s, req, EVP_get_digestbyname(req->digest), why);
	if (err == 0)
		err = encode(&s, out, why);
	signing_free(&s);
	return err;
}
