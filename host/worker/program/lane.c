/* SPDX-License-Identifier: MIT */
/*
 * The worker's side of the lane: see wire.h.
 *
 * It waits actively for some rounds (struct wire_spin) and then parks. Who
 * parks says so and looks at the turn again, who posts changes the turn and
 * looks whether somebody has parked; both in sequentially consistent order, so
 * that one of them sees the other.
 */
#include "machine.h"
#include "program.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

static struct wire_lane *lane;
static char *text;
static uint32_t turn; /* the last one that was ours: odd */
static struct wire_spin spin;

void lane_open(struct wire_page *page)
{
	lane = &page->lane;
	text = (char *)page + WIRE_TEXT;
	turn = 1;
}

void lane_spin(uint32_t rounds)
{
	spin = (struct wire_spin){ .rounds = rounds, .most = rounds };
}

char *lane_text(void)
{
	return text;
}

void lane_post(const struct message *m)
{
	lane->kind = m->kind;
	lane->value = m->value;
	for (int i = 0; i < 4; i++)
		lane->arg[i] = m->arg[i];
	/* Pairs with the host's look at the turn. */
	__atomic_store_n(&lane->turn, turn + 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&lane->host_parked, __ATOMIC_SEQ_CST))
		(void)sys(SYS_FUTEX, (long)&lane->turn, FUTEX_WAKE, 1);
}

static bool is_mine(void)
{
	return __atomic_load_n(&lane->turn, __ATOMIC_SEQ_CST) == turn + 2;
}

static bool comes_soon(void)
{
	bool came = is_mine();

	for (uint32_t i = 0; i < spin.rounds && !came; i++) {
		machine_relax();
		came = is_mine();
	}
	wire_spin_learn(&spin, came);
	return came;
}

void lane_wait(struct message *m)
{
	if (!comes_soon()) {
		__atomic_store_n(&lane->worker_parked, 1, __ATOMIC_SEQ_CST);
		while (!is_mine())
			(void)sys(
			    SYS_FUTEX, (long)&lane->turn, FUTEX_WAIT, turn + 1);
		__atomic_store_n(&lane->worker_parked, 0, __ATOMIC_RELAXED);
	}
	turn += 2;
	m->kind = lane->kind;
	m->value = lane->value;
	for (int i = 0; i < 4; i++)
		m->arg[i] = lane->arg[i];
}

int64_t lane_ask(uint32_t kind, uint64_t value, uint64_t arg)
{
	struct message m = { .kind = kind, .value = value, .arg = { arg } };

	lane_post(&m);
	lane_wait(&m);
	return (int64_t)m.value;
}
