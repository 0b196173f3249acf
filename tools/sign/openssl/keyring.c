/* SPDX-License-Identifier: MIT */
/*
 * Certificates of a folder: sign/cms.h.
 */
#include "common.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/err.h>

static bool is_certificate_name(const char *name)
{
	static const char *const suffixes[] = { ".pem", ".crt", ".cer", ".x509",
		".der" };
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(suffixes) / sizeof(char *);
	     i++)
		if (strcmp(dot, suffixes[i]) == 0)
			return true;
	return false;
}

static int add_file(struct keyring *ring, const char *folder, const char *name,
    struct sign_why *why)
{
	char path[4096];
	int err = -TN_ENOENT;
	X509 *cert;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    sizeof(path))
		return crypto_fail(why, err, "%s: too long a name", name);
	cert = certificate_read(path, &err, why);
	if (cert == NULL)
		return err;
	if (sk_X509_push(ring->certificates, cert) == 0) {
		X509_free(cert);
		return crypto_fail(why, -TN_ENOMEM, "%s", path);
	}
	return 0;
}

static int add_folder(
    struct keyring *ring, const char *folder, struct sign_why *why)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);
	int err = 0;

	if (dir == NULL)
		return crypto_fail(why, -TN_ENOENT, "cannot read folder %s: %s",
		    folder, strerror(errno));
	while (err == 0 && (entry = readdir(dir)) != NULL)
		if (is_certificate_name(entry->d_name))
			err = add_file(ring, folder, entry->d_name, why);
	closedir(dir);
	return err;
}

int keyring_open(const char *folder, struct keyring **out, struct sign_why *why)
{
	struct keyring *ring = malloc(sizeof(*ring));
	int err = -TN_ENOMEM;

	why->text[0] = '\0';
	if (ring == NULL)
		return err;
	ring->certificates = sk_X509_new_null();
	if (ring->certificates != NULL)
		err = add_folder(ring, folder, why);
	if (err != 0) {
		keyring_close(ring);
		return err;
	}
	*out = ring;
	return 0;
}

void keyring_close(struct keyring *ring)
{
	if (ring == NULL)
		return;
	sk_X509_pop_free(ring->certificates, X509_free);
	free(ring);
}

bool keyring_is_empty(const struct keyring *ring)
{
	return sk_X509_num(ring->certificates) == 0;
}
