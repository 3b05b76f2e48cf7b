/* A node for tests of decisions: wiring from a synthetic line, everything free. */
#ifndef TPGUARD_TESTS_CORE_MACHINE_H
#define TPGUARD_TESTS_CORE_MACHINE_H

#include "topology/attr.h"
#include "topology/synth.h"
#include "webhook/core/node.h"

struct machine {
    struct topo topo;
    struct health health;
    struct node_view view;
};

UNUSED static struct gpuset gpus_of(const char *list) {
    struct gpuset set = gpuset_none();
    struct span rest = span_of(list);
    while (rest.n) {
        uint64_t i = 0;
        if (span_u64(span_cut(&rest, ','), GPU_MAX - 1, &i)) {
            set = gpuset_with(set, (unsigned)i);
        }
    }
    return set;
}

/* line "": GPUs without a wiring report ("4" of them). cordoned and busy are lists of positions. */
UNUSED static bool machine_build(struct machine *m, const char *name, const char *line,
                                 const struct policy *policy) {
    struct err e = {0};
    uint32_t count = 0;
    memset(m, 0, sizeof *m);
    m->view = (struct node_view){.name = span_of(name), .schedulable = true};
    if (span_u32(span_of(line), 1000, &count)) {
        m->view.gpus = count;
        return true;
    }
    if (!synth_read(span_of(line), &m->topo, &e)) {
        return false;
    }
    struct health_rules rules = {.allow_degraded = policy->allow_degraded};
    health_judge(&m->topo, &rules, &m->health);
    m->view.topo_state = NODE_TOPO_OK;
    m->view.gpus = m->topo.n;
    m->view.topo = &m->topo;
    m->view.health = &m->health;
    return true;
}

UNUSED static void machine_cordon(struct machine *m, const char *gpus,
                                  const struct policy *policy) {
    struct health_rules rules = {.cordoned = gpus_of(gpus),
                                 .allow_degraded = policy->allow_degraded};
    health_judge(&m->topo, &rules, &m->health);
}

UNUSED static void machine_take(struct machine *m, const char *gpus) {
    struct gpuset set = gpus_of(gpus);
    m->view.busy = gpuset_or(m->view.busy, set);
    m->view.used += gpuset_count(set);
}

UNUSED static struct shape shape_tp(unsigned tp, unsigned groups) {
    return (struct shape){.gpus = tp * groups, .tp = (uint16_t)tp, .groups = (uint16_t)groups};
}

/* TP=1 over n GPUs. */
UNUSED static struct shape shape_singles(unsigned n) {
    return (struct shape){.gpus = n, .tp = 1, .groups = (uint16_t)n};
}

UNUSED static struct shape shape_pinned(unsigned tp, const char *gpus) {
    struct shape s = {.tp = (uint16_t)tp, .groups = 1, .pinned = true, .pin.kind = PIN_NODE};
    struct span rest = span_of(gpus);
    while (rest.n && s.pin.n < PIN_MAX) {
        uint64_t i = 0;
        struct pin_entry *p = &s.pin.gpu[s.pin.n++];
        struct span word = span_cut(&rest, ',');
        p->index = -1;
        if (span_u64(word, GPU_INDEX_MAX, &i)) {
            p->index = (int16_t)i;
        } else if (word.n < GPU_UUID_MAX) {
            memcpy(p->uuid, word.p, word.n);
        }
    }
    s.groups = (uint16_t)(s.pin.n / tp ? s.pin.n / tp : 1);
    return s;
}

#endif
