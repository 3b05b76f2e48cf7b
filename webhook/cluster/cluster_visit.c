/* Questions over the whole cache: counts, complaints, who holds what. */
#include <stdlib.h>

#include "webhook/cluster/cluster_inner.h"

void cluster_stats_get(struct cluster *c, struct cluster_stats *out) {
    pthread_mutex_lock(&c->lock);
    const struct content *k = c->content;
    struct cluster_stats s = {.ready = c->ready, .decided = c->decided, .kept = c->kept};
    for (uint32_t i = 0; i < k->nodes.n; i++) {
        const struct node_rec *r = content_node(k, i);
        if (!r->known) {
            continue;
        }
        bool gpu = r->gpus || r->topo_state != NODE_TOPO_MISSING;
        s.nodes++;
        s.gpu_nodes += gpu;
        s.topo_ok += r->topo_state == NODE_TOPO_OK;
        s.topo_invalid += r->topo_state == NODE_TOPO_INVALID;
        s.topo_missing += gpu && r->topo_state == NODE_TOPO_MISSING;
    }
    for (uint32_t i = 0; i < k->pods.n; i++) {
        const struct pod_rec *p = content_pod(k, i);
        s.pods += p->key && !p->ended;
        s.off_nvlink += p->key && !p->ended && p->mark.code != REASON_NONE;
        s.unreserved += p->key && !p->ended && p->mark.unreserved;
    }
    pthread_mutex_unlock(&c->lock);
    *out = s;
}

unsigned cluster_complaints(struct cluster *c, struct buf *out) {
    unsigned n = 0;
    pthread_mutex_lock(&c->lock);
    struct content *k = c->content;
    bool sorted = content_sort(k);
    for (uint32_t i = 0; sorted && i < k->n_order; i++) {
        const struct node_rec *r = content_node(k, k->order[i]);
        struct span rest = span_of(r->complaints);
        while (rest.n) {
            struct span line = span_line(&rest);
            buf_fmt(out, "node %s: " SPAN_FMT "\n", r->name, SPAN_ARG(line));
            n++;
        }
    }
    for (uint32_t i = 0; i < k->namespaces.n; i++) {
        const struct namespace_rec *r = pool_at(&k->namespaces, i);
        if (r->name && !r->valid) {
            buf_fmt(out,
                    "namespace %s: label " LABEL_MODE
                    ": wants enforce, warn, audit or off, found \"%s\"\n",
                    r->name, r->bad);
            n++;
        }
    }
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* ---- holders ---- */

void cluster_put_holders(const struct content *k, uint32_t at, const struct topo *t,
                         struct gpuset of, struct buf *out) {
    struct occupancy o;
    struct span said = {0};
    content_occupancy(k, content_node(k, at), t, NULL, &o);
    of = gpuset_and(of, gpuset_or(o.busy, o.planned));
    for (unsigned i = gpuset_next(of, 0); i < GPU_MAX; i = gpuset_next(of, i + 1)) {
        size_t before = out->n;
        if (span_eq(said, o.owner[i])) {
            continue;
        }
        buf_str(out, before ? ", " : "");
        buf_span(out, o.owner[i]);
        if (!buf_ok(out)) {
            out->failed = false;
            buf_back(out, before);
            return;
        }
        said = o.owner[i];
    }
}

void cluster_holder(struct cluster *c, struct span node, unsigned position, char *out,
                    unsigned cap) {
    struct buf b = buf_over(out, cap);
    pthread_mutex_lock(&c->lock);
    struct content *k = c->content;
    uint32_t at = index_find(&k->node_index, node);
    if (at != INDEX_NONE && content_node(k, at)->known) {
        struct node_view view;
        content_view(k, at, &c->policy, &view);
        cluster_put_holders(k, at, view.topo, gpuset_one(position), &b);
    }
    pthread_mutex_unlock(&c->lock);
}
