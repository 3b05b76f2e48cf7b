/* Preemption: what a node would answer if some of its pods were gone. */
#include "webhook/cluster/cluster_inner.h"

/* More pods of one node than these do not go at once: the rest stays, which is the careful side. */
#define LEAVING_MAX 4096

struct leaving {
    uint32_t n;
    uint32_t pod[LEAVING_MAX];
};

static bool is_among(const struct content *k, uint64_t uid, const struct span *uids, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (name_hash(&k->pod_index.seed, uids[i]) == uid) {
            return true;
        }
    }
    return false;
}

/* A pod that has ended holds nothing, whatever a report says: those that would go are marked so,
 * and the marks are taken off again before the lock is given back. */
static void leave(struct content *k, struct node_rec *r, const struct span *uids, unsigned n,
                  struct leaving *out) {
    out->n = 0;
    for (uint32_t at = r->first_pod; at != INDEX_NONE; at = content_pod(k, at)->next) {
        struct pod_rec *p = content_pod(k, at);
        if (!p->ended && out->n < LEAVING_MAX && is_among(k, p->uid, uids, n)) {
            p->ended = true;
            out->pod[out->n++] = at;
        }
    }
    r->recount = true;
}

static void come_back(struct content *k, struct node_rec *r, const struct leaving *left) {
    for (uint32_t i = 0; i < left->n; i++) {
        content_pod(k, left->pod[i])->ended = false;
    }
    r->recount = true;
}

bool cluster_answer_without(struct cluster *c, struct span node, const struct span *uids,
                            unsigned n, const struct shape *s, int64_t now,
                            struct node_answer *out) {
    struct leaving left;
    struct node_view view;
    pthread_mutex_lock(&c->lock);
    struct content *k = c->content;
    uint32_t at = index_find(&k->node_index, node);
    bool known = at != INDEX_NONE && content_node(k, at)->known;
    if (known) {
        struct node_rec *r = content_node(k, at);
        leave(k, r, uids, n, &left);
        content_view(k, at, &c->policy, &view);
        decide_node(&view, s, &c->policy, now, out);
        c->decided++;
        come_back(k, r, &left);
    }
    pthread_mutex_unlock(&c->lock);
    return known;
}
