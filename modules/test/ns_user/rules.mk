# SPDX-License-Identifier: MIT
MODULE := ns_user
SOURCES := ns_user.c
USES := provider
# modpost would refuse it, too.
MODPOST_FLAGS := --quiet
