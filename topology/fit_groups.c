#include <string.h>

#include <assert.h>

#include "topology/fit_inner.h"

static bool order_is_good(const struct fit_ask *ask, unsigned total) {
    struct gpuset seen = gpuset_none();
    if (ask->n_order != ask->tp * ask->groups) {
        return false;
    }
    for (unsigned i = 0; i < ask->n_order; i++) {
        unsigned slot = ask->order[i];
        if (slot >= total || gpuset_has(seen, slot)) {
            return false;
        }
        seen = gpuset_with(seen, slot);
    }
    return true;
}

/* The slots of group g are neighbours: its lowest slot and the tp - 1 after it. */
static bool is_run(const struct fit_slots *s, unsigned lowest) {
    for (unsigned i = 1; i < s->tp; i++) {
        if (lowest + i >= s->n || s->group[lowest + i] != s->group[lowest]) {
            return false;
        }
    }
    return true;
}

static void note_shape(struct fit_slots *s) {
    s->runs = true;
    s->leads = true;
    for (unsigned i = 0; i < s->n; i++) {
        bool extra = s->group[i] == SLOT_EXTRA;
        bool starts = !extra && (i == 0 || s->group[i - 1] != s->group[i]);
        s->runs = s->runs && (!starts || is_run(s, i));
        s->leads = s->leads && extra == (i >= s->tp * s->groups);
    }
    s->leads = s->leads && s->runs;
}

bool fit_slots_of(const struct fit_ask *ask, struct fit_slots *out) {
    if (ask->tp == 0 || ask->groups == 0 || ask->tp > GPU_MAX || ask->groups > GPU_MAX ||
        ask->extra > GPU_MAX) {
        return false;
    }
    unsigned ranks = ask->tp * ask->groups;
    bool ordered = ask->order && ask->n_order;
    if (ranks + ask->extra > GPU_MAX || (ordered && !order_is_good(ask, ranks + ask->extra))) {
        return false;
    }
    struct fit_slots s = {.n = ranks + ask->extra, .tp = ask->tp, .groups = ask->groups};
    memset(s.group, SLOT_EXTRA, sizeof s.group);
    for (unsigned i = 0; i < ranks; i++) {
        s.group[ordered ? ask->order[i] : i] = (uint8_t)(i / ask->tp);
    }
    note_shape(&s);
    *out = s;
    return true;
}

static struct gpuset from(struct gpuset in, unsigned first) {
    return gpuset_minus(in, gpuset_first(first));
}

bool fit_run_place(struct cliques *c, struct gpuset in, unsigned tp, struct gpuset *out,
                   unsigned *last) {
    assert(c->adj);
    for (GPUSET_EACH(v, in)) {
        struct gpuset below = gpuset_and(gpuset_and(in, c->adj[v]), gpuset_first(v));
        struct gpuset others;
        if (clique_find(c, below, tp - 1, &others)) {
            *out = gpuset_with(others, v);
            *last = v;
            return true;
        }
    }
    return false;
}

/* Runs and extras one after the other, each as early as it can end: whatever any placement does
 * with the slots up to here, it ends no earlier, so the rest has no more room than now. */
static bool place_runs(struct cliques *c, const struct fit_slots *s, struct gpuset pool,
                       struct gpuset *out) {
    struct gpuset all = gpuset_none();
    for (unsigned slot = 0; slot < s->n;) {
        bool extra = s->group[slot] == SLOT_EXTRA;
        struct gpuset taken;
        unsigned last = 0;
        if (!fit_run_place(c, pool, extra ? 1 : s->tp, &taken, &last)) {
            return false;
        }
        all = gpuset_or(all, taken);
        pool = from(pool, last + 1);
        slot += extra ? 1 : s->tp;
    }
    *out = all;
    return true;
}

/* Slot by slot in ascending position. With a rank every placement is offered, without one the
 * first ends the search. */
struct placing {
    struct cliques *cliques;
    const struct fit_slots *slots;
    const struct fit_lanes *lanes;
    struct fit_rank *rank;
    struct gpuset *first;          /* where the first placement goes, when there is no rank */
    struct gpuset room[GPU_MAX];   /* who may still join each group */
    struct gpuset member[GPU_MAX]; /* of each group */
    bool done;
};

static void placed(struct placing *p, struct gpuset all) {
    if (!p->rank) {
        *p->first = all;
        p->done = true;
        return;
    }
    unsigned fewest = UINT8_MAX;
    for (unsigned g = 0; g < p->slots->groups; g++) {
        unsigned lanes = fit_lanes_fewest(p->lanes, p->member[g]);
        fewest = lanes < fewest ? lanes : fewest;
    }
    fit_rank_offer(p->rank, all, fewest);
    p->done = p->rank->perfect;
}

static void place_slot(struct placing *p, unsigned slot, struct gpuset rest, struct gpuset all);

static void place_member(struct placing *p, unsigned slot, unsigned v, struct gpuset above,
                         struct gpuset all) {
    unsigned g = p->slots->group[slot];
    struct gpuset room = p->room[g];
    struct gpuset member = p->member[g];
    p->room[g] = gpuset_and(gpuset_and(room, p->cliques->adj[v]), above);
    p->member[g] = gpuset_with(member, v);
    if (gpuset_count(p->room[g]) + gpuset_count(p->member[g]) >= p->slots->tp) {
        place_slot(p, slot + 1, above, gpuset_with(all, v));
    }
    p->room[g] = room;
    p->member[g] = member;
}

static void place_slot(struct placing *p, unsigned slot, struct gpuset rest, struct gpuset all) {
    const struct fit_slots *s = p->slots;
    if (slot == s->n) {
        placed(p, all);
        return;
    }
    bool extra = s->group[slot] == SLOT_EXTRA;
    struct gpuset cand = extra ? rest : gpuset_and(rest, p->room[s->group[slot]]);
    while (!gpuset_empty(cand) && !p->done && clique_spend(p->cliques, 1)) {
        unsigned v = gpuset_next(cand, 0);
        struct gpuset above = from(rest, v + 1);
        cand = gpuset_without(cand, v);
        if (gpuset_count(above) + slot + 1 < s->n) {
            return;
        }
        if (extra) {
            place_slot(p, slot + 1, above, gpuset_with(all, v));
        } else {
            place_member(p, slot, v, above, all);
        }
    }
}

static void place_all(struct placing *p, struct gpuset pool) {
    for (unsigned g = 0; g < p->slots->groups; g++) {
        p->room[g] = pool;
        p->member[g] = gpuset_none();
    }
    place_slot(p, 0, pool, gpuset_none());
}

bool fit_slots_place(struct cliques *c, const struct fit_slots *s, struct gpuset pool,
                     struct gpuset *out) {
    if (gpuset_count(pool) < s->n) {
        return false;
    }
    if (s->runs) {
        return place_runs(c, s, pool, out);
    }
    struct placing p = {.cliques = c, .slots = s, .first = out};
    place_all(&p, pool);
    return p.done;
}

/* GPUs without a group each: any will do, so only what is left behind matters. */
static void best_loose(struct fit_choice *c, unsigned n) {
    fit_twins(c->rank.cliques.adj, c->rank.from, NULL, c->twin);
    fit_choose(c, c->rank.from, gpuset_none(), n);
}

static void best_placing(struct fit_choice *c, const struct fit_slots *s) {
    struct gpuset some;
    struct fit_rank *r = &c->rank;
    if (!fit_slots_place(&r->cliques, s, r->from, &some)) {
        return;
    }
    struct placing p = {.cliques = &r->cliques, .slots = s, .lanes = &c->lanes, .rank = r};
    place_all(&p, r->from);
    if (!r->found) { /* the budget ended among dead ends; this one is known to be none */
        fit_rank_offer(r, some, 0);
    }
}

bool fit_groups(const struct health *h, enum fit_view view, const struct topo *t,
                struct gpuset free, const struct fit_ask *ask, struct fit *out, bool *exact) {
    struct fit_slots s;
    struct gpuset pool = fit_pool(h, view, free);
    struct fit_choice c = {.lanes = {t, view}, .linked = false};
    if (!fit_slots_of(ask, &s) || s.n > gpuset_count(pool)) {
        return fit_rank_end(&c.rank, out, exact);
    }
    if (s.n == s.tp) {
        return fit_best(h, view, t, free, s.tp, out, exact);
    }
    struct fit_take take = {.size = s.n, .groups = s.groups, .tp = s.tp};
    fit_rank_begin(&c.rank, fit_graph(h, view), pool, &take, &c.lanes);
    if (s.tp == 1) {
        best_loose(&c, s.n);
    } else {
        best_placing(&c, &s);
    }
    return fit_rank_end(&c.rank, out, exact);
}

/* The device at each slot, when the set is handed out as it is. */
static unsigned device_at(struct gpuset set, unsigned slot) {
    unsigned v = gpuset_next(set, 0);
    while (slot--) {
        v = gpuset_next(set, v + 1);
    }
    return v;
}

static void blame(unsigned a, unsigned b, unsigned *bad_a, unsigned *bad_b) {
    if (bad_a) {
        *bad_a = a < b ? a : b;
    }
    if (bad_b) {
        *bad_b = a < b ? b : a;
    }
}

/* The first pair in device order that is not linked. */
static bool group_is_linked(const struct gpuset *adj, const unsigned *device, unsigned tp,
                            unsigned *bad) {
    for (unsigned i = 0; i < tp; i++) {
        for (unsigned j = i + 1; j < tp; j++) {
            if (!gpuset_has(adj[device[i]], device[j])) {
                bad[0] = device[i];
                bad[1] = device[j];
                return false;
            }
        }
    }
    return true;
}

bool fit_check(const struct health *h, enum fit_view view, struct gpuset set,
               const struct fit_ask *ask, unsigned *bad_a, unsigned *bad_b) {
    struct fit_slots s;
    unsigned device[GPU_MAX] = {0};
    unsigned bad[2] = {0, 0};
    blame(0, 0, bad_a, bad_b);
    if (!fit_slots_of(ask, &s) || gpuset_count(set) != s.n || !gpuset_in(set, h->all)) {
        return false;
    }
    unsigned ranks = s.tp * s.groups;
    for (unsigned i = 0; i < ranks; i++) {
        bool ordered = ask->order && ask->n_order;
        device[i] = device_at(set, ordered ? ask->order[i] : i);
    }
    for (unsigned first = 0; first < ranks; first += s.tp) {
        if (!group_is_linked(fit_graph(h, view), device + first, s.tp, bad)) {
            blame(bad[0], bad[1], bad_a, bad_b);
            return false;
        }
    }
    struct gpuset unusable = gpuset_minus(set, fit_pool(h, view, set));
    unsigned lame = gpuset_next(unusable, 0);
    if (lame < GPU_MAX) {
        blame(lame, lame, bad_a, bad_b);
        return false;
    }
    return true;
}
