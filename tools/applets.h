/* SPDX-License-Identifier: MIT */
/*
 * The applets of the `tenon` binary and what they share. An applet gets its
 * own name as argv[0] and returns an exit status.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <base/compiler.h>
#include <tenon/diag.h>

/* Exit statuses (docs of each tool). */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 3, /* tenon link: not supported, by name */
};

/* What ar(1) makes is not linked or loaded as it is. */
#define ARCHIVE_MAGIC "!<arch>\n"
#define ARCHIVE_HINT                                                           \
	"is an archive, not a module: `ar x` takes its objects out, and "      \
	"`ld -r` makes one of them"

int link_main(int argc, char **argv);
int run_main(int argc, char **argv);
int modpost_main(int argc, char **argv);
int cc_main(int argc, char **argv);
int new_main(int argc, char **argv);
int sign_main(int argc, char **argv);
int verify_main(int argc, char **argv);
int symvers_main(int argc, char **argv);
int host_main(int argc, char **argv);
int shell_main(int argc, char **argv);

/* The sentence of @diag, to be freed; NULL: no memory. */
char *diag_sentence(const struct tn_diag *diag);

/* Prints "tenon APPLET: sentence" on standard error. */
void say_diag(const char *applet, const struct tn_diag *diag);

/* Says on standard error what is wrong with the command line. Returns false. */
bool say_usage(const char *applet, const char *fmt, ...) PRINTF_LIKE(2, 3);

bool is_folder(const char *path);

/* Parses a decimal or 0x number; false when @s is none. */
bool parse_number(const char *s, uint64_t *out);
