/* SPDX-License-Identifier: MIT */
/*
 * Examining signatures: sign/cms.h.
 *
 * A signature is data from outside: it is decoded as a whole, nothing may
 * follow it, and it must be detached, of plain data and without attributes,
 * before it is compared with the content (Linux: crypto/asymmetric_keys/
 * pkcs7_verify.c, VERIFYING_MODULE_SIGNATURE).
 */
#include "common.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include <tenon/err.h>

static void write_hex(char *out, size_t room, const ASN1_STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	const int n = ASN1_STRING_length(s);

	out[0] = '\0';
	for (int i = 0; i < n && room > 3; i++) {
		const int used =
		    snprintf(out, room, "%s%02X", i != 0 ? ":" : "", p[i]);

		out += used;
		room -= (size_t)used;
	}
}

static void tell_digest(CMS_SignerInfo *si, struct sign_who *who)
{
	X509_ALGOR *algorithm = NULL;
	const ASN1_OBJECT *object = NULL;
	int nid;

	CMS_SignerInfo_get0_algs(si, NULL, NULL, &algorithm, NULL);
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	nid = OBJ_obj2nid(object);
	(void)snprintf(who->digest, sizeof(who->digest), "%s",
	    nid != NID_undef ? OBJ_nid2ln(nid) : "unknown");
}

static void tell_signer(CMS_SignerInfo *si, struct sign_who *who)
{
	ASN1_OCTET_STRING *id = NULL;
	ASN1_INTEGER *serial = NULL;
	X509_NAME *issuer = NULL;

	memset(who, 0, sizeof(*who));
	tell_digest(si, who);
	if (CMS_SignerInfo_get0_signer_id(si, &id, &issuer, &serial) != 1)
		return;
	if (id != NULL) {
		write_hex(who->key, sizeof(who->key), id);
		return;
	}
	write_hex(who->key, sizeof(who->key), serial);
	(void)X509_NAME_get_text_by_NID(
	    issuer, NID_commonName, who->name, sizeof(who->name));
}

static bool is_in(const struct keyring *ring, CMS_SignerInfo *si)
{
	for (int i = 0; i < sk_X509_num(ring->certificates); i++)
		if (CMS_SignerInfo_cert_cmp(
			si, sk_X509_value(ring->certificates, i)) == 0)
			return true;
	return false;
}

static int check_signers(const struct keyring *ring, CMS_ContentInfo *cms,
    struct sign_who *who, struct sign_why *why)
{
	STACK_OF(CMS_SignerInfo) *all = CMS_get0_SignerInfos(cms);
	struct sign_who other;

	for (int i = sk_CMS_SignerInfo_num(all); i-- > 0;) {
		CMS_SignerInfo *si = sk_CMS_SignerInfo_value(all, i);
		struct sign_who *w = i == 0 ? who : &other;

		tell_signer(si, w);
		if (CMS_signed_get_attr_count(si) > 0)
			return crypto_fail(why, -TN_EBADMSG,
			    "the signature has attributes of its own");
		if (!sign_digest_is_known(w->digest))
			return crypto_fail(why, -TN_EKEYREJECTED,
			    "the digest %s is too weak", w->digest);
		if (!is_in(ring, si))
			return crypto_fail(why, -TN_ENOKEY,
			    "signed by %s %s, whom no certificate knows",
			    w->name, w->key);
	}
	return 0;
}

static CMS_ContentInfo *decode(struct span der, struct sign_why *why)
{
	const unsigned char *p = der.p;
	CMS_ContentInfo *cms = NULL;

	if (der.n <= LONG_MAX)
		cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	if (cms != NULL && p == der.p + der.n &&
	    OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed &&
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) == NID_pkcs7_data &&
	    CMS_is_detached(cms) == 1 &&
	    sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)) > 0)
		return cms;
	CMS_ContentInfo_free(cms);
	(void)crypto_fail(
	    why, 0, "the signature is damaged, or not that of a module");
	return NULL;
}

/*
 * A reader of @content, below a filter that does nothing: of a plain memory
 * reader CMS_verify makes a second one, which it loses when it fails early.
 */
static BIO *reader(struct span content)
{
	BIO *memory = BIO_new_mem_buf(content.p, (int)content.n);
	BIO *filter = memory != NULL ? BIO_new(BIO_f_null()) : NULL;

	if (filter == NULL) {
		BIO_free(memory);
		return NULL;
	}
	return BIO_push(filter, memory);
}

static int compare(const struct keyring *ring, CMS_ContentInfo *cms,
    struct span content, struct sign_why *why)
{
	const unsigned flags = CMS_BINARY | CMS_DETACHED | CMS_NOINTERN |
			       CMS_NO_SIGNER_CERT_VERIFY;
	BIO *in;
	int ok;

	if (content.n > INT_MAX)
		return crypto_fail(why, -TN_EKEYREJECTED, "too large a file");
	in = reader(content);
	if (in == NULL)
		return -TN_ENOMEM;
	ok = CMS_verify(cms, ring->certificates, NULL, in, NULL, flags);
	BIO_free_all(in);
	if (ok != 1)
		return crypto_fail(why, -TN_EKEYREJECTED,
		    "the file has changed since it was signed, or another key"
		    " has signed it");
	return 0;
}

int cms_verify(const struct keyring *ring, struct span content,
    struct span signature, struct sign_who *who, struct sign_why *why)
{
	CMS_ContentInfo *cms = decode(signature, why);
	int err;

	memset(who, 0, sizeof(*who));
	if (cms == NULL)
		return -TN_EBADMSG;
	why->text[0] = '\0';
	err = check_signers(ring, cms, who, why);
	if (err == 0)
		err = compare(ring, cms, content, why);
	CMS_ContentInfo_free(cms);
	ERR_clear_error();
	return err;
}
