#include "topology/fit_inner.h"

bool clique_spend(struct cliques *c, uint32_t steps) {
    c->steps = c->steps > steps ? c->steps - steps : 0;
    c->cut |= c->steps == 0;
    return c->steps > 0;
}

static unsigned degree(const struct gpuset *adj, struct gpuset in, unsigned v) {
    return gpuset_count(gpuset_and(adj[v], in));
}

bool clique_is(const struct gpuset *adj, struct gpuset set) {
    for (GPUSET_EACH(v, set)) {
        if (!gpuset_in(gpuset_without(set, v), adj[v])) {
            return false;
        }
    }
    return true;
}

struct gpuset clique_island(const struct gpuset *adj, struct gpuset in, unsigned from) {
    struct gpuset island = gpuset_one(from);
    struct gpuset todo = island;
    while (!gpuset_empty(todo)) {
        unsigned v = gpuset_next(todo, 0);
        struct gpuset fresh = gpuset_minus(gpuset_and(adj[v], in), island);
        island = gpuset_or(island, fresh);
        todo = gpuset_or(gpuset_without(todo, v), fresh);
    }
    return island;
}

struct gpuset clique_core(const struct gpuset *adj, struct gpuset in, unsigned k) {
    bool again = true;
    while (again) {
        again = false;
        for (GPUSET_EACH(v, in)) {
            if (degree(adj, in, v) + 1 < k) {
                in = gpuset_without(in, v);
                again = true;
            }
        }
    }
    return in;
}

static struct gpuset lowest(struct gpuset in, unsigned k) {
    struct gpuset out = gpuset_none();
    for (GPUSET_EACH(v, in)) {
        if (k-- == 0) {
            break;
        }
        out = gpuset_with(out, v);
    }
    return out;
}

bool clique_find(struct cliques *c, struct gpuset in, unsigned k, struct gpuset *out) {
    if (k == 0) {
        *out = gpuset_none();
        return true;
    }
    in = clique_core(c->adj, in, k);
    if (gpuset_count(in) < k || !clique_spend(c, 1)) {
        return false;
    }
    if (clique_is(c->adj, in)) {
        *out = lowest(in, k);
        return true;
    }
    while (gpuset_count(in) >= k) {
        unsigned v = gpuset_next(in, 0);
        struct gpuset rest;
        in = gpuset_without(in, v);
        if (clique_find(c, gpuset_and(in, c->adj[v]), k - 1, &rest)) {
            *out = gpuset_with(rest, v);
            return true;
        }
    }
    return false;
}

/* Packing of one island: take v with one of its cliques, or leave v out. */
struct packing {
    struct cliques c;
    unsigned k;
    unsigned best;
    unsigned most; /* no packing has more */
};

/* A clique being put together: its members, who may still join (each clique is met in ascending
 * order only, so once), and how many are missing. */
struct partial {
    struct gpuset members;
    struct gpuset joinable;
    unsigned missing;
};

static void pack_rest(struct packing *p, struct gpuset in, unsigned done);

static void pack_one(struct packing *p, struct gpuset in, struct partial part, unsigned done) {
    if (part.missing == 0) {
        pack_rest(p, gpuset_minus(in, part.members), done + 1);
        return;
    }
    while (gpuset_count(part.joinable) >= part.missing && p->best < p->most &&
           clique_spend(&p->c, 1)) {
        unsigned v = gpuset_next(part.joinable, 0);
        part.joinable = gpuset_without(part.joinable, v);
        struct partial more = {
            .members = gpuset_with(part.members, v),
            .joinable = gpuset_and(part.joinable, p->c.adj[v]),
            .missing = part.missing - 1,
        };
        pack_one(p, in, more, done);
    }
}

/* Few peers first: such a GPU has little choice, so the first descent is a good packing. */
static unsigned fewest_peers(const struct gpuset *adj, struct gpuset in) {
    unsigned at = gpuset_next(in, 0);
    unsigned fewest = GPU_MAX;
    for (GPUSET_EACH(v, in)) {
        unsigned d = degree(adj, in, v);
        if (d < fewest) {
            fewest = d;
            at = v;
        }
    }
    return at;
}

static void pack_rest(struct packing *p, struct gpuset in, unsigned done) {
    p->best = done > p->best ? done : p->best;
    in = clique_core(p->c.adj, in, p->k);
    while (p->best < p->most && done + gpuset_count(in) / p->k > p->best &&
           clique_spend(&p->c, 1)) {
        unsigned v = fewest_peers(p->c.adj, in);
        struct partial part = {gpuset_one(v), gpuset_and(in, p->c.adj[v]), p->k - 1};
        pack_one(p, in, part, done);
        in = clique_core(p->c.adj, gpuset_without(in, v), p->k);
    }
}

/* One packing may not eat the whole budget: a choice is ranked by several. */
#define PACK_STEPS 2000

static unsigned pack_island(struct cliques *c, struct gpuset island, unsigned k) {
    unsigned most = gpuset_count(island) / k;
    if (most == 0 || clique_is(c->adj, island)) {
        return most;
    }
    uint32_t grant = c->steps < PACK_STEPS ? c->steps : PACK_STEPS;
    struct packing p = {.c = {c->adj, grant, false}, .k = k, .most = most};
    pack_rest(&p, island, 0);
    c->cut |= p.c.cut;
    clique_spend(c, grant - p.c.steps);
    return p.best;
}

unsigned clique_pack(struct cliques *c, struct gpuset in, unsigned k) {
    if (k < 2) {
        return k ? gpuset_count(in) : 0;
    }
    unsigned sum = 0;
    clique_spend(c, 1 + gpuset_count(in) / 4);
    in = clique_core(c->adj, in, k);
    while (!gpuset_empty(in)) {
        struct gpuset island = clique_island(c->adj, in, gpuset_next(in, 0));
        sum += pack_island(c, island, k);
        in = gpuset_minus(in, island);
    }
    return sum;
}

/* The largest clique of `size` members already chosen and more out of `in`, when above best. */
static void grow(struct cliques *c, struct gpuset in, unsigned size, unsigned *best) {
    *best = size > *best ? size : *best;
    if (clique_is(c->adj, in)) {
        unsigned all = size + gpuset_count(in);
        *best = all > *best ? all : *best;
        return;
    }
    while (size + gpuset_count(in) > *best && clique_spend(c, 1)) {
        unsigned v = gpuset_next(in, 0);
        grow(c, gpuset_and(in, c->adj[v]), size + 1, best);
        in = clique_core(c->adj, gpuset_without(in, v), *best + 1 - size);
    }
}

unsigned clique_largest(struct cliques *c, struct gpuset in) {
    unsigned best = 1;
    in = clique_core(c->adj, in, 2);
    while (!gpuset_empty(in)) {
        struct gpuset island = clique_island(c->adj, in, gpuset_next(in, 0));
        grow(c, island, 0, &best);
        in = gpuset_minus(in, island);
    }
    return best > 1 ? best : 0;
}
