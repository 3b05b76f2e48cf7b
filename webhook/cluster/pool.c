#include "webhook/cluster/pool.h"

#include <stdlib.h>
#include <string.h>

#define POOL_MIN 16U

struct pool pool_new(size_t size, uint32_t max) {
    return (struct pool){.size = size, .max = max};
}

void pool_done(struct pool *p) {
    free(p->items);
    free(p->free_list);
    *p = (struct pool){.size = p->size, .max = p->max};
}

/* Both arrays grow together, so that giving a record back never needs memory. */
static bool grow(struct pool *p) {
    uint32_t cap = p->cap ? p->cap * 2 : POOL_MIN;
    cap = cap < p->max ? cap : p->max;
    char *items = realloc(p->items, (size_t)cap * p->size);
    if (!items) {
        return false;
    }
    p->items = items;
    uint32_t *list = realloc(p->free_list, (size_t)cap * sizeof *list);
    if (!list) {
        return false;
    }
    p->free_list = list;
    p->cap = cap;
    return true;
}

bool pool_take(struct pool *p, uint32_t *at, bool *full) {
    *full = p->n_free == 0 && p->n == p->max;
    if (*full || (p->n_free == 0 && p->n == p->cap && !grow(p))) {
        return false;
    }
    *at = p->n_free ? p->free_list[--p->n_free] : p->n++;
    memset(pool_at(p, *at), 0, p->size);
    return true;
}

void pool_give(struct pool *p, uint32_t at) {
    memset(pool_at(p, at), 0, p->size);
    p->free_list[p->n_free++] = at;
}
