/* What became of a pod that runs: do the GPUs it was given carry its TP groups, now? The kubelet
 * picks the GPUs, not tpguard, and a link may die under a pod that was placed well. Pure. */
#ifndef TPGUARD_CORE_LANDED_H
#define TPGUARD_CORE_LANDED_H

#include "webhook/core/decide.h"

/* How the engine of one pod uses its GPUs. */
struct tp_groups {
    uint16_t tp; /* > 1 */
    uint16_t groups;
    uint8_t n_order; /* as in struct shape */
    uint8_t order[GPU_MAX];
};
/* false: it has no TP group in one container of known size, so nothing can be said of its wires. */
bool tp_groups_of(const struct workload *w, struct tp_groups *out);

struct landed {
    bool known;   /* else the rest is empty: wiring not usable now, or GPUs that it does not have */
    uint8_t code; /* enum reason: REASON_NONE carries them; TPAcrossPCIe, or what else is wrong */
    uint8_t bad_a; /* the first pair in device order that is to blame, positions */
    uint8_t bad_b;
    struct gpuset gpus;
};
/* gpu: the n GPUs that the pod has. A cordon, MIG and what is unknown about a pair are no damage.
 */
void landed_judge(const struct node_view *node, const struct tp_groups *g,
                  const struct pin_entry *gpu, unsigned n, const struct policy *policy, int64_t now,
                  struct landed *out);

/* What is said of it: copied out of the node. */
struct landed_case {
    struct landed landed;
    struct tp_groups group;
    bool unreserved;           /* bound past the gate: nothing is reserved for it */
    struct node_case at;       /* the node, with these GPUs as its set */
    uint16_t look;             /* NVML index of a GPU to look at */
    char fault[GPU_FAULT_MAX]; /* of a GPU of the bad pair; "" none */
};
void landed_describe(const struct node_view *node, struct landed_case *c);

/* "TP=2 on gpu-b GPUs 0,1: 0-1 down (0 of 12 lanes)"; of GPUs that carry it: "... healthy NVLink".
 */
void landed_line(const struct landed_case *c, struct buf *out);

/* Events of the pod, one line of ASCII each. d, asked: what would be decided of it now.
 * "TP=2 runs on gpu-a GPUs 0,1, and 0-1 is down (0 of 12 lanes): ..." */
void event_landed(const struct landed_case *c, const struct decision *d, const struct census *asked,
                  struct buf *out);
/* "TP=2 on gpu-a GPUs 0,1: NVLink is healthy again." */
void event_mended(const struct landed_case *c, struct buf *out);
/* "gpu-a was chosen for TP=2 while tpguard could not be asked: ..." */
void event_unreserved(const struct landed_case *c, struct buf *out);
/* "Evicted, because its TP group runs across PCIe. ..." asked: where its successor may go. */
void event_moved(const struct census *asked, struct buf *out);

#endif
