/* What is free on a node now, for affinity: only what the question of a pod would be answered with
 * as well, and nothing that is merely likely. */
#include "webhook/core/nodestate.h"

/* Every size is tried up to here; beyond it powers of two, which are the sizes people use. */
#define EVERY_SIZE 16

static unsigned next_size(unsigned k) {
    unsigned power = EVERY_SIZE;
    if (k <= EVERY_SIZE) {
        return k - 1;
    }
    while (power * 2 < k) {
        power *= 2;
    }
    return power;
}

static bool fits(const struct node_view *n, unsigned k, const struct policy *policy, int64_t now) {
    const struct shape s = {.gpus = k, .tp = (uint16_t)k, .groups = 1};
    struct node_answer answer;
    decide_node(n, &s, policy, now, &answer);
    return answer.code == REASON_NONE;
}

/* A GPU beside one of unknown wire may be in a free pair. */
static struct gpuset surely(const struct health *h, struct gpuset set, struct gpuset free) {
    for (GPUSET_EACH(i, set)) {
        for (GPUSET_EACH(j, free)) {
            if (j != i && h->pair[i][j] == PAIR_UNKNOWN) {
                set = gpuset_without(set, i);
            }
        }
    }
    return set;
}

static void put_number(char out[static 8], unsigned n, bool known) {
    struct buf b = buf_over(out, 8);
    if (known) {
        buf_u64(&b, n);
    }
}

void node_free_of(const struct node_view *n, const struct policy *policy, int64_t now,
                  struct node_state *out) {
    if (!policy_shows_free(policy) || node_unreadable(n, policy, now) != REASON_NONE) {
        return;
    }
    struct policy strict = *policy; /* what is waved through is not certain */
    strict.unknown_topology = UNKNOWN_STRICT;
    const struct health *h = n->health;
    struct gpuset told = gpuset_or(n->busy, n->planned);
    struct gpuset open = gpuset_minus(h->all, told);
    unsigned taken = gpuset_count(told);
    unsigned unseen = n->used > taken ? n->used - taken : 0; /* each may sit anywhere */
    unsigned count = n->gpus > n->used ? n->gpus - n->used : 0;

    unsigned k = fit_largest(h, FIT_NOW, open);
    k = k < count ? k : count;
    while (k > 1 && !fits(n, k, &strict, now)) {
        k = next_size(k);
    }
    k = k > 1 ? k : 0;
    bool few = count < 2 || gpuset_count(open) < 2;
    put_number(out->nvlink_free, k, k || few || !h->any_unknown);

    struct gpuset loose = fit_stranded(h, open);
    struct gpuset sure = surely(h, loose, open);
    unsigned alone = gpuset_count(sure);
    alone = alone > unseen ? alone - unseen : 0;
    alone = alone < count ? alone : count;
    put_number(out->stranded, alone, alone || gpuset_eq(loose, sure) || !count);
}
