/* Records of one kind in one array, by number; numbers of freed records are given out again. A
 * pointer to a record is good until the next pool_take. Not for use by two threads at once. */
#ifndef TPGUARD_CLUSTER_POOL_H
#define TPGUARD_CLUSTER_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/attr.h"

struct pool {
    char *items;
    uint32_t *free_list;
    size_t size; /* bytes of a record */
    uint32_t n;  /* records ever used: numbers 0..n-1, some of them free */
    uint32_t cap;
    uint32_t max;
    uint32_t n_free;
};

struct pool pool_new(size_t size, uint32_t max);
void pool_done(struct pool *p);
/* A zeroed record; false: max records, or no memory (*full tells). */
NODISCARD bool pool_take(struct pool *p, uint32_t *at, bool *full);
void pool_give(struct pool *p, uint32_t at); /* zeroes it */

static inline void *pool_at(const struct pool *p, uint32_t at) {
    return p->items + (size_t)at * p->size;
}
static inline uint32_t pool_used(const struct pool *p) {
    return p->n - p->n_free;
}

#endif
