/* The answers of all nodes, counted, and the two nodes worth naming. */
#include "topology/buf.h"
#include "topology/product.h"
#include "webhook/core/admit_parts.h"

/* How much a refusal tells: what is broken before what is in use before what was never there;
 * inside a class the reason nearest to a fit first. */
static unsigned telling(enum reason code) {
    static const uint8_t rank[REASON_COUNT] = {
        [REASON_PINNED_ACROSS_PCIE] = 10,
        [REASON_NVLINK_DOWN] = 39,
        [REASON_NVLINK_DEGRADED] = 38,
        [REASON_NVLINK_ASYMMETRIC] = 37,
        [REASON_FABRIC_NOT_READY] = 36,
        [REASON_GPU_FAULT] = 35,
        [REASON_PLUGIN_WOULD_FAIL] = 34,
        [REASON_GPU_CORDONED] = 33,
        [REASON_MIG_ENABLED] = 32,
        [REASON_NVLINK_SET_BUSY] = 29,
        [REASON_NVLINK_SET_UNSURE] = 28,
        [REASON_PIN_BUSY] = 27,
        [REASON_GPUS_BUSY] = 26,
        [REASON_NODE_CORDONED] = 20,
        [REASON_TOPOLOGY_STALE] = 19,
        [REASON_TOPOLOGY_INVALID] = 18,
        [REASON_TOPOLOGY_UNKNOWN] = 17,
        [REASON_NO_NVLINK_SET] = 9,
        [REASON_NO_NVLINK] = 8,
        [REASON_PIN_MISSING] = 7,
        [REASON_TP_EXCEEDS_GPUS] = 6,
        [REASON_NODE_NOT_ALLOWED] = 3,
        [REASON_NO_GPU] = 1,
        [REASON_NODE_UNKNOWN] = 1,
    };
    return (unsigned)code < REASON_COUNT ? rank[code] : 0;
}

enum reason census_reason(const struct census *c) {
    enum reason most = c->n_off ? REASON_NODE_NOT_ALLOWED : REASON_NONE;
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (c->by_code[i] > c->off[i] && telling((enum reason)i) > telling(most)) {
            most = (enum reason)i;
        }
    }
    return most;
}

static bool is_before(struct span a, struct span b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order < 0 || (order == 0 && a.n < b.n);
}

/* Nearer to a fit: tells more, could fit one day, comes first by name (whatever order nodes come
 * in).
 */
static bool is_nearer(const struct node_case *old, struct span name, const struct node_answer *a) {
    if (!old->set) {
        return true;
    }
    unsigned was = telling((enum reason)old->answer.code);
    unsigned is = telling((enum reason)a->code);
    if (was != is) {
        return is > was;
    }
    if (old->answer.ever != a->ever) {
        return a->ever;
    }
    return is_before(name, span_of(old->name));
}

static bool is_better(const struct node_case *old, struct span name, const struct node_answer *a) {
    if (!old->set || old->answer.score != a->score) {
        return !old->set || a->score > old->answer.score;
    }
    return is_before(name, span_of(old->name));
}

static void name_product(struct node_case *c, const struct topo *t, unsigned at) {
    const struct gpu *g = &t->gpu[at];
    struct span name = {g->product, strnlen(g->product, GPU_PRODUCT_MAX)};
    const struct product *p = product_find(name);
    struct buf shown = BUF_OVER(c->product);
    buf_span(&shown, p ? span_of(p->shown) : span_upto(name, GPU_PRODUCT_MAX - 1));
    c->memory_mib = g->memory_mib ? g->memory_mib : p ? p->memory_mib : 0;
    c->nvlink_gen = p ? p->nvlink_gen : 0;
    c->pcie_gen = p ? p->pcie_gen : 0;
}

/* The smallest of the GPUs meant: a model must fit each of them. */
static uint32_t least_memory(const struct topo *t, struct gpuset set, uint32_t otherwise) {
    uint32_t least = otherwise;
    for (unsigned i = gpuset_next(set, 0); i < t->n; i = gpuset_next(set, i + 1)) {
        uint32_t mib = t->gpu[i].memory_mib;
        least = mib && (mib < least || !least) ? mib : least;
    }
    return least;
}

static void name_bad_pair(struct node_case *c, const struct node_view *view) {
    unsigned a = c->answer.bad_a;
    unsigned b = c->answer.bad_b;
    if (a == b || a >= view->topo->n || b >= view->topo->n) {
        return;
    }
    struct buf bad = BUF_OVER(c->bad);
    buf_fmt(&bad, "%u-%u", (unsigned)view->topo->gpu[a].index, (unsigned)view->topo->gpu[b].index);
    struct wire w = view->topo->wire[a][b];
    struct wire back = view->topo->wire[b][a];
    uint8_t lanes = w.kind == WIRE_NVLINK ? w.lanes : 0;
    uint8_t lanes_back = back.kind == WIRE_NVLINK ? back.lanes : 0;
    c->lanes = lanes < lanes_back ? lanes : lanes_back;
    c->expected = view->topo->expected[a][b];
    c->bad_state = view->health ? view->health->pair[a][b] : PAIR_UNKNOWN;
}

void case_fill(struct node_case *c, const struct node_view *view, const struct node_answer *a) {
    *c = (struct node_case){.set = true, .answer = *a, .expected = EXPECTED_UNKNOWN};
    struct buf name = BUF_OVER(c->name);
    buf_span(&name, span_upto(view->name, NODE_NAME_MAX - 1));
    if (view->topo_state != NODE_TOPO_OK || !view->topo || !view->topo->n) {
        return;
    }
    unsigned first = a->has_set ? gpuset_next(a->set, 0) : 0;
    name_product(c, view->topo, first < view->topo->n ? first : 0);
    name_bad_pair(c, view);
    if (a->has_set) {
        struct buf gpus = BUF_OVER(c->gpus);
        topo_set_text(view->topo, a->set, &gpus);
        c->memory_mib = least_memory(view->topo, a->set, c->memory_mib);
        if (!buf_ok(&gpus)) {
            c->gpus[0] = '\0';
        }
    }
}

static void count(struct census *c, enum reason code, bool ever) {
    c->nodes++;
    c->by_code[code]++;
    c->gpu_nodes += code != REASON_NO_GPU && code != REASON_NODE_UNKNOWN;
    c->ever += ever;
}

static enum reason code_of(const struct node_answer *a) {
    return a->code < REASON_COUNT ? (enum reason)a->code : REASON_NODE_UNKNOWN;
}

void census_add(struct census *c, const struct node_view *view, const struct shape *s,
                const struct node_answer *a) {
    enum reason code = code_of(a);
    bool fits = code == REASON_NONE;
    (void)s;
    count(c, code, a->ever);
    c->fits += fits;
    c->unknown += code == REASON_TOPOLOGY_UNKNOWN || code == REASON_TOPOLOGY_STALE ||
                  code == REASON_TOPOLOGY_INVALID;
    if (!view) {
        return;
    }
    if (fits && is_better(&c->best, view->name, a)) {
        case_fill(&c->best, view, a);
    } else if (!fits && is_nearer(&c->nearest, view->name, a)) {
        case_fill(&c->nearest, view, a);
    }
}

/* One that would fit is worth more words than one that would not. */
static bool is_worth(const struct node_case *old, struct span name, const struct node_answer *a) {
    bool fitted = old->set && old->answer.code == REASON_NONE;
    bool fits = a->code == REASON_NONE;
    return fits != fitted ? fits : fits ? is_better(old, name, a) : is_nearer(old, name, a);
}

void census_add_off(struct census *c, const struct node_view *view, const struct node_answer *a,
                    enum place_rule rule, struct span why) {
    enum reason code = code_of(a);
    count(c, code, a->ever);
    c->n_off++;
    c->off[code]++;
    c->off_ever += a->ever;
    if (view && is_worth(&c->kept_off.node, view->name, a)) {
        struct buf words = BUF_OVER(c->kept_off.why);
        case_fill(&c->kept_off.node, view, a);
        c->kept_off.rule = (uint8_t)rule;
        buf_reset(&words);
        buf_span(&words, span_upto(why, PLACE_WORDS_TEXT));
    }
}
