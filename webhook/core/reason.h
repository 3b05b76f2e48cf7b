/* The closed list of reasons. One table (reason.c): code, scheduler phrase, sentence, event type,
 * severity. Whoever says "no" says it with a row of this table; README's table and `tpguard explain
 * --reasons` are printed from it.
 *
 * The scheduler phrase is the same bytes for every node with the same cause (kube-scheduler counts
 * them): it may name the size of the set asked for ({k}), never a node, a GPU, a counter; no '%'.
 */
#ifndef TPGUARD_CORE_REASON_H
#define TPGUARD_CORE_REASON_H

#include <stdbool.h>

#include "topology/buf.h"

enum reason {
    REASON_NONE = 0, /* fits; allowed */

    /* of a node (filter) */
    REASON_NVLINK_DOWN,       /* NVLinkDown: a set would exist, its links are down */
    REASON_NVLINK_DEGRADED,   /* NVLinkDegraded: fewer lanes than expected, policy wants all */
    REASON_NVLINK_ASYMMETRIC, /* NVLinkAsymmetric: the two ends disagree */
    REASON_NO_NVLINK,         /* NoNVLink: the node has none at all */
    REASON_NO_NVLINK_SET,   /* NoNVLinkSet: has NVLink, but no set that large even when repaired */
    REASON_NVLINK_SET_BUSY, /* NVLinkSetBusy: healthy sets exist, in use */
    REASON_NVLINK_SET_UNSURE,  /* NVLinkSetUncertain: free by count, but unreported pods may sit in
                                  every set */
    REASON_GPUS_BUSY,          /* GPUsBusy: too few GPUs free */
    REASON_TP_EXCEEDS_GPUS,    /* TPExceedsGPUs: the node has fewer GPUs than asked, or the pod than
                                  its TP size */
    REASON_TOPOLOGY_UNKNOWN,   /* TopologyUnknown */
    REASON_TOPOLOGY_STALE,     /* TopologyStale */
    REASON_TOPOLOGY_INVALID,   /* TopologyInvalid: an annotation is there and cannot be read */
    REASON_GPU_FAULT,          /* GPUFault */
    REASON_GPU_CORDONED,       /* GPUCordoned */
    REASON_MIG_ENABLED,        /* MIGEnabled */
    REASON_FABRIC_NOT_READY,   /* FabricNotReady */
    REASON_PLUGIN_WOULD_FAIL,  /* DevicePluginWouldFail: NVLink one way or lost GPU under the stock
                                  plugin */
    REASON_PIN_MISSING,        /* PinnedGPUMissing: the node has no such GPU */
    REASON_PIN_BUSY,           /* PinnedGPUBusy */
    REASON_PINNED_ACROSS_PCIE, /* PinnedAcrossPCIe */
    REASON_NODE_UNKNOWN,       /* NodeUnknown: not in the cache (yet) */
    REASON_NO_GPU,             /* NoGPU: not a GPU node */
    REASON_NODE_CORDONED,      /* NodeCordoned: it fits, and kubectl cordon keeps pods off it */
    REASON_NODE_NOT_ALLOWED,   /* NodeNotAllowed: the pod's own constraints keep it off; never said
                                  by the filter, kube-scheduler has seen to it before it asks */

    /* of a pod (admission) */
    REASON_MALFORMED,          /* MalformedTP: a size that is no number, a contradiction */
    REASON_TP_ACROSS_PODS,     /* TPAcrossPods: the group spans pods; no NVLink between nodes */
    REASON_TP_UNKNOWN,         /* TPUnknown: the size cannot be read */
    REASON_GPU_COUNT_MISMATCH, /* GPUCountMismatch: asks for more GPUs than the engine uses */
    REASON_SHARED_GPU,         /* SharedGPU: TP over time slices or MIG */
    REASON_UNSATISFIABLE, /* Unsatisfiable: no node could ever, even with every link repaired */
    REASON_HEADS_NOT_DIVISIBLE, /* HeadsNotDivisible: the model's attention heads do not divide by
                                   TP */
    REASON_FITS_ONE_GPU,        /* FitsOneGPU: advice */
    REASON_NO_GPU_NODES,        /* NoGPUNodes: none in the cluster (yet) */
    REASON_IGNORED,             /* Ignored: label or namespace mode off, not a GPU pod */
    REASON_REPINNED,            /* Repinned: rewritten */
    REASON_STEERED,             /* Steered: rewritten */

    /* what happened (events) */
    REASON_RESERVED,       /* NVLinkSetReserved: of a pod, when it is bound */
    REASON_TP_ACROSS_PCIE, /* TPAcrossPCIe: of a pod that runs, on GPUs without NVLink */
    REASON_NOT_RESERVED,   /* NotReserved: of a pod that was bound past the gate */
    REASON_MOVED,          /* MovedOffPCIe: of a pod, it is evicted for that */
    REASON_NVLINK_UP,      /* NVLinkUp: of a node, all expected lanes of a pair are up again;
                              of a pod, those of its GPUs */
    REASON_NVLINK_HEALTHY, /* NVLinkHealthy: of a node's condition, nothing is wrong */
    REASON_GPU_READY,      /* GPUReady: of a node, a fault is gone, a fabric is ready */
    REASON_TOPOLOGY_KNOWN, /* TopologyKnown: of a node, its report can be used again */
    REASON_COUNT
};

struct reason_row {
    const char *code;    /* "NVLinkDown": event reason, metric label, in brackets behind messages */
    const char *phrase;  /* scheduler phrase with {k}; NULL for reasons of a pod */
    const char *meaning; /* one line for people: README's table */
    bool resolvable;     /* node reasons: true = FailedNodes (evicting could help), false =
                            FailedAndUnresolvableNodes */
    bool warning;        /* event type Warning, else Normal */
};

const struct reason_row *
reason_row(enum reason r); /* never NULL; out of range gives the row of REASON_NONE */
bool reason_find(struct span code, enum reason *out);
/* The phrase with {k} filled in. */
void reason_phrase(enum reason r, unsigned k, struct buf *out);

#endif
