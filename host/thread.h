/* SPDX-License-Identifier: MIT */
/*
 * The functions of struct tn_port that wait, wake and make threads; <tenon/port.h>
 * says what each does.
 */
#pragma once

#include <stdint.h>

int thread_wait(
    void *ctx, const uint32_t *word, uint32_t value, uint64_t deadline_ns);
void thread_wake(void *ctx, const uint32_t *word);
void thread_relax(void *ctx);
uintptr_t thread_self(void *ctx);
int thread_create(void *ctx, const char *name, void (*fn)(void *arg), void *arg,
    void **thread);
void thread_join(void *ctx, void *thread);
