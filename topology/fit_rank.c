#include "topology/fit_inner.h"

#include <string.h>

/* The sizes whose survival counts, most valuable first. */
static const unsigned sizes[3] = {8, 4, 2};

const struct gpuset *fit_graph(const struct health *h, enum fit_view view) {
    return view == FIT_EVER ? h->repaired : h->adj;
}

struct gpuset fit_pool(const struct health *h, enum fit_view view, struct gpuset free) {
    return gpuset_and(free, view == FIT_EVER ? h->all : h->usable);
}

static unsigned lanes_up(struct wire ab, struct wire ba) {
    if (ab.kind != WIRE_NVLINK || ba.kind != WIRE_NVLINK) {
        return 0;
    }
    return ab.lanes < ba.lanes ? ab.lanes : ba.lanes;
}

unsigned fit_lanes_of(const struct fit_lanes *l, unsigned a, unsigned b) {
    if (!l->t) {
        return 0;
    }
    unsigned up = lanes_up(l->t->wire[a][b], l->t->wire[b][a]);
    unsigned expected = l->t->expected[a][b];
    bool repaired = l->view == FIT_EVER && expected != EXPECTED_UNKNOWN && expected > up;
    return repaired ? expected : up;
}

unsigned fit_lanes_fewest(const struct fit_lanes *l, struct gpuset set) {
    unsigned fewest = UINT8_MAX;
    for (GPUSET_EACH(a, set)) {
        for (unsigned b = gpuset_next(set, a + 1); b < GPU_MAX; b = gpuset_next(set, b + 1)) {
            unsigned lanes = fit_lanes_of(l, a, b);
            fewest = lanes < fewest ? lanes : fewest;
        }
    }
    return fewest == UINT8_MAX ? 0 : fewest;
}

static unsigned lanes_most(const struct fit_lanes *l, const struct gpuset *adj, struct gpuset in) {
    unsigned most = 0;
    for (GPUSET_EACH(a, in)) {
        for (GPUSET_EACH(b, gpuset_and(adj[a], in))) {
            unsigned lanes = b > a ? fit_lanes_of(l, a, b) : 0;
            most = lanes > most ? lanes : most;
        }
    }
    return most;
}

static bool are_twins(const struct gpuset *adj, struct gpuset in, const struct fit_lanes *lanes,
                      unsigned a, unsigned b) {
    struct gpuset others = gpuset_without(gpuset_without(in, a), b);
    struct gpuset peers = gpuset_and(adj[a], others);
    if (!gpuset_eq(peers, gpuset_and(adj[b], others))) {
        return false;
    }
    for (GPUSET_EACH(v, peers)) {
        if (lanes && fit_lanes_of(lanes, a, v) != fit_lanes_of(lanes, b, v)) {
            return false;
        }
    }
    return true;
}

/* Being twins is an equivalence, so one member of each family, its highest so far, is enough to
 * compare with. */
void fit_twins(const struct gpuset *adj, struct gpuset in, const struct fit_lanes *lanes,
               uint8_t twin[static GPU_MAX]) {
    struct gpuset latest = gpuset_none();
    for (GPUSET_EACH(v, in)) {
        twin[v] = (uint8_t)v;
        for (GPUSET_EACH(u, latest)) {
            if (are_twins(adj, in, lanes, u, v)) {
                twin[v] = (uint8_t)u;
                latest = gpuset_without(latest, u);
                break;
            }
        }
        latest = gpuset_with(latest, v);
    }
}

/* A clique of tp GPUs holds tp / size sets of that size. Taking it away loses at least these: what
 * is left, put together with them, was a packing of the whole pool before. */
static unsigned most_left(unsigned before, unsigned pool, const struct fit_take *take,
                          unsigned size) {
    unsigned lost = take->groups * (take->tp / size);
    unsigned by_sets = before > lost ? before - lost : 0;
    unsigned by_room = pool > take->size ? (pool - take->size) / size : 0;
    return by_sets < by_room ? by_sets : by_room;
}

void fit_rank_begin(struct fit_rank *r, const struct gpuset *adj, struct gpuset pool,
                    const struct fit_take *take, const struct fit_lanes *lanes) {
    memset(r, 0, sizeof *r);
    r->cliques = (struct cliques){adj, FIT_STEPS, false};
    r->from = pool;
    for (unsigned i = 0; i < 3; i++) {
        unsigned before = clique_pack(&r->cliques, pool, sizes[i]);
        r->most[i] = most_left(before, gpuset_count(pool), take, sizes[i]);
    }
    r->most_lanes = take->tp > 1 ? lanes_most(lanes, adj, pool) : 0;
}

static int compare(unsigned a, unsigned b) {
    return (a > b) - (a < b);
}

static bool is_better(const struct fit *a, const struct fit *b) {
    const int by[] = {compare(a->left8, b->left8), compare(a->left4, b->left4),
                      compare(a->left2, b->left2), compare(a->min_lanes, b->min_lanes)};
    for (unsigned i = 0; i < sizeof by / sizeof *by; i++) {
        if (by[i]) {
            return by[i] > 0;
        }
    }
    return gpuset_before(a->set, b->set);
}

static unsigned left_of(struct fit_rank *r, struct gpuset rest, unsigned i) {
    return r->most[i] ? clique_pack(&r->cliques, rest, sizes[i]) : 0;
}

void fit_rank_offer(struct fit_rank *r, struct gpuset set, unsigned min_lanes) {
    struct gpuset rest = gpuset_minus(r->from, set);
    struct fit f = {
        .set = set,
        .left8 = left_of(r, rest, 0),
        .left4 = left_of(r, rest, 1),
        .left2 = left_of(r, rest, 2),
        .min_lanes = min_lanes,
    };
    if (r->found && !is_better(&f, &r->best)) {
        return;
    }
    r->best = f;
    r->found = true;
    r->perfect = f.left8 >= r->most[0] && f.left4 >= r->most[1] && f.left2 >= r->most[2] &&
                 f.min_lanes >= r->most_lanes;
}

bool fit_rank_end(const struct fit_rank *r, struct fit *out, bool *exact) {
    bool complete = !r->cliques.cut;
    if (exact) {
        *exact = complete;
    }
    if (r->found && out) {
        *out = r->best;
        out->exact = complete;
    }
    return r->found;
}
