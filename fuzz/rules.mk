# SPDX-License-Identifier: MIT
# Each fuzz/NAME.c holds one LLVMFuzzerTestOneInput and is one program.
kind := host
configs := fuzz
deps := base core/elf core/reloc core/mod host
programs := $(basename $(notdir $(wildcard fuzz/*.c)))
ldflags := -fsanitize=fuzzer
