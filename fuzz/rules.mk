# SPDX-License-Identifier: MIT
# Each program holds one LLVMFuzzerTestOneInput; kit.c belongs to all of them.
kind := host
configs := fuzz
deps := base core/elf core/reloc api core/gate core/mod core/slot host lib tools/host tools/hostd tools/sign tools/kmod tools
programs := depfile elf index link load modinfo modprobed modscan params protocol signature slot symbols trie unpack
cflags := -iquote core/mod -iquote host -iquote tools -iquote tools/kmod
ldflags := -fsanitize=fuzzer
