/* The pieces of decide_node, shared by its files only: the question with its derived values, why no
 * set exists (node_cause.c), and how good a fitting node is (score.c). */
#ifndef TPGUARD_CORE_NODE_PARTS_H
#define TPGUARD_CORE_NODE_PARTS_H

#include "webhook/core/node.h"

struct node_question {
    const struct node_view *n;
    const struct shape *s;
    const struct policy *policy;
    struct fit_ask ask;
    uint64_t need;          /* GPUs the node must have at all */
    uint32_t free_count;    /* by the kubelet's books */
    enum reason unreadable; /* why the wiring is not known; REASON_NONE: n->topo may be used */
    struct gpuset sound;    /* GPUs without a fault */
    struct gpuset free;     /* ... and held by nobody known */
    struct gpuset open;     /* ... and reserved for nobody: what may be chosen */
};

/* What keeps a pair from being healthy, as bits; more than one may hold. 0: it is. */
enum pair_cause {
    CAUSE_DOWN = 1,
    CAUSE_DEGRADED = 2,
    CAUSE_ASYMMETRIC = 4,
    CAUSE_FAULT = 8,
    CAUSE_FABRIC = 16,
    CAUSE_CORDONED = 32,
    CAUSE_MIG = 64,
    CAUSE_UNKNOWN = 128,
    CAUSE_ABSENT = 256, /* never: no repair gives this pair NVLink */
};
unsigned pair_causes(const struct health *h, unsigned a, unsigned b);
/* The reason of the most telling bit. */
enum reason cause_reason(unsigned causes);
/* *out = *h as if the causes in `lifted` did not exist. */
void health_lift(const struct health *h, unsigned lifted, struct health *out);

/* No healthy set exists even with every GPU free, though one would if all were repaired: what
 * stands in the way. Fills has_set, set, bad_a and bad_b: the nearest candidate and its first bad
 * pair. */
enum reason node_cause(const struct node_question *q, struct node_answer *out);

/* The score, 1..10, of a node that fits; fills set and left2. */
void node_score(const struct node_question *q, struct node_answer *out);

#endif
