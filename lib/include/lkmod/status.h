/* SPDX-License-Identifier: MIT */
/*
 * The results of GaiaModuleManager: the numbers and names of the LK kernel, for
 * which it was designed, so that code for both compares with the same names.
 */
#pragma once

typedef int status_t;

#ifndef NO_ERROR
#define NO_ERROR           (0)
#define ERR_GENERIC        (-1)
#define ERR_NOT_FOUND      (-2)
#define ERR_NO_MEMORY      (-5)
#define ERR_NOT_VALID      (-7)
#define ERR_INVALID_ARGS   (-8)
#define ERR_TIMED_OUT      (-13)
#define ERR_ALREADY_EXISTS (-14)
#define ERR_NOT_ALLOWED    (-17)
#define ERR_IO             (-20)
#define ERR_NOT_SUPPORTED  (-24)
#define ERR_TOO_BIG        (-25)
#define ERR_CANCELLED      (-26)
#define ERR_BAD_STATE      (-31)
#define ERR_BUSY           (-33)
#define ERR_OUT_OF_RANGE   (-37)
#define ERR_FAULT          (-40)
#define ERR_BAD_HANDLE     (-42)
#define ERR_ACCESS_DENIED  (-43)
#endif
