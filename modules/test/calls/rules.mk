# SPDX-License-Identifier: MIT
MODULE := calls
SOURCES := calls.c
USES := callee
