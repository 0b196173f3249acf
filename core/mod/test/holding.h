/* SPDX-License-Identifier: MIT */
/*
 * A world with a module that is held, the base, and one that holds it in every
 * way there is, modules/test/keeper.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "files.h"
#include "world.h"

struct holding {
	struct world w;
	struct author base_file;
	struct file_path keeper_file;
	struct tn_module *base, *keeper;
	struct tn_export *exports;
	char log[256]; /* the last line */
};
extern struct holding holding;

/* Opens the world and loads the base; closes it, all unloaded. */
bool holding_open(void);
void holding_close(void);
/* The base again, after it was unloaded. */
bool holding_load_base(void);
int holding_load_keeper(const char *params);

#define HOLDING_OPEN()                                                         \
	do {                                                                   \
		CHECK(holding_open());                                         \
		if (!file_of_module(                                           \
			&holding.keeper_file, isa_here()->name, "keeper")) {   \
			CHECK_EQ(world_unload(&holding.w, holding.base), 0);   \
			holding_close();                                       \
			SKIP("module files are not built");                    \
		}                                                              \
	} while (0)

/* Calls the keeper's function @name on the base. */
uint64_t holding_call(const char *name);
#define TAKE()      EXPECT((holding_call("keeper_take") & 1) != 0)
#define GIVE()      (void)holding_call("keeper_give")
#define TAKE_BARE() EXPECT((holding_call("keeper_take_bare") & 1) != 0)
#define GIVE_BARE() (void)holding_call("keeper_give_bare")

uint32_t holding_refs(struct tn_module *mod);
/* Is an unload of the base refused, in words that begin so? */
bool holding_refused(const char *start);
bool holding_lies_in(const struct tn_module *mod, const void *site);
/* "type: text; " of each entry but exports, until the next call. */
const char *holding_ledger(struct tn_module *mod);
