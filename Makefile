# SPDX-License-Identifier: MIT
#
# The one build of Tenon: a single make process reads one small rules.mk per
# component and instantiates it for every configuration in configs/.  Output
# goes to build/CONFIG/{obj,lib,bin}; nothing is written beside a source.
#
#   mk/layers.mk     which component stands on which layer; arrows go down
#   mk/flags.mk      warnings and language flags
#   mk/library.mk    how libtenon is linked, shared and static
#   mk/component.mk  the templates: objects, test programs, configurations
#   mk/plugins.mk    shared objects that tests load as plugins
#   mk/check.mk      `make check` and its parts
#   mk/verbs.mk      test, run, bench, corpus, fuzz, size, help
#   mk/install.mk    install and uninstall
#
# Nothing here may run a compiler while make parses: on a fresh machine the
# packages arrive by the first recipe (`setup`).

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

SHELL := /bin/sh
B := build
HOST_ARCH := $(shell uname -m)
V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-8s %s\n' '$1' '$2')

# Every recipe that runs a tool waits for this: the packages are there.
SETUP := $(B)/.setup
$(SETUP): mk/packages.txt scripts/setup.sh
	@sh scripts/setup.sh mk/packages.txt
	@mkdir -p $(@D) && touch $@

include mk/layers.mk
include mk/flags.mk
include mk/library.mk
include mk/component.mk
include mk/plugins.mk
MODULES := $(wildcard modules/*/*)
-include mk/modules-tree.mk
include mk/verbs.mk
include mk/check.mk
include mk/install.mk
