/* SPDX-License-Identifier: MIT */
/*
 * Loading and unloading over a back end that writes down what it is asked and
 * answers what the test wants. The tree is an index made by hand: b needs a.
 */
#include <kmod/applets.h>
#include <kmod/backend.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tenon/err.h>
#include <test/test.h>

#include "test/trie_text.h"

#define WORDS_MAX 12

static char log_text[512];
static int answers[8]; /* to insert and remove, one after the other */
static unsigned nanswers, next_answer;
static int state_of_all;
static int64_t refs_of_all;

static int answer(void)
{
	return next_answer < nanswers ? answers[next_answer++] : 0;
}

static void note(const char *text)
{
	const size_t n = strlen(log_text);

	(void)snprintf(log_text + n, sizeof(log_text) - n, "%s", text);
}

static int fake_open(
    const char *where, struct backend **out, struct backend_why *why)
{
	(void)where;
	(void)snprintf(why->text, sizeof(why->text), "nobody is there");
	*out = NULL;
	return answer();
}

static void fake_close(struct backend *be)
{
	(void)be;
	note("close;");
}

static int fake_insert(struct backend *be, const struct backend_insert *what,
    struct backend_why *why)
{
	(void)be;
	(void)why;
	note("+");
	note(what->name);
	note("(");
	note(what->params);
	note(what->flags == 3 ? ")!;" : ");");
	return answer();
}

static int fake_remove(struct backend *be, const char *name, unsigned flags,
    struct backend_why *why)
{
	(void)be;
	(void)why;
	note("-");
	note(name);
	note(flags == BACKEND_FORCE ? "!;" : ";");
	return answer();
}

static int fake_state(
    struct backend *be, const char *name, backend_visit_fn *visit, void *arg)
{
	const struct backend_module m = { .name = name,
		.refs = refs_of_all,
		.holders = "",
		.state = BACKEND_LIVE };

	(void)be;
	if (state_of_all != BACKEND_ABSENT)
		(void)visit(&m, arg);
	return state_of_all;
}

static const struct backend_ops fake = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.insert = fake_insert,
	.remove = fake_remove,
	.state = fake_state,
};

/* --- a tree: modules.dep.bin with "a" and "b" */

static void make_index(struct trie_text *t)
{
	const uint8_t range[] = { 'a', 'b' };
	uint32_t a, b, root;

	trie_begin(t);
	a = trie_leaf(t, "", "/dev/null:", 0);
	b = trie_leaf(t, "", "/b.ko: /dev/null", 0);
	root = (uint32_t)t->n | 0x20000000u;
	trie_put(t, range, sizeof(range));
	trie_put_be32(t, a);
	trie_put_be32(t, b);
	trie_end(t, root);
}

struct rig {
	char root[64];
	char config[96];
};

static bool write_file(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "w");
	const bool good = f != NULL && fwrite(p, 1, n, f) == n;

	return f != NULL && fclose(f) == 0 && good;
}

static bool rig_init(struct rig *r, const char *config)
{
	static const char *const folders[] = { "/lib", "/lib/modules",
		"/lib/modules/1.0" };
	struct trie_text index;
	char path[128];

	make_index(&index);
	log_text[0] = '\0';
	nanswers = next_answer = 0;
	state_of_all = BACKEND_ABSENT;
	refs_of_all = 0;
	(void)snprintf(r->root, sizeof(r->root), "/tmp/modprobe-test-XXXXXX");
	if (mkdtemp(r->root) == NULL)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", r->root, folders[i]);
		if (mkdir(path, 0700) != 0)
			return false;
	}
	(void)snprintf(
	    path, sizeof(path), "%s/lib/modules/1.0/modules.dep.bin", r->root);
	(void)snprintf(r->config, sizeof(r->config), "%s/x.conf", r->root);
	return write_file(path, index.bytes, index.n) &&
	       write_file(r->config, config, strlen(config));
}

static void rig_fini(struct rig *r)
{
	static const char *const all[] = { "/lib/modules/1.0/modules.dep.bin",
		"/lib/modules/1.0", "/lib/modules", "/lib", "/x.conf", "/mark",
		"" };
	char path[128];

	for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", r->root, all[i]);
		(void)remove(path);
	}
}

/* modprobe -q -d ROOT -S 1.0 -C CONFIG WORDS.. */
static int run(const struct rig *r, const char *words)
{
	static const struct backends both = { &fake, NULL };
	const char *argv[WORDS_MAX + 9] = { "modprobe", "-q", "-d", r->root,
		"-S", "1.0", "-C", r->config };
	char text[128];
	int argc = 8;
	char *rest = text;

	(void)snprintf(text, sizeof(text), "%s", words);
	while (argc < WORDS_MAX + 8 && rest != NULL)
		argv[argc++] = strsep(&rest, " ");
	return modprobe_command(argc, (char **)argv, &both);
}

TEST(modprobe, loads_what_is_needed_first)
{
	struct rig r;

	PROVES("L14");
	CHECK(rig_init(&r, "options b x=1\n"));
	CHECK_EQ(run(&r, "b y=2"), 0);
	CHECK_STR(log_text, "+null();+b(x=1 y=2);close;");
	rig_fini(&r);
}

TEST(modprobe, a_module_that_is_there_is_left_alone)
{
	struct rig r;

	CHECK(rig_init(&r, ""));
	state_of_all = BACKEND_LIVE;
	CHECK_EQ(run(&r, "b"), 0);
	CHECK_STR(log_text, "close;");
	CHECK_EQ(run(&r, "--first-time b"), 1);
	CHECK_STR(log_text, "close;close;");
	rig_fini(&r);
}

TEST(modprobe, what_is_needed_and_fails_ends_it)
{
	struct rig r;

	CHECK(rig_init(&r, ""));
	answers[1] = -TN_ENOEXEC;
	answers[0] = 0; /* open */
	nanswers = 2;
	CHECK_EQ(run(&r, "b"), 1);
	CHECK_STR(log_text, "+null();close;");
	rig_fini(&r);
}

TEST(modprobe, what_is_soft_or_came_meanwhile_may_fail)
{
	struct rig r;

	CHECK(rig_init(&r, "softdep b pre: c\ninstall c false\nalias x y\n"));
	answers[0] = 0;
	answers[1] = -TN_EEXIST;
	nanswers = 2;
	CHECK_EQ(run(&r, "--run-commands b"), 0);
	CHECK_STR(log_text, "+null();+b();close;");
	rig_fini(&r);
}

TEST(modprobe, force_is_handed_on)
{
	struct rig r;

	CHECK(rig_init(&r, ""));
	CHECK_EQ(run(&r, "-f a"), 0);
	CHECK_STR(log_text, "+a()!;close;");
	log_text[0] = '\0';
	state_of_all = BACKEND_LIVE;
	CHECK_EQ(run(&r, "-r -f a"), 0);
	CHECK_STR(log_text, "-a!;close;");
	rig_fini(&r);
}

TEST(modprobe, commands_run_only_when_they_may)
{
	char config[160], mark[96];
	struct rig r;

	CHECK(rig_init(&r, ""));
	(void)snprintf(mark, sizeof(mark), "%s/mark", r.root);
	(void)snprintf(config, sizeof(config),
	    "install c test $MODPROBE_MODULE = c && echo $CMDLINE_OPTS >%s\n",
	    mark);
	CHECK(write_file(r.config, config, strlen(config)));
	CHECK_EQ(run(&r, "c o=1"), 1);
	CHECK(access(mark, F_OK) != 0);
	CHECK_EQ(run(&r, "--run-commands c o=1"), 0);
	CHECK(access(mark, F_OK) == 0);
	rig_fini(&r);
}

TEST(modprobe, a_module_in_use_is_not_unloaded)
{
	struct rig r;

	PROVES("L20");
	CHECK(rig_init(&r, ""));
	state_of_all = BACKEND_LIVE;
	refs_of_all = 1;
	CHECK_EQ(run(&r, "-r a"), 1);
	CHECK_STR(log_text, "close;");
	rig_fini(&r);
}

TEST(modprobe, waiting_asks_again)
{
	struct rig r;

	CHECK(rig_init(&r, ""));
	state_of_all = BACKEND_LIVE;
	refs_of_all = 1;
	answers[0] = 0;
	answers[1] = -TN_EAGAIN;
	answers[2] = -TN_EBUSY;
	answers[3] = 0;
	nanswers = 4;
	CHECK_EQ(run(&r, "-r -w 5000 a"), 0);
	CHECK_STR(log_text, "-a;-a;-a;close;");
	rig_fini(&r);
}

TEST(modprobe, what_nobody_uses_goes_with_it)
{
	struct rig r;

	PROVES("L16");
	CHECK(rig_init(&r, ""));
	state_of_all = BACKEND_LIVE;
	CHECK_EQ(run(&r, "-r b"), 0);
	CHECK_STR(log_text, "-b;-null;close;");
	rig_fini(&r);
}

TEST(modprobe, a_world_that_is_not_there_ends_it)
{
	struct rig r;

	CHECK(rig_init(&r, ""));
	answers[0] = -TN_ENOENT;
	nanswers = 1;
	CHECK_EQ(run(&r, "a"), 1);
	CHECK_STR(log_text, "");
	next_answer = 0;
	CHECK_EQ(run(&r, "-n a"), 0); /* nothing is to be done there */
	rig_fini(&r);
}
