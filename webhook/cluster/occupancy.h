/* Who holds which GPUs of one node, from what is known of each pod there. Pure. What cannot be told
 * is kept as "so many GPUs, anywhere": it never becomes free.
 *
 * A report (allocations annotation) says it exactly. A pin (NVIDIA_VISIBLE_DEVICES) says it too:
 * the container gets what it names, whether it asked for GPUs or not. Everybody else holds as many
 * as the kubelet was asked for, nobody knows which. */
#ifndef TPGUARD_CLUSTER_OCCUPANCY_H
#define TPGUARD_CLUSTER_OCCUPANCY_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/fit.h"
#include "topology/gpuset.h"
#include "topology/span.h"
#include "topology/topo.h"
#include "webhook/core/workload.h"

/* GPUs by name; on the heap as long as its n. */
struct grip {
    uint8_t n;
    struct pin_entry gpu[];
};

enum claim_kind {
    CLAIM_COUNT = 0, /* `gpus` of them, unknown which */
    CLAIM_NAMED,     /* those of `named` */
    CLAIM_ALL,       /* every GPU of the node */
};
struct claim {
    struct span who; /* "llm/chat-0"; must live as long as the occupancy */
    uint8_t kind;    /* enum claim_kind */
    uint32_t gpus;   /* asked of the kubelet; 0: takes them by name alone */
    const struct grip *named;
    const struct grip *plan;   /* reserved for it when it was bound; NULL none */
    const struct grip *report; /* NULL: nobody reported this pod; else it counts instead of kind */
};

struct occupancy {
    struct gpuset busy; /* positions whose holder is known */
    uint32_t used;      /* GPUs taken, by count */
    struct fit_pending pending;
    struct span owner[GPU_MAX]; /* of the busy and the planned positions */
    uint32_t asked;             /* sum over all claims */
    uint32_t loose;             /* GPUs held, unknown which */
    struct gpuset planned;      /* reserved for pods that nobody reported; may be busy as well */
};

struct occupancy occupancy_new(void);
/* t is NULL when the node's wiring is not known; offered is what the kubelet has to give. */
void occupancy_add(struct occupancy *o, const struct topo *t, uint32_t offered,
                   const struct claim *c);
/* Sums up; nothing is added afterwards. */
void occupancy_end(struct occupancy *o, const struct topo *t, uint32_t offered);

#endif
