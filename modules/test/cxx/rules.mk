# SPDX-License-Identifier: MIT
MODULE := cxx
SOURCES := cxx.cpp
MODULE_CFLAGS := -fno-rtti
