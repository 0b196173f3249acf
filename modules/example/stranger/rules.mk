# SPDX-License-Identifier: MIT
MODULE := stranger
SOURCES := stranger.c
USES := greeter
# modpost would refuse it, too.
MODPOST_FLAGS := --quiet
