/* SPDX-License-Identifier: MIT */
/*
 * Telling listeners and debuggers what happens to modules. No lock.
 */
#pragma once

#include <tenon/inspect.h>

struct tn_load;
struct tn_system;

void event_tell(
    struct tn_system *sys, enum tn_event event, struct tn_module *mod);

/* TN_EVENT_LOADED, with the file. */
void event_loaded(struct tn_load *l);
