/* SPDX-License-Identifier: MIT */
/*
 * `tenon verify`: says of each file whether a policy would load it, and who
 * has signed it. man tenon-verify.
 */
#include "applets.h"
#include "policy.h"
#include <kmod/clean.h>
#include <kmod/json.h>

#include <getopt.h>
#include <string.h>

#include <host/port.h>
#include <tenon/engine.h>

struct verify {
	struct sign_config config;
	struct sign_policy *policy;
	struct tn_system *sys; /* reads and unpacks files */
	bool json;

	/* about one file */
	struct sign_who who;
	struct sign_why why;
};

static const char usage_text[] =
    "usage: tenon verify [--keys DIR] [--allow FILE] [--json] FILE..\n"
    "\n"
    "  --keys DIR    certificates that are trusted (.pem .crt .cer .x509 .der)\n"
    "  --allow FILE  digests of files that are trusted, as sha256sum writes\n"
    "  --json        one JSON object a file\n"
    "  -h, --help    this text\n"
    "\n"
    "exit status: 0 all files may be loaded, 1 one may not, 2 usage, or keys\n"
    "or digests that cannot be read\n";

static const struct option longs[] = {
	{ "keys", required_argument, NULL, POLICY_KEYS },
	{ "allow", required_argument, NULL, POLICY_ALLOW },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool parse(int argc, char **argv, struct verify *v, int *status)
{
	int c;

	*status = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'j': v->json = true; break;
		case POLICY_KEYS:
		case POLICY_ALLOW:
			(void)policy_option(&v->config, "verify", c, optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return false;
		default: return false;
		}
	}
	return optind != argc || say_usage("verify", "FILE is missing");
}

static int examine(void *arg, const void *data, size_t size)
{
	struct verify *v = arg;

	return sign_policy_examine(
	    v->policy, (struct span){ data, size }, &v->who, &v->why);
}

static void tell_json(const struct verify *v, const char *path, int err)
{
	struct json j;

	json_begin(&j, stdout);
	json_text(&j, "file", path);
	json_bool(&j, "trusted", err == 0);
	json_text(&j, "error", err != 0 ? tn_error_name(err) : NULL);
	json_text(&j, "reason", err != 0 ? v->why.text : NULL);
	json_text(&j, "signer", v->who.key[0] != '\0' ? v->who.name : NULL);
	json_text(&j, "key", v->who.key[0] != '\0' ? v->who.key : NULL);
	json_text(&j, "digest", v->who.key[0] != '\0' ? v->who.digest : NULL);
	json_end(&j);
}

static void tell(const struct verify *v, const char *path, int err)
{
	if (v->json)
		tell_json(v, path, err);
	else if (err != 0)
		clean_print(stdout, "%s: NOT trusted: %s\n", path, v->why.text);
	else if (v->who.key[0] != '\0')
		clean_print(stdout, "%s: signed by %s%s%s (%s)\n", path,
		    v->who.name, v->who.name[0] != '\0' ? ", key " : "key ",
		    v->who.key, v->who.digest);
	else
		clean_print(stdout, "%s: its digest is allowed\n", path);
}

static bool verify_file(struct verify *v, const char *path)
{
	const struct tn_load_args args = { .size = sizeof(args), .path = path };
	struct tn_diag diag;
	int err;

	tn_diag_init(&diag);
	memset(&v->who, 0, sizeof(v->who));
	v->why.text[0] = '\0';
	err = tn_read(v->sys, &args, examine, v, &diag);
	if (err != 0 && diag.error != 0)
		(void)tn_diag_text(&diag, v->why.text, sizeof(v->why.text));
	tell(v, path, err);
	tn_diag_fini(&diag);
	return err == 0;
}

static int verify_all(struct verify *v, char **paths, int n)
{
	const struct host_port_config port = { 0 };
	const struct tn_config config = { .size = sizeof(config), .abi = 1 };
	struct host_port *host;
	int status = EXIT_OK;

	if (host_port_create(&port, &host) != 0 ||
	    tn_system_create(host_port_table(host), &config, &v->sys) != 0) {
		fputs("tenon verify: no memory\n", stderr);
		return EXIT_FAILED;
	}
	for (int i = 0; i < n; i++)
		if (!verify_file(v, paths[i]))
			status = EXIT_FAILED;
	(void)tn_system_destroy(v->sys);
	host_port_destroy(host);
	return status;
}

int verify_main(int argc, char **argv)
{
	struct verify v = { .config.mode = SIGN_REQUIRE };
	int status;

	if (!parse(argc, argv, &v, &status))
		return status;
	status = policy_open(&v.config, "verify", &v.policy);
	if (status != EXIT_OK)
		return status;
	status = verify_all(&v, argv + optind, argc - optind);
	sign_policy_close(v.policy);
	return status;
}
