/* SPDX-License-Identifier: MIT */
/*
 * What tone.so does for other filters.
 */
#pragma once

#include <stdint.h>

/* How light a pixel of red, green and blue looks: Rec. 601, in 1/256. */
uint8_t tone_of(const uint8_t *rgb);
