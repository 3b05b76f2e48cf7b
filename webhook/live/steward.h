/* What the leader does beside admission: nodes show their wiring, waiting pods are told why, and
 * pods that run across PCIe that they do. One thread; idle in replicas that do not lead. Everything
 * is worked out anew from the cache, so a new leader goes on where the old one was. */
#ifndef TPGUARD_LIVE_STEWARD_H
#define TPGUARD_LIVE_STEWARD_H

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/live/events.h"
#include "webhook/live/leader.h"
#include "webhook/live/live.h"

struct steward;

/* All pointers must outlive it. */
struct steward_options {
    struct live *live;
    struct leader *leader;
    struct events *events;
    bool gate;              /* bindings come by here (landed.h) */
    bool evict;             /* pods that run across PCIe are moved (evict.h) ... */
    uint32_t evict_after_s; /* ... when they have done so for so long */
};
NODISCARD bool steward_start(const struct steward_options *o, struct steward **out, struct err *e);
void steward_stop(struct steward *s); /* joins; NULL is fine */

#endif
