#include <pthread.h>

#include "tests/unit/cluster/fixture.h"

static struct buf items;

#define H100 "4xH100-NVL"

/* ---- loading ---- */

static bool load(struct cluster *c, const char *text, struct err *e) {
    return cluster_load(c, span_of(text), e);
}

#define OTHER_FIRST "kind: List\nitems:\n- {apiVersion: v1, kind: Node, metadata: {name: other}}\n"

static void loads(void) {
    struct cluster *c = new_cluster(NULL);
    struct cluster_stats s;
    struct err e = {0};
    cluster_stats_get(c, &s);
    ok(!s.ready && s.nodes == 0, "a new cluster is not ready");
    is_str(code_for(c, "n1", 2), "NodeUnknown", "and knows no node");
    ok(!load(c, "", &e) && e.code == ERR_INPUT, "an empty file is refused");
    ok(!load(c, "apiVersion: apps/v1\nkind: Deployment\n", &e) && e.code == ERR_INPUT,
       "a file of other objects is refused");
    cluster_stats_get(c, &s);
    ok(!s.ready, "a refused file makes nothing ready");
    ok(load(c, "kind: List\nitems: []\n", &e), "an empty cluster can be loaded");
    cluster_stats_get(c, &s);
    ok(s.ready && s.nodes == 0, "and is ready");
    cluster_free(c);

    put_node(&items, &(struct machine){"n1", H100, 4, NULL});
    c = cluster_of(&items);
    static const char *const broken[] = {
        OTHER_FIRST "- {kind: Node}\n",
        OTHER_FIRST "- [\n",
        "{\"kind\":\"List\",\"items\":[{\"kind\":\"Node\",\"metadata\":{\"name\":\"other\"}}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        ok(!load(c, broken[i], &e), "a file that breaks in the middle is refused");
        cluster_stats_get(c, &s);
        ok(s.nodes == 1 && strcmp(code_for(c, "n1", 2), "fits") == 0 &&
               strcmp(code_for(c, "other", 2), "NodeUnknown") == 0,
           "and the old content stays, whole");
    }
    ok(load(c, "kind: Node\nmetadata: {name: other}\n", &e), "a good file replaces it");
    is_str(code_for(c, "n1", 2), "NodeUnknown", "what is not in it is gone");
    is_str(code_for(c, "other", 2), "NoGPU", "what is in it is there");
    cluster_free(c);
}

static void namespaces(void) {
    struct cluster *c = new_cluster(NULL);
    struct err e = {0};
    ok(load(c,
            "kind: List\nitems:\n"
            "- {kind: Namespace, metadata: {name: a, labels: {tpguard.io/mode: warn}}}\n"
            "- {kind: Namespace, metadata: {name: b, labels: {tpguard.io/mode: loud}}}\n"
            "- {kind: Namespace, metadata: {name: c, labels: {tpguard.io/mode: 'off'}}}\n"
            "- {kind: Namespace, metadata: {name: d}}\n",
            &e),
       "namespaces are read");
    is_str(mode_name(cluster_mode(c, SPAN("a"))), "warn", "a namespace's label is its mode");
    is_str(mode_name(cluster_mode(c, SPAN("b"))), "enforce", "an unknown word is no mode");
    is_str(mode_name(cluster_mode(c, SPAN("c"))), "off", "off is one");
    is_str(mode_name(cluster_mode(c, SPAN("d"))), "enforce", "no label: the policy's");
    is_str(mode_name(cluster_mode(c, SPAN(""))), "enforce", "no namespace: the policy's");
    is_str(
        complaints(c),
        "namespace b: label tpguard.io/mode: wants enforce, warn, audit or off, found \"loud\"\n",
        "the unknown word is complained of");
    cluster_drop_namespace(c, SPAN("a"));
    is_str(mode_name(cluster_mode(c, SPAN("a"))), "enforce",
           "a namespace that goes takes its mode");
    cluster_free(c);
}

/* ---- changes ---- */

static struct node_object node_of(const char *name, const char *topology, uint32_t gpus) {
    return (struct node_object){.name = span_of(name),
                                .gpus_known = true,
                                .gpus = gpus,
                                .topology = topology ? span_of(topology) : (struct span){0}};
}

static struct pod pod_of(struct container *c, const char *name, const char *node, const char *uid) {
    *c = (struct container){.name = SPAN("c"), .gpus = 4};
    return (struct pod){.ns = SPAN("llm"),
                        .name = span_of(name),
                        .uid = span_of(uid),
                        .node_name = span_of(node),
                        .containers = c,
                        .n_containers = 1,
                        .phase = POD_RUNNING};
}

static void changes(void) {
    struct buf text = buf_new(65536);
    struct cluster *c = new_cluster(NULL);
    struct cluster_stats before;
    struct cluster_stats after;
    struct container k;
    struct err e = {0};
    put_annotation(&text, H100);
    struct node_object n = node_of("n1", buf_cstr(&text), 4);
    struct pod p = pod_of(&k, "a", "n1", "u-1");
    bool good = cluster_put_node(c, &n, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "fits") == 0, "a node can be put in");
    cluster_stats_get(c, &before);
    good = cluster_put_node(c, &n, &e);
    (void)ask(c, "n1", 2);
    cluster_stats_get(c, &after);
    ok(good && after.decided == before.decided && after.kept == before.kept + 1,
       "the same node again changes no answer, nothing is decided anew");
    good = cluster_put_pod(c, &p, &e);
    is_str(code_for(c, "n1", 2), "GPUsBusy", "a pod that comes takes its GPUs");
    cluster_stats_get(c, &before);
    good = good && cluster_put_pod(c, &p, &e);
    (void)ask(c, "n1", 2);
    cluster_stats_get(c, &after);
    ok(good && after.decided == before.decided, "the same pod again changes nothing");
    cluster_drop_pod(c, SPAN("llm"), SPAN("a"));
    is_str(code_for(c, "n1", 2), "fits", "a pod that goes gives them back");
    cluster_drop_pod(c, SPAN("llm"), SPAN("a"));
    cluster_drop_pod(c, SPAN("llm"), SPAN("never-seen"));
    good = cluster_put_pod(c, &p, &e);
    p.phase = POD_SUCCEEDED;
    good = good && cluster_put_pod(c, &p, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "fits") == 0, "a pod that ends gives them back");
    p.phase = POD_RUNNING;
    p.uid = SPAN("u-2");
    good = cluster_put_pod(c, &p, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "GPUsBusy") == 0, "its successor takes them again");
    p.node_name = SPAN("m1");
    good = cluster_put_pod(c, &p, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "fits") == 0, "moved elsewhere, it is not here");
    is_str(code_for(c, "m1", 2), "NodeUnknown", "a node that only pods name is not known");
    struct node_object m = node_of("m1", buf_cstr(&text), 4);
    good = cluster_put_node(c, &m, &e);
    ok(good && strcmp(code_for(c, "m1", 2), "GPUsBusy") == 0, "once it comes its pods are there");
    cluster_drop_node(c, SPAN("m1"));
    is_str(code_for(c, "m1", 2), "NodeUnknown", "a node that goes is not known any more");
    good = cluster_put_node(c, &m, &e);
    ok(good && strcmp(code_for(c, "m1", 2), "GPUsBusy") == 0, "back again, it still has its pods");
    n.topology = (struct span){0};
    good = cluster_put_node(c, &n, &e);
    is_str(code_for(c, "n1", 2), "TopologyUnknown", "an annotation that goes leaves unknown");
    char name[300];
    memset(name, 'x', sizeof name);
    n.name = (struct span){name, sizeof name};
    ok(!cluster_put_node(c, &n, &e) && e.code == ERR_INPUT, "a name of 300 characters is refused");
    cluster_free(c);
    buf_done(&text);
}

/* A report is younger or older than what we see ourselves. */
static void reports(void) {
    struct buf text = buf_new(65536);
    struct cluster *c = new_cluster(NULL);
    struct container k;
    struct err e = {0};
    put_annotation(&text, H100);
    struct node_object n = node_of("n1", buf_cstr(&text), 4);
    static const char report[] =
        "{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":[{\"namespace\":\"llm\","
        "\"name\":\"a\",\"container\":\"c\",\"gpus\":[0,1,2,3]}]}";
    static const char newer[] =
        "{\"version\":1,\"observedAt\":\"2026-11-18T09:05:00Z\",\"pods\":[{\"namespace\":\"llm\","
        "\"name\":\"a\",\"container\":\"c\",\"gpus\":[0,1,2,3]}]}";
    n.allocations = SPAN(report);
    struct pod p = pod_of(&k, "a", "n1", "u-1");
    bool good = cluster_put_node(c, &n, &e) && cluster_put_pod(c, &p, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "NVLinkSetBusy") == 0, "a reported pod holds its GPUs");
    cluster_drop_pod(c, SPAN("llm"), SPAN("a"));
    is_str(code_for(c, "n1", 2), "fits", "seen to go, it holds nothing, though the report lags");
    n.unschedulable = true;
    good = cluster_put_node(c, &n, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "fits") == 0, "also when the node changes otherwise");
    p.uid = SPAN("u-2");
    good = cluster_put_pod(c, &p, &e);
    is_str(code_for(c, "n1", 2), "GPUsBusy", "its successor is not what the old report means");
    cluster_drop_pod(c, SPAN("llm"), SPAN("a"));
    n.allocations = SPAN(newer);
    good = good && cluster_put_node(c, &n, &e);
    ok(good && strcmp(code_for(c, "n1", 2), "NVLinkSetBusy") == 0,
       "a newer report is believed again");
    cluster_free(c);
    buf_done(&text);
}

static void freshness(void) {
    struct buf text = buf_new(65536);
    struct cluster *c = new_cluster(NULL);
    struct err e = {0};
    struct topo t;
    if (!synth_read(SPAN(H100), &t, &e)) {
        bail("machine", &e);
    }
    struct buf source = BUF_OVER(t.source);
    buf_str(&source, "nvml");
    t.observed_at = NOW;
    annotation_encode(&t, &text);
    struct node_object n = node_of("n1", buf_cstr(&text), 4);
    bool good = cluster_put_node(c, &n, &e);
    struct shape s = shape_tp(2);
    static const struct {
        int64_t now;
        uint8_t code;
        const char *what;
    } rows[] = {
        {NOW, REASON_NONE, "fresh"},
        {NOW + 600, REASON_NONE, "at the limit"},
        {NOW + 601, REASON_TOPOLOGY_STALE, "an answer that is kept still ages"},
        {NOW + 6000, REASON_TOPOLOGY_STALE, "and stays old"},
    };
    for (size_t i = 0; good && i < sizeof rows / sizeof rows[0]; i++) {
        struct cluster_session session;
        struct node_answer a = {0};
        cluster_begin(c, &s, rows[i].now, &session);
        good = cluster_answer(&session, SPAN("n1"), &a);
        cluster_end(&session);
        ok(good && a.code == rows[i].code, "%s", rows[i].what);
    }
    cluster_free(c);
    buf_done(&text);
}

/* ---- many nodes ---- */

static bool count_visit(void *ctx, const struct cluster_node_info *info) {
    struct buf *b = ctx;
    buf_fmt(b, SPAN_FMT " ", SPAN_ARG(info->view->name));
    return !span_is(info->view->name, "n-3");
}

static void many(void) {
    static const char *const machines[] = {H100, "4xH100-NVL down=0-1", "4xH100-NVL down=0-1,2-3",
                                           "4xL40S"};
    for (unsigned i = 0; i < 400; i++) {
        char name[16];
        struct buf b = BUF_OVER(name);
        buf_fmt(&b, "n-%u", 399 - i);
        put_node(&items, &(struct machine){name, machines[i % 4], 4, NULL});
    }
    struct cluster *c = cluster_of(&items);
    struct shape s = shape_tp(2);
    struct census census;
    cluster_census(c, &(struct cluster_ask){.shape = &s, .now = NOW}, &census);
    ok(census.nodes == 400 && census.fits == 200 && census.by_code[REASON_NVLINK_DOWN] == 100 &&
           census.by_code[REASON_NO_NVLINK] == 100,
       "a census counts every node");
    ok(census.best.set && census.nearest.set,
       "and names one that fits and the nearest that does not");
    is_str(census.nearest.name, "n-1", "by name among equals");

    struct cluster_stats before;
    struct cluster_stats after;
    struct cluster_session session;
    struct node_answer a;
    bool good = true;
    cluster_stats_get(c, &before);
    cluster_begin(c, &s, NOW, &session);
    for (unsigned i = 0; i < 400; i++) {
        char name[16];
        struct buf b = BUF_OVER(name);
        buf_fmt(&b, "n-%u", (i * 7) % 400);
        good = cluster_answer(&session, buf_view(&b), &a) && good;
    }
    good = good && !cluster_answer(&session, SPAN("n-400"), &a);
    cluster_end(&session);
    cluster_stats_get(c, &after);
    ok(good && after.decided == before.decided && after.kept == before.kept + 400,
       "in any order, every answer is one that was kept");

    char seen[128];
    struct buf b = BUF_OVER(seen);
    cluster_each(c, &(struct cluster_ask){.shape = &s, .now = NOW}, count_visit, &b);
    ok(span_starts(buf_view(&b), "n-0 n-1 n-10 n-100 "), "nodes are visited by name");
    cluster_drop_node(c, SPAN("n-0"));
    cluster_census(c, &(struct cluster_ask){.shape = &s, .now = NOW}, &census);
    ok(census.nodes == 399, "a node that goes is not counted");
    cluster_free(c);
}

/* ---- two threads ---- */

struct writer {
    struct cluster *c;
    struct buf text;
};

static void *write_on(void *arg) {
    struct writer *w = arg;
    struct container k;
    struct err e = {0};
    for (unsigned i = 0; i < 300; i++) {
        struct node_object n = node_of("n1", buf_cstr(&w->text), 4 - i % 2);
        struct pod p = pod_of(&k, "a", i % 3 ? "n1" : "m1", i % 5 ? "u-1" : "u-2");
        if (!cluster_put_node(w->c, &n, &e) || !cluster_put_pod(w->c, &p, &e)) {
            return w;
        }
        cluster_drop_pod(w->c, SPAN("llm"), SPAN("a"));
        if (i % 50 == 0 && !cluster_load(w->c, SPAN("kind: Node\nmetadata: {name: n1}\n"), &e)) {
            return w;
        }
    }
    return NULL;
}

static void threads(void) {
    struct writer w = {.c = new_cluster(NULL), .text = buf_new(65536)};
    pthread_t thread;
    void *failed = &w;
    put_annotation(&w.text, H100);
    if (pthread_create(&thread, NULL, write_on, &w) != 0) {
        skip("no second thread", "two threads");
    } else {
        struct census census;
        struct shape s = shape_tp(2);
        char who[64];
        for (unsigned i = 0; i < 300; i++) {
            (void)ask(w.c, "n1", 1 + i % 4);
            cluster_census(w.c, &(struct cluster_ask){.shape = &s, .now = NOW}, &census);
            cluster_holder(w.c, SPAN("n1"), 0, who, sizeof who);
        }
        ok(pthread_join(thread, &failed) == 0 && !failed,
           "one thread changes what another asks about");
    }
    cluster_free(w.c);
    buf_done(&w.text);
}

int main(void) {
    items = buf_new((size_t)32 * 1024 * 1024);
    loads();
    namespaces();
    changes();
    reports();
    freshness();
    many();
    threads();
    buf_done(&items);
    return tap_done();
}
