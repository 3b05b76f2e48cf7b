/* One node as a decision sees it, the question a pod puts to it, and the answer. decide_node is the
 * heart of filter, prioritize, admission and explain alike: a total, pure function. */
#ifndef TPGUARD_CORE_NODE_H
#define TPGUARD_CORE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/fit.h"
#include "topology/health.h"
#include "topology/topo.h"
#include "webhook/core/policy.h"
#include "webhook/core/reason.h"
#include "webhook/core/workload.h"

enum node_topo {
    NODE_TOPO_MISSING = 0, /* no annotation */
    NODE_TOPO_INVALID,     /* one is there and cannot be read */
    NODE_TOPO_OK,
};

struct node_view {
    struct span name;
    uint8_t topo_state; /* enum node_topo */
    bool schedulable;   /* not cordoned, ready as far as known */
    uint32_t gpus; /* GPUs the kubelet offers (allocatable nvidia.com/gpu); or the topology's count
                      if unknown */
    const struct topo *topo; /* when OK, else NULL */
    int64_t heartbeat_at; /* when the agent last found it still true, Unix seconds; 0 never heard */
    const struct health *health; /* judged with the policy's rules, when OK */
    struct gpuset busy;          /* GPUs whose holder is known */
    uint32_t used; /* GPUs taken by count (known or not), pins without request counted once */
    struct fit_pending pending; /* pods bound here whose GPUs nobody reported */
    struct gpuset planned;      /* GPUs that tpguard reserved for such pods: never reserved twice */
};

/* What one pod asks of one node; equal shapes get equal answers, so answers are kept per shape (key
 * below). */
struct shape {
    uint32_t gpus;   /* GPUs taken from the node's count (0: takes them by pin alone) */
    uint16_t tp;     /* size of one TP group; 1 = no NVLink needed */
    uint16_t groups; /* TP groups in this pod (>= 1) */
    uint16_t extra;  /* GPUs beyond the groups */
    bool pinned;     /* pin below says which */
    bool any;        /* TP size unknown and policy allow: only counts are checked */
    uint8_t n_order; /* CUDA_VISIBLE_DEVICES permutation, 0 none */
    uint8_t order[GPU_MAX];
    struct pin pin;
};

/* The question of a workload. A workload without TP group (scope NONE), with MIG/shared/foreign
 * GPUs, with a TP group over several pods (its part in this pod: min(tp, GPUs here)) all have their
 * shape; see decide.c. */
void shape_of(const struct workload *w, const struct policy *policy, struct shape *out);
/* Bytes that identify the shape, without padding; equal shapes give equal bytes. Returns the
 * length. */
#define SHAPE_KEY_MAX 8192
unsigned shape_key(const struct shape *s, unsigned char out[static SHAPE_KEY_MAX]);

struct node_answer {
    uint8_t code;  /* enum reason; REASON_NONE fits */
    uint8_t score; /* 0..10; 0 when it does not fit */
    bool ever;     /* could fit one day: everything free and every link repaired (unknown counts as
                      could) */
    bool has_set; /* `set` names the GPUs meant: the choice when it fits, the nearest candidate when
                     not */
    uint8_t bad_a; /* the pair that is to blame, positions; equal when there is none */
    uint8_t bad_b;
    struct gpuset set;
    uint8_t left2; /* NVLink pairs left free afterwards */
};

/* now: Unix seconds, for the freshness limit. */
void decide_node(const struct node_view *n, const struct shape *s, const struct policy *policy,
                 int64_t now, struct node_answer *out);
/* Why the wiring may not be used as of now: TopologyUnknown, Invalid or Stale; REASON_NONE: it may,
 * and n->topo and n->health are there. */
enum reason node_unreadable(const struct node_view *n, const struct policy *policy, int64_t now);
/* When the answer may change by time alone (freshness): Unix seconds, INT64_MAX never. */
int64_t node_valid_until(const struct node_view *n, const struct policy *policy);

#endif
