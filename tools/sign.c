/* SPDX-License-Identifier: MIT */
/*
 * `tenon sign`: appends signatures to module files as Linux's sign-file does,
 * replaces them and takes them off. man tenon-sign.
 *
 * A file is read whole and written anew under its own name, or not at all.
 */
#include "applets.h"
#include "file_read.h"
#include "output.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <kmod/clean.h>
#include <sign/cms.h>
#include <sign/trailer.h>
#include <tenon/err.h>

struct options {
	struct sign_request request;
	const char *output; /* NULL: in place */
	bool replace, strip;
};

static const char usage_text[] =
    "usage: tenon sign -k KEY -c CERTIFICATE [OPTION].. FILE..\n"
    "       tenon sign --strip [-o FILE] FILE..\n"
    "\n"
    "  -k, --key KEY          private key, PEM; $KBUILD_SIGN_PIN is its password\n"
    "  -c, --certificate CERTIFICATE   of this key, PEM or DER\n"
    "  -a, --digest DIGEST    sha256 (default), sha384, sha512\n"
    "  -i, --key-id           name the signer by its key's identifier\n"
    "  -r, --replace          take off the signature that a file has\n"
    "  -s, --strip            only take it off\n"
    "  -o, --output FILE      write there, not in place; one file only\n"
    "  -h, --help             this text\n"
    "\n"
    "exit status: 0 all files were written, 1 one was not, 2 usage\n";

static const struct option longs[] = {
	{ "key", required_argument, NULL, 'k' },
	{ "certificate", required_argument, NULL, 'c' },
	{ "digest", required_argument, NULL, 'a' },
	{ "output", required_argument, NULL, 'o' },
	{ "key-id", no_argument, NULL, 'i' },
	{ "replace", no_argument, NULL, 'r' },
	{ "strip", no_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool set_digest(struct options *o, const char *name)
{
	o->request.digest = name;
	return sign_digest_is_known(name) ||
	       say_usage("sign", "'%s' is no digest: " SIGN_DIGESTS, name);
}

static bool option_set(struct options *o, int c)
{
	switch (c) {
	case 'k': o->request.key = optarg; return true;
	case 'c': o->request.certificate = optarg; return true;
	case 'a': return set_digest(o, optarg);
	case 'o': o->output = optarg; return true;
	case 'i': o->request.by_key_id = true; return true;
	case 'r': o->replace = true; return true;
	case 's': o->strip = true; return true;
	default: return false;
	}
}

/* What does not belong together, or is missing; or NULL. */
static const char *fault_of(const struct options *o, int nfiles)
{
	const bool key = o->request.key != NULL;
	const bool certificate = o->request.certificate != NULL;

	if (nfiles == 0)
		return "FILE is missing";
	if (o->output != NULL && nfiles != 1)
		return "-o is for one FILE";
	if (o->strip)
		return key || certificate ? "--strip needs no key" : NULL;
	if (!key)
		return "-k KEY is missing";
	return certificate ? NULL : "-c CERTIFICATE is missing";
}

static bool parse(int argc, char **argv, struct options *o, int *status)
{
	const char *fault;
	int c;

	*status = EXIT_USAGE;
	while (
	    (c = getopt_long(argc, argv, "k:c:a:o:irsh", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		}
		if (!option_set(o, c))
			return false;
	}
	fault = fault_of(o, argc - optind);
	return fault == NULL || say_usage("sign", "%s", fault);
}

static bool refuse(const char *path, const char *why)
{
	clean_print(stderr, "tenon sign: %s: %s\n", path, why);
	return false;
}

static bool is_elf(struct span file)
{
	return file.n >= 4 && memcmp(file.p, "\177ELF", 4) == 0;
}

/* What is to be signed of @file. */
static bool find_content(const struct options *o, const char *path,
    struct span file, struct span *content)
{
	struct signed_file parts;
	const int err = signed_file_part(file, &parts);

	if (!is_elf(file))
		return refuse(path,
		    "is no module, or a compressed one (sign it before it is"
		    " compressed)");
	if (err == -TN_EBADMSG)
		return refuse(path, "the end of the signed file is damaged");
	*content = err == 0 ? parts.content : file;
	if (err == 0 && !o->replace && !o->strip)
		return refuse(path,
		    "is signed already (--replace takes that signature off)");
	if (err != 0 && o->strip)
		return refuse(path, "is not signed");
	return true;
}

static bool write_file(const struct options *o, const char *path,
    struct span content, struct span signature)
{
	uint8_t trailer[SIGN_TRAILER_SIZE];
	struct output out;
	bool ok =
	    output_open(&out, "sign", o->output != NULL ? o->output : path);

	if (ok) {
		/* errors of the stream show at its end */
		(void)fwrite(content.p, 1, content.n, out.file);
		sign_trailer_write(trailer, (uint32_t)signature.n);
		if (signature.n != 0) {
			(void)fwrite(signature.p, 1, signature.n, out.file);
			(void)fwrite(trailer, 1, sizeof(trailer), out.file);
		}
		ok = output_end(&out) && output_keep(&out);
	}
	output_drop(&out);
	return ok;
}

static bool sign_content(
    const struct options *o, const char *path, struct span content)
{
	struct span signature = { NULL, 0 };
	struct sign_why why;
	bool ok = true;

	if (!o->strip && cms_sign(content, &o->request, &signature, &why) != 0)
		ok = refuse(path, why.text[0] != '\0' ? why.text : "no memory");
	if (ok)
		ok = write_file(o, path, content, signature);
	free((void *)(uintptr_t)signature.p);
	return ok;
}

static bool sign_file(const struct options *o, const char *path)
{
	struct span content, file;
	char *bytes = file_read(path, &file.n);
	bool ok;

	if (bytes == NULL)
		return refuse(path, strerror(errno));
	file.p = (const uint8_t *)bytes;
	ok = find_content(o, path, file, &content) &&
	     sign_content(o, path, content);
	free(bytes);
	return ok;
}

int sign_main(int argc, char **argv)
{
	struct options o = {
		.request = {
			.digest = "sha256",
			.pin = getenv("KBUILD_SIGN_PIN"),
		},
	};
	int status;

	if (!parse(argc, argv, &o, &status))
		return status;
	status = EXIT_OK;
	for (int i = optind; i < argc; i++)
		if (!sign_file(&o, argv[i]))
			status = EXIT_FAILED;
	return status;
}
