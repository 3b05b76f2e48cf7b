/* Memory that belongs to one request (or one load): many small pieces, freed together. Has a cap,
 * because the request came from outside: past it arena_take returns NULL, which the caller reports
 * as ERR_TOO_LARGE. Not for use by two threads at once. */
#ifndef TPGUARD_TOPOLOGY_ARENA_H
#define TPGUARD_TOPOLOGY_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/attr.h"
#include "topology/span.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* newest first */
    size_t used;                /* bytes taken from the heap so far */
    size_t cap;                 /* used never passes this */
};

struct arena arena_new(size_t cap);
void arena_done(struct arena *a);  /* frees all; also right on a zeroed or finished arena */
void arena_reset(struct arena *a); /* empty again, the newest block kept for reuse */

/* size * count bytes, zeroed, aligned for any type; NULL past the cap. count 0 gives a valid
 * pointer. */
NODISCARD void *arena_take(struct arena *a, size_t size, size_t count);
#define ARENA_NEW(a, type, count) ((type *)arena_take((a), sizeof(type), (count)))

/* The same, not zeroed: for texts, which are written at once. */
NODISCARD void *arena_take_raw(struct arena *a, size_t size, size_t count);

/* A copy of s that lives as long as the arena; *out untouched and false past the cap. */
NODISCARD bool arena_span(struct arena *a, struct span s, struct span *out);

#endif
