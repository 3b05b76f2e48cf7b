#include "webhook/core/node_parts.h"

static unsigned block_cause(enum gpu_block b) {
    static const unsigned causes[GPU_BLOCK_COUNT] = {
        [BLOCK_FAULT] = CAUSE_FAULT,
        [BLOCK_MIG] = CAUSE_MIG,
        [BLOCK_FABRIC] = CAUSE_FABRIC,
        [BLOCK_CORDONED] = CAUSE_CORDONED,
    };
    return (unsigned)b < GPU_BLOCK_COUNT ? causes[b] : 0;
}

static unsigned wire_cause(enum pair_state s) {
    static const unsigned causes[PAIR_STATE_COUNT] = {
        [PAIR_UNKNOWN] = CAUSE_UNKNOWN,
        [PAIR_DEGRADED] = CAUSE_DEGRADED,
        [PAIR_DOWN] = CAUSE_DOWN,
        [PAIR_ABSENT] = CAUSE_ABSENT,
        [PAIR_ASYMMETRIC] = CAUSE_ASYMMETRIC,
    };
    return (unsigned)s < PAIR_STATE_COUNT ? causes[s] : CAUSE_UNKNOWN;
}

unsigned pair_causes(const struct health *h, unsigned a, unsigned b) {
    if (gpuset_has(h->adj[a], b)) {
        return 0;
    }
    if (!gpuset_has(h->repaired[a], b)) {
        return CAUSE_ABSENT;
    }
    unsigned wire = wire_cause(h->pair[a][b]);
    return block_cause(h->block[a]) | block_cause(h->block[b]) | wire;
}

enum reason cause_reason(unsigned causes) {
    static const struct {
        unsigned cause;
        enum reason reason;
    } telling[] = {
        {CAUSE_FAULT, REASON_GPU_FAULT},
        {CAUSE_FABRIC, REASON_FABRIC_NOT_READY},
        {CAUSE_DOWN, REASON_NVLINK_DOWN},
        {CAUSE_DEGRADED, REASON_NVLINK_DEGRADED},
        {CAUSE_ASYMMETRIC, REASON_NVLINK_ASYMMETRIC},
        {CAUSE_CORDONED, REASON_GPU_CORDONED},
        {CAUSE_MIG, REASON_MIG_ENABLED},
        {CAUSE_UNKNOWN, REASON_TOPOLOGY_UNKNOWN},
    };
    for (unsigned i = 0; i < sizeof telling / sizeof *telling; i++) {
        if (causes & telling[i].cause) {
            return telling[i].reason;
        }
    }
    return REASON_NO_NVLINK_SET;
}

void health_lift(const struct health *h, unsigned lifted, struct health *out) {
    *out = *h;
    out->usable = h->all;
    for (unsigned a = 0; a < h->n; a++) {
        for (unsigned b = 0; b < h->n; b++) {
            if (a != b && (pair_causes(h, a, b) & ~lifted) == 0) {
                out->adj[a] = gpuset_with(out->adj[a], b);
            }
        }
    }
}

/* All causes that occur on the node. */
static unsigned causes_here(const struct health *h) {
    unsigned all = 0;
    for (unsigned a = 0; a < h->n; a++) {
        for (unsigned b = a + 1; b < h->n; b++) {
            all |= pair_causes(h, a, b);
        }
    }
    return all;
}

/* A set that would be healthy but for these causes. */
static bool try_lift(const struct node_question *q, unsigned causes, struct fit *fit) {
    struct health cured;
    health_lift(q->n->health, causes, &cured);
    return fit_groups(&cured, FIT_NOW, q->n->topo, cured.all, &q->ask, fit, NULL);
}

/* The set, and its first pair with this cause. */
static enum reason blame(const struct node_question *q, struct gpuset set, unsigned cause,
                         struct node_answer *out) {
    struct health others_cured;
    unsigned a = 0;
    unsigned b = 0;
    out->has_set = true;
    out->set = set;
    health_lift(q->n->health, ~cause, &others_cured);
    if (!fit_check(&others_cured, FIT_NOW, set, &q->ask, &a, &b)) {
        out->bad_a = (uint8_t)a;
        out->bad_b = (uint8_t)b;
    }
    return cause_reason(cause);
}

/* The likeliest first; a link before what an admin chose. */
static const unsigned order[] = {
    CAUSE_DOWN,   CAUSE_DEGRADED, CAUSE_ASYMMETRIC, CAUSE_FAULT,
    CAUSE_FABRIC, CAUSE_CORDONED, CAUSE_MIG,        CAUSE_UNKNOWN,
};
#define ORDER (sizeof order / sizeof *order)

/* No single repair would do: the first one without which all the others do not. Where no one is
 * indispensable, the one that completes a set when they are made in order. */
static enum reason several_causes(const struct node_question *q, struct node_answer *out) {
    struct fit fit;
    struct fit without;
    unsigned known = ~(unsigned)(CAUSE_ABSENT | CAUSE_UNKNOWN);
    unsigned all = try_lift(q, known, &fit) ? known : known | CAUSE_UNKNOWN;
    if (!try_lift(q, all, &fit)) {
        return REASON_NO_NVLINK_SET;
    }
    for (unsigned i = 0; i < ORDER; i++) {
        if ((all & order[i]) && !try_lift(q, all & ~order[i], &without)) {
            return blame(q, fit.set, order[i], out);
        }
    }
    unsigned made = 0;
    for (unsigned i = 0; i < ORDER; i++) {
        made |= order[i];
        if (try_lift(q, made, &fit)) {
            return blame(q, fit.set, order[i], out);
        }
    }
    return REASON_NO_NVLINK_SET;
}

enum reason node_cause(const struct node_question *q, struct node_answer *out) {
    unsigned here = causes_here(q->n->health);
    struct fit fit;
    for (unsigned i = 0; i < ORDER; i++) {
        if ((here & order[i]) && try_lift(q, order[i], &fit)) {
            return blame(q, fit.set, order[i], out);
        }
    }
    return several_causes(q, out);
}
