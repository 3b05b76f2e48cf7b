/* How good a node is for a pod that fits there. Deterministic, integers only.
 *
 * TP groups (tp > 1): what the choice destroys beyond the GPUs it takes; of two numbers the first
 * is for a node in use already (it is filled first), the second for an empty one.
 *
 *              nothing   a set of 2,    a set of 4   a set of 8
 *                        or any link
 *   all lanes  10 / 9    8 / 7          6 / 5        4
 *   degraded   3         2              2            2
 *
 *   1 where wiring or TP size is not known and the policy lets it pass.
 *
 * TP=1: what a GPU taken here costs those who need NVLink.
 *
 *   10    the GPU is certainly a stranded one
 *   9     the device plugin picks at random, and half of the free GPUs or more are stranded
 *   8     the node has no NVLink
 *   7     no set of 2, 4 or 8 is lost
 *   6     the wiring is not known
 *   6..1  7 - 2 x the mean loss, rounded down: a set of 2 counts 1, of 4 counts 2, of 8 counts 3;
 *         the mean over the free GPUs where the plugin picks at random, else the best choice
 */
#include "webhook/core/node_parts.h"

struct sets {
    unsigned of8, of4, of2;
};

static struct sets sets_in(const struct health *h, struct gpuset free) {
    return (struct sets){fit_count(h, FIT_NOW, free, 8), fit_count(h, FIT_NOW, free, 4),
                         fit_count(h, FIT_NOW, free, 2)};
}

static bool lost(unsigned before, unsigned after, unsigned own) {
    return before > after + own;
}

/* The largest class of sets that is destroyed beyond those that a TP group over `grouped` GPUs (0
 * for replicas: they need no set) uses itself: 3 a set of 8, 2 of 4, 1 of 2, 0 none. */
static unsigned loss(struct sets before, struct sets after, unsigned grouped) {
    if (lost(before.of8, after.of8, grouped / 8)) {
        return 3;
    }
    if (lost(before.of4, after.of4, grouped / 4)) {
        return 2;
    }
    return lost(before.of2, after.of2, grouped / 2) ? 1 : 0;
}

/* Every pair inside the groups has all its lanes. */
static bool full_lanes(const struct node_question *q, struct gpuset set) {
    if (!q->policy->allow_degraded) {
        return true;
    }
    struct health strict = *q->n->health;
    for (unsigned a = 0; a < strict.n; a++) {
        for (unsigned b = 0; b < strict.n; b++) {
            if (strict.pair[a][b] != PAIR_HEALTHY) {
                strict.adj[a] = gpuset_minus(strict.adj[a], gpuset_one(b));
            }
        }
    }
    return fit_check(&strict, FIT_NOW, set, &q->ask, NULL, NULL);
}

/* Some free GPU outside is linked with the set: it was part of a larger one. */
static bool is_carved(const struct node_question *q, struct gpuset set) {
    struct gpuset rest = gpuset_minus(q->open, set);
    for (GPUSET_EACH(i, set)) {
        if (!gpuset_empty(gpuset_and(q->n->health->adj[i], rest))) {
            return true;
        }
    }
    return false;
}

static bool in_use(const struct node_view *n) {
    return n->used || n->pending.n || !gpuset_empty(n->busy);
}

static unsigned score_groups(const struct node_question *q, struct node_answer *out) {
    const struct health *h = q->n->health;
    struct sets before = sets_in(h, q->open);
    struct sets after = sets_in(h, gpuset_minus(q->open, out->set));
    unsigned class = loss(before, after, gpuset_count(out->set));
    out->left2 = (uint8_t)after.of2;
    class = class == 0 && is_carved(q, out->set) ? 1 : class;
    if (!full_lanes(q, out->set)) {
        return class ? 2 : 3;
    }
    if (class == 3) {
        return 4;
    }
    return 10 - 2 * class - (in_use(q->n) ? 0 : 1);
}

/* GPUs for n replicas, the least useful first; but for several the stock plugin takes a linked set
 * when there is one. What may turn out to be a TP group gets a linked set or no advice. */
static struct gpuset choose_singles(const struct node_question *q, unsigned n, bool maybe_group) {
    struct gpuset set = gpuset_none();
    struct gpuset from = gpuset_count(q->open) >= n ? q->open : q->free;
    struct fit one;
    bool linked = n > 1 && (maybe_group || q->policy->allocation == ALLOC_PLUGIN);
    if (linked && fit_best(q->n->health, FIT_NOW, q->n->topo, from, n, &one, NULL)) {
        return one.set;
    }
    if (maybe_group) {
        return gpuset_none();
    }
    for (unsigned i = 0; i < n; i++) {
        struct gpuset rest = gpuset_minus(from, set);
        if (!fit_best(q->n->health, FIT_NOW, q->n->topo, rest, 1, &one, NULL)) {
            return gpuset_none();
        }
        set = gpuset_or(set, one.set);
    }
    return set;
}

/* Mean loss over the free GPUs, in hundredths: the stock plugin gives a pod of one any of them. */
static unsigned mean_loss(const struct node_question *q, struct sets before) {
    unsigned sum = 0;
    unsigned n = 0;
    for (GPUSET_EACH(g, q->free)) {
        struct gpuset rest = gpuset_minus(q->free, gpuset_one(g));
        sum += loss(before, sets_in(q->n->health, rest), 0);
        n++;
    }
    return n ? (100 * sum + n - 1) / n : 0;
}

static unsigned score_singles(const struct node_question *q, struct node_answer *out) {
    const struct health *h = q->n->health;
    unsigned want = (unsigned)q->need;
    struct gpuset stranded = fit_stranded(h, q->free);
    struct sets before = sets_in(h, q->free);
    struct sets after = sets_in(h, gpuset_minus(q->free, out->set));
    bool random = want == 1 && !q->s->pinned && q->policy->allocation == ALLOC_PLUGIN;
    out->left2 = (uint8_t)after.of2;
    if (!h->any_nvlink && !h->any_unknown) {
        return 8;
    }
    if (!random && gpuset_in(out->set, stranded)) {
        return 10;
    }
    if (random && gpuset_eq(stranded, q->free)) {
        return 10;
    }
    if (random && 2 * gpuset_count(stranded) >= gpuset_count(q->free)) {
        return 9;
    }
    if (h->any_unknown) {
        return 6;
    }
    unsigned mean = random ? mean_loss(q, before) : 100 * loss(before, after, 0);
    return 7 - (2 * mean + 99) / 100;
}

void node_score(const struct node_question *q, struct node_answer *out) {
    bool groups = q->s->tp > 1 && !q->s->any;
    bool maybe_group = q->s->any && q->need > 1;
    if (q->unreadable != REASON_NONE) {
        out->score = groups || maybe_group ? 1 : 6;
        return;
    }
    if (!groups && !out->has_set && q->need <= GPU_MAX) {
        out->set = choose_singles(q, (unsigned)q->need, maybe_group);
        out->has_set = !gpuset_empty(out->set);
    }
    if (!out->has_set) {
        out->score = 1;
        return;
    }
    out->score = (uint8_t)(groups || maybe_group ? score_groups(q, out) : score_singles(q, out));
}
