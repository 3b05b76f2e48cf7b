/* A world for tests of pods that run: an API server in memory (bind_kit.h), Events in a list. */
#ifndef TPGUARD_TESTS_LIVE_LANDED_KIT_H
#define TPGUARD_TESTS_LIVE_LANDED_KIT_H

#include "tests/unit/live/bind_kit.h"
#include "tests/unit/live/events_kit.h"
#include "tests/unit/live/node_kit.h"
#include "webhook/live/landed.h"

struct cluster *live_cluster(struct live *l) {
    return l->cluster;
}
const struct policy *live_policy(struct live *l) {
    return &l->policy;
}

/* "pod Reason, pod Reason" of all that was written since the last call, in that order. */
static const char *told(struct events *q) {
    static char text[4096];
    struct buf out = BUF_OVER(text);
    settle(q);
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
    seen_node(c, &(struct kit_node){.name = "n1", .machine = machine, .allocations = allocations});
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
