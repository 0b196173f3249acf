# SPDX-License-Identifier: MIT
MODULE := user
SOURCES := user.c
USES := provider
