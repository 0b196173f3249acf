/* SPDX-License-Identifier: MIT */
/* One file of modprobe.d, names, and words of the command line. */
#include "config.h"
#include "modname.h"
#include "modprobe_args.h"

#include <string.h>

#include <tenon/err.h>
#include <test/test.h>

struct rig {
	struct arena arena;
	struct config config;
	struct report report;
};

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->config.arena = &r->arena;
	report_open(&r->report, "test", REPORT_NONE, false);
}

static int parse(struct rig *r, const char *text)
{
	return config_parse(&r->config, "test.conf",
	    (struct span){ (const uint8_t *)text, strlen(text) }, &r->report);
}

TEST(config, joins_lines_and_takes_escaped_characters)
{
	const struct config_entry *e;
	struct rig r;

	rig_init(&r);
	CHECK_EQ(parse(&r, "options a-b x=\\y \\\n z=\\\\\nalias c-d e-f"), 0);
	e = r.config.first[CONFIG_OPTIONS];
	CHECK(e != NULL && e->next == NULL);
	CHECK_STR(e->name, "a_b");
	CHECK_STR(e->value, "x=y  z=\\");
	CHECK_EQ(e->line, 2); /* the last of those joined, as kmod counts */
	e = r.config.first[CONFIG_ALIAS];
	CHECK(e != NULL);
	CHECK_STR(e->name, "c_d");
	CHECK_STR(e->value, "e_f");
	CHECK_EQ(e->line, 3);
	arena_free(&r.arena);
}

TEST(config, soft_dependencies_have_two_lists)
{
	const struct config_entry *e;
	struct rig r;

	rig_init(&r);
	CHECK_EQ(parse(&r, "softdep m x pre: a b-c pre: d post: e\n"), 0);
	e = config_match(&r.config, CONFIG_SOFTDEP, "m");
	CHECK(e != NULL);
	CHECK_EQ(e->pre.n, 3);
	CHECK_STR(e->pre.names[1], "b-c");
	CHECK_STR(e->pre.names[2], "d");
	CHECK_EQ(e->post.n, 1);
	CHECK_STR(e->post.names[0], "e");
	arena_free(&r.arena);
}

TEST(config, the_first_pattern_that_matches_counts)
{
	struct rig r;

	rig_init(&r);
	CHECK_EQ(
	    parse(&r, "install a* one\ninstall ab two\nblacklist b*\n"), 0);
	CHECK_STR(config_match(&r.config, CONFIG_INSTALL, "ab")->value, "one");
	CHECK(config_match(&r.config, CONFIG_INSTALL, "b") == NULL);
	CHECK(!config_is_blacklisted(&r.config, "bc"));
	CHECK(config_is_blacklisted(&r.config, "b*"));
	arena_free(&r.arena);
}

TEST(config, the_kernels_command_line_gives_options)
{
	const struct config_entry *e;
	struct rig r;

	rig_init(&r);
	CHECK_EQ(
	    config_parse_cmdline(&r.config,
		"quiet a-b.c=\"d e\" modprobe.blacklist=x,y z.q \"o.p=1 2\"",
		&r.report),
	    0);
	e = r.config.first[CONFIG_OPTIONS];
	CHECK_STR(e->name, "a_b");
	CHECK_STR(e->value, "c=\"d e\"");
	CHECK_STR(e->next->value, "q");
	CHECK_STR(e->next->next->value, "p=\"1 2\"");
	CHECK(config_is_blacklisted(&r.config, "y"));
	arena_free(&r.arena);
}

TEST(names, dashes_become_underscores_outside_of_brackets)
{
	char out[MODNAME_MAX];

	CHECK(alias_normalize("a-b[c-d]-e", out));
	CHECK_STR(out, "a_b[c-d]_e");
	CHECK(!alias_normalize("a[b", out));
	CHECK(!alias_normalize("a]b", out));
	CHECK(modname_of_path("/x-y/a-b.c.ko.xz", out));
	CHECK_STR(out, "a_b");
	CHECK(!modname_of_path("/x/.ko", out));
}

TEST(names, one_that_is_too_long_is_refused)
{
	char name[MODNAME_MAX + 1], out[MODNAME_MAX];

	memset(name, 'a', sizeof(name));
	name[MODNAME_MAX] = '\0';
	CHECK(!alias_normalize(name, out));
	CHECK(!modname_of_path(name, out));
	name[MODNAME_MAX - 1] = '\0';
	CHECK(alias_normalize(name, out));
	CHECK(modname_of_path(name, out));
	CHECK_STR(out, name);
	memset(name, '[', 1);
	name[MODNAME_MAX - 1] = ']';
	name[MODNAME_MAX] = '\0';
	CHECK(!alias_normalize(name, out));
}

TEST(args, words_of_the_environment_come_first)
{
	char first[] = "modprobe", last[] = "guest";
	char *words[] = { first, last, NULL };
	struct args args = { 2, words };
	struct arena arena = { 0 };

	CHECK(args_prepend(&args, &arena, " -q 'a b'c \"d'  e'f "));
	CHECK_EQ(args.n, 5);
	CHECK_STR(args.words[0], "modprobe");
	CHECK_STR(args.words[1], "-q");
	CHECK_STR(args.words[2], "a bc");
	CHECK_STR(args.words[3], "\"d  ef");
	CHECK_STR(args.words[4], "guest");
	CHECK(args.words[5] == NULL);
	arena_free(&arena);
}

TEST(args, options_replace_their_place_in_a_command)
{
	struct arena arena = { 0 };

	CHECK_STR(
	    args_replace(&arena, "a $X b $X", "$X", "1 2"), "a 1 2 b 1 2");
	CHECK_STR(args_replace(&arena, "none", "$X", "1"), "none");
	arena_free(&arena);
}
