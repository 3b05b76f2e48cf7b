#include "topology/fit.h"

#include <string.h>

#include "topology/fit_inner.h"

void fit_choose(struct fit_choice *c, struct gpuset cand, struct gpuset chosen, unsigned need) {
    struct fit_rank *r = &c->rank;
    if (need == 0) {
        fit_rank_offer(r, chosen, c->linked ? fit_lanes_fewest(&c->lanes, chosen) : 0);
        return;
    }
    while (gpuset_count(cand) >= need && !r->perfect && clique_spend(&r->cliques, 1)) {
        unsigned v = gpuset_next(cand, 0);
        cand = gpuset_without(cand, v);
        if (fit_twin_allows(c->twin, chosen, v)) {
            struct gpuset rest = c->linked ? gpuset_and(cand, r->cliques.adj[v]) : cand;
            fit_choose(c, rest, gpuset_with(chosen, v), need - 1);
        }
    }
}

static struct gpuset stranded_in(const struct gpuset *adj, struct gpuset pool) {
    struct gpuset out = gpuset_none();
    for (GPUSET_EACH(v, pool)) {
        if (gpuset_empty(gpuset_and(adj[v], pool))) {
            out = gpuset_with(out, v);
        }
    }
    return out;
}

static void best_single(struct fit_choice *c) {
    const struct gpuset *adj = c->rank.cliques.adj;
    struct gpuset pool = c->rank.from;
    unsigned lone = gpuset_next(stranded_in(adj, pool), 0);
    if (lone < GPU_MAX) { /* it breaks nothing, so nothing is better */
        fit_rank_offer(&c->rank, gpuset_one(lone), 0);
        return;
    }
    fit_twins(adj, pool, NULL, c->twin);
    fit_choose(c, pool, gpuset_none(), 1);
}

static void best_clique(struct fit_choice *c, unsigned k) {
    const struct gpuset *adj = c->rank.cliques.adj;
    struct gpuset first;
    if (!clique_find(&c->rank.cliques, c->rank.from, k, &first)) {
        return;
    }
    fit_rank_offer(&c->rank, first, fit_lanes_fewest(&c->lanes, first));
    if (!c->rank.perfect) {
        fit_twins(adj, c->rank.from, &c->lanes, c->twin);
        fit_choose(c, clique_core(adj, c->rank.from, k), gpuset_none(), k);
    }
}

bool fit_best(const struct health *h, enum fit_view view, const struct topo *t, struct gpuset free,
              unsigned k, struct fit *out, bool *exact) {
    struct gpuset pool = fit_pool(h, view, free);
    struct fit_choice c = {.lanes = {t, view}, .linked = true};
    if (k == 0 || k > gpuset_count(pool)) {
        return fit_rank_end(&c.rank, out, exact);
    }
    struct fit_take take = {.size = k, .groups = 1, .tp = k};
    fit_rank_begin(&c.rank, fit_graph(h, view), pool, &take, &c.lanes);
    if (k == 1) {
        best_single(&c);
    } else {
        best_clique(&c, k);
    }
    return fit_rank_end(&c.rank, out, exact);
}

unsigned fit_largest(const struct health *h, enum fit_view view, struct gpuset free) {
    struct cliques c = {fit_graph(h, view), FIT_STEPS, false};
    return clique_largest(&c, fit_pool(h, view, free));
}

struct gpuset fit_stranded(const struct health *h, struct gpuset free) {
    return stranded_in(h->adj, fit_pool(h, FIT_NOW, free));
}

unsigned fit_count(const struct health *h, enum fit_view view, struct gpuset free, unsigned k) {
    struct cliques c = {fit_graph(h, view), FIT_STEPS, false};
    return clique_pack(&c, fit_pool(h, view, free), k);
}

/* The maximal cliques met so far, in the order that fit_sets promises. */
struct listing {
    struct cliques cliques;
    struct gpuset *out;
    unsigned n;
    unsigned max;
};

static bool comes_before(struct gpuset a, struct gpuset b) {
    unsigned na = gpuset_count(a);
    unsigned nb = gpuset_count(b);
    return na != nb ? na > nb : gpuset_before(a, b);
}

static void list_set(struct listing *l, struct gpuset set) {
    unsigned at = l->n;
    while (at > 0 && comes_before(set, l->out[at - 1])) {
        at--;
    }
    if (at == l->max) {
        return;
    }
    l->n += l->n < l->max;
    memmove(&l->out[at + 1], &l->out[at], (l->n - at - 1) * sizeof *l->out);
    l->out[at] = set;
}

static unsigned pivot_of(const struct gpuset *adj, struct gpuset open, struct gpuset done) {
    unsigned pivot = GPU_MAX;
    unsigned most = 0;
    for (GPUSET_EACH(v, gpuset_or(open, done))) {
        unsigned covers = gpuset_count(gpuset_and(adj[v], open));
        if (pivot == GPU_MAX || covers > most) {
            pivot = v;
            most = covers;
        }
    }
    return pivot;
}

/* Bron and Kerbosch with a pivot: `open` may still join, `done` joined before, so that a set that
 * could take a member of it is not maximal or was listed already. */
static void list_with(struct listing *l, struct gpuset chosen, struct gpuset open,
                      struct gpuset done) {
    const struct gpuset *adj = l->cliques.adj;
    if (gpuset_empty(open)) {
        if (gpuset_empty(done) && gpuset_count(chosen) > 1) {
            list_set(l, chosen);
        }
        return;
    }
    struct gpuset tries = gpuset_minus(open, adj[pivot_of(adj, open, done)]);
    for (GPUSET_EACH(v, tries)) {
        if (!clique_spend(&l->cliques, 1)) {
            return;
        }
        list_with(l, gpuset_with(chosen, v), gpuset_and(open, adj[v]), gpuset_and(done, adj[v]));
        open = gpuset_without(open, v);
        done = gpuset_with(done, v);
    }
}

unsigned fit_sets(const struct health *h, enum fit_view view, struct gpuset free,
                  struct gpuset *out, unsigned max) {
    struct listing l = {{fit_graph(h, view), FIT_STEPS, false}, out, 0, max};
    list_with(&l, gpuset_none(), fit_pool(h, view, free), gpuset_none());
    return l.n;
}
