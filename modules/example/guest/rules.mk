# SPDX-License-Identifier: MIT
MODULE := guest
SOURCES := guest.c
USES := greeter
