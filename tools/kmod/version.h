/* SPDX-License-Identifier: MIT */
/*
 * What --version of kmod's commands prints: scripts look for the first line.
 */
#pragma once

#define KMOD_VERSION                                                           \
	"kmod version 30\n"                                                    \
	"(Tenon: the options, files and output of kmod 30)\n"
