# SPDX-License-Identifier: MIT
MODULE := gpl_user
SOURCES := gpl_user.c
USES := provider
# modpost would refuse it, too.
MODPOST_FLAGS := --quiet
