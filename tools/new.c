/* SPDX-License-Identifier: MIT */
/*
 * `tenon new NAME`: a folder with a module that builds, loads and has a test
 * that passes, for the author to go on from. man tenon-new.
 *
 * The files are the table below; "@" stands for the name. Nothing that is there
 * already is touched, and what a failed call has made is removed again.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "applets.h"
#include "kit.h"

static const char usage_text[] =
    "usage: tenon new [-C DIR] NAME\n"
    "  makes the folder NAME with a module of this name:\n"
    "    NAME.c     a parameter, an export, init and exit\n"
    "    Makefile   make, make check, make run; ARCH=aarch64, riscv64, x86_64\n"
    "    test.py    loads it, calls it, and tries what must be refused\n"
    "    README.md  what it is and how to go on\n"
    "  -C, --directory DIR   make it in DIR instead of here\n"
    "  -h, --help            this\n"
    "exit status: 0 it is made, 1 it is not, 2 usage\n";

struct template
{
	const char *name; /* of the file */
	const char *text;
};

static const struct template templates[] = {
	{ "@.c",
	    "/* SPDX-License-Identifier: MIT */\n"
	    "/*\n"
	    " * @: greets, and counts how often.\n"
	    " */\n"
	    "#include <tenon/module.h>\n"
	    "\n"
	    "static char *who = \"world\";\n"
	    "module_param(who, charp, 0444);\n"
	    "MODULE_PARM_DESC(who, \"who is greeted\");\n"
	    "\n"
	    "static int step = 1;\n"
	    "module_param_range(step, int, 0644, 1, 100);\n"
	    "MODULE_PARM_DESC(step, \"how much each call counts\");\n"
	    "\n"
	    "static int count;\n"
	    "\n"
	    "int @_count(void);\n"
	    "\n"
	    "/* Other modules and programs may call it. */\n"
	    "int @_count(void)\n"
	    "{\n"
	    "\tcount += step;\n"
	    "\treturn count;\n"
	    "}\n"
	    "EXPORT_SYMBOL(@_count);\n"
	    "\n"
	    "/* 0, or a negative error: then the module is not loaded. */\n"
	    "static int __init @_init(void)\n"
	    "{\n"
	    "\tpr_info(\"@: hello, %s\\n\", who);\n"
	    "\treturn 0;\n"
	    "}\n"
	    "\n"
	    "/* Nobody uses the module any more; gives back what init took. */\n"
	    "static void __exit @_exit(void)\n"
	    "{\n"
	    "\tpr_info(\"@: goodbye\\n\");\n"
	    "}\n"
	    "\n"
	    "module_init(@_init);\n"
	    "module_exit(@_exit);\n"
	    "MODULE_LICENSE(\"Dual MIT/GPL\");\n"
	    "MODULE_VERSION(\"0.1\");\n"
	    "MODULE_DESCRIPTION(\"greets, and counts how often\");\n" },
	{ "Makefile",
	    "# SPDX-License-Identifier: MIT\n"
	    "# make            build/ARCH/PROFILE/@.ko\n"
	    "# make check      build it and run its test\n"
	    "# make run        build it, load it and keep it until Ctrl-C\n"
	    "# ARCH=aarch64|riscv64|x86_64, PROFILE=common|hosted\n"
	    "\n"
	    "KIT := $(shell tenon cc --makefile)\n"
	    "$(if $(KIT),,$(error the program tenon is not in the PATH))\n"
	    "MODULE := @\n"
	    "SOURCES := @.c\n"
	    "MODULE_CFLAGS := -g\n"
	    "include $(KIT)\n"
	    "\n"
	    "RESULT := $(TENON_OUT)/@.ko\n"
	    "check: $(RESULT)\n"
	    "\tpython3 test.py $(RESULT)\n"
	    "run: $(RESULT)\n"
	    "\ttenon run $(RESULT) --keep\n"
	    ".PHONY: check run\n" },
	{ "test.py",
	    "#!/usr/bin/env python3\n"
	    "# SPDX-License-Identifier: MIT\n"
	    "\"\"\"Tests of @: python3 test.py build/ARCH/PROFILE/@.ko\"\"\"\n"
	    "import subprocess\n"
	    "import sys\n"
	    "import unittest\n"
	    "\n"
	    "MODULE = sys.argv.pop(1) if len(sys.argv) > 1 else '@.ko'\n"
	    "\n"
	    "\n"
	    "def run(*args):\n"
	    "    \"\"\"Status and output of the module in a process of its own.\"\"\"\n"
	    "    done = subprocess.run(['tenon', 'run', '-q', MODULE, *args],\n"
	    "                          text=True, stdout=subprocess.PIPE,\n"
	    "                          stderr=subprocess.STDOUT, timeout=60)\n"
	    "    return done.returncode, done.stdout\n"
	    "\n"
	    "\n"
	    "class Module(unittest.TestCase):\n"
	    "    def test_greets_and_says_goodbye(self):\n"
	    "        self.assertEqual(run('who=you'),\n"
	    "                         (0, '@: hello, you\\n@: goodbye\\n'))\n"
	    "\n"
	    "    def test_counts_by_its_step(self):\n"
	    "        status, text = run('step=20', '--call', '@_count',\n"
	    "                           '--call', '@_count')\n"
	    "        self.assertEqual(status, 0, text)\n"
	    "        self.assertIn('@_count() = 40\\n', text)\n"
	    "\n"
	    "    def test_refuses_a_step_out_of_range(self):\n"
	    "        status, text = run('step=0')\n"
	    "        self.assertEqual(status, 1, text)\n"
	    "        self.assertIn('0 is not within 1 to 100', text)\n"
	    "\n"
	    "\n"
	    "if __name__ == '__main__':\n"
	    "    unittest.main()\n" },
	{ "README.md",
	    "# @\n"
	    "\n"
	    "Greets, and counts how often.\n"
	    "\n"
	    "    make check\n"
	    "    tenon run build/$(uname -m)/common/@.ko step=2 --call @_count\n"
	    "\n"
	    "| parameter | |\n"
	    "|---|---|\n"
	    "| `who` | who is greeted |\n"
	    "| `step` | how much each call counts, 1 to 100; may be set while it "
	    "runs |\n"
	    "\n"
	    "`@_count()` is for other modules and programs.\n"
	    "\n"
	    "To look inside: `gdb --args tenon run --gdb build/ARCH/common/@.ko "
	    "--call @_count`,\n"
	    "then `break @_count` and `run`.\n" },
	{ ".gitignore", "/build/\n" },
};
#define NTEMPLATES (sizeof(templates) / sizeof(templates[0]))

/* Writes @text with the name in the place of each '@'. */
static bool write_text(FILE *out, const char *text, const char *name)
{
	const char *at;

	for (; (at = strchr(text, '@')) != NULL; text = at + 1) {
		(void)fwrite(text, 1, (size_t)(at - text), out);
		fputs(name, out);
	}
	fputs(text, out);
	return fflush(out) == 0 && ferror(out) == 0;
}

static void file_name(const struct template *t, const char *name, char out[80])
{
	const bool is_named = t->name[0] == '@';

	(void)snprintf(out, 80, "%s%s", is_named ? name : "",
	    is_named ? t->name + 1 : t->name);
}

static bool write_file(int dir, const struct template *t, const char *name)
{
	char file[80];
	FILE *out;
	bool ok;
	int fd;

	file_name(t, name, file);
	fd = openat(dir, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (out == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	ok = write_text(out, t->text, name);
	return fclose(out) == 0 && ok;
}

/* Takes back what this call has made. */
static void undo(int parent, int dir, const char *name)
{
	char file[80];

	for (size_t i = 0; dir >= 0 && i < NTEMPLATES; i++) {
		file_name(&templates[i], name, file);
		(void)unlinkat(dir, file, 0);
	}
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "tenon new: %s: %s\n", what, why);
	return EXIT_FAILED;
}

/* Whoever calls us must hear of it, or it is not made. */
static bool tell(const char *where, const char *name)
{
	const bool here = strcmp(where, ".") == 0;

	printf("%s/ is made: `make -C %s%s%s check` builds and tests it\n",
	    name, here ? "" : where, here ? "" : "/", name);
	return fflush(stdout) == 0;
}

static int fill(int parent, const char *where, const char *name)
{
	const int dir = openat(parent, name, O_DIRECTORY | O_CLOEXEC);
	bool ok = dir >= 0;
	int number;

	for (size_t i = 0; i < NTEMPLATES && ok; i++)
		ok = write_file(dir, &templates[i], name);
	ok = ok && tell(where, name);
	number = errno;
	if (!ok)
		undo(parent, dir, name);
	if (dir >= 0)
		(void)close(dir);
	if (!ok && ferror(stdout))
		return EXIT_FAILED; /* as told for every applet at its end */
	return ok ? EXIT_OK : fail(name, strerror(number));
}

static int make_folder(const char *where, const char *name)
{
	const int parent = open(where, O_DIRECTORY | O_CLOEXEC);
	int status;

	if (parent < 0)
		return fail(where, strerror(errno));
	if (mkdirat(parent, name, 0777) != 0)
		status = fail(name,
		    errno == EEXIST ? "it is there already, and stays as it is"
				    : strerror(errno));
	else
		status = fill(parent, where, name);
	(void)close(parent);
	return status;
}

int new_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "directory", required_argument, NULL, 'C' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *where = ".", *fault;
	int c;

	while ((c = getopt_long(argc, argv, "C:h", longs, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage_text, stdout);
			return EXIT_OK;
		}
		if (c != 'C')
			return EXIT_USAGE;
		where = optarg;
	}
	if (argc - optind != 1) {
		(void)say_usage("new", "one NAME is needed");
		return EXIT_USAGE;
	}
	fault = kit_name_fault(argv[optind]);
	if (fault == NULL && strcmp(argv[optind], "module") == 0)
		fault = "is taken: its init would be called module_init";
	if (fault != NULL) {
		(void)fail(argv[optind], fault);
		return EXIT_USAGE;
	}
	return make_folder(where, argv[optind]);
}
