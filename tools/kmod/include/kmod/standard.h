/* SPDX-License-Identifier: MIT */
/*
 * What a program takes for granted, whoever has started it.
 */
#pragma once

/*
 * Where a descriptor of 0 to 2 is closed, opens one that reads nothing and
 * takes nothing: else the next file or socket would get its number, and with
 * it what is meant for people. A write to it fails as to a closed one.
 *
 * A SIGCHLD that is ignored no longer is: children could not be waited for.
 *
 * Called first in main, before anything else is opened.
 */
void standard_open(void);
