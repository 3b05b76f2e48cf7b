/* A node's reservations in the API server: one Lease per node in tpguard's own namespace, changed
 * by compare-and-swap. */
#ifndef TPGUARD_LIVE_RESERVE_H
#define TPGUARD_LIVE_RESERVE_H

#include "topology/arena.h"
#include "webhook/core/ledger.h"
#include "webhook/live/live.h"

struct reserve {
    struct ledger ledger;         /* as it stood when read; texts in the arena */
    struct span resource_version; /* empty: there is no such object yet */
    int64_t now;                  /* by the API server's clock; 0: it did not say */
    char path[640];               /* of the object */
    char name[256];
};

/* Reads the reservations of the node as the API server has them now. */
NODISCARD bool reserve_read(struct live *l, struct span node, struct arena *a, struct reserve *out,
                            struct err *e);
/* Writes r->ledger if nobody else has written since. *lost: somebody has; read and decide again
 * (then true is returned, and nothing was written). */
NODISCARD bool reserve_write(struct live *l, const struct reserve *r, bool *lost, struct err *e);

#endif
