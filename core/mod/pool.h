/* SPDX-License-Identifier: MIT */
/*
 * Inside of fixed-memory mode: the pool, and the functions of tn_port that
 * replace the world's.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#include <tenon/pool.h>

#include "holes.h"

struct tn_pool {
	struct tn_port port; /* its ctx is the pool */
	const struct tn_port *base;
	const struct tn_pool_world *world;
	size_t size; /* of the region */
	size_t unit; /* of images: a page, or less without protection */

	atomic_flag busy; /* the lock of the following */
	struct hole *pages;
	struct hole *objects;
	atomic_size_t used; /* read without it */
};

void *pool_alloc(void *ctx, size_t size);
void pool_free(void *ctx, void *p, size_t size);
int pool_image_alloc(void *ctx, struct tn_image *img);
void pool_image_trim(void *ctx, struct tn_image *img);
int pool_image_seal(void *ctx, struct tn_image *img);
int pool_image_finish(void *ctx, struct tn_image *img);
void pool_image_free(void *ctx, struct tn_image *img);
