/* SPDX-License-Identifier: MIT */
/*
 * Signatures of modules: CMS (RFC 5652) without certificates and without
 * signed attributes, as Linux's sign-file makes them and as its kernel takes
 * them. A signer is named by issuer and serial number, or by its key's
 * identifier.
 *
 * A certificate in the keyring is trusted because it is there: no chain is
 * followed and no date is looked at, as in Linux.
 *
 * Every function may sleep, takes no lock and may be called by several threads
 * at once. Where libcrypto is not to be had (another C library, another
 * machine) all of them return -TN_EOPNOTSUPP.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <base/span.h>

#define SIGN_WHY_MAX 256

/* Why something failed, for people; empty when nothing did. */
struct sign_why {
	char text[SIGN_WHY_MAX];
};

/* Who has signed, for people. */
struct sign_who {
	char name[128];  /* common name of the issuer, or "" */
	char key[128];   /* serial number or key identifier, AB:CD:.. */
	char digest[32]; /* "sha256" */
};

struct keyring;

/*
 * Reads every certificate (.pem, .crt, .cer, .x509, .der; PEM or DER) in @folder
 * into a keyring, which keyring_close frees. -TN_ENOENT: there is no such
 * folder; -TN_EBADMSG: such a file is no certificate; -TN_ENOMEM.
 */
int keyring_open(
    const char *folder, struct keyring **out, struct sign_why *why);
void keyring_close(struct keyring *ring); /* or NULL */
/* Has it no certificate at all? */
bool keyring_is_empty(const struct keyring *ring);

/* Is it one of them? Weaker ones are neither made nor taken. */
#define SIGN_DIGESTS "sha256, sha384, sha512"
bool sign_digest_is_known(const char *name);

struct sign_request {
	const char *key;         /* file of the private key, PEM */
	const char *certificate; /* file, PEM or DER */
	const char *digest;      /* one of SIGN_DIGESTS */
	const char *pin;         /* password of the key's file, or NULL */
	bool by_key_id;          /* name the signer by its key's identifier */
};

/*
 * Signs @content. *@out gets the DER bytes, which the caller frees.
 * -TN_ENOENT, -TN_EBADMSG: a file cannot be read, is none of its kind;
 * -TN_EINVAL: the key is not the certificate's;
 * -TN_ENOMEM.
 */
int cms_sign(struct span content, const struct sign_request *req,
    struct span *out, struct sign_why *why);

/*
 * Is @signature one over @content, by keys of @ring only? *@who gets the first
 * signer, also when the answer is no and it can be told. -TN_EBADMSG: it is
 * not of this kind, or damaged; -TN_ENOKEY: a signer is not in @ring;
 * -TN_EKEYREJECTED: it is of other bytes, or its digest is too weak.
 */
int cms_verify(const struct keyring *ring, struct span content,
    struct span signature, struct sign_who *who, struct sign_why *why);
