/* The last gate: a scheduler binds a pod to a node. Is there (still) room for it, and which GPUs
 * are reserved? Works under any scheduler and any number of replicas: what two of them decide in
 * the same second is settled by compare-and-swap of the node's reservations (reserve.h). */
#ifndef TPGUARD_LIVE_BIND_H
#define TPGUARD_LIVE_BIND_H

#include "topology/arena.h"
#include "webhook/cluster/cluster.h"
#include "webhook/live/live.h"

struct bind_ask {
    struct cluster *cluster;
    struct live *live; /* NULL: a recorded cluster, in which nothing is reserved */
    const struct policy *policy;
    struct span ns, name, uid, node;
    bool dry_run; /* decide, reserve nothing */
    int64_t now;
    int64_t until_us; /* clock_mono_us(): an answer is of no use later, and no new step towards it
                         is begun; 0: none such. A step takes seconds at most. */
    struct arena *arena;
};
struct bind_answer {
    bool allowed;
    bool ours; /* a GPU pod that tpguard judges */
    enum mode mode;
    enum reason code; /* why not; also where the mode lets it pass */
    uint16_t tp;
    uint16_t groups;
    bool pinned; /* the pod names its GPUs */
    uint32_t gpus;
    char uid[64];  /* the pod's */
    char set[128]; /* "2,3", or "any"; "" where not ours */
    char uuids[GPU_MAX * 48 + 1];
    struct set_view view; /* of the set, for the Event on the pod */
    char message[401];    /* denial */
    unsigned tries;       /* compare-and-swap rounds */
};
/* false: cannot be told (the API server does not answer, the cache is not ready): the caller fails
 * the request, and the webhook's failurePolicy and the chart's policy decide. */
NODISCARD bool bind_gate(const struct bind_ask *ask, struct bind_answer *out, struct err *e);

#endif
