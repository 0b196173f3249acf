/* SPDX-License-Identifier: MIT */
/*
 * The example plugin of the document that the interface comes from, as it was
 * printed.
 */
#include <stdio.h>
#include <tenon/plugin.h>

/* clang-format off */
static int my_init(void) {
    printf("My plugin initializing\n");
    return 0;
}

static void my_exit(void) {
    printf("My plugin exiting\n");
}

static int my_process(void *data) {
    printf("Processing: %s\n", (char *)data);
    return 0;
}

struct plugin_ops plugin_ops = {
    .name = "my_plugin",
    .init = my_init,
    .exit = my_exit,
    .process = my_process,
};
/* clang-format on */
