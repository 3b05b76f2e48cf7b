/* Facts + expectations -> which pairs are healthy, and one reason for each pair or GPU that is not.
 * Pure.
 *
 * healthy = NVLink in both directions with the same lane count, all expected lanes up, neither GPU
 * in MIG mode, faulty, cordoned, nor with an unfinished fabric. */
#ifndef TPGUARD_TOPOLOGY_HEALTH_H
#define TPGUARD_TOPOLOGY_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/topo.h"

/* State of the wire itself, MIG, faults and cordons left aside. */
enum pair_state {
    PAIR_UNKNOWN = 0, /* cannot be told */
    PAIR_HEALTHY,     /* NVLink both ways, all expected lanes (or no expectation known) */
    PAIR_DEGRADED,    /* NVLink both ways, fewer lanes than expected */
    PAIR_DOWN,        /* lanes expected, none up */
    PAIR_ABSENT,      /* no NVLink here and none expected */
    PAIR_ASYMMETRIC,  /* the two GPUs disagree about the lanes */
    PAIR_STATE_COUNT
};

/* Why a GPU takes part in no healthy pair, whatever its wires say. The first that applies, in this
 * order. */
enum gpu_block {
    BLOCK_NONE = 0,
    BLOCK_FAULT,    /* gpu.fault is set */
    BLOCK_MIG,      /* MIG on: no NVLink peer access between slices */
    BLOCK_FABRIC,   /* NVSwitch system whose fabric is not completed (unknown fabric does not block)
                     */
    BLOCK_CORDONED, /* an admin said so (tpguard.io/cordoned-gpus): no TP group; TP=1 may use it */
    GPU_BLOCK_COUNT
};

struct health {
    uint8_t n;
    uint8_t pair[GPU_MAX][GPU_MAX]; /* enum pair_state, symmetric */
    uint8_t block[GPU_MAX];         /* enum gpu_block */
    struct gpuset all;              /* the n GPUs */
    struct gpuset usable;           /* may be given to a TP=1 pod: no FAULT, no MIG */
    struct gpuset
        adj[GPU_MAX]; /* healthy (and, if the policy allows it, degraded) peers of each GPU */
    struct gpuset
        repaired[GPU_MAX]; /* peers if every link were up, no GPU faulty, cordoned or in MIG mode:
                              what this node could ever offer; unknown pairs count as possible */
    bool any_nvlink;       /* some pair is not ABSENT and not UNKNOWN */
    bool any_unknown;      /* some pair is UNKNOWN */
    bool any_one_way;      /* GPU to GPU, NVLink one way and certainly none the other: on this the
                              stock device plugin panics. It does not see links to switches */
};

struct health_rules {
    struct gpuset cordoned; /* positions */
    bool allow_degraded;    /* degraded pairs count as healthy (they score less) */
};

void health_judge(const struct topo *t, const struct health_rules *rules, struct health *out);

const char *pair_state_name(
    enum pair_state s); /* "healthy", "degraded", "down", "absent", "asymmetric", "unknown" */
const char *gpu_block_name(enum gpu_block b);

/* The label values of README, "Node labels": nvlink = healthy | degraded | none | unknown;
 * nvlink_set = size of the largest NVLink set of usable GPUs, 0 if none (1 is never said). */
struct health_labels {
    const char *nvlink;
    unsigned nvlink_set;
};
struct health_labels health_label(const struct health *h);

#endif
