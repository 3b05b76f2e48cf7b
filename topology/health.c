#include "topology/health.h"

#include <string.h>

#include "topology/fit.h"

/* What both directions of one pair say together. */
struct pair_facts {
    struct wire ab;
    struct wire ba;
    uint8_t expected;
};

static bool wire_is_nvlink(struct wire w) {
    return w.kind == WIRE_NVLINK && w.lanes > 0;
}

/* SELF between two GPUs, NVLink without lanes and numbers that are no kind tell nothing. */
static bool wire_is_unknown(struct wire w) {
    return !wire_is_nvlink(w) && !(w.kind >= WIRE_PIX && w.kind < WIRE_KIND_COUNT);
}

static bool lanes_expected(const struct pair_facts *p) {
    return p->expected != EXPECTED_UNKNOWN && p->expected > 0;
}

/* Expectations are written symmetrically; where a hand-made topology is not, the higher known one
 * holds, because a link that either side misses is missing. */
static uint8_t expected_lanes(uint8_t ab, uint8_t ba) {
    if (ab == EXPECTED_UNKNOWN) {
        return ba;
    }
    return ba == EXPECTED_UNKNOWN || ba < ab ? ab : ba;
}

static struct pair_facts pair_facts(const struct topo *t, unsigned a, unsigned b) {
    return (struct pair_facts){
        .ab = t->wire[a][b],
        .ba = t->wire[b][a],
        .expected = expected_lanes(t->expected[a][b], t->expected[b][a]),
    };
}

static enum pair_state judge_pair(const struct pair_facts *p) {
    if (wire_is_unknown(p->ab) || wire_is_unknown(p->ba)) {
        return PAIR_UNKNOWN;
    }
    bool ab = wire_is_nvlink(p->ab);
    bool ba = wire_is_nvlink(p->ba);
    if (ab != ba || (ab && p->ab.lanes != p->ba.lanes)) {
        return PAIR_ASYMMETRIC;
    }
    if (!ab) {
        return lanes_expected(p) ? PAIR_DOWN : PAIR_ABSENT;
    }
    return lanes_expected(p) && p->ab.lanes < p->expected ? PAIR_DEGRADED : PAIR_HEALTHY;
}

/* Could this pair be linked, were everything repaired? */
static bool repairable(const struct pair_facts *p, enum pair_state state) {
    return state == PAIR_UNKNOWN || lanes_expected(p) || wire_is_nvlink(p->ab) ||
           wire_is_nvlink(p->ba);
}

static bool fabric_unfinished(const struct topo *t, unsigned i) {
    uint8_t f = t->gpu[i].fabric;
    return t->nvswitch &&
           (f == FABRIC_NOT_STARTED || f == FABRIC_IN_PROGRESS || f == FABRIC_FAILED);
}

static enum gpu_block judge_gpu(const struct topo *t, struct gpuset cordoned, unsigned i) {
    if (t->gpu[i].fault[0]) {
        return BLOCK_FAULT;
    }
    if (t->gpu[i].mig == TRI_YES) {
        return BLOCK_MIG;
    }
    if (fabric_unfinished(t, i)) {
        return BLOCK_FABRIC;
    }
    return gpuset_has(cordoned, i) ? BLOCK_CORDONED : BLOCK_NONE;
}

static void link_both(struct gpuset peers[GPU_MAX], unsigned a, unsigned b) {
    peers[a] = gpuset_with(peers[a], b);
    peers[b] = gpuset_with(peers[b], a);
}

static void note_pair(struct health *h, enum pair_state state) {
    h->any_unknown |= state == PAIR_UNKNOWN;
    h->any_nvlink |= state != PAIR_UNKNOWN && state != PAIR_ABSENT;
}

void health_judge(const struct topo *t, const struct health_rules *rules, struct health *out) {
    struct health_rules none = {{{0, 0}}, false};
    const struct health_rules *r = rules ? rules : &none;
    unsigned n = t->n > GPU_MAX ? GPU_MAX : t->n;

    memset(out, 0, sizeof *out);
    out->n = (uint8_t)n;
    out->all = gpuset_first(n);
    for (unsigned i = 0; i < n; i++) {
        out->block[i] = (uint8_t)judge_gpu(t, r->cordoned, i);
        if (out->block[i] != BLOCK_FAULT && out->block[i] != BLOCK_MIG) {
            out->usable = gpuset_with(out->usable, i);
        }
    }
    for (unsigned a = 0; a < n; a++) {
        for (unsigned b = a + 1; b < n; b++) {
            struct pair_facts facts = pair_facts(t, a, b);
            enum pair_state state = judge_pair(&facts);
            bool good = state == PAIR_HEALTHY || (state == PAIR_DEGRADED && r->allow_degraded);
            out->pair[a][b] = (uint8_t)state;
            out->pair[b][a] = (uint8_t)state;
            note_pair(out, state);
            out->any_one_way |= state == PAIR_ASYMMETRIC && !t->nvswitch &&
                                wire_is_nvlink(facts.ab) != wire_is_nvlink(facts.ba);
            if (good && out->block[a] == BLOCK_NONE && out->block[b] == BLOCK_NONE) {
                link_both(out->adj, a, b);
            }
            if (repairable(&facts, state)) {
                link_both(out->repaired, a, b);
            }
        }
    }
}

const char *pair_state_name(enum pair_state s) {
    static const char *const names[PAIR_STATE_COUNT] = {
        [PAIR_UNKNOWN] = "unknown", [PAIR_HEALTHY] = "healthy", [PAIR_DEGRADED] = "degraded",
        [PAIR_DOWN] = "down",       [PAIR_ABSENT] = "absent",   [PAIR_ASYMMETRIC] = "asymmetric",
    };
    return (unsigned)s < PAIR_STATE_COUNT ? names[s] : names[PAIR_UNKNOWN];
}

const char *gpu_block_name(enum gpu_block b) {
    static const char *const names[GPU_BLOCK_COUNT] = {
        [BLOCK_NONE] = "none",     [BLOCK_FAULT] = "fault",       [BLOCK_MIG] = "mig",
        [BLOCK_FABRIC] = "fabric", [BLOCK_CORDONED] = "cordoned",
    };
    return (unsigned)b < GPU_BLOCK_COUNT ? names[b] : names[BLOCK_NONE];
}

/* MIG and cordons are somebody's choice, a fault and an unfinished fabric are damage; on a GPU
 * without NVLink they say nothing about NVLink. */
static bool gpu_lost_nvlink(const struct health *h, unsigned i) {
    if (h->block[i] != BLOCK_FAULT && h->block[i] != BLOCK_FABRIC) {
        return false;
    }
    for (unsigned j = 0; j < h->n; j++) {
        if (j != i && h->pair[i][j] != PAIR_UNKNOWN && h->pair[i][j] != PAIR_ABSENT) {
            return true;
        }
    }
    return false;
}

static bool any_damage(const struct health *h) {
    for (unsigned a = 0; a < h->n; a++) {
        if (gpu_lost_nvlink(h, a)) {
            return true;
        }
        for (unsigned b = a + 1; b < h->n; b++) {
            uint8_t s = h->pair[a][b];
            if (s == PAIR_DEGRADED || s == PAIR_DOWN || s == PAIR_ASYMMETRIC) {
                return true;
            }
        }
    }
    return false;
}

struct health_labels health_label(const struct health *h) {
    struct health_labels l = {"none", fit_largest(h, FIT_NOW, h->all)};
    if (any_damage(h)) {
        l.nvlink = "degraded";
    } else if (h->any_unknown || h->n == 0) {
        l.nvlink = "unknown";
    } else if (h->any_nvlink) {
        l.nvlink = "healthy";
    }
    return l;
}
