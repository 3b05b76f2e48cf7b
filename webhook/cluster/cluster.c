#include "webhook/cluster/cluster.h"

#include <stdlib.h>

#include "webhook/cluster/cluster_inner.h"
#include "webhook/codec/manifest.h"

struct cluster *cluster_new(const struct policy *policy) {
    struct cluster *c = calloc(1, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->policy = *policy;
    c->content = content_new(policy->allocation == ALLOC_EXACT);
    c->scheduler_name = content_copy(policy->scheduler_name);
    c->policy.scheduler_name =
        (struct span){c->scheduler_name, c->scheduler_name ? policy->scheduler_name.n : 0};
    if (!c->content || !c->scheduler_name || pthread_mutex_init(&c->lock, NULL) != 0) {
        content_free(c->content);
        free(c->scheduler_name);
        free(c);
        return NULL;
    }
    answers_init(&c->answers);
    return c;
}

void cluster_free(struct cluster *c) {
    if (!c) {
        return;
    }
    pthread_mutex_destroy(&c->lock);
    answers_done(&c->answers);
    content_free(c->content);
    free(c->scheduler_name);
    free(c);
}

bool cluster_put_node(struct cluster *c, const struct node_object *n, struct err *e) {
    pthread_mutex_lock(&c->lock);
    bool good = content_put_node(c->content, n, e);
    pthread_mutex_unlock(&c->lock);
    return good;
}

bool cluster_put_pod(struct cluster *c, const struct pod *p, struct err *e) {
    pthread_mutex_lock(&c->lock);
    bool good = content_put_pod(c->content, p, e);
    pthread_mutex_unlock(&c->lock);
    return good;
}

bool cluster_put_namespace(struct cluster *c, const struct namespace_object *n, struct err *e) {
    pthread_mutex_lock(&c->lock);
    bool good = content_put_namespace(c->content, n, e);
    pthread_mutex_unlock(&c->lock);
    return good;
}

void cluster_drop_node(struct cluster *c, struct span name) {
    pthread_mutex_lock(&c->lock);
    content_drop_node(c->content, name);
    pthread_mutex_unlock(&c->lock);
}

void cluster_drop_pod(struct cluster *c, struct span ns, struct span name) {
    cluster_drop_pod_of(c, ns, name, (struct span){0});
}

void cluster_drop_pod_of(struct cluster *c, struct span ns, struct span name, struct span uid) {
    pthread_mutex_lock(&c->lock);
    content_drop_pod(c->content, ns, name, uid);
    content_drop_waiting(c->content, ns, name, uid);
    pthread_mutex_unlock(&c->lock);
}

void cluster_drop_namespace(struct cluster *c, struct span name) {
    pthread_mutex_lock(&c->lock);
    content_drop_namespace(c->content, name);
    pthread_mutex_unlock(&c->lock);
}

static bool load_node(void *ctx, const struct node_object *n, struct err *e) {
    return content_put_node(ctx, n, e);
}
static bool load_pod(void *ctx, const struct pod *p, struct err *e) {
    return content_put_pod(ctx, p, e);
}
static bool load_namespace(void *ctx, const struct namespace_object *n, struct err *e) {
    return content_put_namespace(ctx, n, e);
}

bool cluster_load(struct cluster *c, struct span text, struct err *e) {
    struct content *fresh = content_new(c->policy.allocation == ALLOC_EXACT);
    if (!fresh) {
        return content_fail_memory(e);
    }
    const struct cluster_sink sink = {
        .ctx = fresh, .node = load_node, .pod = load_pod, .ns = load_namespace};
    struct cluster_file_counts counts = {0};
    if (!cluster_file_read(text, &sink, &counts, e)) {
        content_free(fresh);
        return false;
    }
    bool foreign = counts.nodes + counts.pods + counts.namespaces == 0 && counts.others;
    if (foreign || span_trim(text).n == 0) {
        content_free(fresh);
        return err_set(e, ERR_INPUT,
                       "wants what `kubectl get nodes,pods -A -o yaml` prints, found %s",
                       foreign ? "only objects of other kinds" : "nothing");
    }
    pthread_mutex_lock(&c->lock);
    struct content *old = c->content;
    c->content = fresh;
    c->ready = true;
    answers_forget(&c->answers); /* generations of another content mean nothing here */
    pthread_mutex_unlock(&c->lock);
    content_free(old);
    return true;
}

enum mode cluster_mode(struct cluster *c, struct span ns) {
    pthread_mutex_lock(&c->lock);
    const struct content *k = c->content;
    enum mode mode = c->policy.mode;
    uint32_t at = index_find(&k->namespace_index, ns);
    if (at != INDEX_NONE) {
        const struct namespace_rec *r = pool_at(&k->namespaces, at);
        mode = r->valid ? (enum mode)r->mode : mode;
    }
    pthread_mutex_unlock(&c->lock);
    return mode;
}

void cluster_answer_at(struct cluster *c, const struct question *q, uint32_t at,
                       struct node_answer *out) {
    const struct node_rec *r = content_node(c->content, at);
    struct kept *k = q->of ? &q->of->kept[at] : NULL;
    if (k && k->gen == r->gen && q->now < k->until) {
        c->kept++;
        *out = k->answer;
        return;
    }
    struct node_view view;
    content_view(c->content, at, &c->policy, &view);
    decide_node(&view, q->shape, &c->policy, q->now, out);
    c->decided++;
    if (k) {
        int64_t until = node_valid_until(&view, &c->policy);
        /* What is stale already stays so until the node changes. */
        *k = (struct kept){r->gen, until > q->now ? until : INT64_MAX, *out};
    }
}

void cluster_begin(struct cluster *c, const struct shape *s, int64_t now,
                   struct cluster_session *out) {
    pthread_mutex_lock(&c->lock);
    *out = (struct cluster_session){.c = c, .shape = s, .now = now};
    out->slot = answers_for(&c->answers, s, c->content->nodes.n);
}

bool cluster_answer(struct cluster_session *s, struct span name, struct node_answer *out) {
    const struct content *k = s->c->content;
    uint32_t at = s->hint;
    /* kube-scheduler asks in the order in which it got the nodes, mostly ours. */
    if (at >= k->nodes.n || !span_eq(node_rec_name(content_node(k, at)), name)) {
        at = index_find(&k->node_index, name);
    }
    if (at == INDEX_NONE || !content_node(k, at)->known) {
        return false;
    }
    s->hint = at + 1;
    struct question q = {.shape = s->shape, .of = s->slot, .now = s->now};
    cluster_answer_at(s->c, &q, at, out);
    return true;
}

void cluster_end(struct cluster_session *s) {
    struct cluster *c = s->c;
    *s = (struct cluster_session){0};
    pthread_mutex_unlock(&c->lock);
}
