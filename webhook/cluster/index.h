/* Names -> places in an array that keeps the names itself: open addressing, a keyed hash, so that
 * people who choose names cannot choose collisions. Not for use by two threads at once. */
#ifndef TPGUARD_CLUSTER_INDEX_H
#define TPGUARD_CLUSTER_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/span.h"

#define INDEX_NONE UINT32_MAX

struct seed {
    uint64_t k[2];
};
struct seed seed_new(void); /* from the system's random numbers */

/* SipHash-1-3. */
uint64_t name_hash(const struct seed *seed, struct span name);

/* The name of the thing at `at`. */
typedef struct span index_name(const void *owner, uint32_t at);

struct index {
    uint32_t *cell; /* places, INDEX_NONE where empty */
    uint32_t cap;   /* 0 or a power of two */
    uint32_t n;
    struct seed seed;
    index_name *name;
    const void *owner;
};

struct index index_new(index_name *name, const void *owner);
void index_done(struct index *ix);

/* INDEX_NONE when the name is not there. */
uint32_t index_find(const struct index *ix, struct span name);
/* The thing at `at` must be named already and not be in the index. false: no memory, nothing
 * changed. */
NODISCARD bool index_add(struct index *ix, uint32_t at);
/* While the thing is still named. */
void index_remove(struct index *ix, uint32_t at);

#endif
