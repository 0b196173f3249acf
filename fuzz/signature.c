/* SPDX-License-Identifier: MIT */
/*
 * Signed files from outside: the end of the file, and the signature itself.
 *
 * The first byte says what the others are: a whole file; a signature for a
 * file; or bytes that overwrite a genuine signature from a place on, so that
 * most of it is still right. Whatever it is, it never signs other content.
 */
#include "kit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <sign/cms.h>
#include <sign/trailer.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);

static const uint8_t signed_content[] = "what has been signed";
static const uint8_t other_content[] = "what has not been";

static struct keyring *ring;
static struct span genuine;

static void make_certificate(const char *key_file, const char *cert_file)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *cert = X509_new();
	FILE *out = fopen(key_file, "w");

	FUZZ_CHECK(key != NULL && cert != NULL && out != NULL);
	FUZZ_CHECK(
	    PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1);
	fclose(out);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 60);
	X509_set_pubkey(cert, key);
	FUZZ_CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
	out = fopen(cert_file, "w");
	FUZZ_CHECK(out != NULL && PEM_write_X509(out, cert) == 1);
	fclose(out);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): so libFuzzer calls it */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char folder[] = "/tmp/fuzz-signature-XXXXXX";
	char key_file[64], cert_file[64];
	struct sign_why why;

	(void)argc;
	(void)argv;
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	(void)snprintf(key_file, sizeof(key_file), "%s/key", folder);
	(void)snprintf(cert_file, sizeof(cert_file), "%s/c.pem", folder);
	make_certificate(key_file, cert_file);
	const struct sign_request request = {
		.key = key_file,
		.certificate = cert_file,
		.digest = "sha256",
	};
	FUZZ_CHECK(keyring_open(folder, &ring, &why) == 0);
	FUZZ_CHECK(
	    cms_sign((struct span){ signed_content, sizeof(signed_content) },
		&request, &genuine, &why) == 0);
	unlink(key_file);
	unlink(cert_file);
	rmdir(folder);
	return 0;
}

static void verify(struct span der)
{
	const struct span other = { other_content, sizeof(other_content) };
	const struct span content = { signed_content, sizeof(signed_content) };
	struct sign_who who;
	struct sign_why why;

	FUZZ_CHECK(cms_verify(ring, other, der, &who, &why) < 0);
	FUZZ_CHECK(why.text[0] != '\0');
	/* Two encodings may mean one signature: the answer may be either. */
	(void)cms_verify(ring, content, der, &who, &why);
	touch_string(who.name);
	touch_string(who.key);
	touch_string(why.text);
}

static void overwrite(const uint8_t *data, size_t size)
{
	uint8_t *der = malloc(genuine.n);
	const size_t at = data[0] * genuine.n / 256;

	FUZZ_CHECK(der != NULL);
	memcpy(der, genuine.p, genuine.n);
	if (size - 1 > genuine.n - at)
		size = genuine.n - at + 1;
	memcpy(der + at, data + 1, size - 1);
	verify((struct span){ der, genuine.n });
	free(der);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signed_file parts;

	if (size < 2)
		return 0;
	if (data[0] % 3 == 0 &&
	    signed_file_part((struct span){ data + 1, size - 1 }, &parts) == 0)
		verify(parts.signature);
	else if (data[0] % 3 == 1)
		verify((struct span){ data + 1, size - 1 });
	else if (data[0] % 3 == 2)
		overwrite(data + 1, size - 1);
	return 0;
}
