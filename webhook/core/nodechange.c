#include "webhook/core/nodechange.h"

#include "webhook/core/admit_parts.h"
#include "webhook/core/nodestate_parts.h"

#define PAIRS_NAMED  6
#define FAULTS_NAMED 3

/* ---- one observation ---- */

size_t node_pairs_size(unsigned n) {
    return sizeof(struct node_pairs) + (size_t)n * n;
}

/* FNV-1a. */
static uint32_t hash_more(uint32_t h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 16777619U;
    }
    return h;
}

static uint32_t hash_gpus(const struct topo *t, unsigned n) {
    uint32_t h = 2166136261U;
    for (unsigned i = 0; i < n; i++) {
        const struct gpu *g = &t->gpu[i];
        h = hash_more(h, &g->index, sizeof g->index);
        h = hash_more(h, g->uuid, strnlen(g->uuid, GPU_UUID_MAX));
    }
    return h;
}

static uint8_t damage_block(uint8_t block) {
    return block == BLOCK_FAULT || block == BLOCK_FABRIC ? block : BLOCK_NONE;
}

void node_pairs_of(const struct node_view *v, struct node_pairs *out) {
    const struct topo *t = v->topo;
    unsigned n = v->health->n;
    memset(out, 0, node_pairs_size(n)); /* the padding too: it is compared */
    out->n = (uint8_t)n;
    out->who = hash_gpus(t, n);
    for (unsigned a = 0; a < n; a++) {
        out->cell[a * n + a] = damage_block(v->health->block[a]);
        for (unsigned b = a + 1; b < n; b++) {
            out->cell[a * n + b] = (uint8_t)pair_lanes(t, a, b);
            out->cell[b * n + a] = v->health->pair[a][b];
        }
    }
}

/* ---- one change ---- */

struct change {
    const struct node_view *v;
    const struct policy *policy;
    const struct node_pairs *before; /* NULL: nothing to compare with */
    struct node_event *out;
    unsigned n;
};

/* One pair of an observation. */
struct pair_seen {
    uint8_t state;
    unsigned lanes;
};

static struct pair_seen pair_now(const struct change *c, unsigned a, unsigned b) {
    return (struct pair_seen){c->v->health->pair[a][b], pair_lanes(c->v->topo, a, b)};
}

static struct pair_seen pair_before(const struct change *c, unsigned a, unsigned b) {
    const struct node_pairs *p = c->before;
    if (!p) {
        return (struct pair_seen){PAIR_UNKNOWN, 0};
    }
    return (struct pair_seen){p->cell[b * p->n + a], p->cell[a * p->n + b]};
}

static bool was_linked(uint8_t state) {
    return state == PAIR_HEALTHY || state == PAIR_DEGRADED || state == PAIR_ASYMMETRIC;
}

/* What happened to the pair; REASON_NONE nothing worth a word. A pair that cannot be told any more
 * has not changed; its condition says so. */
static enum reason pair_news(struct pair_seen was, struct pair_seen is) {
    if (was.state == is.state && was.lanes == is.lanes) {
        return REASON_NONE;
    }
    switch ((enum pair_state)is.state) {
    case PAIR_DOWN:
        return REASON_NVLINK_DOWN;
    case PAIR_DEGRADED:
        return REASON_NVLINK_DEGRADED;
    case PAIR_ASYMMETRIC:
        return REASON_NVLINK_ASYMMETRIC;
    case PAIR_ABSENT: /* there are nodes whose report does not know what should be there */
        return was_linked(was.state) ? REASON_NVLINK_DOWN : REASON_NONE;
    case PAIR_HEALTHY:
        return was.state != PAIR_UNKNOWN && is.lanes > was.lanes ? REASON_NVLINK_UP : REASON_NONE;
    case PAIR_UNKNOWN:
    case PAIR_STATE_COUNT:
        break;
    }
    return REASON_NONE;
}

/* "12 lanes -> 6". */
static void say_change(const struct change *c, unsigned a, unsigned b, enum reason code,
                       char out[static PAIR_WORDS_MAX]) {
    struct buf what = buf_over(out, PAIR_WORDS_MAX);
    struct pair_seen was = pair_before(c, a, b);
    struct pair_seen is = pair_now(c, a, b);
    unsigned from = was.lanes;
    if (code == REASON_NVLINK_ASYMMETRIC) {
        put_disagreement(c->v->topo, a, b, &what);
        return;
    }
    if (from == is.lanes || (was.state == PAIR_UNKNOWN && code != REASON_NVLINK_UP)) {
        from = pair_expected(c->v->topo, a, b);
    }
    buf_fmt(&what, "%u lanes -> %u", from, is.lanes);
}

/* ---- events ---- */

static void push(struct change *c, enum reason code, const struct buf *text) {
    if (c->n < NODE_EVENTS_MAX) {
        struct node_event *e = &c->out[c->n++];
        e->code = code;
        text_take(text, e->message, sizeof e->message);
    }
}

static void put_advice(const struct change *c, const struct pair_list *l, enum reason code,
                       struct buf *b) {
    bool one = l->n == 1;
    if (code == REASON_NVLINK_UP) {
        return;
    }
    if (code == REASON_NVLINK_DEGRADED && c->policy->allow_degraded) {
        buf_fmt(b, " By policy TP groups may use %s, as the last choice.",
                one ? "the pair" : "these pairs");
    } else {
        buf_fmt(b, " TP groups keep off %s, TP=1 may use %s.", one ? "the pair" : "these pairs",
                one ? "it" : "them");
    }
    if (code == REASON_NVLINK_ASYMMETRIC && c->policy->allocation == ALLOC_PLUGIN &&
        c->v->health->any_one_way) {
        buf_str(b, " NVLink one way only ends the stock device plugin when a pod asks for several "
                   "GPUs: the node gets none of these pods.");
    }
    buf_fmt(b, " Look: nvidia-smi nvlink --status -i %u",
            (unsigned)c->v->topo->gpu[l->first].index);
}

static void pair_event(struct change *c, enum reason code) {
    char text[1200];
    struct buf b = BUF_OVER(text);
    struct pair_list l = {.t = c->v->topo, .out = &b, .most = PAIRS_NAMED};
    unsigned n = c->v->health->n;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = i + 1; j < n; j++) {
            char what[PAIR_WORDS_MAX];
            if (pair_news(pair_before(c, i, j), pair_now(c, i, j)) == code) {
                say_change(c, i, j, code, what);
                pair_list_add(&l, i, j, what);
            }
        }
    }
    if (l.n) {
        pair_list_end(&l);
        buf_char(&b, '.');
        put_advice(c, &l, code, &b);
        push(c, code, &b);
    }
}

/* GPUs that are blocked so in one observation and not in the other. */
static struct gpuset newly(const struct change *c, enum gpu_block block, bool now) {
    struct gpuset set = gpuset_none();
    for (unsigned i = 0; i < c->v->health->n; i++) {
        bool is = c->v->health->block[i] == block;
        bool was = c->before && c->before->cell[i * c->before->n + i] == block;
        if (is != was && is == now) {
            set = gpuset_with(set, i);
        }
    }
    return set;
}

static void fault_event(struct change *c) {
    char text[600];
    struct buf b = BUF_OVER(text);
    const struct topo *t = c->v->topo;
    struct gpuset set = newly(c, BLOCK_FAULT, true);
    unsigned named = 0;
    if (gpuset_empty(set)) {
        return;
    }
    for (GPUSET_EACH(i, set)) {
        if (named++ == FAULTS_NAMED) {
            buf_fmt(&b, "; and %u more", gpuset_count(set) - FAULTS_NAMED);
            break;
        }
        buf_fmt(&b, "%sGPU %u: ", b.n ? "; " : "", (unsigned)t->gpu[i].index);
        put_fault(&t->gpu[i], &b);
    }
    buf_fmt(&b, ". TP groups keep off %s. Look: nvidia-smi -q -i %u", named == 1 ? "it" : "them",
            (unsigned)t->gpu[gpuset_next(set, 0)].index);
    push(c, REASON_GPU_FAULT, &b);
}

static void fabric_event(struct change *c) {
    char text[400];
    struct buf b = BUF_OVER(text);
    const struct topo *t = c->v->topo;
    struct gpuset set = newly(c, BLOCK_FABRIC, true);
    if (gpuset_empty(set)) {
        return;
    }
    const struct gpu *first = &t->gpu[gpuset_next(set, 0)];
    put_gpu_words(t, set, &b);
    buf_fmt(&b,
            ": NVSwitch fabric %s, NVLink carries nothing. TP groups keep off %s. Look: nvidia-smi "
            "-q -i %u",
            fabric_name((enum fabric_state)first->fabric), gpuset_count(set) == 1 ? "it" : "them",
            (unsigned)first->index);
    push(c, REASON_FABRIC_NOT_READY, &b);
}

static void ready_event(struct change *c) {
    char text[600];
    struct buf b = BUF_OVER(text);
    struct gpuset cured = newly(c, BLOCK_FAULT, false);
    struct gpuset ready = newly(c, BLOCK_FABRIC, false);
    if (!gpuset_empty(cured)) {
        put_gpu_words(c->v->topo, cured, &b);
        buf_str(&b, ": no fault any more.");
    }
    if (!gpuset_empty(ready)) {
        buf_str(&b, b.n ? " " : "");
        put_gpu_words(c->v->topo, ready, &b);
        buf_str(&b, ": the NVSwitch fabric does not hold them back any more.");
    }
    if (b.n) {
        push(c, REASON_GPU_READY, &b);
    }
}

static void compare(struct change *c) {
    pair_event(c, REASON_NVLINK_DOWN);
    pair_event(c, REASON_NVLINK_DEGRADED);
    pair_event(c, REASON_NVLINK_ASYMMETRIC);
    fault_event(c);
    fabric_event(c);
    ready_event(c);
    pair_event(c, REASON_NVLINK_UP);
}

/* ---- the report itself ---- */

static bool is_refused(enum reason r) {
    return r == REASON_TOPOLOGY_INVALID || r == REASON_TOPOLOGY_STALE;
}

static void unreadable_event(struct change *c, const struct node_state *s,
                             const struct node_before *before) {
    bool told = before->said == NODE_SAID_UNKNOWN && before->reason == s->reason;
    /* A GPU node that nobody has described yet is no news. */
    bool news =
        is_refused(s->reason) || before->said == NODE_SAID_TRUE || before->said == NODE_SAID_FALSE;
    if (told || !news) {
        return;
    }
    char text[NODE_MESSAGE_MAX + 100];
    struct buf b = BUF_OVER(text);
    buf_str(&b, s->message);
    if (c->policy->unknown_topology == UNKNOWN_STRICT) {
        buf_str(&b, " TP groups keep off the node.");
    }
    push(c, s->reason, &b);
}

static void known_event(struct change *c, const struct node_state *s) {
    char text[NODE_MESSAGE_MAX + 100];
    struct buf b = BUF_OVER(text);
    buf_fmt(&b, "The report of the GPU wiring can be used again. %s", s->message);
    push(c, REASON_TOPOLOGY_KNOWN, &b);
}

static bool is_comparable(const struct node_view *v, const struct node_pairs *before) {
    return before && before->n == v->health->n && before->who == hash_gpus(v->topo, before->n);
}

enum node_said node_said_of(struct span status) {
    if (span_is(status, "True")) {
        return NODE_SAID_TRUE;
    }
    if (span_is(status, "False")) {
        return NODE_SAID_FALSE;
    }
    return span_is(status, "Unknown") ? NODE_SAID_UNKNOWN : NODE_SAID_NOTHING;
}

unsigned node_events_of(const struct node_view *v, const struct node_state *s,
                        const struct policy *policy, const struct node_before *before,
                        struct node_event out[static NODE_EVENTS_MAX]) {
    struct change c = {.v = v, .policy = policy, .out = out};
    if (!s->concerns) {
        return 0;
    }
    if (!s->readable) {
        unreadable_event(&c, s, before);
        return c.n;
    }
    if (before->said == NODE_SAID_UNKNOWN && is_refused(before->reason)) {
        known_event(&c, s);
    }
    bool is_true = node_said_of(span_of(s->status)) == NODE_SAID_TRUE;
    bool was_true = before->said == NODE_SAID_TRUE;
    if (is_comparable(v, before->pairs)) {
        c.before = before->pairs;
        compare(&c);
    } else if (is_true && !(was_true && before->same_message)) {
        compare(&c);
    } else if (!is_true && was_true) {
        char text[NODE_MESSAGE_MAX + 1];
        struct buf b = BUF_OVER(text);
        buf_str(&b, s->message);
        push(&c, REASON_NVLINK_UP, &b);
    }
    return c.n;
}
