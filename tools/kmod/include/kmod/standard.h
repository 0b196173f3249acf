/* SPDX-License-Identifier: MIT */
/*
 * The three standard descriptors, before anything else is opened.
 */
#pragma once

/*
 * Where a descriptor of 0 to 2 is closed, opens one that reads nothing and
 * takes nothing: else the next file or socket would get its number, and with
 * it what is meant for people. A write to it fails as to a closed one. Called
 * first in main.
 */
void standard_open(void);
