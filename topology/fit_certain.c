/* Is there room for the groups however the unreported pods sit? A game against their placement: it
 * chooses the order of the pods and, as far as the device plugin lets it, their GPUs. */
#include "topology/fit_inner.h"

#define SAFE_MAX 256 /* a power of two */

/* Positions with the same free GPUs and the same pods left are one position. */
struct position {
    struct gpuset free;
    struct gpuset placed; /* of the pods, by place in game.size */
};

struct game {
    struct cliques cliques;       /* over the healthy pairs */
    struct gpuset wired[GPU_MAX]; /* the pairs that the plugin takes for linked, healthy or not */
    const struct fit_slots *slots;
    struct gpuset usable;
    unsigned char size[GPU_MAX]; /* ascending */
    unsigned pods;
    bool alike; /* which of several alike GPUs or islands is lost makes no difference to the ask */
    struct position safe[SAFE_MAX]; /* found to be safe; an all-zero entry is none */
};

static struct gpuset linked_in(const struct gpuset *adj, struct gpuset in) {
    return clique_core(adj, in, 2);
}

/* Islands that are cliques and lie one after the other: then runs of tp GPUs only depend on the
 * sizes of the islands. */
static bool islands_are_cliques_in_line(const struct gpuset *adj, struct gpuset linked) {
    while (!gpuset_empty(linked)) {
        unsigned first = gpuset_next(linked, 0);
        struct gpuset island = clique_island(adj, linked, first);
        unsigned beyond = first;
        for (GPUSET_EACH(v, island)) {
            beyond = v;
        }
        linked = gpuset_minus(linked, island);
        if (!clique_is(adj, island) || gpuset_next(linked, 0) < beyond) {
            return false;
        }
    }
    return true;
}

/* The plugin knows nothing of cordons, faults and lost lanes: it sees every pair that has NVLink.
 * Returns whether that makes a difference among the free GPUs. */
static bool look_as_plugin(struct game *g, const struct health *h, struct gpuset free) {
    bool differs = false;
    for (GPUSET_EACH(a, free)) {
        for (GPUSET_EACH(b, free)) {
            if (a != b && (h->pair[a][b] == PAIR_HEALTHY || h->pair[a][b] == PAIR_DEGRADED)) {
                g->wired[a] = gpuset_with(g->wired[a], b);
            }
        }
        differs = differs || !gpuset_eq(g->wired[a], gpuset_and(h->adj[a], free));
    }
    return differs;
}

static bool islands_are_alike(const struct gpuset *adj, struct gpuset free,
                              const struct fit_slots *s) {
    if (s->n != s->tp * s->groups) {
        return false;
    }
    return s->groups == 1 || (s->runs && islands_are_cliques_in_line(adj, linked_in(adj, free)));
}

static unsigned position_hash(const struct position *p) {
    uint64_t x = p->free.w[0] ^ (p->free.w[1] << 40) ^ (p->placed.w[0] * 0x9E3779B97F4A7C15U) ^
                 (p->placed.w[1] << 20);
    return (unsigned)((x * 0xD6E8FEB86659FD93U) >> 56) & (SAFE_MAX - 1);
}

static bool is_known_safe(const struct game *g, const struct position *p) {
    const struct position *q = &g->safe[position_hash(p)];
    return gpuset_eq(p->free, q->free) && gpuset_eq(p->placed, q->placed);
}

static unsigned gpus_pending(const struct game *g, const struct position *p) {
    unsigned sum = 0;
    for (unsigned i = 0; i < g->pods; i++) {
        sum += gpuset_has(p->placed, i) ? 0 : g->size[i];
    }
    return sum;
}

/* Cut runs out of the free GPUs from the front, one for each group and one more for each GPU that
 * will be taken: a taken GPU breaks one run at most, so enough of them survive, and in order. For
 * the extras, each GPU that breaks no run in front of the groups leaves a whole run behind them, so
 * those beyond all runs need not be more than the extras. */
static bool survives_by_count(struct game *g, struct gpuset in, unsigned pending) {
    const struct fit_slots *s = g->slots;
    unsigned wanted = s->groups + pending;
    struct gpuset run;
    unsigned last = 0;
    if (!s->leads || wanted * s->tp > gpuset_count(in)) {
        return false;
    }
    for (; wanted; wanted--) {
        if (!fit_run_place(&g->cliques, in, s->tp, &run, &last)) {
            return false;
        }
        in = gpuset_minus(in, gpuset_first(last + 1));
    }
    return gpuset_count(in) >= s->n - s->tp * s->groups;
}

static bool is_safe(struct game *g, struct position p);

/* How one pod takes its GPUs. A healthy set that is free obliges the plugin to take a linked one.
 */
struct grab {
    unsigned pod;
    bool linked;
    uint8_t twin[GPU_MAX]; /* when GPUs are alike */
};

/* Of islands that are cliques of one size, the first loses GPUs first. */
static bool takes_first_islands(const struct gpuset *adj, struct gpuset free, struct gpuset taken) {
    struct gpuset spared = gpuset_none(); /* sizes of untouched islands so far */
    while (!gpuset_empty(free)) {
        struct gpuset island = clique_island(adj, free, gpuset_next(free, 0));
        unsigned size = gpuset_count(island);
        free = gpuset_minus(free, island);
        if (!clique_is(adj, island)) {
            continue;
        }
        if (gpuset_empty(gpuset_and(island, taken))) {
            spared = gpuset_with(spared, size);
        } else if (gpuset_has(spared, size)) {
            return false;
        }
    }
    return true;
}

static bool is_safe_without(struct game *g, const struct position *p, const struct grab *grab,
                            struct gpuset taken) {
    if (g->alike && !takes_first_islands(g->cliques.adj, p->free, taken)) {
        return true; /* the same as a move that is tried */
    }
    struct position next = {gpuset_minus(p->free, taken), gpuset_with(p->placed, grab->pod)};
    return is_safe(g, next);
}

static bool is_safe_from(struct game *g, const struct position *p, const struct grab *grab,
                         struct gpuset taken, struct gpuset cand) {
    unsigned missing = g->size[grab->pod] - gpuset_count(taken);
    if (missing == 0) {
        return is_safe_without(g, p, grab, taken);
    }
    while (gpuset_count(cand) >= missing) {
        unsigned v = gpuset_next(cand, 0);
        cand = gpuset_without(cand, v);
        if (!clique_spend(&g->cliques, 1)) {
            return false;
        }
        if (g->alike && !fit_twin_allows(grab->twin, taken, v)) {
            continue;
        }
        struct gpuset rest = grab->linked ? gpuset_and(cand, g->wired[v]) : cand;
        if (!is_safe_from(g, p, grab, gpuset_with(taken, v), rest)) {
            return false;
        }
    }
    return true;
}

static bool is_safe_from_pod(struct game *g, const struct position *p, unsigned pod) {
    struct grab grab = {.pod = pod};
    struct gpuset some;
    unsigned size = g->size[pod];
    grab.linked = size > 1 && clique_find(&g->cliques, p->free, size, &some);
    if (g->alike) {
        fit_twins(g->cliques.adj, p->free, NULL, grab.twin);
    }
    return is_safe_from(g, p, &grab, gpuset_none(), p->free);
}

/* Losing GPUs never makes room, so a position without room is lost whatever comes after. */
static bool is_safe(struct game *g, struct position p) {
    struct gpuset some;
    struct gpuset in = gpuset_and(p.free, g->usable);
    unsigned pending = gpus_pending(g, &p);
    if (!fit_slots_place(&g->cliques, g->slots, in, &some) || !clique_spend(&g->cliques, 8)) {
        return false;
    }
    if (pending == 0 || survives_by_count(g, in, pending) || is_known_safe(g, &p)) {
        return true;
    }
    for (unsigned i = 0; i < g->pods; i++) {
        bool first = i == 0 || g->size[i - 1] != g->size[i] || gpuset_has(p.placed, i - 1);
        if (!gpuset_has(p.placed, i) && first && !is_safe_from_pod(g, &p, i)) {
            return false;
        }
    }
    g->safe[position_hash(&p)] = p;
    return true;
}

static void add_pod(struct game *g, unsigned char size) {
    unsigned at = g->pods++;
    for (; at > 0 && g->size[at - 1] > size; at--) {
        g->size[at] = g->size[at - 1];
    }
    g->size[at] = size;
}

/* All usable GPUs are one clique (or, with nothing but groups asked, all linked ones are): every
 * pod can be placed inside it, so the worst case takes them all from there. */
static bool is_one_clique(const struct game *g, struct gpuset in, struct gpuset *clique) {
    const struct fit_slots *s = g->slots;
    bool bare = s->n == s->tp * s->groups;
    *clique = s->tp > 1 && bare ? linked_in(g->cliques.adj, in) : in;
    return s->tp == 1 || clique_is(g->cliques.adj, *clique);
}

bool fit_certain(const struct health *h, struct gpuset free, const struct fit_pending *pending,
                 const struct fit_ask *ask) {
    struct fit_slots slots;
    struct gpuset clique;
    struct position start = {gpuset_and(free, h->all), gpuset_none()};
    struct game g = {.cliques = {h->adj, FIT_STEPS, false}, .slots = &slots, .usable = h->usable};
    if (!fit_slots_of(ask, &slots)) {
        return false;
    }
    for (unsigned i = 0; i < pending->n && i < GPU_MAX; i++) {
        if (pending->size[i]) {
            add_pod(&g, pending->size[i]);
        }
    }
    unsigned taken = gpus_pending(&g, &start);
    struct gpuset in = gpuset_and(start.free, h->usable);
    if (taken + slots.n > gpuset_count(start.free)) {
        return false;
    }
    if (is_one_clique(&g, in, &clique)) {
        return gpuset_count(clique) >= taken + slots.n;
    }
    bool differs = look_as_plugin(&g, h, start.free);
    g.alike = !differs && islands_are_alike(h->adj, start.free, &slots);
    return is_safe(&g, start);
}
