# SPDX-License-Identifier: MIT
MODULE := cxx
SOURCES := cxx.cpp
