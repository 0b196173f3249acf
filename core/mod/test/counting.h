/* SPDX-License-Identifier: MIT */
/*
 * An interface that counts, for tests of interfaces: the world provides it, or
 * a module whose init does, under any name.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tenon/interfaces.h>

#include "world.h"

/* The instance is an int, the count. */
struct count_ops {
	struct tn_ops_head head;
	int (*add)(void *instance, int n);
	int (*missing)(void *instance, int n);
	int (*cookie)(void *instance, void *cookie); /* adds an int */
};

#define CALL(iface, n) tn_call(iface, const struct count_ops, add, n)

/* What is provided, version 1.2, and what the test wants of it. */
struct tn_interface_desc counting_desc(const char *name, int *instance);
struct tn_interface_want counting_want(const char *name);

/* Calls operation @op by its number; the engine's error or its own. */
int counting_fire(struct tn_interface *iface, unsigned op, void *cookie);

/* A world in which modules can provide, and one that does so in its init. */
bool counting_open(struct world *w);
int counting_load(struct world *w, const char *name,
    struct tn_interface_desc desc, struct tn_module **mod);
/* The next such init fails after it has provided. */
void counting_fail_init(int result);
