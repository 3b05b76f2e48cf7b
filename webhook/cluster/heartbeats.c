/* Heartbeats of agents: how long a node's report can be believed though nobody writes it anew. */
#include "webhook/cluster/cluster_inner.h"

static int64_t seen_at(const struct node_rec *r) {
    return r->heartbeat_at > r->observed_at ? r->heartbeat_at : r->observed_at;
}

/* Answers that say "too old" are kept until the node changes: this is such a change. An answer that
 * is still good is asked for again by itself when its time is over. */
static bool was_too_old(const struct node_rec *r, int64_t now, uint32_t freshness_s) {
    return freshness_s && r->packed && now > seen_at(r) &&
           (uint64_t)now - (uint64_t)seen_at(r) > freshness_s;
}

bool content_put_heartbeat(struct content *c, struct span node, const struct cluster_beat *beat,
                           int64_t now, uint32_t freshness_s, struct err *e) {
    uint32_t found = 0;
    if (beat->at <= 0) {
        return err_set(e, ERR_INPUT, "wants a time after 1970");
    }
    if (!content_node_for(c, node, &found, e)) {
        return false;
    }
    struct node_rec *r = content_node(c, found);
    r->heard = c->round[CLUSTER_AGENTS];
    if (beat->at <= r->heartbeat_at) {
        return true;
    }
    if (was_too_old(r, now, freshness_s)) {
        r->jumps++;
        content_touch(c, r);
    }
    if (beat->books && content_held_vouched(r)) {
        content_touch(c, r);
    }
    r->heartbeat_at = beat->at;
    return true;
}

static void forget(struct content *c, uint32_t at) {
    struct node_rec *r = content_node(c, at);
    r->heartbeat_at = 0;
    r->jumps++;
    content_touch(c, r); /* kept answers stood on it */
    content_node_release(c, at);
}

void content_drop_heartbeat(struct content *c, struct span node) {
    uint32_t at = index_find(&c->node_index, node);
    if (at != INDEX_NONE && content_node(c, at)->heartbeat_at) {
        forget(c, at);
    }
}

void content_end_heartbeats(struct content *c) {
    for (uint32_t i = 0; i < c->nodes.n; i++) {
        const struct node_rec *r = content_node(c, i);
        if (r->name && r->heartbeat_at && r->heard != c->round[CLUSTER_AGENTS]) {
            forget(c, i);
        }
    }
}

bool cluster_put_heartbeat(struct cluster *c, struct span node, const struct cluster_beat *beat,
                           int64_t now, struct err *e) {
    pthread_mutex_lock(&c->lock);
    bool good = content_put_heartbeat(c->content, node, beat, now, c->policy.freshness_s, e);
    pthread_mutex_unlock(&c->lock);
    return good;
}

void cluster_drop_heartbeat(struct cluster *c, struct span node) {
    pthread_mutex_lock(&c->lock);
    content_drop_heartbeat(c->content, node);
    pthread_mutex_unlock(&c->lock);
}
