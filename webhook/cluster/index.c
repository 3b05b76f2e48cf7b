#include "webhook/cluster/index.h"

#include <stdlib.h>
#include <sys/random.h>

#define CELLS_MIN 64U

struct seed seed_new(void) {
    struct seed s = {{0x9E3779B97F4A7C15U, 0xBF58476D1CE4E5B9U}};
    /* Without random numbers (no /dev/urandom that early) names still work, only predictably. */
    if (getrandom(&s, sizeof s, GRND_NONBLOCK) < 0) {
        s.k[0] ^= (uint64_t)(uintptr_t)&s;
    }
    return s;
}

static uint64_t rotate(uint64_t v, unsigned by) {
    return v << by | v >> (64 - by);
}

static void round_once(uint64_t v[4]) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t name_hash(const struct seed *seed, struct span name) {
    uint64_t v[4] = {
        seed->k[0] ^ 0x736f6d6570736575U,
        seed->k[1] ^ 0x646f72616e646f6dU,
        seed->k[0] ^ 0x6c7967656e657261U,
        seed->k[1] ^ 0x7465646279746573U,
    };
    size_t at = 0;
    for (; at + 8 <= name.n; at += 8) {
        uint64_t word;
        memcpy(&word, name.p + at, sizeof word);
        v[3] ^= word;
        round_once(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)name.n << 56;
    if (at < name.n) {
        memcpy(&last, name.p + at, name.n - at);
        last = (last & 0x00FFFFFFFFFFFFFFU) | (uint64_t)name.n << 56;
    }
    v[3] ^= last;
    round_once(v);
    v[0] ^= last;
    v[2] ^= 0xFF;
    for (unsigned i = 0; i < 3; i++) {
        round_once(v);
    }
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct index index_new(index_name *name, const void *owner) {
    return (struct index){.seed = seed_new(), .name = name, .owner = owner};
}

void index_done(struct index *ix) {
    free(ix->cell);
    ix->cell = NULL;
    ix->cap = ix->n = 0;
}

static uint32_t home_of(const struct index *ix, uint32_t at) {
    return (uint32_t)name_hash(&ix->seed, ix->name(ix->owner, at)) & (ix->cap - 1);
}

uint32_t index_find(const struct index *ix, struct span name) {
    if (!ix->cap) {
        return INDEX_NONE;
    }
    uint32_t mask = ix->cap - 1;
    uint32_t i = (uint32_t)name_hash(&ix->seed, name) & mask;
    while (ix->cell[i] != INDEX_NONE) {
        if (span_eq(ix->name(ix->owner, ix->cell[i]), name)) {
            return ix->cell[i];
        }
        i = (i + 1) & mask;
    }
    return INDEX_NONE;
}

static void put(struct index *ix, uint32_t at) {
    uint32_t i = home_of(ix, at);
    while (ix->cell[i] != INDEX_NONE) {
        i = (i + 1) & (ix->cap - 1);
    }
    ix->cell[i] = at;
}

/* At most half full, so that runs stay short and a search always ends. */
static bool grow(struct index *ix) {
    uint32_t cap = ix->cap ? ix->cap * 2 : CELLS_MIN;
    uint32_t *cell = malloc((size_t)cap * sizeof *cell);
    if (!cell) {
        return false;
    }
    memset(cell, 0xFF, (size_t)cap * sizeof *cell);
    uint32_t *old = ix->cell;
    uint32_t old_cap = ix->cap;
    ix->cell = cell;
    ix->cap = cap;
    for (uint32_t i = 0; i < old_cap; i++) {
        if (old[i] != INDEX_NONE) {
            put(ix, old[i]);
        }
    }
    free(old);
    return true;
}

bool index_add(struct index *ix, uint32_t at) {
    if (ix->n >= ix->cap / 2 && !grow(ix)) {
        return false;
    }
    put(ix, at);
    ix->n++;
    return true;
}

void index_remove(struct index *ix, uint32_t at) {
    uint32_t mask = ix->cap - 1;
    uint32_t hole = home_of(ix, at);
    while (ix->cell[hole] != at) {
        hole = (hole + 1) & mask;
    }
    /* Those behind move up when the hole lies between their home and their place: no gravestones,
     * so an index that sees many names come and go does not fill up. */
    for (uint32_t i = (hole + 1) & mask; ix->cell[i] != INDEX_NONE; i = (i + 1) & mask) {
        uint32_t home = home_of(ix, ix->cell[i]);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            ix->cell[hole] = ix->cell[i];
            hole = i;
        }
    }
    ix->cell[hole] = INDEX_NONE;
    ix->n--;
}
