#include "webhook/cluster/answers.h"

#include <stdlib.h>

void answers_init(struct answers *a) {
    memset(a, 0, sizeof *a);
    a->seed = seed_new();
}

static void forget(struct answers_of *of) {
    free(of->key);
    free(of->kept);
    free(of->census);
    free(of->own);
    memset(of, 0, sizeof *of);
}

void answers_forget(struct answers *a) {
    for (unsigned i = 0; i < CLUSTER_SHAPES; i++) {
        forget(&a->shape[i]);
    }
}

void answers_done(struct answers *a) {
    answers_forget(a);
}

static struct answers_of *find(struct answers *a, uint64_t hash, const unsigned char *key,
                               unsigned n) {
    for (unsigned i = 0; i < CLUSTER_SHAPES; i++) {
        struct answers_of *of = &a->shape[i];
        if (of->key && of->hash == hash && of->key_n == n && memcmp(of->key, key, n) == 0) {
            return of;
        }
    }
    return NULL;
}

static struct answers_of *oldest(struct answers *a) {
    struct answers_of *least = &a->shape[0];
    for (unsigned i = 1; i < CLUSTER_SHAPES; i++) {
        if (a->shape[i].used < least->used) {
            least = &a->shape[i];
        }
    }
    return least;
}

static bool reserve(struct answers_of *of, uint32_t nodes) {
    if (nodes <= of->cap) {
        return true;
    }
    struct kept *kept = realloc(of->kept, (size_t)nodes * sizeof *kept);
    if (!kept) {
        return false;
    }
    memset(kept + of->cap, 0, (size_t)(nodes - of->cap) * sizeof *kept);
    of->kept = kept;
    of->cap = nodes;
    return true;
}

struct answers_of *answers_for(struct answers *a, const struct shape *s, uint32_t nodes) {
    unsigned char key[SHAPE_KEY_MAX];
    unsigned n = shape_key(s, key);
    uint64_t hash = name_hash(&a->seed, (struct span){(const char *)key, n});
    struct answers_of *of = find(a, hash, key, n);
    if (!of) {
        unsigned char *copy = malloc(n ? n : 1);
        if (!copy) {
            return NULL;
        }
        memcpy(copy, key, n);
        of = oldest(a);
        forget(of);
        of->key = copy;
        of->key_n = n;
        of->hash = hash;
    }
    of->used = ++a->clock;
    return reserve(of, nodes) ? of : NULL;
}
