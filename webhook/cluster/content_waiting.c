/* Pods that are bound nowhere yet, and the rounds of lists that are made again. */
#include <stdlib.h>

#include "webhook/cluster/content.h"

struct span content_waiting_name(const void *owner, uint32_t at) {
    return span_of(content_waiting(owner, at)->key);
}

static void forget(struct content *c, uint32_t at) {
    struct waiting_rec *r = content_waiting(c, at);
    index_remove(&c->waiting_index, at);
    c->waiting_text -= r->text_n;
    free(r->key);
    free(r->uid);
    free(r->text);
    pool_give(&c->waiting, at);
}

void content_free_waiting(struct content *c) {
    for (uint32_t i = 0; i < c->waiting.n; i++) {
        free(content_waiting(c, i)->key);
        free(content_waiting(c, i)->uid);
        free(content_waiting(c, i)->text);
    }
    pool_done(&c->waiting);
    index_done(&c->waiting_index);
}

void content_drop_waiting(struct content *c, struct span ns, struct span name, struct span uid) {
    char key[CONTENT_KEY_MAX];
    uint32_t at =
        content_key(ns, name, key) ? index_find(&c->waiting_index, span_of(key)) : INDEX_NONE;
    if (at != INDEX_NONE && (!uid.n || span_is(uid, content_waiting(c, at)->uid))) {
        forget(c, at);
    }
}

/* Of the text as much as there is room for: without it the API server is asked again when it is
 * needed. */
static void keep_text(struct content *c, struct waiting_rec *r, struct span text) {
    free(r->text);
    c->waiting_text -= r->text_n;
    r->text = NULL;
    r->text_n = 0;
    if (!r->gpu || text.n > UINT32_MAX || text.n > CLUSTER_WAITING_TEXT - c->waiting_text) {
        return;
    }
    r->text = content_copy(text);
    r->text_n = r->text ? (uint32_t)text.n : 0;
    c->waiting_text += r->text_n;
}

static bool make(struct content *c, const char *key, uint32_t *at, struct err *e) {
    uint32_t fresh = 0;
    bool full;
    if (!pool_take(&c->waiting, &fresh, &full)) {
        return full
                   ? err_set(e, ERR_TOO_LARGE, "more than %d pods without a node", CLUSTER_PODS_MAX)
                   : content_fail_memory(e);
    }
    struct waiting_rec *r = content_waiting(c, fresh);
    r->key = content_copy(span_of(key));
    if (!r->key || !index_add(&c->waiting_index, fresh)) {
        free(r->key);
        pool_give(&c->waiting, fresh);
        return content_fail_memory(e);
    }
    *at = fresh;
    return true;
}

bool content_put_waiting(struct content *c, const struct pod *p, struct span text, struct err *e) {
    char key[CONTENT_KEY_MAX];
    if (!content_key(p->ns, p->name, key)) {
        return true;
    }
    bool waits =
        !p->node_name.n && !p->deleting && p->phase != POD_SUCCEEDED && p->phase != POD_FAILED;
    uint32_t at = index_find(&c->waiting_index, span_of(key));
    if (!waits) {
        if (at != INDEX_NONE) {
            forget(c, at);
        }
        return true;
    }
    if (at == INDEX_NONE && !make(c, key, &at, e)) {
        return false;
    }
    struct waiting_rec *r = content_waiting(c, at);
    char *uid = content_copy(p->uid);
    if (!uid) {
        forget(c, at);
        return content_fail_memory(e);
    }
    free(r->uid);
    r->uid = uid;
    r->gpu = pod_is_gpu(p);
    r->seen = c->round[CLUSTER_PODS];
    keep_text(c, r, text);
    return true;
}

/* ---- rounds ---- */

void content_round_begin(struct content *c, enum cluster_kind kind) {
    c->round[kind]++;
}

static void end_nodes(struct content *c) {
    for (uint32_t i = 0; i < c->nodes.n; i++) {
        const struct node_rec *r = content_node(c, i);
        if (r->name && r->known && r->seen != c->round[CLUSTER_NODES]) {
            content_drop_node(c, node_rec_name(r));
        }
    }
}

static void end_pods(struct content *c) {
    for (uint32_t i = 0; i < c->pods.n; i++) {
        const struct pod_rec *r = content_pod(c, i);
        if (r->key && r->seen != c->round[CLUSTER_PODS]) {
            content_forget_pod(c, i);
        }
    }
    for (uint32_t i = 0; i < c->waiting.n; i++) {
        const struct waiting_rec *r = content_waiting(c, i);
        if (r->key && r->seen != c->round[CLUSTER_PODS]) {
            forget(c, i);
        }
    }
}

static void end_namespaces(struct content *c) {
    for (uint32_t i = 0; i < c->namespaces.n; i++) {
        const struct namespace_rec *r = pool_at(&c->namespaces, i);
        if (r->name && r->seen != c->round[CLUSTER_NAMESPACES]) {
            content_drop_namespace(c, span_of(r->name));
        }
    }
}

void content_round_end(struct content *c, enum cluster_kind kind) {
    switch (kind) {
    case CLUSTER_NODES:
        end_nodes(c);
        break;
    case CLUSTER_PODS:
        end_pods(c);
        break;
    case CLUSTER_NAMESPACES:
        end_namespaces(c);
        break;
    case CLUSTER_AGENTS:
        content_end_heartbeats(c);
        break;
    case CLUSTER_KINDS:
        break;
    }
}
