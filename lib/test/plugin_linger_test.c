/* SPDX-License-Identifier: MIT */
/*
 * Libraries that dlclose does not unmap: each kind is detected and named, and
 * can be loaded again, or is refused with the reason.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tenon/tenon.h>
#include <test/test.h>

#include "plugin_file.h"
#include "plugin_kit.h"

struct found {
	char path[PATH_MAX], reason[200];
	int n;
};

static int find(void *arg, const char *path, const char *reason)
{
	struct found *f = arg;

	if (f->n++ != 0)
		return 0; /* the newest comes first */
	snprintf(f->path, sizeof(f->path), "%s", path);
	snprintf(f->reason, sizeof(f->reason), "%s", reason);
	return 0;
}

static int count_lingering(struct found *f)
{
	f->n = 0;
	(void)plugin_lingering_each(find, f);
	return f->n;
}

static void load_and_unload(void *arg)
{
	struct plugin *p = plugin_load(arg);

	CHECK(p);
	CHECK_EQ(plugin_unload(p), 0);
}

/* Loads a copy at @path of the plugin @name; NULL: no such. */
static struct plugin *load_copy(
    const char *name, const char *path, struct tn_diag *d)
{
	const struct plugin_load_args args = { .size = sizeof(args),
		.path = path };
	char from[PATH_MAX];
	struct plugin *p = NULL;

	if (name)
		EXPECT(plugin_copy(plugin_path(name, from), path) == 0);
	return plugin_load_with(&args, &p, d) == 0 ? p : NULL;
}

TEST(linger, nodelete_is_named_and_can_be_loaded_again)
{
	char folder[PATH_MAX], path[PATH_MAX + 20];
	struct script s = { .inits = 0 };
	struct found found;
	const int before = count_lingering(&found);
	struct tn_diag d;
	struct plugin *p;

	if (!libc_unmaps())
		SKIP("this C library never unmaps");
	tn_diag_init(&d);
	plugin_script(&s);
	plugin_folder_make(folder);
	snprintf(path, sizeof(path), "%sstays.so", folder);
	p = load_copy("sticky", path, &d);
	CHECK(p);
	CHECK_EQ(d.nnotes, 0);
	CHECK_EQ(plugin_unload_with(p, NULL, &d), 0);
	CHECK_EQ(d.nnotes, 1);
	CHECK_STR(d.note, "it is linked with -z nodelete (DF_1_NODELETE)");
	CHECK_EQ(count_lingering(&found), before + 1);
	CHECK_STR(found.path, path);
	CHECK_STR(found.reason, d.note);
	CHECK(dlopen(path, RTLD_LAZY | RTLD_NOLOAD));

	/* The same file: again, with a note. */
	tn_diag_fini(&d);
	p = load_copy(NULL, path, &d);
	CHECK(p);
	CHECK_STR(d.note,
	    "stays: its data are as its last unload has left them: it is "
	    "linked with -z nodelete (DF_1_NODELETE)");
	CHECK_EQ(s.inits, 2);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(s.exits, 2);
	CHECK_EQ(count_lingering(&found), before + 1);
	plugin_script(NULL);
	plugin_folder_remove(folder);
}

/* @name in @folder was the plugin sticky, which stays; the file is gone. */
static bool leave_sticky(char *folder, const char *name, char *path)
{
	struct plugin *p;

	plugin_folder_make(folder);
	snprintf(path, PATH_MAX + 20, "%s%s", folder, name);
	p = load_copy("sticky", path, NULL);
	return p && plugin_kit_unload(p) == 0 && unlink(path) == 0;
}

TEST(linger, a_new_file_is_refused_while_the_old_one_stays)
{
	char folder[PATH_MAX], path[PATH_MAX + 20];
	struct tn_diag d;

	if (!libc_unmaps())
		SKIP("this C library never unmaps");
	tn_diag_init(&d);
	CHECK(leave_sticky(folder, "replaced.so", path));
	CHECK(!load_copy("bare", path, &d));
	CHECK_EQ(d.error, -TN_EBUSY);
	CHECK_EQ(d.reason, TN_REASON_LINGERS);
	CHECK_STR(plugin_said(&d),
	    "replaced: an earlier build of it is still in the process: it is "
	    "linked with -z nodelete (DF_1_NODELETE)");
	plugin_folder_remove(folder);
}

/* Another build: the plugin sticky, but for the last bytes of its constants. */
static bool write_other_sticky(const char *path)
{
	static char bytes[1 << 20];
	char from[PATH_MAX];
	FILE *f = fopen(plugin_path("sticky", from), "r");
	const size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	size_t at = 0;
	bool ok;

	if (f)
		fclose(f);
	while (at + 4 < n && memcmp(bytes + at, "Omga", 4) != 0)
		at++;
	bytes[at] = 'o';
	f = fopen(path, "w");
	ok = f && at + 4 < n && fwrite(bytes, 1, n, f) == n;
	return f && fclose(f) == 0 && ok;
}

TEST(linger, a_new_file_is_told_from_the_old_one_by_its_last_byte)
{
	char folder[PATH_MAX], path[PATH_MAX + 20];
	struct tn_diag d;

	if (!libc_unmaps())
		SKIP("this C library never unmaps");
	tn_diag_init(&d);
	CHECK(leave_sticky(folder, "rebuilt.so", path));
	CHECK(write_other_sticky(path));
	CHECK(!load_copy(NULL, path, &d));
	CHECK_EQ(d.reason, TN_REASON_LINGERS);
	tn_diag_fini(&d);
	plugin_folder_remove(folder);
}

TEST(linger, unique_symbols_are_named)
{
	char path[PATH_MAX];
	const char *said;
	int result;
	struct tn_diag d;
	struct plugin *p;

	if (!libc_unmaps())
		SKIP("this C library never unmaps");
	tn_diag_init(&d);
	p = plugin_kit_load(NULL, "unique", NULL);
	CHECK(p);
	CHECK_EQ(plugin_process(p, NULL, &result), 0);
	CHECK_EQ(result, 7);
	CHECK_EQ(plugin_unload_with(p, NULL, &d), 0);
	CHECK(strstr(d.note, "'unique_counter' is unique in the process"));
	said = plugin_printed(load_and_unload, plugin_path("unique", path));
	CHECK(strstr(said, "Plugin unique: its data are as its last unload"));
	CHECK(strstr(said, "Plugin unloaded\n"));
	CHECK(strstr(said, "Plugin unique stays in the process: its symbol "
			   "'unique_counter' is unique"));
}

static void *leave_destructor(void *arg)
{
	int result = 0;

	EXPECT(plugin_process(arg, NULL, &result) == 0);
	return (void *)(intptr_t)result;
}

/* The thread that has used it lives while it is unloaded, and then ends. */
TEST(linger, thread_destructors_keep_it_until_the_thread_has_ended)
{
	struct found found;
	const int before = count_lingering(&found);
	struct plugin *p;
	struct tn_diag d;
	pthread_t thread;
	void *left;

	if (!libc_unmaps())
		SKIP("this C library never unmaps");
	tn_diag_init(&d);
	p = plugin_kit_load(NULL, "threaded", NULL);
	CHECK(p);
	/* In this thread, which goes on. */
	CHECK_EQ((intptr_t)leave_destructor(p), 1);
	CHECK_EQ(plugin_unload_with(p, NULL, &d), 0);
	CHECK(strstr(d.note, "destructors of its thread-local objects"));
	CHECK_EQ(count_lingering(&found), before + 1);
	tn_diag_fini(&d);
	/* Another thread's have run at its end: nothing more stays. */
	p = plugin_kit_load(NULL, "threaded", &d);
	CHECK(p && d.nnotes == 1);
	CHECK_EQ(pthread_create(&thread, NULL, leave_destructor, p), 0);
	CHECK_EQ(pthread_join(thread, &left), 0);
	CHECK_EQ((intptr_t)left, 1);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(count_lingering(&found), before + 1);
}

/* What the program had opened itself stays because of that; nothing lingers. */
TEST(linger, a_library_of_the_program_is_no_leak)
{
	char path[PATH_MAX];
	void *mine = dlopen(plugin_path("my_plugin", path), RTLD_NOW);
	struct found found;
	const int before = count_lingering(&found);
	struct plugin *p;
	struct tn_diag d;

	tn_diag_init(&d);
	CHECK(mine);
	p = load_copy(NULL, path, &d);
	CHECK(p && d.nnotes == 0);
	CHECK_EQ(p->handle, mine);
	CHECK_EQ(plugin_kit_unload(p), 0);
	CHECK_EQ(count_lingering(&found), before);
	CHECK(dlsym(mine, "plugin_ops"));
	dlclose(mine);
}

/* Somebody opens it while it is a plugin, and keeps it. */
TEST(linger, what_others_have_opened_is_told)
{
	char folder[PATH_MAX], path[PATH_MAX + 20];
	struct tn_diag d;
	struct plugin *p;
	void *theirs;

	if (!libc_unmaps())
		SKIP("this C library never unmaps");
	tn_diag_init(&d);
	plugin_folder_make(folder);
	snprintf(path, sizeof(path), "%sshared.so", folder);
	p = load_copy("bare", path, NULL);
	theirs = dlopen(path, RTLD_NOW);
	CHECK(p && theirs);
	CHECK_EQ(plugin_unload_with(p, NULL, &d), 0);
	CHECK(strstr(d.note, "something else in the process has it open"));
	dlclose(theirs);
	tn_diag_fini(&d);
	/* Gone now, so a new build of it is read. */
	CHECK_EQ(unlink(path), 0);
	p = load_copy("actor", path, &d);
	CHECK(p);
	CHECK_STR(p->ops->name, "actor");
	CHECK_EQ(plugin_kit_unload(p), 0);
	plugin_folder_remove(folder);
}
