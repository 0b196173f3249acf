/* SPDX-License-Identifier: MIT */
/*
 * Registers at a fault, as trap.S stores them and trap.c reads them.
 */
#pragma once

#define FRAME_X      0 /* x0 to x31; the place of x0 is not used */
#define FRAME_PC     256
#define FRAME_STATUS 264
#define FRAME_CAUSE  272
#define FRAME_VALUE  280
#define FRAME_SIZE   288
