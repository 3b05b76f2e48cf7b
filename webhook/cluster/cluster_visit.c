/* Questions over the whole cache: counts, complaints, census, every node in name order. */
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

static void put_holders(const struct content *k, uint32_t at, const struct topo *t,
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
        put_holders(k, at, view.topo, gpuset_one(position), &b);
    }
    pthread_mutex_unlock(&c->lock);
}

/* ---- census ---- */

/* A view costs more than an answer, and only few nodes get named: the first by name of each code
 * (apart by whether it could ever fit), and each that scores above all before. That is what
 * census_add would choose among all of them. */
struct naming {
    bool seen[REASON_COUNT][2];
    int best; /* -1 none */
    uint32_t nearest;
};

static bool is_worth_naming(struct naming *n, const struct node_answer *a) {
    if (a->code == REASON_NONE) {
        bool better = (int)a->score > n->best;
        n->best = better ? (int)a->score : n->best;
        return better;
    }
    bool *seen = &n->seen[a->code < REASON_COUNT ? a->code : REASON_NODE_UNKNOWN][a->ever];
    bool first = !*seen;
    *seen = true;
    return first;
}

/* For counts and lists of all nodes: kube-scheduler leaves cordoned ones out before it asks. (Not
 * in the answer itself: pods that tolerate the cordon are asked about all the same.) */
static void mind_cordon(const struct node_rec *r, struct node_answer *a) {
    if (a->code == REASON_NONE && !r->schedulable) {
        a->code = REASON_NODE_CORDONED;
        a->score = 0;
    }
}

static void count(struct cluster *c, const struct question *q, struct census *out) {
    struct content *k = c->content;
    struct naming naming = {.best = -1, .nearest = INDEX_NONE};
    /* Without memory for the order the counts are still right. */
    bool sorted = content_sort(k);
    for (uint32_t i = 0; i < (sorted ? k->n_order : k->nodes.n); i++) {
        struct node_answer a;
        struct node_view view;
        uint32_t at = sorted ? k->order[i] : i;
        if (!content_node(k, at)->known) {
            continue;
        }
        cluster_answer_at(c, q, at, &a);
        mind_cordon(content_node(k, at), &a);
        bool name = is_worth_naming(&naming, &a);
        if (name) {
            content_view(k, at, &c->policy, &view);
        }
        census_add(out, name ? &view : NULL, q->shape, &a);
        if (name && out->nearest.set && span_eq(span_of(out->nearest.name), view.name)) {
            naming.nearest = at;
        }
    }
    if (naming.nearest != INDEX_NONE && out->nearest.answer.has_set) {
        struct node_view view;
        struct buf holder = BUF_OVER(out->nearest.holder);
        content_view(k, naming.nearest, &c->policy, &view);
        put_holders(k, naming.nearest, view.topo, out->nearest.answer.set, &holder);
    }
}

static bool census_kept(struct cluster *c, const struct question *q, struct census *out) {
    const struct answers_of *of = q->of;
    if (!of || !of->census || of->census_gen != c->content->next_gen ||
        q->now >= of->census_until) {
        return false;
    }
    *out = *of->census;
    c->kept++;
    return true;
}

/* Without memory nothing is kept, and the next one counts again. */
static void census_keep(struct cluster *c, const struct question *q, const struct census *counted) {
    struct answers_of *of = q->of;
    if (!of || (!of->census && !(of->census = malloc(sizeof *of->census)))) {
        return;
    }
    *of->census = *counted;
    of->census_gen = c->content->next_gen;
    of->census_until = INT64_MAX;
    for (uint32_t i = 0; i < c->content->nodes.n; i++) {
        bool sooner = of->kept[i].gen && of->kept[i].until < of->census_until;
        of->census_until = sooner ? of->kept[i].until : of->census_until;
    }
}

void cluster_census(struct cluster *c, const struct shape *s, int64_t now, struct census *out) {
    memset(out, 0, sizeof *out);
    pthread_mutex_lock(&c->lock);
    struct question q = {
        .shape = s, .of = answers_for(&c->answers, s, c->content->nodes.n), .now = now};
    if (!census_kept(c, &q, out)) {
        count(c, &q, out);
        census_keep(c, &q, out);
    }
    pthread_mutex_unlock(&c->lock);
}

void cluster_each(struct cluster *c, const struct shape *s, int64_t now, cluster_visit *visit,
                  void *ctx) {
    pthread_mutex_lock(&c->lock);
    struct content *k = c->content;
    bool going = content_sort(k);
    struct question q = {.shape = s, .of = answers_for(&c->answers, s, k->nodes.n), .now = now};
    for (uint32_t i = 0; going && i < k->n_order; i++) {
        struct node_answer a;
        struct node_view view;
        const struct node_rec *r = content_node(k, k->order[i]);
        cluster_answer_at(c, &q, k->order[i], &a);
        mind_cordon(r, &a);
        content_view(k, k->order[i], &c->policy, &view);
        struct cluster_node_info info = {.view = &view,
                                         .answer = &a,
                                         .problem = r->problem ? r->problem : "",
                                         .source = r->source,
                                         .observed_at = r->observed_at};
        going = visit(ctx, &info);
    }
    pthread_mutex_unlock(&c->lock);
}
