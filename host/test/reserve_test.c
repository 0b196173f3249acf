/* SPDX-License-Identifier: MIT */
/*
 * Memory that stays: pieces of it are aligned, zeroed and nobody else's,
 * whichever thread asks and however many blocks that takes.
 */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <test/test.h>

#include "../reserve.h"

#define THREADS 4
#define PIECES  200 /* of a thread: some blocks in all */
#define SIZE    1000

struct taker {
	pthread_t thread;
	unsigned char *piece[PIECES];
	bool sound;
};

/* Marks each piece as its own, which none may have been. */
static void *take(void *arg)
{
	struct taker *t = arg;

	t->sound = true;
	for (int i = 0; i < PIECES; i++) {
		unsigned char *p = reserve_alloc(SIZE);

		t->piece[i] = p;
		if (p == NULL || (uintptr_t)p % 64 != 0) {
			t->sound = false;
			break;
		}
		for (int k = 0; k < SIZE; k++)
			t->sound = t->sound && p[k] == 0;
		memset(p, 1, SIZE);
	}
	return NULL;
}

TEST(reserve, gives_each_thread_pieces_of_its_own)
{
	static struct taker taker[THREADS];

	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(
		    pthread_create(&taker[i].thread, NULL, take, &taker[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(taker[i].thread, NULL);
		CHECK(taker[i].sound);
	}
	/* each piece is written by who has it alone */
	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < PIECES; k++)
			memset(taker[i].piece[k], 2 + i, SIZE);
	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < PIECES; k++)
			CHECK(taker[i].piece[k][0] == 2 + i &&
			      taker[i].piece[k][SIZE - 1] == 2 + i);
}
