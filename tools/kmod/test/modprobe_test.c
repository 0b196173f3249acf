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

/* A run and what comes of it. */
struct scene {
	const char *config;
	const char *words;        /* behind the options that lead to the tree */
	enum backend_state state; /* of every module */
	int64_t refs;
	int answers[5]; /* to open, insert and remove, one after the other */
	int status;
	const char *log;
};

static const struct scene *scene;
static unsigned next_answer;

static int answer(void)
{
	return next_answer < 5 ? scene->answers[next_answer++] : 0;
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
		.refs = scene->refs,
		.holders = "",
		.state = BACKEND_LIVE };

	(void)be;
	if (scene->state != BACKEND_ABSENT)
		(void)visit(&m, arg);
	return (int)scene->state;
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
		"/lib/modules/1.0", "/lib/modules", "/lib", "/x.conf", "" };
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

static void play(const struct scene *s)
{
	struct rig r;

	scene = s;
	next_answer = 0;
	log_text[0] = '\0';
	CHECK(rig_init(&r, s->config));
	EXPECT(run(&r, s->words) == s->status);
	rig_fini(&r);
	CHECK_STR(log_text, s->log);
}

TEST(modprobe, loads_what_is_needed_first)
{
	PROVES("L14");
	play(&(struct scene){ .config = "options b x=1\n",
	    .words = "b y=2",
	    .log = "+null();+b(x=1 y=2);close;" });
}

TEST(modprobe, a_module_that_is_there_is_left_alone)
{
	struct scene s = { .config = "",
		.words = "b",
		.state = BACKEND_LIVE,
		.log = "close;" };

	play(&s);
	s.words = "--first-time b";
	s.status = 1;
	play(&s);
}

TEST(modprobe, what_is_needed_and_fails_ends_it)
{
	play(&(struct scene){ .config = "",
	    .words = "b",
	    .answers = { 0, -TN_ENOEXEC },
	    .status = 1,
	    .log = "+null();close;" });
}

TEST(modprobe, what_is_soft_or_came_meanwhile_may_fail)
{
	play(&(struct scene){ .config = "softdep b pre: c\ninstall c false\n",
	    .words = "--run-commands b",
	    .answers = { 0, -TN_EEXIST },
	    .log = "+null();+b();close;" });
}

TEST(modprobe, force_is_handed_on)
{
	struct scene s = {
		.config = "", .words = "-f a", .log = "+a()!;close;"
	};

	play(&s);
	s.words = "-r -f a";
	s.state = BACKEND_LIVE;
	s.log = "-a!;close;";
	play(&s);
}

TEST(modprobe, commands_run_only_when_they_may)
{
	const char *mark = "/tmp/modprobe-test-mark";
	char config[160];
	struct scene s = {
		.config = config, .words = "c o=1", .status = 1, .log = "close;"
	};

	(void)snprintf(config, sizeof(config),
	    "install c test $MODPROBE_MODULE = c && echo $CMDLINE_OPTS >%s.%d\n",
	    mark, (int)getpid());
	mark = strchr(config, '/');
	play(&s);
	config[strlen(config) - 1] = '\0';
	EXPECT(access(mark, F_OK) != 0);
	s.words = "--run-commands c o=1";
	s.status = 0;
	play(&s);
	EXPECT(unlink(mark) == 0);
}

TEST(modprobe, a_module_in_use_is_not_unloaded)
{
	play(&(struct scene){ .config = "",
	    .words = "-r a",
	    .state = BACKEND_LIVE,
	    .refs = 1,
	    .status = 1,
	    .log = "close;" });
}

TEST(modprobe, waiting_asks_again)
{
	play(&(struct scene){ .config = "",
	    .words = "-r -w 5000 a",
	    .state = BACKEND_LIVE,
	    .refs = 1,
	    .answers = { 0, -TN_EAGAIN, -TN_EBUSY },
	    .log = "-a;-a;-a;close;" });
}

TEST(modprobe, what_nobody_uses_goes_with_it)
{
	PROVES("L16");
	play(&(struct scene){ .config = "",
	    .words = "-r b",
	    .state = BACKEND_LIVE,
	    .log = "-b;-null;close;" });
}

TEST(modprobe, a_world_that_is_not_there_ends_it)
{
	struct scene s = { .config = "",
		.words = "a",
		.answers = { -TN_ENOENT },
		.status = 1,
		.log = "" };

	play(&s);
	s.words = "-n a"; /* nothing is to be done there */
	s.status = 0;
	play(&s);
}
