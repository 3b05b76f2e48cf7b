/* Shared by the fit_*.c files, not for callers outside them: clique searches with a step budget,
 * the ranking of choices by what they leave behind, and the slots that a question is cut into. */
#ifndef TPGUARD_TOPOLOGY_FIT_INNER_H
#define TPGUARD_TOPOLOGY_FIT_INNER_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/fit.h"
#include "topology/gpuset.h"

/* A search over the graph adj. steps is what it may still spend; at 0 every search stops with what
 * it has, which is then a lower bound or "not found", and cut says so. */
struct cliques {
    const struct gpuset *adj;
    uint32_t steps;
    bool cut;
};

/* About 30 ns a step: a call of fit.h ends within some milliseconds, whatever the wiring. */
#define FIT_STEPS 60000

bool clique_spend(struct cliques *c, uint32_t steps); /* false: nothing left, cut is set */

bool clique_is(const struct gpuset *adj, struct gpuset set);
/* The members of `in` reachable from `from` inside `in`. */
struct gpuset clique_island(const struct gpuset *adj, struct gpuset in, unsigned from);
/* Without the GPUs that can be in no clique of k inside `in`, as far as degrees tell. */
struct gpuset clique_core(const struct gpuset *adj, struct gpuset in, unsigned k);
/* The first k-clique inside `in` by gpuset_before. */
bool clique_find(struct cliques *c, struct gpuset in, unsigned k, struct gpuset *out);
/* How many disjoint k-cliques are inside `in`. */
unsigned clique_pack(struct cliques *c, struct gpuset in, unsigned k);
unsigned clique_largest(struct cliques *c, struct gpuset in);

/* The graph of a view, and the GPUs of `free` that may be handed out under it. */
const struct gpuset *fit_graph(const struct health *h, enum fit_view view);
struct gpuset fit_pool(const struct health *h, enum fit_view view, struct gpuset free);

/* Lanes of a pair: those up now, or those it would have when repaired. t may be NULL: 0. */
struct fit_lanes {
    const struct topo *t;
    enum fit_view view;
};
unsigned fit_lanes_of(const struct fit_lanes *l, unsigned a, unsigned b);
unsigned fit_lanes_fewest(const struct fit_lanes *l, struct gpuset set);

/* Twins have the same peers, with the same lanes, inside `in`: swapping one for the other changes
 * nothing that a search counts. twin[v] is the next lower twin of v, or v itself when there is
 * none. A search that takes v only together with twin[v] still meets the earliest of all equally
 * good sets. lanes may be NULL: lanes do not matter. */
void fit_twins(const struct gpuset *adj, struct gpuset in, const struct fit_lanes *lanes,
               uint8_t twin[static GPU_MAX]);
static inline bool fit_twin_allows(const uint8_t twin[static GPU_MAX], struct gpuset chosen,
                                   unsigned v) {
    return twin[v] == v || gpuset_has(chosen, twin[v]);
}

/* The best choice so far, and how good a choice could be at all. */
struct fit_rank {
    struct cliques cliques;
    struct gpuset from; /* the pool that the choice is taken from */
    unsigned most[3];   /* no choice can leave more sets of 8, 4, 2 than these */
    unsigned most_lanes;
    bool found;
    bool perfect; /* nothing can be better than best */
    struct fit best;
};
struct fit_take {
    unsigned size;   /* GPUs taken */
    unsigned groups; /* among them: this many disjoint cliques ... */
    unsigned tp;     /* ... of this size */
};
void fit_rank_begin(struct fit_rank *r, const struct gpuset *adj, struct gpuset pool,
                    const struct fit_take *take, const struct fit_lanes *lanes);
void fit_rank_offer(struct fit_rank *r, struct gpuset set, unsigned min_lanes);
/* Hands the best out; *exact (may be NULL) says whether the search was complete. */
bool fit_rank_end(const struct fit_rank *r, struct fit *out, bool *exact);

/* Offers every choice of need more GPUs out of cand (a clique with `chosen` when linked), earliest
 * first, until one is perfect. */
struct fit_choice {
    struct fit_rank rank;
    struct fit_lanes lanes;
    bool linked;
    uint8_t twin[GPU_MAX];
};
void fit_choose(struct fit_choice *c, struct gpuset cand, struct gpuset chosen, unsigned need);

/* The chosen GPUs in ascending position are slots 0..n-1; each belongs to a TP group or to none. */
#define SLOT_EXTRA 255
struct fit_slots {
    unsigned n;
    unsigned tp;
    unsigned groups;
    bool runs;              /* every group is one run of neighbouring slots */
    bool leads;             /* ... and the extras come after all groups */
    uint8_t group[GPU_MAX]; /* group of each slot, or SLOT_EXTRA */
};
/* false: no node could ever give what is asked (too many GPUs, an order that is none). */
bool fit_slots_of(const struct fit_ask *ask, struct fit_slots *out);
/* The placement that ends earliest; false when there is none (or the budget is spent). */
bool fit_slots_place(struct cliques *c, const struct fit_slots *s, struct gpuset pool,
                     struct gpuset *out);
/* The tp-clique inside `in` whose last member comes earliest, and that member. */
bool fit_run_place(struct cliques *c, struct gpuset in, unsigned tp, struct gpuset *out,
                   unsigned *last);

#endif
