/* Does this pod fit that node, and if not, which one reason tells most. The order of the questions
 * is the order in which an answer stops mattering: no GPUs, too few, wiring not known, the pin,
 * never enough NVLink, not healthy, not safe to hand out, in use. */
#include "webhook/core/node_parts.h"

/* Only a report that somebody keeps sending can be late. */
static bool has_heartbeat(const struct topo *t) {
    struct span source = {t->source, strnlen(t->source, TOPO_SOURCE_MAX)};
    return !span_is(source, "manual") && !span_is(source, "nvidia-smi") &&
           !span_is(source, "synthetic");
}

/* A report is written when something changes; in between the agent's heartbeat vouches for it. */
static int64_t seen_at(const struct node_view *n) {
    int64_t written = n->topo->observed_at;
    return n->heartbeat_at > written ? n->heartbeat_at : written;
}

static bool is_stale(const struct node_view *n, const struct policy *policy, int64_t now) {
    if (!policy->freshness_s || !has_heartbeat(n->topo) || seen_at(n) >= now) {
        return false;
    }
    return (uint64_t)now - (uint64_t)seen_at(n) > policy->freshness_s;
}

int64_t node_valid_until(const struct node_view *n, const struct policy *policy) {
    if (n->topo_state != NODE_TOPO_OK || !n->topo || !policy->freshness_s ||
        !has_heartbeat(n->topo)) {
        return INT64_MAX;
    }
    int64_t seen = seen_at(n);
    int64_t span = (int64_t)policy->freshness_s + 1;
    return seen > INT64_MAX - span ? INT64_MAX : seen + span;
}

enum reason node_unreadable(const struct node_view *n, const struct policy *policy, int64_t now) {
    if (n->topo_state == NODE_TOPO_INVALID) {
        return REASON_TOPOLOGY_INVALID;
    }
    if (n->topo_state != NODE_TOPO_OK || !n->topo || !n->health) {
        return REASON_TOPOLOGY_UNKNOWN;
    }
    return is_stale(n, policy, now) ? REASON_TOPOLOGY_STALE : REASON_NONE;
}

static struct node_question question_of(const struct node_view *n, const struct shape *s,
                                        const struct policy *policy, int64_t now) {
    struct node_question q = {.n = n, .s = s, .policy = policy};
    uint64_t parts = s->pinned || s->any ? 0 : (uint64_t)s->tp * s->groups + s->extra;
    q.need = parts > s->gpus ? parts : s->gpus;
    q.free_count = n->gpus > n->used ? n->gpus - n->used : 0;
    q.ask = (struct fit_ask){.tp = s->tp,
                             .groups = s->groups,
                             .extra = s->extra,
                             .order = s->n_order ? s->order : NULL,
                             .n_order = s->n_order};
    q.unreadable = node_unreadable(n, policy, now);
    if (q.unreadable == REASON_NONE) {
        for (unsigned i = 0; i < n->health->n; i++) {
            if (n->health->block[i] != BLOCK_FAULT) {
                q.sound = gpuset_with(q.sound, i);
            }
        }
        q.free = gpuset_minus(q.sound, n->busy);
        q.open = gpuset_minus(q.free, n->planned);
    }
    return q;
}

/* GPUs this node could have when all of them work. */
static uint32_t gpus_ever(const struct node_question *q) {
    uint32_t wired = q->unreadable == REASON_NONE ? q->n->topo->n : 0;
    return wired > q->n->gpus ? wired : q->n->gpus;
}

static bool is_lost(const struct gpu *g) {
    struct span fault = {g->fault, strnlen(g->fault, GPU_FAULT_MAX)};
    return span_has(fault, "Xid 79") || span_has(fault, "fell off") || span_has(fault, "lost") ||
           span_has(fault, "LOST");
}

/* NVIDIA's device plugin scores all pairs before it hands out GPUs: it fails when a GPU is gone
 * (for pods of one GPU too: the kubelet asks it for its preference every time), and panics when one
 * end of a pair sees NVLink and the other none (for one GPU it compares no pairs). Every retry
 * fails like the first, so such pods stay away. Seen with the real plugin on a real kubelet. */
static bool plugin_would_fail(const struct node_question *q) {
    if (q->policy->allocation != ALLOC_PLUGIN || !q->s->gpus || q->unreadable != REASON_NONE) {
        return false;
    }
    bool lost = false;
    for (unsigned i = 0; i < q->n->topo->n; i++) {
        lost = lost || is_lost(&q->n->topo->gpu[i]);
    }
    return lost || (q->s->gpus > 1 && q->n->health->any_one_way);
}

static uint8_t fewest_lanes(const struct topo *t, struct gpuset set) {
    uint8_t least = LANES_MAX;
    for (GPUSET_EACH(a, set)) {
        for (GPUSET_EACH(b, set)) {
            least = a != b && t->wire[a][b].lanes < least ? t->wire[a][b].lanes : least;
        }
    }
    return least;
}

/* Ends that count different lanes do not trouble the plugin: it scores the pair by the end that it
 * comes across first, and gives it to a TP group when that is as many as the good set has. Sets of
 * more than two are chosen by their sums, and links to switches it does not see at all. */
static bool plugin_may_stray(const struct node_question *q, struct gpuset set) {
    const struct topo *t = q->n->topo;
    uint8_t good = q->s->tp > 2 || t->nvswitch ? 0 : fewest_lanes(t, set);
    if (q->policy->allocation != ALLOC_PLUGIN || !q->s->gpus) {
        return false;
    }
    for (GPUSET_EACH(a, q->free)) {
        for (GPUSET_EACH(b, q->free)) {
            bool odd = q->n->health->pair[a][b] == PAIR_ASYMMETRIC;
            if (a != b && odd && t->wire[a][b].lanes >= good) {
                return true;
            }
        }
    }
    return false;
}

/* Pods that hold GPUs here by count and that nobody described: each may sit anywhere. */
static struct fit_pending unreported(const struct node_view *n) {
    struct fit_pending p = n->pending;
    uint64_t told = gpuset_count(n->busy);
    p.n = p.n > GPU_MAX ? GPU_MAX : p.n;
    for (unsigned i = 0; i < p.n; i++) {
        told += p.size[i];
    }
    for (; told < n->used && p.n < GPU_MAX; told++) {
        p.size[p.n++] = 1;
    }
    return p;
}

/* By count alone: TP=1, foreign GPUs, unknown sizes that the policy lets pass. */
static enum reason judge_count(const struct node_question *q) {
    if (q->need > q->free_count) {
        return REASON_GPUS_BUSY;
    }
    bool matched = q->unreadable == REASON_NONE && q->n->gpus <= q->n->topo->n;
    if (matched && q->need > gpuset_count(q->free)) {
        return REASON_GPU_FAULT;
    }
    return plugin_would_fail(q) ? REASON_PLUGIN_WOULD_FAIL : REASON_NONE;
}

/* CUDA takes a UUID's beginning for the whole when only one GPU has it. */
static int find_uuid(const struct topo *t, const char *uuid) {
    int found = -1;
    size_t n = strnlen(uuid, GPU_UUID_MAX);
    for (unsigned i = 0; n && i < t->n; i++) {
        if (memcmp(t->gpu[i].uuid, uuid, n) != 0) {
            continue;
        }
        if (found >= 0) {
            return -1;
        }
        found = (int)i;
    }
    return found;
}

static bool knows_uuids(const struct topo *t) {
    for (unsigned i = 0; i < t->n; i++) {
        if (!t->gpu[i].uuid[0]) {
            return false;
        }
    }
    return true;
}

/* The GPUs a pin means on this node. */
static enum reason resolve_pin(const struct node_question *q, struct gpuset *set) {
    const struct topo *t = q->n->topo;
    const struct pin *pin = &q->s->pin;
    if (pin->kind == PIN_ALL) {
        *set = q->n->health->all;
        return REASON_NONE;
    }
    *set = gpuset_none();
    for (unsigned i = 0; i < pin->n && i < PIN_MAX; i++) {
        const struct pin_entry *p = &pin->gpu[i];
        int at = p->index >= 0 ? topo_find_index(t, (unsigned)p->index) : find_uuid(t, p->uuid);
        if (at < 0) {
            return p->index < 0 && !knows_uuids(t) ? REASON_TOPOLOGY_UNKNOWN : REASON_PIN_MISSING;
        }
        *set = gpuset_with(*set, (unsigned)at);
    }
    return REASON_NONE;
}

/* Are the pinned GPUs wired for the groups? A pair that never had NVLink, or whose NVLink is down,
 * means PCIe; any other trouble is named as it is and waited for. */
static enum reason judge_pinned_wires(const struct node_question *q, struct node_answer *out) {
    const struct health *h = q->n->health;
    unsigned a = 0;
    unsigned b = 0;
    enum reason code = REASON_NONE;
    if (!fit_check(h, FIT_EVER, out->set, &q->ask, &a, &b)) {
        out->ever = false;
        code = REASON_PINNED_ACROSS_PCIE;
    } else if (!fit_check(h, FIT_NOW, out->set, &q->ask, &a, &b)) {
        struct health but_down;
        unsigned x = 0;
        unsigned y = 0;
        code = cause_reason(pair_causes(h, a, b));
        health_lift(h, ~(unsigned)(CAUSE_ABSENT | CAUSE_DOWN), &but_down);
        if (!fit_check(&but_down, FIT_NOW, out->set, &q->ask, &x, &y)) {
            a = x;
            b = y;
            code = cause_reason(pair_causes(h, a, b));
            code = code == REASON_NVLINK_DOWN ? REASON_PINNED_ACROSS_PCIE : code;
        }
    }
    out->bad_a = (uint8_t)a;
    out->bad_b = (uint8_t)b;
    return code;
}

static enum reason judge_pin(struct node_question *q, struct node_answer *out) {
    struct gpuset set;
    enum reason code = resolve_pin(q, &set);
    if (code == REASON_TOPOLOGY_UNKNOWN && q->s->tp < 2) {
        return judge_count(q);
    }
    if (code != REASON_NONE) {
        out->ever = code != REASON_PIN_MISSING;
        return code;
    }
    unsigned used = q->ask.tp * q->ask.groups;
    if (used > gpuset_count(set)) {
        out->ever = false;
        return REASON_TP_EXCEEDS_GPUS;
    }
    out->has_set = true;
    out->set = set;
    q->ask.extra = gpuset_count(set) - used;
    if (q->s->tp > 1) {
        code = judge_pinned_wires(q, out);
    } else if (!gpuset_in(set, q->sound)) {
        code = REASON_GPU_FAULT;
    }
    if (code != REASON_NONE) {
        return code;
    }
    if (plugin_would_fail(q)) {
        return REASON_PLUGIN_WOULD_FAIL;
    }
    if (!gpuset_empty(gpuset_and(set, gpuset_or(q->n->busy, q->n->planned)))) {
        return REASON_PIN_BUSY;
    }
    if (q->s->gpus > q->free_count) {
        return REASON_GPUS_BUSY;
    }
    bool unsure = q->s->tp > 1 && q->policy->allocation == ALLOC_PLUGIN && unreported(q->n).n;
    return unsure ? REASON_NVLINK_SET_UNSURE : REASON_NONE;
}

/* Beside the sets in use: a free pair that would serve if it were repaired. */
static void name_free_damage(const struct node_question *q, struct node_answer *out) {
    for (GPUSET_EACH(a, q->free)) {
        for (GPUSET_EACH(b, q->free)) {
            unsigned causes = b > a ? pair_causes(q->n->health, a, b) : 0;
            if (causes && !(causes & (CAUSE_ABSENT | CAUSE_UNKNOWN))) {
                out->bad_a = (uint8_t)a;
                out->bad_b = (uint8_t)b;
                return;
            }
        }
    }
}

/* The device plugin gives a pod of this size a linked set as long as one is free: as many such pods
 * as there are disjoint sets have taken them all, wherever each sits. */
static bool surely_taken(const struct node_question *q, const struct fit_pending *pending) {
    unsigned same = 0;
    for (unsigned i = 0; i < pending->n; i++) {
        same += pending->size[i] == q->s->tp;
    }
    return same && same >= fit_count(q->n->health, FIT_NOW, q->free, q->s->tp);
}

/* A set exists on the node when all its GPUs are free: is one free, and certain to stay so? */
static enum reason judge_free_set(const struct node_question *q, struct node_answer *out) {
    const struct node_view *n = q->n;
    struct fit fit;
    if (plugin_would_fail(q)) {
        return REASON_PLUGIN_WOULD_FAIL;
    }
    if (!fit_groups(n->health, FIT_NOW, n->topo, q->open, &q->ask, &fit, NULL)) {
        name_free_damage(q, out);
        return REASON_NVLINK_SET_BUSY;
    }
    out->set = fit.set;
    if (plugin_may_stray(q, fit.set)) {
        return REASON_PLUGIN_WOULD_FAIL;
    }
    if (q->need > q->free_count) {
        return REASON_GPUS_BUSY;
    }
    struct fit_pending pending = unreported(n);
    if (q->policy->allocation == ALLOC_PLUGIN && pending.n &&
        !fit_certain(n->health, q->free, &pending, &q->ask)) {
        return surely_taken(q, &pending) ? REASON_NVLINK_SET_BUSY : REASON_NVLINK_SET_UNSURE;
    }
    return REASON_NONE;
}

static enum reason judge_sets(const struct node_question *q, struct node_answer *out) {
    const struct health *h = q->n->health;
    struct fit fit;
    bool exact = true;
    if (!h->any_nvlink && !h->any_unknown) {
        out->ever = false;
        return REASON_NO_NVLINK;
    }
    if (!fit_groups(h, FIT_EVER, q->n->topo, h->all, &q->ask, &fit, &exact)) {
        out->ever = !exact;
        return REASON_NO_NVLINK_SET;
    }
    if (q->need > gpuset_count(q->sound)) {
        return REASON_GPU_FAULT;
    }
    if (!fit_groups(h, FIT_NOW, q->n->topo, q->sound, &q->ask, &fit, NULL)) {
        return node_cause(q, out);
    }
    out->has_set = true;
    out->set = fit.set;
    return judge_free_set(q, out);
}

static enum reason judge(struct node_question *q, struct node_answer *out) {
    const struct shape *s = q->s;
    bool groups = s->tp > 1 && !s->any;
    if (q->need == 0 && !s->pinned) {
        out->ever = true;
        return REASON_NONE;
    }
    if (gpus_ever(q) == 0) {
        out->ever = q->unreadable == REASON_TOPOLOGY_INVALID;
        return out->ever ? REASON_TOPOLOGY_INVALID : REASON_NO_GPU;
    }
    if (groups && !s->pinned && s->gpus && (uint64_t)s->tp * s->groups > s->gpus) {
        return REASON_TP_EXCEEDS_GPUS;
    }
    out->ever = q->need <= gpus_ever(q);
    if (q->need > q->n->gpus) {
        return out->ever ? REASON_GPU_FAULT : REASON_TP_EXCEEDS_GPUS;
    }
    bool waved = groups && q->policy->unknown_topology == UNKNOWN_ALLOW;
    if (q->unreadable != REASON_NONE) {
        return groups && !waved ? q->unreadable : judge_count(q);
    }
    if (!groups && !s->pinned) {
        return judge_count(q);
    }
    enum reason code = s->pinned ? judge_pin(q, out) : judge_sets(q, out);
    if (code == REASON_TOPOLOGY_UNKNOWN && waved) {
        out->has_set = false;
        return judge_count(q);
    }
    return code;
}

void decide_node(const struct node_view *n, const struct shape *s, const struct policy *policy,
                 int64_t now, struct node_answer *out) {
    struct node_question q = question_of(n, s, policy, now);
    *out = (struct node_answer){0};
    out->code = (uint8_t)judge(&q, out);
    if (out->code == REASON_NONE) {
        out->bad_a = out->bad_b = 0;
        node_score(&q, out);
    }
}
