/* A world for tests of pods that run: an API server in memory (bind_kit.h), Events in a list. */
#ifndef TPGUARD_TESTS_LIVE_LANDED_KIT_H
#define TPGUARD_TESTS_LIVE_LANDED_KIT_H

#include "tests/unit/live/bind_kit.h"
#include "webhook/live/events_inner.h"
#include "webhook/live/landed.h"

struct cluster *live_cluster(struct live *l) {
    return l->cluster;
}
const struct policy *live_policy(struct live *l) {
    return &l->policy;
}

/* ---- what was written ---- */

#define SENT_MAX 256

static pthread_mutex_t sent_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char body[2048]; } sent[SENT_MAX];
static unsigned n_sent;

static bool record(void *ctx, const struct kube_request *r, struct kube_response *out,
                   struct err *e) {
    (void)ctx;
    (void)e;
    pthread_mutex_lock(&sent_lock);
    if (strcmp(r->method, "GET") != 0 && n_sent < SENT_MAX) {
        struct buf b = BUF_OVER(sent[n_sent].body);
        buf_reset(&b);
        buf_span(&b, r->body);
        n_sent++;
    }
    pthread_mutex_unlock(&sent_lock);
    *out = (struct kube_response){.status = strcmp(r->method, "POST") == 0 ? 201 : 200,
                                  .body = buf_new(64)};
    buf_str(&out->body, "{}");
    return true;
}

static struct events *start_events(void) {
    static const struct event_wire wire = {.call = record};
    static const struct events_times times = {
        .space_us = 0, .back_us = 1000, .drain_us = 5000000, .timeout_ms = 1000};
    struct events *q = NULL;
    struct err e = {0};
    n_sent = 0;
    if (!events_start_with(&wire, &times, "tpguard-0", &q, &e)) {
        bail("events", &e);
    }
    return q;
}

/* "pod Reason, pod Reason" of all that was written since the last call, in that order. */
static const char *told(struct events *q) {
    static char text[4096];
    struct buf out = BUF_OVER(text);
    struct events_stats s;
    for (unsigned i = 0; i < 1000; i++) {
        const struct timespec t = {.tv_nsec = 2000000};
        events_stats_get(q, &s);
        if (s.written + s.repeated + s.dropped + s.refused == s.pushed) {
            break;
        }
        nanosleep(&t, NULL);
    }
    buf_reset(&out);
    pthread_mutex_lock(&sent_lock);
    for (unsigned i = 0; i < n_sent; i++) {
        struct span name = span_of(sent[i].body);
        struct span why = name;
        size_t at = span_search(name, "\"involvedObject\"");
        name = span_from(name, at);
        name = span_from(name, span_search(name, "\"name\":\"") + 8);
        why = span_from(why, span_search(why, "\"reason\":\"") + 10);
        buf_str(&out, out.n ? ", " : "");
        buf_span(&out, span_cut(&name, '"'));
        buf_char(&out, ' ');
        buf_span(&out, span_cut(&why, '"'));
    }
    n_sent = 0;
    pthread_mutex_unlock(&sent_lock);
    return text;
}

/* ---- the world: n1 with bridges 0-1 and 2-3 ---- */

struct world {
    struct kube_client api;
    struct live live;
    struct events *events;
    struct landed_watch *watch;
    struct evict *evict;
    struct landed_round round;
};

static void set_node(struct cluster *c, const char *machine, const char *allocations) {
    AUTO(arena_done) struct arena a = arena_new(API_TEXT * 4);
    struct buf text = buf_new(API_TEXT);
    struct buf wiring = buf_new(API_TEXT);
    struct jw w = jw_new(&text, 0);
    struct node_object node;
    const struct json *o = NULL;
    struct err e = {0};
    put_annotation(&wiring, machine);
    jw_object(&w);
    jw_key(&w, "metadata");
    jw_object(&w);
    jw_kv_str(&w, "name", "n1");
    jw_key(&w, "annotations");
    jw_object(&w);
    jw_kv_span(&w, "tpguard.io/topology", buf_view(&wiring));
    jw_kv_str(&w, "tpguard.io/allocations", allocations);
    jw_object_end(&w);
    jw_object_end(&w);
    jw_key(&w, "status");
    jw_object(&w);
    jw_key(&w, "allocatable");
    jw_object(&w);
    jw_kv_str(&w, "nvidia.com/gpu", "4");
    jw_object_end(&w);
    jw_object_end(&w);
    jw_object_end(&w);
    if (!json_parse(buf_view(&text), &a, &o, &e) || !node_decode(o, &a, &node, &e) ||
        !cluster_put_node(c, &node, &e)) {
        bail("node", &e);
    }
    buf_done(&wiring);
    buf_done(&text);
}

#define HOLDS(ns, name, gpus)                                                                      \
    "{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":[{\"namespace\":\"" ns        \
    "\",\"name\":\"" name "\",\"container\":\"c\",\"gpus\":[" gpus "]}]}"
#define HOLDS_NOTHING "{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":[]}"

static struct world *world_new(bool gated) {
    struct world *w = calloc(1, sizeof *w);
    if (!w) {
        abort();
    }
    api_new(&w->api);
    w->live = replica(&w->api);
    w->events = start_events();
    w->evict = evict_new(&w->live, w->events, EVICT_AFTER_S);
    const struct landed_options o = {
        .live = &w->live, .events = w->events, .evict = w->evict, .gate = gated};
    w->watch = landed_new(&o);
    return w;
}

static void world_free(struct world *w) {
    landed_free(w->watch);
    evict_free(w->evict);
    events_stop(w->events);
    cluster_free(w->live.cluster);
    api_free(&w->api);
    free(w);
}

static void run_pod(struct world *w, const struct kit_pod *p) {
    api_pod(&w->api, p);
    seen(w->live.cluster, p);
}

static const char *round_of(struct world *w) {
    landed_once(w->watch, NOW, &w->round);
    return told(w->events);
}

#endif
