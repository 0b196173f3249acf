/* SPDX-License-Identifier: MIT */
/* Texts of others, on their way to a terminal or a log. */
#pragma once

#include <stddef.h>

/*
 * Bytes of the character in UTF-8 (RFC 3629) that @text begins with; 0: it has
 * none, or a control character, of ASCII or of ISO 6429's U+0080 to U+009F.
 */
size_t utf8_printable(const char *text);
