/* SPDX-License-Identifier: MIT */
/*
 * The code of the document that <tenon/plugin.h> has its names from, as it was
 * printed, with its faults: the tests show that they would notice each of them.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "printed.h"

/* clang-format off */
static struct plugin_registry registry = {
    .plugins = NULL,
    .lock = PTHREAD_MUTEX_INITIALIZER
};

/* Load plugin (like insmod) */
struct plugin *plugin_load(const char *path)
{
    pthread_mutex_lock(&registry.lock);
    
    /* Check if already loaded */
    struct plugin *p;
    for (p = registry.plugins; p; p = p->next) {
        if (strcmp(p->path, path) == 0) {
            pthread_mutex_unlock(&registry.lock);
            fprintf(stderr, "Plugin already loaded: %s\n", path);
            return NULL;
        }
    }
    
    /* Open shared library */
    void *handle = dlopen(path, RTLD_NOW);
    if (!handle) {
        pthread_mutex_unlock(&registry.lock);
        fprintf(stderr, "dlopen failed: %s\n", dlerror());
        return NULL;
    }
    
    /* Find plugin_ops symbol (like module symbol table) */
    struct plugin_ops *ops = dlsym(handle, "plugin_ops");
    if (!ops) {
        dlclose(handle);
        pthread_mutex_unlock(&registry.lock);
        fprintf(stderr, "No plugin_ops found\n");
        return NULL;
    }
    
    /* Call init function (like module_init) */
    if (ops->init) {
        int ret = ops->init();
        if (ret != 0) {
            dlclose(handle);
            pthread_mutex_unlock(&registry.lock);
            fprintf(stderr, "Plugin init failed: %d\n", ret);
            return NULL;
        }
    }
    
    /* Create plugin structure */
    p = malloc(sizeof(*p));
    p->path = strdup(path);
    p->handle = handle;
    p->ops = ops;
    p->refcount = 1;
    
    /* Add to registry */
    p->next = registry.plugins;
    registry.plugins = p;
    
    pthread_mutex_unlock(&registry.lock);
    printf("Plugin loaded: %s (%s)\n", path, ops->name);
    return p;
}

/* Get reference (like try_module_get) */
int plugin_get(struct plugin *p)
{
    pthread_mutex_lock(&registry.lock);
    if (p->refcount <= 0) {
        pthread_mutex_unlock(&registry.lock);
        return 0;  /* Plugin is unloading */
    }
    p->refcount++;
    pthread_mutex_unlock(&registry.lock);
    return 1;
}

/* Put reference (like module_put) */
void plugin_put(struct plugin *p)
{
    pthread_mutex_lock(&registry.lock);
    p->refcount--;
    pthread_mutex_unlock(&registry.lock);
}

/* Unload plugin (like rmmod) */
int plugin_unload(struct plugin *p)
{
    pthread_mutex_lock(&registry.lock);
    
    /* Check refcount */
    if (p->refcount > 1) {
        pthread_mutex_unlock(&registry.lock);
        fprintf(stderr, "Plugin in use (refcount=%d)\n", p->refcount);
        return -1;
    }
    
    /* Remove from registry */
    struct plugin **pp;
    for (pp = &registry.plugins; *pp; pp = &(*pp)->next) {
        if (*pp == p) {
            *pp = p->next;
            break;
        }
    }
    
    pthread_mutex_unlock(&registry.lock);
    
    /* Call exit function (like module_exit) */
    if (p->ops->exit) {
        p->ops->exit();
    }
    
    /* Close library and free */
    dlclose(p->handle);
    free(p->path);
    free(p);
    
    printf("Plugin unloaded\n");
    return 0;
}
/* clang-format on */
