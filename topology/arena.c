#include "topology/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t cap;
    size_t n;
    max_align_t bytes[];
};

#define BLOCK_MIN ((size_t)16 * 1024)
#define BLOCK_MAX ((size_t)1024 * 1024)

struct arena arena_new(size_t cap) {
    return (struct arena){.cap = cap};
}

void arena_done(struct arena *a) {
    for (struct arena_block *b = a->blocks; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    *a = (struct arena){.cap = a->cap};
}

void arena_reset(struct arena *a) {
    struct arena_block *keep = a->blocks;
    if (!keep) {
        return;
    }
    for (struct arena_block *b = keep->next; b;) {
        struct arena_block *next = b->next;
        free(b);
        b = next;
    }
    keep->next = NULL;
    keep->n = 0;
    a->used = keep->cap;
}

static struct arena_block *block_add(struct arena *a, size_t need) {
    size_t cap = a->blocks && a->blocks->cap < BLOCK_MAX ? a->blocks->cap * 2 : BLOCK_MIN;
    if (a->blocks && a->blocks->cap >= BLOCK_MAX) {
        cap = BLOCK_MAX;
    }
    cap = cap < need ? need : cap;
    if (cap > a->cap - a->used) {
        cap = need; /* near the cap: just what is asked for */
    }
    if (cap > a->cap - a->used) {
        return NULL;
    }
    struct arena_block *b = malloc(sizeof *b + cap);
    if (!b) {
        return NULL;
    }
    *b = (struct arena_block){.next = a->blocks, .cap = cap};
    a->blocks = b;
    a->used += cap;
    return b;
}

/* Bytes that `count` of this size take in a block; 0: more than there are. */
static size_t need_of(size_t size, size_t count) {
    const size_t align = sizeof(max_align_t);
    size_t n = 0;
    if (__builtin_mul_overflow(size, count, &n) || n > SIZE_MAX - align) {
        return 0;
    }
    return n ? (n + align - 1) / align * align : align;
}

static void *take(struct arena *a, size_t need) {
    struct arena_block *b = a->blocks;
    if (need == 0) {
        return NULL;
    }
    if (!b || need > b->cap - b->n) {
        b = block_add(a, need);
        if (!b) {
            return NULL;
        }
    }
    void *p = (char *)b->bytes + b->n;
    b->n += need;
    return p;
}

void *arena_take_raw(struct arena *a, size_t size, size_t count) {
    return take(a, need_of(size, count));
}

void *arena_take(struct arena *a, size_t size, size_t count) {
    size_t need = need_of(size, count);
    void *p = take(a, need);
    return p ? memset(p, 0, need) : NULL;
}

bool arena_span(struct arena *a, struct span s, struct span *out) {
    char *p = arena_take_raw(a, 1, s.n + 1);
    if (!p) {
        return false;
    }
    if (s.n) {
        memcpy(p, s.p, s.n);
    }
    p[s.n] = '\0';
    *out = (struct span){p, s.n};
    return true;
}
