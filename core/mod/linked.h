/* SPDX-License-Identifier: MIT */
/*
 * A load as <tenon/link.h> shows it: one that was made offline, or one that is
 * in progress.
 */
#pragma once

#include <tenon/link.h>

#include "load.h"

struct tn_linked {
	struct tn_load *load;
};
