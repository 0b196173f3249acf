/* SPDX-License-Identifier: MIT */
/*
 * A module host as a back end of kmod's commands.
 */
#pragma once

#include <kmod/backend.h>

extern const struct backend_ops host_backend;
