#include "webhook/agent/own.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "topology/annotation.h"
#include "topology/json.h"
#include "webhook/codec/held.h"
#include "webhook/kube/watch.h"

/* A tree of what an object's metadata may be, 256 KiB of annotations and managedFields. */
#define OBJECT_ARENA_MAX ((size_t)64 * 1024 * 1024)
#define TEXT_MAX         ((size_t)512 * 1024)
#define QUERY_MAX        800

struct own {
    pthread_mutex_t lock;
    struct own_node node;
    int wake_fd;
    bool met; /* since the list began */
    struct arena arena;
    char query[QUERY_MAX];
    struct watch *watch;
};

void own_done(struct own_node *n) {
    buf_done(&n->topology);
    buf_done(&n->allocations);
}

static void wake(const struct own *o) {
    const uint64_t one = 1;
    ssize_t sent = write(o->wake_fd, &one, sizeof one);
    (void)sent; /* full: the reader is awake already */
}

/* ---- from the watch ---- */

struct meta {
    struct span uid, topology, allocations;
};

static bool read_meta(struct own *o, struct span object, struct meta *out, struct err *e) {
    const struct json *root = NULL;
    const struct json *meta = NULL;
    const struct json *notes = NULL;
    arena_reset(&o->arena);
    return json_parse(object, &o->arena, &root, e) && json_req_object(root, "metadata", &meta, e) &&
           json_req_str(meta, "uid", &out->uid, e) &&
           json_opt_object(meta, "annotations", &notes, e) &&
           (!notes || (json_opt_str(notes, ANNOTATION_KEY, &out->topology, e) &&
                       json_opt_str(notes, HELD_KEY, &out->allocations, e)));
}

static bool set(struct buf *to, struct span s) {
    bool same = span_eq(buf_view(to), s);
    buf_reset(to);
    buf_span(to, s);
    return same;
}

static bool put(void *ctx, struct span object, struct err *e) {
    struct own *o = ctx;
    struct meta m = {0};
    if (!read_meta(o, object, &m, e)) {
        return false;
    }
    if (m.uid.n >= OWN_UID_MAX) {
        return err_at(e, ERR_TOO_LARGE, "metadata.uid", "at most %d bytes", OWN_UID_MAX - 1);
    }
    pthread_mutex_lock(&o->lock);
    struct own_node *n = &o->node;
    bool same_node = span_is(m.uid, n->uid);
    n->taken_off += same_node && n->topology.n && !m.topology.n;
    struct buf uid = BUF_OVER(n->uid);
    buf_span(&uid, m.uid);
    bool same = set(&n->topology, m.topology);
    same = set(&n->allocations, m.allocations) && same;
    bool news = !same || !same_node || !n->synced;
    n->synced = true;
    n->version += news;
    o->met = true;
    pthread_mutex_unlock(&o->lock);
    if (news) {
        wake(o);
    }
    return true;
}

static void no_node(struct own *o) {
    pthread_mutex_lock(&o->lock);
    struct own_node *n = &o->node;
    n->uid[0] = '\0';
    buf_reset(&n->topology);
    buf_reset(&n->allocations);
    n->synced = true;
    n->version++;
    pthread_mutex_unlock(&o->lock);
    wake(o);
}

static bool drop(void *ctx, struct span object, struct err *e) {
    (void)object;
    (void)e;
    no_node(ctx);
    return true;
}

static void list_begin(void *ctx) {
    struct own *o = ctx;
    o->met = false;
}

static void list_end(void *ctx) {
    struct own *o = ctx;
    if (!o->met) {
        no_node(o);
    }
}

/* ---- life ---- */

bool own_start(struct kube_client *client, const char *node, int wake_fd, struct own **out,
               struct err *e) {
    struct own *o = calloc(1, sizeof *o);
    if (!o || pthread_mutex_init(&o->lock, NULL) != 0) {
        free(o);
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    o->wake_fd = wake_fd;
    o->arena = arena_new(OBJECT_ARENA_MAX);
    o->node.topology = buf_new(TEXT_MAX);
    o->node.allocations = buf_new(TEXT_MAX);
    struct buf query = BUF_OVER(o->query);
    buf_str(&query, "fieldSelector=metadata.name%3D");
    kube_escape(span_of(node), &query);
    const struct watch_options w = {
        .name = "own node", .path = "/api/v1/nodes", .query = o->query, .partial = true};
    const struct watch_sink sink = {
        .ctx = o, .list_begin = list_begin, .put = put, .drop = drop, .list_end = list_end};
    if (!watch_start(client, &w, &sink, &o->watch, e)) {
        own_stop(o);
        return false;
    }
    *out = o;
    return true;
}

void own_stop(struct own *o) {
    if (!o) {
        return;
    }
    watch_stop(o->watch);
    own_done(&o->node);
    arena_done(&o->arena);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

bool own_update(struct own *o, struct own_node *mine) {
    pthread_mutex_lock(&o->lock);
    const struct own_node *n = &o->node;
    bool news = n->version != mine->version;
    if (news) {
        if (!mine->topology.heap) {
            mine->topology = buf_new(TEXT_MAX);
            mine->allocations = buf_new(TEXT_MAX);
        }
        struct buf uid = BUF_OVER(mine->uid);
        buf_str(&uid, n->uid);
        (void)set(&mine->topology, buf_view(&n->topology));
        (void)set(&mine->allocations, buf_view(&n->allocations));
        mine->version = n->version;
        mine->synced = n->synced;
        mine->taken_off = n->taken_off;
    }
    pthread_mutex_unlock(&o->lock);
    return news;
}

void own_trouble(struct own *o, char *why, unsigned cap) {
    struct watch_status s = {0};
    struct buf b = buf_over(why, cap);
    watch_status(o->watch, &s);
    buf_reset(&b);
    buf_str(&b, s.synced ? "" : s.last_error);
}
