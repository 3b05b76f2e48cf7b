/* One pod, asked of the API server itself: where the cache has not met it (yet). */
#ifndef TPGUARD_LIVE_POD_GET_H
#define TPGUARD_LIVE_POD_GET_H

#include "topology/arena.h"
#include "webhook/core/pod.h"
#include "webhook/live/live.h"

struct pod_got {
    bool there; /* under that name and uid */
    struct pod pod;
};
/* uid empty: any. Texts live in the arena. */
NODISCARD bool pod_get(struct live *l, struct span ns, struct span name, struct span uid,
                       struct arena *a, struct pod_got *out, struct err *e);

#endif
