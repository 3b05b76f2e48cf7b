/* A set of GPUs of one node as a bitmask: bit i is the GPU at position i of struct topo (not its
 * NVML index). Plain value, copied freely; every operation is total. */
#ifndef TPGUARD_TOPOLOGY_GPUSET_H
#define TPGUARD_TOPOLOGY_GPUSET_H

#include <stdbool.h>
#include <stdint.h>

/* The largest GPU set that shares one wiring picture: an NVL72 rack. */
#define GPU_MAX 72

struct gpuset {
    uint64_t w[2];
};

static inline struct gpuset gpuset_none(void) {
    return (struct gpuset){{0, 0}};
}
static inline struct gpuset gpuset_one(unsigned i) {
    struct gpuset s = {{0, 0}};
    if (i < GPU_MAX) {
        s.w[i / 64] = (uint64_t)1 << (i % 64);
    }
    return s;
}
/* The first n GPUs. */
static inline struct gpuset gpuset_first(unsigned n) {
    struct gpuset s = {{0, 0}};
    n = n > GPU_MAX ? GPU_MAX : n;
    s.w[0] = n >= 64 ? UINT64_MAX : (((uint64_t)1 << n) - 1);
    s.w[1] = n > 64 ? (((uint64_t)1 << (n - 64)) - 1) : 0;
    return s;
}
static inline bool gpuset_has(struct gpuset s, unsigned i) {
    return i < GPU_MAX && ((s.w[i / 64] >> (i % 64)) & 1U);
}
static inline struct gpuset gpuset_and(struct gpuset a, struct gpuset b) {
    return (struct gpuset){{a.w[0] & b.w[0], a.w[1] & b.w[1]}};
}
static inline struct gpuset gpuset_or(struct gpuset a, struct gpuset b) {
    return (struct gpuset){{a.w[0] | b.w[0], a.w[1] | b.w[1]}};
}
/* a without b. */
static inline struct gpuset gpuset_minus(struct gpuset a, struct gpuset b) {
    return (struct gpuset){{a.w[0] & ~b.w[0], a.w[1] & ~b.w[1]}};
}
static inline struct gpuset gpuset_with(struct gpuset s, unsigned i) {
    return gpuset_or(s, gpuset_one(i));
}
static inline struct gpuset gpuset_without(struct gpuset s, unsigned i) {
    return gpuset_minus(s, gpuset_one(i));
}
static inline bool gpuset_empty(struct gpuset s) {
    return (s.w[0] | s.w[1]) == 0;
}
static inline bool gpuset_eq(struct gpuset a, struct gpuset b) {
    return a.w[0] == b.w[0] && a.w[1] == b.w[1];
}
/* a is a part of b (equal counts). */
static inline bool gpuset_in(struct gpuset a, struct gpuset b) {
    return gpuset_empty(gpuset_minus(a, b));
}
static inline unsigned gpuset_count(struct gpuset s) {
    return (unsigned)__builtin_popcountll(s.w[0]) + (unsigned)__builtin_popcountll(s.w[1]);
}
/* The first member at or after from; GPU_MAX when there is none. */
static inline unsigned gpuset_next(struct gpuset s, unsigned from) {
    if (from < 64) {
        uint64_t low = s.w[0] >> from;
        if (low) {
            return from + (unsigned)__builtin_ctzll(low);
        }
        from = 64;
    }
    if (from >= GPU_MAX) {
        return GPU_MAX;
    }
    uint64_t high = (s.w[1] & (((uint64_t)1 << (GPU_MAX - 64)) - 1)) >> (from - 64);
    return high ? from + (unsigned)__builtin_ctzll(high) : GPU_MAX;
}
/* for (GPUSET_EACH(i, set)): its members in ascending order; set is read anew before each step. */
#define GPUSET_EACH(i, set)                                                                        \
    unsigned i = gpuset_next((set), 0);                                                            \
    i < GPU_MAX;                                                                                   \
    i = gpuset_next((set), i + 1)

/* Smaller when its lowest differing member is smaller: the deterministic tie-break of every search.
 */
static inline bool gpuset_before(struct gpuset a, struct gpuset b) {
    struct gpuset diff = {{a.w[0] ^ b.w[0], a.w[1] ^ b.w[1]}};
    unsigned i = gpuset_next(diff, 0);
    return i < GPU_MAX && gpuset_has(a, i);
}

#endif
