/* The cache as list + watch fill it, and the plan of one bind. */
#include <stdlib.h>

#include "webhook/cluster/cluster.h"
#include "webhook/cluster/cluster_inner.h"

void cluster_list_begin(struct cluster *c, enum cluster_kind kind) {
    pthread_mutex_lock(&c->lock);
    content_round_begin(c->content, kind);
    pthread_mutex_unlock(&c->lock);
}

void cluster_list_end(struct cluster *c, enum cluster_kind kind) {
    pthread_mutex_lock(&c->lock);
    content_round_end(c->content, kind);
    c->listed |= 1U << kind;
    c->ready = c->ready || c->listed == (1U << CLUSTER_KINDS) - 1;
    pthread_mutex_unlock(&c->lock);
}

bool cluster_put_pod_object(struct cluster *c, const struct pod *p, struct span text,
                            struct err *e) {
    pthread_mutex_lock(&c->lock);
    bool good = content_put_pod(c->content, p, e) && content_put_waiting(c->content, p, text, e);
    pthread_mutex_unlock(&c->lock);
    return good;
}

uint64_t cluster_generation(struct cluster *c) {
    pthread_mutex_lock(&c->lock);
    uint64_t gen = c->content->next_gen;
    pthread_mutex_unlock(&c->lock);
    return gen;
}

/* ---- pods ---- */

static bool is_bound(const struct content *k, uint32_t at, struct span uid) {
    return at != INDEX_NONE && content_pod(k, at)->uid == name_hash(&k->pod_index.seed, uid);
}

enum cluster_pod cluster_find_pod(struct cluster *c, struct span ns, struct span name,
                                  struct span uid, struct buf *text) {
    char key[CONTENT_KEY_MAX];
    enum cluster_pod found = CLUSTER_POD_UNSEEN;
    if (!content_key(ns, name, key)) {
        return found;
    }
    pthread_mutex_lock(&c->lock);
    const struct content *k = c->content;
    uint32_t at = index_find(&k->waiting_index, span_of(key));
    if (at != INDEX_NONE && span_is(uid, content_waiting(k, at)->uid)) {
        const struct waiting_rec *r = content_waiting(k, at);
        found = r->gpu ? CLUSTER_POD_WAITING : CLUSTER_POD_PLAIN;
        buf_span(text, (struct span){r->text, r->text_n});
    } else if (is_bound(k, index_find(&k->pod_index, span_of(key)), uid)) {
        found = CLUSTER_POD_BOUND;
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

void cluster_each_waiting(struct cluster *c, cluster_waiting_visit *visit, void *ctx) {
    pthread_mutex_lock(&c->lock);
    const struct content *k = c->content;
    bool going = true;
    for (uint32_t i = 0; going && i < k->waiting.n; i++) {
        const struct waiting_rec *r = content_waiting(k, i);
        if (r->key && r->text) {
            going = visit(ctx, span_of(r->uid), (struct span){r->text, r->text_n});
        }
    }
    pthread_mutex_unlock(&c->lock);
}

/* ---- a bind ---- */

/* Does the claim count beside what the cache knows? Not when the cache has this very pod on a node:
 * there it is counted, here it is over. Of any other only the API server can tell (`sure`): one
 * that waits may be on its way or have come to nothing, and another pod of its name may be a
 * younger one or, while the cache is behind, an older. */
static bool counts(const struct content *k, const char *key, struct cluster_claim *claim) {
    bool bound = is_bound(k, index_find(&k->pod_index, span_of(key)), claim->uid);
    claim->unseen = !bound && !claim->sure;
    return !bound && claim->sure;
}

struct claims {
    char key[CLUSTER_CLAIMS_MAX][CONTENT_KEY_MAX];
    struct claim claim[CLUSTER_CLAIMS_MAX];
    struct grip *plan[CLUSTER_CLAIMS_MAX];
    unsigned n;
};

static void gather(const struct content *k, struct cluster_claim *from, unsigned n,
                   const char *besides, struct claims *out) {
    for (unsigned i = 0; i < n && out->n < CLUSTER_CLAIMS_MAX; i++) {
        char *key = out->key[out->n];
        if (!content_key(from[i].ns, from[i].name, key) || strcmp(key, besides) == 0 ||
            !counts(k, key, &from[i])) {
            continue;
        }
        struct grip *plan = from[i].plan.n ? content_plan(from[i].plan) : NULL;
        out->plan[out->n] = plan;
        out->claim[out->n++] = (struct claim){
            .who = span_of(key),
            .kind = CLAIM_COUNT,
            .gpus = from[i].gpus,
            .plan = plan,
            /* In exact mode the kubelet hands out the plan: as good as a report. */
            .report = k->exact ? plan : NULL,
        };
    }
}

static void name_gpus(const struct topo *t, struct gpuset set, struct cluster_plan *out) {
    struct buf gpus = BUF_OVER(out->gpus);
    struct buf uuids = BUF_OVER(out->uuids);
    bool all = true;
    for (unsigned i = gpuset_next(set, 0); i < GPU_MAX; i = gpuset_next(set, i + 1)) {
        buf_fmt(&gpus, "%s%u", gpus.n ? "," : "", (unsigned)t->gpu[i].index);
        buf_fmt(&uuids, "%s%s", uuids.n ? "," : "", t->gpu[i].uuid);
        all = all && t->gpu[i].uuid[0];
    }
    if (!all || !buf_ok(&uuids)) {
        out->uuids[0] = '\0';
    }
    if (!buf_ok(&gpus)) {
        out->gpus[0] = '\0';
    }
}

void cluster_plan_bind(struct cluster *c, struct span node, const struct shape *s,
                       struct cluster_claim *claim, unsigned n, const char *besides, int64_t now,
                       struct cluster_plan *out) {
    static const struct cluster_plan nothing;
    struct claims *claims = calloc(1, sizeof *claims);
    *out = nothing;
    out->answer.code = REASON_NODE_UNKNOWN;
    if (!claims) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    struct content *k = c->content;
    uint32_t at = index_find(&k->node_index, node);
    if (at != INDEX_NONE && content_node(k, at)->known) {
        struct node_view view;
        gather(k, claim, n, besides, claims);
        struct extra_claims extra = {claims->claim, claims->n, besides};
        content_view_with(k, at, &c->policy, &extra, &view);
        decide_node(&view, s, &c->policy, now, &out->answer);
        out->known = true;
        if (out->answer.code == REASON_NONE && out->answer.has_set && view.topo) {
            name_gpus(view.topo, out->answer.set, out);
            set_view_of(&view, out->answer.set, &out->set);
        }
    }
    pthread_mutex_unlock(&c->lock);
    for (unsigned i = 0; i < n; i++) {
        out->unseen += claim[i].unseen;
    }
    for (unsigned i = 0; i < claims->n; i++) {
        free(claims->plan[i]);
    }
    free(claims);
}
