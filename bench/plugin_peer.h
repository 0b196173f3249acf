/* SPDX-License-Identifier: MIT */
/*
 * The printed code of plugins, as something to compare with: a mutex around a
 * list and a count.
 */
#pragma once

struct plugin;

struct plugin *printed_load(const char *path);
int printed_get(struct plugin *p);
void printed_put(struct plugin *p);
int printed_unload(struct plugin *p);
