/* SPDX-License-Identifier: MIT */
/*
 * Registers at a fault, as trap.S stores them and trap.c reads them.
 */
#pragma once

#define FRAME_X    0 /* x0 to x30 */
#define FRAME_SP   248
#define FRAME_PC   256
#define FRAME_SPSR 264
#define FRAME_ESR  272
#define FRAME_FAR  280
#define FRAME_SIZE 288
