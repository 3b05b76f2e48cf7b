/* What pods that run are told. The API server is in memory, Events go to a list. */
#include "webhook/live/landed.h"

#include "tests/unit/live/bind_kit.h"
#include "webhook/live/events_inner.h"

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
    w->watch = landed_new(&w->live, w->events, gated);
    return w;
}

static void world_free(struct world *w) {
    landed_free(w->watch);
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

static struct kit_pod chat(const char *ns) {
    return (struct kit_pod){.ns = ns,
                            .name = "chat",
                            .uid = "u-chat",
                            .node = "n1",
                            .phase = "Running",
                            .gpus = 2,
                            .tp = 2};
}

/* ---- cases ---- */

static void test_silence(void) {
    struct world *w = world_new(true);
    struct kit_pod p = chat("llm");
    is_str(round_of(w), "", "no pod, no word");
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS_NOTHING);
    is_str(round_of(w), "", "GPUs that nobody has reported");
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "2,3"));
    is_str(round_of(w), "", "GPUs that are linked");
    p.tp = 1;
    p.name = "single";
    p.uid = "u-single";
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "single", "0,1"));
    is_str(round_of(w), "", "no TP group");
    world_free(w);
}

static void test_told_once(void) {
    struct world *w = world_new(true);
    const struct kit_pod p = chat("llm");
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    w->api.refuse = 500;
    is_str(round_of(w), "", "the API server cannot be asked");
    is_int(w->round.failed, 1, "... which is counted");
    w->api.refuse = 0;
    is_str(round_of(w), "chat TPAcrossPCIe", "it comes again, and is told");
    is_str(round_of(w), "", "once");
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1") " ");
    is_str(round_of(w), "", "... also when the report was written again");
    struct cluster_stats s;
    cluster_stats_get(w->live.cluster, &s);
    is_int(s.off_nvlink, 1, "it is counted");
    set_node(w->live.cluster, "4xH100-NVL", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat NVLinkUp", "the bridge is back");
    cluster_stats_get(w->live.cluster, &s);
    is_int(s.off_nvlink, 0, "... and it is counted no more");
    set_node(w->live.cluster, "4xH100-NVL lanes=0-1:6", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat NVLinkDegraded", "lanes are lost under the pod that runs");
    set_node(w->live.cluster, "4xH100-NVL fault=0", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat GPUFault", "then a GPU");
    world_free(w);
}

static void test_modes(void) {
    static const char *const modes[][2] = {
        {"exempt", ""}, {"audit", ""}, {"warn", "chat TPAcrossPCIe"}};
    for (unsigned i = 0; i < 3; i++) {
        struct world *w = world_new(true);
        char holds[512];
        const struct kit_pod p = chat(modes[i][0]);
        snprintf(holds, sizeof holds,
                 "{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":[{\"namespace\":"
                 "\"%s\",\"name\":\"chat\",\"container\":\"c\",\"gpus\":[0,1]}]}",
                 modes[i][0]);
        run_pod(w, &p);
        set_node(w->live.cluster, "4xH100-NVL down=0-1", holds);
        is_str(round_of(w), modes[i][1], modes[i][0]);
        world_free(w);
    }
}

static void test_others(void) {
    struct world *w = world_new(true);
    struct kit_pod p = chat("llm");
    run_pod(w, &p);
    p.uid = "u-another";
    api_pod(&w->api, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "", "another pod has the name by now");
    p.phase = "Succeeded";
    run_pod(w, &p);
    is_str(round_of(w), "", "it has ended");
    world_free(w);
}

static void test_pinned(void) {
    struct world *w = world_new(true);
    struct kit_pod p = chat("llm");
    p.gpus = 0;
    p.pin = "0,1";
    run_pod(w, &p);
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS_NOTHING);
    is_str(round_of(w), "chat TPAcrossPCIe", "a pod that names its GPUs needs no report");
    world_free(w);
}

#define GATED "\"labels\":{\"tpguard.io/gated\":\"true\"},"

static void test_unreserved(void) {
    struct kit_pod p = chat("llm");
    p.more = GATED;
    struct world *w = world_new(false);
    run_pod(w, &p);
    is_str(round_of(w), "", "no gate: nothing is reserved, and that is no news");
    world_free(w);
    w = world_new(true);
    run_pod(w, &p);
    is_str(round_of(w), "chat NotReserved", "bound past the gate");
    is_str(round_of(w), "", "told once");
    set_node(w->live.cluster, "4xH100-NVL down=0-1", HOLDS("llm", "chat", "0,1"));
    is_str(round_of(w), "chat TPAcrossPCIe", "... and then what came of it");
    world_free(w);
    w = world_new(true);
    p.more = GATED "\"annotations\":{\"tpguard.io/gpus\":\"2,3\"},";
    run_pod(w, &p);
    is_str(round_of(w), "", "with a set all is well");
    p.more = "\"labels\":{\"tpguard.io/gated\":\"bound\"},";
    p.name = "other";
    run_pod(w, &p);
    is_str(round_of(w), "", "... as with the gate's own mark");
    world_free(w);
}

static void test_many(void) {
    struct world *w = world_new(true);
    unsigned all = 0;
    for (unsigned i = 0; i < LANDED_PODS * 2 + 1; i++) {
        char name[16];
        char uid[16];
        struct kit_pod p = chat("llm");
        snprintf(name, sizeof name, "p%u", i);
        snprintf(uid, sizeof uid, "u%u", i);
        p.name = name;
        p.uid = uid;
        p.more = GATED;
        run_pod(w, &p);
    }
    for (unsigned i = 0; i < 3; i++) {
        (void)round_of(w);
        all += w->round.told;
    }
    is_int(all, LANDED_PODS * 2 + 1, "more than one round takes: all are told in the end");
    (void)round_of(w);
    is_int(w->round.told, 0, "... and once");
    landed_forget(w->watch);
    (void)round_of(w);
    is_int(w->round.told, LANDED_PODS, "another leader looks at all again");
    world_free(w);
}

int main(void) {
    test_silence();
    test_told_once();
    test_modes();
    test_others();
    test_pinned();
    test_unreserved();
    test_many();
    return tap_done();
}
