/* SPDX-License-Identifier: MIT */
/*
 * The main() of the document that the interface comes from, as it was printed.
 */
#include <tenon/plugin.h>

/* clang-format off */
int main(void)
{
    /* Load plugin */
    struct plugin *p = plugin_load("./my_plugin.so");
    if (!p) return 1;
    
    /* Use plugin */
    if (plugin_get(p)) {
        p->ops->process("Hello, plugin!");
        plugin_put(p);
    }
    
    /* Unload plugin */
    plugin_unload(p);
    
    return 0;
}
/* clang-format on */
