/* SPDX-License-Identifier: MIT */
/*
 * Every system call behind image memory fails once at every position; and the
 * system forbids what the better modes need.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <host/port.h>
#include <host/process.h>
#include <tenon/err.h>
#include <test/emulated.h>
#include <test/sandbox.h>
#include <test/sanitized.h>

#include "arena.h"
#include "kit.h"

/* One life of an image; the error of the step that fails, or 0. */
static int one_life(struct host_arena *a)
{
	struct tn_image img = kit_image(300000, 200, 100);
	int err;

	kit_part(&img, TN_RO_AFTER_INIT, 50);
	kit_part(&img, TN_INIT_TEXT, 70);
	err = kit_load(a, &img, 2);
	if (err)
		return err;
	err = arena_image_finish(a, &img);
	if (kit_call(img.part[0].addr) != 2)
		err = 1;
	arena_image_free(a, &img);
	return err;
}

/* Fails call number @n of an arena's life. True when there was no such. */
static bool fails_at(enum arena_mode mode, unsigned flags, unsigned long long n)
{
	const struct arena_config config = {
		.mode = mode,
		.flags = flags,
		.keep_warm = 1,
		.span = 16u << 20,
		.chunk = 128u << 10,
	};
	struct host_arena *a;
	bool reached;
	int err;

	if (!EXPECT(arena_create(&config, &a) == 0))
		return true;
	EXPECT(one_life(a) == 0);
	a->count.fail_at = a->count.calls + n;
	err = one_life(a);
	EXPECT(err == 0 || err == -TN_ENOMEM);
	EXPECT(kit_stats(a).live == 0);
	(void)one_life(a); /* the call may be one of the next life */
	reached = a->count.calls >= a->count.fail_at;
	a->count.fail_at = 0;
	EXPECT(one_life(a) == 0);
	EXPECT(!kit_any_wx());
	arena_destroy(a);
	return !reached;
}

TEST(failure, of_any_system_call_leaves_nothing_behind)
{
	static const unsigned flags[] = { 0, ARENA_STRICT, ARENA_NO_MEMBARRIER,
		ARENA_KEEPS_FETCHED };
	unsigned long long n;

	for (int f = 0; f < 4; f++) {
		for (int m = ARENA_AUTO; m <= ARENA_FLIP; m++) {
			for (n = 1; n < 1000; n++) {
				if (fails_at((enum arena_mode)m, flags[f], n))
					break;
				CHECK(!test_failed());
			}
			CHECK(n > 5 && n < 1000);
		}
	}
}

static int without_memfd(void)
{
	struct host_arena *a;
	int err;

	if (!sandbox_forbid(SYS_memfd_create))
		return SANDBOX_NONE;
	if (kit_arena(ARENA_DUAL, 0))
		return 1;
	a = kit_arena(ARENA_AUTO, 0);
	if (!a || arena_mode(a) != ARENA_FLIP)
		return 2;
	err = one_life(a);
	arena_destroy(a);
	return err ? 3 : 0;
}

static int without_membarrier(void)
{
	struct host_arena *a = kit_arena(ARENA_AUTO, 0);
	int err = 0;

	/* Forbidden while an arena is in use, and for one made later. */
	if (!sandbox_forbid(SYS_membarrier))
		return SANDBOX_NONE;
	for (int i = 0; i < 5; i++)
		err |= one_life(a);
	if (err || arena_reuses_text(a) || process_barrier(BARRIER_MEMORY))
		return 1;
	arena_destroy(a);
	a = kit_arena(ARENA_AUTO, 0);
	if (!a || arena_reuses_text(a))
		return 2;
	for (int i = 0; i < 5; i++)
		err |= one_life(a);
	arena_destroy(a);
	return err ? 3 : 0;
}

/*
 * The barrier that reused text needs is forbidden when that text has been freed
 * for reuse already: one load fails, those after it use fresh memory.
 */
static int without_the_second_barrier(void)
{
	const struct arena_config config = { .mode = ARENA_DUAL,
		.flags = ARENA_KEEPS_FETCHED,
		.quarantine = 1 };
	struct tn_image keep = kit_image(64, 0, 0);
	struct tn_image img = kit_image(4096, 0, 0);
	struct host_arena *a;
	uint64_t first;

	if (arena_create(&config, &a) != 0 || !arena_reuses_text(a))
		return SANDBOX_NONE;
	if (kit_load(a, &keep, 1) != 0 || kit_load(a, &img, 1) != 0)
		return 1;
	first = img.part[0].addr;
	arena_image_free(a, &img);
	if (!sandbox_forbid(SYS_membarrier))
		return SANDBOX_NONE;
	if (kit_load(a, &img, 2) != -TN_EAGAIN || arena_reuses_text(a))
		return 2;
	for (int i = 0; i < 5; i++) {
		if (kit_load(a, &img, 2) != 0 || img.part[0].addr == first ||
		    kit_call(img.part[0].addr) != 2)
			return 3;
		arena_image_free(a, &img);
	}
	arena_image_free(a, &keep);
	if (kit_stats(a).live || kit_stats(a).held)
		return 4;
	arena_destroy(a);
	return 0;
}

/*
 * Lets this process map @more bytes than it has mapped; false where that is
 * not to be had, or is not kept, as by emulators.
 */
static bool limit_address_space(size_t more)
{
	FILE *f = fopen("/proc/self/statm", "r");
	struct rlimit limit;
	unsigned long pages;

	if (!f || fscanf(f, "%lu", &pages) != 1)
		return false;
	fclose(f);
	if (getrlimit(RLIMIT_AS, &limit) != 0)
		return false;
	limit.rlim_cur = pages * mem_page_size() + more;
	return setrlimit(RLIMIT_AS, &limit) == 0 && !kit_can_map(2 * more);
}

/*
 * From little more than the least reservation to more than the usual one:
 * where a reservation fits and its second views do not, a smaller one is made.
 */
static int with_little_address_space(void)
{
	const size_t most = (size_t)1100 << 20;
	const struct arena_config config = { .mode = ARENA_DUAL };
	struct host_arena *a;

	for (size_t more = 20u << 20; more < most; more += 1u << 20) {
		if (!limit_address_space(more))
			return SANDBOX_NONE;
		if (arena_create(&config, &a) != 0)
			return 1;
		if (one_life(a) != 0)
			return 2;
		arena_destroy(a);
	}
	return 0;
}

TEST(failure, little_address_space_is_enough)
{
	CHECK_IN_CHILD(with_little_address_space);
}

/* Is an image refused for want of its size or more, in words with @hint? */
static int is_short_of(enum arena_mode mode, const char *hint)
{
	const struct arena_config config = { .mode = mode };
	const size_t size = 8u << 20;
	struct tn_image img = kit_image(size, 0, 0);
	char text[SHORTAGE_TEXT_MAX];
	struct host_arena *a;
	struct shortage lack;

	if (arena_create(&config, &a) != 0)
		return SANDBOX_NONE;
	if (image_place(a, &img, &lack) != -TN_ENOMEM || lack.size < size)
		return 1;
	shortage_text(&lack, text);
	if (strstr(text, " KiB of memory for modules cannot be had: ") ==
		NULL ||
	    strstr(text, hint) == NULL)
		return 2;
	arena_destroy(a);
	return 0;
}

static int without_address_space(void)
{
	if (!limit_address_space(4u << 20))
		return SANDBOX_NONE;
	return is_short_of(ARENA_AUTO, "; raise `ulimit -v` (it is ");
}

static bool limit_to(int what, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(what, &limit) != 0)
		return false;
	limit.rlim_cur = most;
	return setrlimit(what, &limit) == 0;
}

/* A file that is larger than its limit would be the end by SIGXFSZ. */
static int without_large_files(void)
{
	struct host_arena *a;

	if (!limit_to(RLIMIT_FSIZE, 1u << 20))
		return SANDBOX_NONE;
	if (arena_create(&(struct arena_config){ .mode = ARENA_DUAL }, &a) !=
	    -TN_ENOMEM)
		return 10;
	if (!limit_to(RLIMIT_FSIZE, 4u << 20))
		return SANDBOX_NONE;
	return is_short_of(ARENA_DUAL, "; raise `ulimit -f` (it is 4096)");
}

/* What is locked counts from the moment it is mapped, with or without memory. */
static int with_memory_locked(void)
{
	/* An emulator's own memory is locked as well. */
	if (test_is_emulated() || (geteuid() == 0 && setuid(65534) != 0))
		return SANDBOX_NONE;
	if (!limit_to(RLIMIT_MEMLOCK, 8u << 20) || mlockall(MCL_FUTURE) != 0 ||
	    kit_can_map(64u << 20))
		return SANDBOX_NONE;
	return is_short_of(ARENA_AUTO, "; raise `ulimit -l` (it is 8192)");
}

TEST(failure, a_limit_that_is_in_the_way_is_named)
{
	struct shortage none = { 0 };
	char text[SHORTAGE_TEXT_MAX];

	shortage_text(&none, text);
	CHECK_STR(text, "");
	CHECK_IN_CHILD(without_address_space);
	CHECK_IN_CHILD(without_large_files);
}

/* Objects of the engine and files are of the same memory. */
static int with_a_port_that_has_no_memory(void)
{
	const char *hint = "memory for modules cannot be had: ";
	const int large = memfd_create("module", 0);
	const struct tn_port *port;
	struct host_port *p;
	struct tn_bytes bytes;
	char text[1000] = "";
	char path[40];
	int ends[2];

	if (host_port_create(&(struct host_port_config){ 0 }, &p) != 0 ||
	    pipe(ends) != 0 || ftruncate(large, 64 << 20) != 0 ||
	    !limit_address_space(4u << 20))
		return SANDBOX_NONE;
	(void)dup2(ends[1], STDERR_FILENO);
	port = host_port_table(p);
	if (port->alloc(port->ctx, 64u << 20) != NULL ||
	    read(ends[0], text, sizeof(text) - 1) <= 0)
		return 1;
	if (!strstr(text, "error: 65536 KiB of ") || !strstr(text, hint) ||
	    !strstr(text, "; raise `ulimit -v` (it is "))
		return 2;
	memset(text, 0, sizeof(text));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", large);
	if (port->read_file(port->ctx, path, &bytes) != -TN_ENOMEM ||
	    read(ends[0], text, sizeof(text) - 1) <= 0 || !strstr(text, hint))
		return 3;
	return 0;
}

TEST(failure, a_limit_is_named_for_all_memory_of_the_engine)
{
	if (TEST_SANITIZED)
		SKIP("the sanitizer ends a program without memory");
	CHECK_IN_CHILD(with_a_port_that_has_no_memory);
}

/* Of a part alone, and of all together. */
TEST(failure, an_image_beyond_what_addresses_reach_is_named)
{
	const size_t sizes[][2] = { { 3ull << 30, 1 },
		{ 1200u << 20, 1200u << 20 } };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct host_arena *a = kit_arena(ARENA_AUTO, 0);
		struct tn_image img = kit_image(1, sizes[i][0], sizes[i][1]);
		char text[SHORTAGE_TEXT_MAX];
		struct shortage lack;

		CHECK_EQ(image_place(a, &img, &lack), -TN_ENOMEM);
		shortage_text(&lack, text);
		CHECK(strstr(text, ": an image has less than 2 GiB"));
		CHECK(lack.size >= 2ull << 30);
		arena_destroy(a);
	}
}

TEST(failure, the_limit_of_locked_memory_is_named)
{
	CHECK_IN_CHILD(with_memory_locked);
}

/* With limit @what at @most while it is loaded, pages of an image are flipped. */
static int flipped_life(struct host_arena *a, int what, rlim_t most)
{
	struct tn_image img = kit_image(5u << 20, 200, 100);
	struct rlimit before;
	int err;

	if (getrlimit(what, &before) != 0 || !limit_to(what, most))
		return SANDBOX_NONE;
	err = kit_load(a, &img, 1);
	if (!limit_to(what, before.rlim_cur))
		return SANDBOX_NONE;
	if (err || kit_call(img.part[0].addr) != 1 || kit_any_wx() ||
	    kit_prot(img.part[0].addr) != (KIT_R | KIT_X) ||
	    kit_prot(img.part[1].addr) != KIT_R)
		return 1;
	arena_image_free(a, &img);
	return kit_stats(a).live == 0 ? 0 : 2;
}

static int with_files_limited_before(void)
{
	struct host_arena *a = kit_arena(ARENA_AUTO, 0);
	int err;

	if (!a || !limit_to(RLIMIT_FSIZE, 1u << 20))
		return SANDBOX_NONE;
	if (arena_mode(a) != ARENA_FLIP || one_life(a) != 0)
		return 3;
	err = flipped_life(a, RLIMIT_FSIZE, 1u << 20);
	arena_destroy(a);
	return err;
}

/* Once dual mode is in use, which it stays. */
static int with_files_limited_after(int what, rlim_t most)
{
	struct host_arena *a = kit_arena(ARENA_AUTO, 0);
	int err = 0;

	if (!a || arena_mode(a) != ARENA_DUAL)
		return SANDBOX_NONE;
	for (int i = 0; i < 3 && !err; i++) {
		if (one_life(a) != 0)
			return 3;
		err = flipped_life(a, what, most);
	}
	arena_destroy(a);
	return err;
}

static int with_files_made_small(void)
{
	return with_files_limited_after(RLIMIT_FSIZE, 4u << 20);
}

static int without_descriptors(void)
{
	return with_files_limited_after(RLIMIT_NOFILE, 0);
}

TEST(failure, without_room_for_a_second_view_pages_are_flipped)
{
	CHECK_IN_CHILD(with_files_limited_before);
	CHECK_IN_CHILD(with_files_made_small);
	CHECK_IN_CHILD(without_descriptors);
}

/* Neither for a reservation nor for a file. */
static int without_any_room(void)
{
	struct arena_config config = { .mode = ARENA_DUAL };
	struct host_arena *a;

	if (!limit_address_space(4u << 20) || !limit_to(RLIMIT_NOFILE, 0))
		return SANDBOX_NONE;
	if (arena_create(&config, &a) != -TN_ENOMEM)
		return 1;
	for (size_t size = 4u << 20; size >= mem_page_size(); size /= 2) {
		while (mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0) != MAP_FAILED)
			;
	}
	config.mode = ARENA_FLIP;
	return arena_create(&config, &a) == -TN_ENOMEM ? 0 : 2;
}

static pthread_barrier_t forbidden;

#define TRIES 2000

/* Returns @arg if no page became executable, as often as it was tried. */
static void *seal_in_vain(void *arg)
{
	struct host_arena *a = arg;
	unsigned refused = 0;

	pthread_barrier_wait(&forbidden);
	for (int i = 0; i < TRIES; i++) {
		struct tn_image img = kit_image(100, 0, 0);

		refused += kit_load(a, &img, 1) == -TN_ENOMEM;
	}
	return refused == TRIES ? arg : NULL;
}

static int without_new_permissions(void)
{
	struct host_arena *a = kit_arena(ARENA_FLIP, 0);
	pthread_t thread[2];
	void *ok[2];

	if (!a || one_life(a) != 0)
		return 1;
	pthread_barrier_init(&forbidden, NULL, 3);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, seal_in_vain, a) != 0)
			return 2;
	if (!sandbox_forbid(SYS_mprotect))
		return SANDBOX_NONE;
	pthread_barrier_wait(&forbidden);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], &ok[i]);
	return ok[0] && ok[1] ? 0 : 3;
}

/* Seals need no lock, so they leave alone what is told of a placing. */
TEST(failure, of_seals_disturbs_no_image_that_is_placed)
{
	CHECK_IN_CHILD(without_new_permissions);
}

static int without_the_right(void)
{
	struct host_arena *a;

	if (!sandbox_forbid(SYS_memfd_create))
		return SANDBOX_NONE;
	return arena_create(&(struct arena_config){ .mode = ARENA_DUAL }, &a) ==
		       -TN_EOPNOTSUPP
		   ? 0
		   : 1;
}

TEST(failure, of_room_does_not_make_a_mode_unsupported)
{
	CHECK_IN_CHILD(without_any_room);
	CHECK_IN_CHILD(without_the_right);
}

TEST(failure, without_memfd_pages_are_flipped)
{
	CHECK_IN_CHILD(without_memfd);
}

TEST(failure, without_the_second_barrier_text_is_not_reused)
{
	CHECK_IN_CHILD(without_the_second_barrier);
}

TEST(failure, without_membarrier_text_is_remapped)
{
	CHECK_IN_CHILD(without_membarrier);
}
