/* SPDX-License-Identifier: MIT */
/*
 * The declarations of the code as it was printed: see printed.c.
 */
#pragma once

#include <pthread.h>

/* clang-format off */
/* Plugin interface */
struct plugin_ops {
    const char *name;
    int (*init)(void);
    void (*exit)(void);
    int (*process)(void *data);
};

/* Loaded plugin */
struct plugin {
    char *path;
    void *handle;           /* dlopen handle */
    struct plugin_ops *ops;
    int refcount;
    struct plugin *next;
};

/* Plugin registry */
struct plugin_registry {
    struct plugin *plugins;
    pthread_mutex_t lock;
};

struct plugin *plugin_load(const char *path);
int plugin_get(struct plugin *p);
void plugin_put(struct plugin *p);
int plugin_unload(struct plugin *p);
/* clang-format on */
