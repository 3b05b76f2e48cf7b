#include "webhook/core/landed.h"

#include "webhook/core/admit_parts.h"
#include "webhook/core/node_parts.h"

bool tp_groups_of(const struct workload *w, struct tp_groups *out) {
    struct policy policy = policy_default();
    struct shape s;
    bool one = w->pin.kind == PIN_NODE || w->container_gpus == w->gpus;
    if (!w->tp.known || w->tp.n < 2 || w->scope == SCOPE_UNKNOWN || !one) {
        return false;
    }
    shape_of(w, &policy, &s);
    if (s.tp < 2 || s.any) {
        return false;
    }
    *out = (struct tp_groups){.tp = s.tp, .groups = s.groups, .n_order = s.n_order};
    memcpy(out->order, s.order, s.n_order);
    return true;
}

/* false: one of them is not of this node's wiring, or is a slice of one. */
static bool find_gpus(const struct topo *t, const struct pin_entry *gpu, unsigned n,
                      struct gpuset *out) {
    *out = gpuset_none();
    for (unsigned i = 0; i < n; i++) {
        const char *uuid = gpu[i].uuid;
        int at = gpu[i].index >= 0 ? topo_find_index(t, (unsigned)gpu[i].index)
                                   : topo_find_uuid(t, uuid, (unsigned)strnlen(uuid, GPU_UUID_MAX));
        if (at < 0) {
            return false;
        }
        *out = gpuset_with(*out, (unsigned)at);
    }
    return true;
}

/* Most telling first: no NVLink at all, then what else is wrong with a pair. */
static enum reason judge(const struct health *h, const struct fit_ask *ask, struct landed *out) {
    const unsigned no_damage = CAUSE_CORDONED | CAUSE_MIG | CAUSE_UNKNOWN;
    const unsigned no_wire = CAUSE_ABSENT | CAUSE_DOWN;
    struct health lifted;
    unsigned a = 0;
    unsigned b = 0;
    enum reason code = REASON_NONE;
    health_lift(h, ~no_wire, &lifted);
    if (!fit_check(&lifted, FIT_NOW, out->gpus, ask, &a, &b)) {
        code = REASON_TP_ACROSS_PCIE;
    } else {
        health_lift(h, no_damage, &lifted);
        if (!fit_check(&lifted, FIT_NOW, out->gpus, ask, &a, &b)) {
            code = cause_reason(pair_causes(h, a, b) & ~no_damage);
        }
    }
    out->bad_a = (uint8_t)a;
    out->bad_b = (uint8_t)b;
    return code;
}

void landed_judge(const struct node_view *node, const struct tp_groups *g,
                  const struct pin_entry *gpu, unsigned n, const struct policy *policy, int64_t now,
                  struct landed *out) {
    *out = (struct landed){0};
    unsigned used = (unsigned)g->tp * g->groups;
    if (node_unreadable(node, policy, now) != REASON_NONE ||
        !find_gpus(node->topo, gpu, n, &out->gpus) || used > gpuset_count(out->gpus)) {
        out->gpus = gpuset_none();
        return;
    }
    const struct fit_ask ask = {.tp = g->tp,
                                .groups = g->groups,
                                .extra = gpuset_count(out->gpus) - used,
                                .order = g->n_order ? g->order : NULL,
                                .n_order = g->n_order};
    out->known = true;
    out->code = (uint8_t)judge(node->health, &ask, out);
}

static bool has_fault(const struct gpu *g) {
    return g->fault[0] != '\0';
}

void landed_describe(const struct node_view *node, struct landed_case *c) {
    const struct landed *l = &c->landed;
    const struct node_answer as = {
        .code = l->code, .has_set = l->known, .set = l->gpus, .bad_a = l->bad_a, .bad_b = l->bad_b};
    case_fill(&c->at, node, &as);
    c->look = 0;
    c->fault[0] = '\0';
    if (l->known && l->code != REASON_NONE && l->bad_a < node->topo->n &&
        l->bad_b < node->topo->n) {
        const struct gpu *a = &node->topo->gpu[l->bad_a];
        const struct gpu *b = &node->topo->gpu[l->bad_b];
        const struct gpu *sick = has_fault(b) && !has_fault(a) ? b : a;
        c->look = sick->index;
        memcpy(c->fault, sick->fault, sizeof c->fault);
    }
}
