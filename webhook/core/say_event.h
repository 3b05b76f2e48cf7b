/* What tpguard's own Events say on pods: why one waits and what the wait saves, and which set one
 * got and what it leaves on the node. Unlike scheduler phrases they name nodes, pairs and holders.
 * Pure, ASCII, one line. */
#ifndef TPGUARD_CORE_SAY_EVENT_H
#define TPGUARD_CORE_SAY_EVENT_H

#include "webhook/core/decide.h"

/* Is there something to say of a pod that exists and is bound nowhere? Not where a node fits: the
 * scheduler is about to place it. Not of pods that need no NVLink: what they lack, the scheduler
 * says itself. */
bool event_waits(const struct shape *s, const struct census *asked, const struct decision *d);
/* "TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2-3 in use by llm/chat-0, ..." */
void event_waiting(const struct decision *d, struct buf *out);

/* A set, and the node without it. */
struct set_view {
    bool known;
    bool nvswitch;
    bool left_known;  /* nobody sits on GPUs that cannot be told */
    uint8_t lanes;    /* the fewest of a linked pair in the set; 0 none */
    uint8_t expected; /* of that pair; EXPECTED_UNKNOWN */
    uint8_t left_set; /* size of the largest NVLink set of the free GPUs that are left; 0 none */
    uint8_t stranded_state; /* enum pair_state between stranded GPUs: DOWN or DEGRADED, else 0 */
    char stranded[GPU_MAX * 5 + 1]; /* "0,1": NVML indices; "" none */
};
void set_view_of(const struct node_view *n, struct gpuset set, struct set_view *out);

struct reserved {
    uint16_t tp;
    uint16_t groups;
    bool pinned; /* the pod names its GPUs: no other ones can be meant */
    bool plugin; /* the device plugin picks the GPUs, not tpguard (policy allocation) */
    const char *node;
    const char *gpus; /* "2,3" */
    const struct set_view *set;
};
/* "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. Left on the node: 0,1 for TP=1 (bridge
 * down)." */
void event_reserved(const struct reserved *r, struct buf *out);

#endif
