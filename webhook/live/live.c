#include "webhook/live/live.h"

#include <stdlib.h>

#include "webhook/codec/object.h"
#include "webhook/core/workload.h"
#include "webhook/kube/watch.h"
#include "webhook/live/heartbeat.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

/* One object: a tree of cJSON takes about forty times the text at worst. */
#define OBJECT_ARENA_MAX ((size_t)192 * 1024 * 1024)

struct feed {
    struct live *live;
    enum cluster_kind kind;
    struct arena arena; /* of the watch's thread */
    struct watch *watch;
};

struct live {
    struct live_options o;
    char agents_path[400];
    struct feed feed[CLUSTER_KINDS];
};

static const struct watch_options watches[CLUSTER_KINDS] = {
    [CLUSTER_NODES] = {.name = "nodes", .path = "/api/v1/nodes", .query = ""},
    /* Ended pods hold nothing, and some clusters keep thousands of them. */
    [CLUSTER_PODS] = {.name = "pods",
                      .path = "/api/v1/pods",
                      .query = "fieldSelector=status.phase%21%3DSucceeded%2C"
                               "status.phase%21%3DFailed"},
    /* Of a namespace its labels are all that counts. */
    [CLUSTER_NAMESPACES] = {.name = "namespaces",
                            .path = "/api/v1/namespaces",
                            .query = "",
                            .partial = true},
    [CLUSTER_AGENTS] = {.name = "agents", .path = "", .query = HEARTBEAT_QUERY},
};

/* ---- objects -> cache ---- */

static bool parse(struct feed *f, struct span object, const struct json **out, struct err *e) {
    arena_reset(&f->arena);
    return json_parse(object, &f->arena, out, e);
}

/* A mode that is none is nobody's choice: the default holds there, and somebody should know. Always
 * true. */
static bool mind_mode(const struct namespace_object *ns) {
    enum mode mode;
    if (ns->mode.p && !mode_parse(ns->mode, &mode)) {
        struct log_line l = log_new(
            LOG_WARN, "label " LABEL_MODE " wants enforce, warn, audit or off: the default holds");
        log_span(&l, "namespace", ns->name);
        log_span(&l, "found", ns->mode);
        log_write(&l);
    }
    return true;
}

/* A pod that runs takes its GPUs, whether all of it can be read or not. */
static void keep_bare(struct feed *f, const struct json *o, struct span object, struct pod *pod) {
    struct err ignored = {0};
    bool kept = pod_bare_decode(o, &f->arena, pod, &ignored) && pod->node_name.n &&
                cluster_put_pod_object(f->live->o.cluster, pod, object, &ignored);
    (void)kept; /* what was wrong with the pod is said by the caller */
}

static bool put(void *ctx, struct span object, struct err *e) {
    struct feed *f = ctx;
    struct cluster *c = f->live->o.cluster;
    const struct json *o = NULL;
    struct heartbeat beat;
    struct node_object node;
    struct namespace_object ns;
    if (!parse(f, object, &o, e)) {
        return false;
    }
    if (f->kind == CLUSTER_NODES) {
        return node_decode(o, &f->arena, &node, e) && cluster_put_node(c, &node, e);
    }
    if (f->kind == CLUSTER_NAMESPACES) {
        return namespace_decode(o, &ns, e) && mind_mode(&ns) && cluster_put_namespace(c, &ns, e);
    }
    if (f->kind == CLUSTER_AGENTS) {
        if (!heartbeat_decode(o, &beat, e)) {
            return false;
        }
        const struct cluster_beat b = {.at = beat.at, .books = beat.books};
        return cluster_put_heartbeat(c, beat.node, &b, clock_unix_s(), e);
    }
    struct pod *pod = ARENA_NEW(&f->arena, struct pod, 1);
    if (!pod) {
        return err_set(e, ERR_TOO_LARGE, "a pod needs more memory than it may have");
    }
    if (!pod_decode(o, &f->arena, pod, e)) {
        keep_bare(f, o, object, pod);
        return false;
    }
    return cluster_put_pod_object(c, pod, object, e);
}

static bool drop(void *ctx, struct span object, struct err *e) {
    struct feed *f = ctx;
    struct cluster *c = f->live->o.cluster;
    const struct json *o = NULL;
    const struct json *meta = NULL;
    struct span name = {0};
    struct span ns = {0};
    struct span uid = {0};
    if (!parse(f, object, &o, e) || !json_req_object(o, "metadata", &meta, e) ||
        !json_req_str(meta, "name", &name, e) || !json_opt_str(meta, "namespace", &ns, e) ||
        !json_opt_str(meta, "uid", &uid, e)) {
        return false;
    }
    if (f->kind == CLUSTER_NODES) {
        cluster_drop_node(c, name);
    } else if (f->kind == CLUSTER_NAMESPACES) {
        cluster_drop_namespace(c, name);
    } else if (f->kind == CLUSTER_AGENTS) {
        struct span node = {0};
        if (heartbeat_node(name, &node)) {
            cluster_drop_heartbeat(c, node);
        }
    } else {
        cluster_drop_pod_of(c, ns, name, uid);
    }
    return true;
}

static void list_begin(void *ctx) {
    const struct feed *f = ctx;
    cluster_list_begin(f->live->o.cluster, f->kind);
}

static void list_end(void *ctx) {
    const struct feed *f = ctx;
    cluster_list_end(f->live->o.cluster, f->kind);
}

/* ---- life ---- */

/* Without a namespace (explain, which is nobody's own) the heartbeats of all are looked for. */
static bool is_own(const struct live *l) {
    return l->o.namespace && l->o.namespace[0];
}

static bool start_feed(struct live *l, unsigned i, struct err *e) {
    struct feed *f = &l->feed[i];
    *f = (struct feed){
        .live = l, .kind = (enum cluster_kind)i, .arena = arena_new(OBJECT_ARENA_MAX)};
    const struct watch_sink sink = {
        .ctx = f, .list_begin = list_begin, .put = put, .drop = drop, .list_end = list_end};
    struct watch_options w = watches[i];
    if (i == CLUSTER_AGENTS) {
        w.path = l->agents_path;
    }
    return watch_start(l->o.client, &w, &sink, &f->watch, e);
}

bool live_start(const struct live_options *o, struct live **out, struct err *e) {
    struct live *l = calloc(1, sizeof *l);
    if (!l) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    l->o = *o;
    struct buf path = BUF_OVER(l->agents_path);
    heartbeat_path(is_own(l) ? o->namespace : NULL, &path);
    for (unsigned i = 0; i < CLUSTER_KINDS; i++) {
        if (!start_feed(l, i, e)) {
            live_stop(l);
            return false;
        }
    }
    *out = l;
    return true;
}

void live_stop(struct live *l) {
    if (!l) {
        return;
    }
    for (unsigned i = 0; i < CLUSTER_KINDS; i++) {
        watch_stop(l->feed[i].watch);
        arena_done(&l->feed[i].arena);
    }
    free(l);
}

bool live_watch(struct live *l, unsigned i, struct live_watch *out) {
    struct watch_status s = {0};
    if (i >= CLUSTER_KINDS) {
        return false;
    }
    watch_status(l->feed[i].watch, &s);
    *out = (struct live_watch){.name = watches[i].name,
                               .synced = s.synced,
                               .lists = s.lists,
                               .events = s.events,
                               .failures = s.failures,
                               .silent_s = (clock_mono_us() - s.alive_us) / 1000000};
    return true;
}

/* Heartbeats of all namespaces may be more than a person may list: those who ask may do without. */
static bool is_dispensable(const struct live *l, unsigned i, const struct watch_status *s) {
    return i == CLUSTER_AGENTS && !is_own(l) && s->failures;
}

bool live_ready(struct live *l, char *why, unsigned cap) {
    struct buf b = buf_over(why, cap);
    buf_reset(&b);
    for (unsigned i = 0; i < CLUSTER_KINDS; i++) {
        struct watch_status s = {0};
        watch_status(l->feed[i].watch, &s);
        int64_t silent = (clock_mono_us() - s.alive_us) / 1000000;
        if (is_dispensable(l, i, &s)) {
            continue;
        }
        if (!s.synced) {
            buf_fmt(&b, "the %s of the cluster are not known yet%s%s", watches[i].name,
                    s.last_error[0] ? ": " : "", s.last_error);
            return false;
        }
        if (silent > LIVE_SILENCE_S) {
            buf_fmt(&b, "nothing heard of %s for %lld s%s%s", watches[i].name, (long long)silent,
                    s.last_error[0] ? ": " : "", s.last_error);
            return false;
        }
    }
    return true;
}

struct cluster *live_cluster(struct live *l) {
    return l->o.cluster;
}
struct kube_client *live_client(struct live *l) {
    return l->o.client;
}
const struct policy *live_policy(struct live *l) {
    return l->o.policy;
}
const char *live_namespace(struct live *l) {
    return l->o.namespace;
}
