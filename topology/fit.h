/* Which GPUs to take: NVLink sets (cliques of healthy pairs), what a choice leaves behind, TP
 * groups in device order, stranded GPUs. Pure, deterministic (gpuset_before breaks ties), bounded:
 * searches have a step budget, beyond it the answer is the best found so far and `exact` is false.
 */
#ifndef TPGUARD_TOPOLOGY_FIT_H
#define TPGUARD_TOPOLOGY_FIT_H

#include <stdbool.h>

#include "topology/health.h"

/* Where the peers come from: h->adj (healthy now) or h->repaired (could ever be). */
enum fit_view { FIT_NOW, FIT_EVER };

struct fit {
    struct gpuset set; /* the GPUs, k of them */
    unsigned left8;    /* disjoint NVLink sets of 8, 4, 2 that remain free afterwards, each size */
    unsigned left4;    /* counted alone: 6 linked GPUs left are one set of 4, or three of 2 */
    unsigned left2;
    bool exact;         /* the search was complete */
    unsigned min_lanes; /* the fewest lanes inside the set; 0 for k = 1 */
};

/* The best NVLink set of k among the free GPUs: the one whose removal leaves most sets of 8, then
 * 4, then 2 (Koordinator's rule for partitions: keep the most large ones alive), then most lanes,
 * then the earliest. k = 1: a stranded GPU first. FIT_NOW hands out usable GPUs only. false when
 * there is none (or when the budget ran out before one was found: then *exact, if not NULL, is
 * false). */
bool fit_best(const struct health *h, enum fit_view view, const struct topo *t, struct gpuset free,
              unsigned k, struct fit *out, bool *exact);

/* groups TP groups of tp GPUs each, in device order: the chosen GPUs sorted by position, cut into
 * runs of tp, each run a clique. order, if not NULL, permutes positions inside the chosen set first
 * (CUDA_VISIBLE_DEVICES): order[i] = which of the sorted GPUs is device i; n_order = tp * groups
 * entries, or 0. extra: GPUs the pod gets beyond its groups (it asks for more than it uses); they
 * may be any free ones, and the groups then use the first devices in order. false when it cannot
 * be. */
struct fit_ask {
    unsigned tp;
    unsigned groups;
    unsigned extra;
    const uint8_t *order;
    unsigned n_order;
};
bool fit_groups(const struct health *h, enum fit_view view, const struct topo *t,
                struct gpuset free, const struct fit_ask *ask, struct fit *out, bool *exact);

/* Do exactly these GPUs (a pin, in ascending position), so permuted, form the groups? The first
 * pair in device order that is not linked goes to bad_a < bad_b (positions, may be NULL); one GPU
 * that may not be handed out at all goes to both; 0 to both when no pair is to blame (their number
 * is wrong). */
bool fit_check(const struct health *h, enum fit_view view, struct gpuset set,
               const struct fit_ask *ask, unsigned *bad_a, unsigned *bad_b);

/* Size of the largest NVLink set among `free`; 0 when there is no healthy pair. */
unsigned fit_largest(const struct health *h, enum fit_view view, struct gpuset free);

/* Maximal NVLink sets (no set inside another) among `free`, at most max of them, largest first.
 * Returns how many. */
unsigned fit_sets(const struct health *h, enum fit_view view, struct gpuset free,
                  struct gpuset *out, unsigned max);

/* Free, usable, and in no free healthy pair: the right home of a TP=1 replica. */
struct gpuset fit_stranded(const struct health *h, struct gpuset free);

/* How many disjoint k-cliques are in `free`; past the step budget a lower bound. */
unsigned fit_count(const struct health *h, enum fit_view view, struct gpuset free, unsigned k);

/* Pods bound to the node whose GPUs nobody has reported yet. The stock device plugin gives a pod of
 * size >= 2 a linked set whenever one is free, and a pod of size 1 any GPU at random. */
struct fit_pending {
    unsigned char size[GPU_MAX]; /* GPUs of each such pod, 1.. */
    unsigned n;
};
/* Is there certainly room for `ask`, however the unreported pods were placed inside `free`? Sound:
 * true is a guarantee; false may be pessimistic past the step budget. */
bool fit_certain(const struct health *h, struct gpuset free, const struct fit_pending *pending,
                 const struct fit_ask *ask);

#endif
