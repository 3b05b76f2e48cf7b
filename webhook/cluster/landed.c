/* Pods that run: which of them sit on GPUs that do not carry their TP groups. */
#include <stdlib.h>

#include "webhook/cluster/cluster_inner.h"

struct look {
    struct cluster *c;
    int64_t now;
    cluster_landed_visit *visit;
    void *ctx;
    struct node_view view;
    bool viewed;
    bool again; /* something could not be told now */
};

/* The GPUs it has, as far as they are known: reported, or named by itself. */
static const struct grip *gpus_of(const struct node_rec *r, const struct pod_rec *p) {
    const struct held_rec *h = content_held(r, p->key);
    if (h && !h->gone) {
        return h->grip;
    }
    return p->kind == CLAIM_NAMED ? p->named : NULL;
}

static struct span cut_key(const char *key, struct span *ns) {
    struct span rest = span_of(key);
    *ns = span_cut(&rest, '/');
    return rest;
}

static bool is_as_told(const struct landed_mark *mark, const struct landed *l, bool unreserved) {
    bool same = !l->known ||
                (mark->code == l->code &&
                 (l->code == REASON_NONE || (mark->bad_a == l->bad_a && mark->bad_b == l->bad_b)));
    return same && mark->unreserved == unreserved;
}

static void judge(struct look *k, uint32_t node, const struct pod_rec *p,
                  struct landed_case *found) {
    struct content *c = k->c->content;
    const struct grip *grip = gpus_of(content_node(c, node), p);
    *found = (struct landed_case){.group = *p->group, .unreserved = p->unreserved};
    if (!k->viewed) {
        content_view_wiring(c, node, &k->c->policy, &k->view);
        k->viewed = true;
    }
    if (grip && grip->n) {
        landed_judge(&k->view, p->group, grip->gpu, grip->n, &k->c->policy, k->now, &found->landed);
    }
}

static void look_at_pod(struct look *k, uint32_t node, struct pod_rec *p) {
    struct landed_case found;
    judge(k, node, p, &found);
    if (is_as_told(&p->mark, &found.landed, found.unreserved)) {
        return;
    }
    landed_describe(&k->view, &found);
    struct cluster_landed l = {.now = &found, .unknown = !found.landed.known};
    l.name = cut_key(p->key, &l.ns);
    l.mended = found.landed.known && found.landed.code == REASON_NONE && p->mark.code;
    if (!k->visit(k->ctx, &l)) {
        k->again = true;
        return;
    }
    p->mark.unreserved = found.unreserved;
    if (found.landed.known) {
        p->mark.code = found.landed.code;
        p->mark.bad_a = found.landed.bad_a;
        p->mark.bad_b = found.landed.bad_b;
    }
}

static void look_at_node(struct look *k, uint32_t at) {
    struct content *c = k->c->content;
    struct node_rec *r = content_node(c, at);
    k->viewed = false;
    k->again = false;
    for (uint32_t i = r->first_pod; i != INDEX_NONE; i = content_pod(c, i)->next) {
        struct pod_rec *p = content_pod(c, i);
        if (p->group && !p->ended) {
            look_at_pod(k, at, p);
        }
    }
    r->landed = k->again ? 0 : r->gen + r->jumps;
}

bool cluster_each_landed(struct cluster *c, int64_t now, uint32_t nodes,
                         cluster_landed_visit *visit, void *ctx) {
    struct look k = {.c = c, .now = now, .visit = visit, .ctx = ctx};
    pthread_mutex_lock(&c->lock);
    const struct content *all = c->content;
    bool again = false;
    uint32_t at = 0;
    for (; nodes && at < all->nodes.n; at++) {
        const struct node_rec *r = content_node(all, at);
        if (!r->name || !r->known || r->first_pod == INDEX_NONE || r->landed == r->gen + r->jumps) {
            continue;
        }
        look_at_node(&k, at);
        again = again || k.again;
        nodes--;
    }
    bool done = !again && at >= all->nodes.n;
    pthread_mutex_unlock(&c->lock);
    return done;
}

enum reason cluster_landed_code(struct cluster *c, struct span ns, struct span name) {
    char key[CONTENT_KEY_MAX];
    enum reason code = REASON_NONE;
    if (!content_key(ns, name, key)) {
        return code;
    }
    pthread_mutex_lock(&c->lock);
    uint32_t at = index_find(&c->content->pod_index, span_of(key));
    if (at != INDEX_NONE && !content_pod(c->content, at)->ended) {
        code = (enum reason)content_pod(c->content, at)->mark.code;
    }
    pthread_mutex_unlock(&c->lock);
    return code;
}

void cluster_landed_again(struct cluster *c, struct span ns, struct span name) {
    char key[CONTENT_KEY_MAX];
    if (!content_key(ns, name, key)) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    uint32_t at = index_find(&c->content->pod_index, span_of(key));
    if (at != INDEX_NONE) {
        struct pod_rec *p = content_pod(c->content, at);
        p->mark = (struct landed_mark){0};
        content_node(c->content, p->node)->landed = 0;
    }
    pthread_mutex_unlock(&c->lock);
}

void cluster_landed_anew(struct cluster *c) {
    pthread_mutex_lock(&c->lock);
    const struct content *k = c->content;
    for (uint32_t i = 0; i < k->pods.n; i++) {
        content_pod(k, i)->mark = (struct landed_mark){0};
    }
    for (uint32_t i = 0; i < k->nodes.n; i++) {
        content_node(k, i)->landed = 0;
    }
    pthread_mutex_unlock(&c->lock);
}

static bool show_node(struct look *k, uint32_t at) {
    const struct content *c = k->c->content;
    bool going = true;
    k->viewed = false;
    for (uint32_t i = content_node(c, at)->first_pod; going && i != INDEX_NONE;
         i = content_pod(c, i)->next) {
        const struct pod_rec *p = content_pod(c, i);
        struct landed_case found;
        if (p->group && !p->ended) {
            judge(k, at, p, &found);
            landed_describe(&k->view, &found);
            struct cluster_landed l = {.now = &found, .unknown = !found.landed.known};
            l.name = cut_key(p->key, &l.ns);
            going = k->visit(k->ctx, &l);
        }
    }
    return going;
}

void cluster_each_running(struct cluster *c, int64_t now, cluster_landed_visit *visit, void *ctx) {
    struct look k = {.c = c, .now = now, .visit = visit, .ctx = ctx};
    pthread_mutex_lock(&c->lock);
    const struct content *all = c->content;
    bool going = content_sort(c->content);
    for (uint32_t i = 0; going && i < all->n_order; i++) {
        going = show_node(&k, all->order[i]);
    }
    pthread_mutex_unlock(&c->lock);
}
