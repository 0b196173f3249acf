# SPDX-License-Identifier: MIT
kind := host
deps := base core/gate core/mod core/slot host lib tools/host
# Every allocation can fail: test/texts.c and the memory of host/worker's tests.
test_uses := host/worker/test/memory.c
test_cflags := -iquote host/worker/test
test_ldflags := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
	-Wl,--wrap=strdup,--wrap=asprintf,--wrap=vasprintf
