/* What waiting and bound pods are told. The API server is a list of what it was sent. */
#include "webhook/live/narrate.h"

#include "tests/unit/live/events_kit.h"
#include "webhook/codec/object.h"
#include "webhook/sys/clock.h"

/* A value of what was sent about that pod; "" nothing was. */
static const char *told(const char *pod, const char *key) {
    static char text[2048];
    char mark[128];
    char member[64];
    struct buf m = BUF_OVER(mark);
    struct buf k = BUF_OVER(member);
    struct buf out = BUF_OVER(text);
    buf_reset(&out);
    buf_fmt(&m, "\"name\":\"%s\",\"uid\"", pod);
    buf_fmt(&k, "\"%s\":\"", key);
    pthread_mutex_lock(&sent_lock);
    for (unsigned i = 0; i < n_sent; i++) {
        struct span body = span_of(sent[i].body);
        if (span_has(body, mark)) {
            struct span rest = span_from(body, span_search(body, member) + k.n);
            buf_reset(&out);
            buf_span(&out, span_cut(&rest, '"'));
        }
    }
    pthread_mutex_unlock(&sent_lock);
    return text;
}

/* ---- the cluster ---- */

#define CHAT_HELD                                                                                  \
    "      tpguard.io/allocations: '{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\","       \
    "\"pods\":[{\"namespace\":\"llm\",\"name\":\"chat-0\",\"container\":\"m\",\"gpus\":[2,3]}]}'"  \
    "\n"

static struct cluster *worked_example(void) {
    struct buf items = buf_new((size_t)1024 * 1024);
    put_node(&items, &(struct machine){"gpu-a", "4xH100-NVL down=0-1", 4, CHAT_HELD});
    put_pod(&items, &(struct podling){.name = "chat-0", .node = "gpu-a", .gpus = 2});
    struct cluster *c = cluster_of(&items);
    buf_done(&items);
    return c;
}

#define WAITING(ns, name, tp, more)                                                                \
    "{\"metadata\":{\"namespace\":\"" ns "\",\"name\":\"" name "\",\"uid\":\"u-" name "\"" more    \
    "},\"spec\":{\"containers\":[{\"name\":\"m\",\"image\":\"vllm/vllm-openai:v0.11.0\","          \
    "\"args\":[\"--model\",\"Qwen/Qwen3-32B-FP8\",\"--tensor-parallel-size\",\"" tp "\"],"         \
    "\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}]},\"status\":{\"phase\":\"Pending\"}}"

static void put_waiting(struct cluster *c, const char *text) {
    struct arena a = arena_new((size_t)1024 * 1024);
    struct pod p;
    const struct json *o = NULL;
    struct err e = {0};
    if (!json_parse(span_of(text), &a, &o, &e) || !pod_decode(o, &a, &p, &e) ||
        !cluster_put_pod_object(c, &p, span_of(text), &e)) {
        bail(text, &e);
    }
    arena_done(&a);
}

#define COST                                                                                       \
    " Across PCIe its 128 all-reduces per step at 64 streams would take about 2.7 ms instead of "  \
    "0.9 ms."

static void waiting(void) {
    struct policy policy = policy_default();
    struct cluster *c = worked_example();
    struct events *q = start_events();
    struct narrate *n = narrate_new(c, &policy, q);
    struct narrate_round r;
    struct err e = {0};
    put_waiting(c, WAITING("llm", "qwen", "2", ""));
    put_waiting(c, WAITING("llm", "odd", "two", ""));
    put_waiting(c, WAITING("llm", "left", "2", ",\"labels\":{\"tpguard.io/ignore\":\"true\"}"));
    put_waiting(c, WAITING("quiet", "other", "2", ""));
    const struct namespace_object quiet = {.name = SPAN("quiet"), .mode = SPAN("warn")};
    if (!cluster_put_namespace(c, &quiet, &e)) {
        bail("namespace", &e);
    }
    narrate_once(n, NOW, &r);
    settle(q);
    ok(!r.skipped && r.looked == 4 && r.told == 2 && !r.bad, "four wait, two are told (%u, %u)",
       r.looked, r.told);
    is_str(told("qwen", "message"),
           "TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2,3 in use by llm/chat-0, 0-1 "
           "down (0 of 12 lanes). It starts when either is free or repaired." COST,
           "who holds the set, what is down, what the wait saves");
    is_str(told("qwen", "reason"), "NVLinkSetBusy", "... with the code");
    is_str(told("qwen", "type"), "Normal", "... as nothing unusual");
    is_str(told("odd", "reason"), "MalformedTP", "one whose size is no number is told that");
    is_str(told("odd", "type"), "Warning", "... as a warning");
    is_str(told("left", "message"), "", "one that asks to be left alone is");
    is_str(told("other", "message"), "", "a namespace in mode warn gets no Events");
    narrate_once(n, NOW + 1, &r);
    ok(r.skipped, "nothing changed: nothing is done");
    narrate_once(n, NOW + NARRATE_IDLE_S, &r);
    ok(!r.skipped && r.looked == 4, "after ten seconds all are looked at again");
    put_waiting(c, WAITING("llm", "second", "2", ""));
    narrate_once(n, NOW + NARRATE_IDLE_S + 1, &r);
    settle(q);
    ok(!r.skipped && r.looked == 5 && told("second", "reason")[0], "a new one is told at once");
    cluster_drop_pod(c, SPAN("llm"), SPAN("chat-0"));
    narrate_once(n, NOW + NARRATE_IDLE_S + 2, &r);
    ok(!r.skipped && r.told == 1, "the set is free: only the malformed one is still told (%u)",
       r.told);
    struct events_stats s;
    settle(q);
    events_stats_get(q, &s);
    ok(s.written == 3 && s.pushed > s.written, "three Events were written, the rest were repeats");
    narrate_free(n);
    events_stop(q);
    cluster_free(c);
}

/* Somebody holds it back: what it would wait for behind that is not its trouble yet. */
static void held_back(void) {
    struct policy policy = policy_default();
    struct cluster *c = worked_example();
    struct events *q = start_events();
    struct narrate *n = narrate_new(c, &policy, q);
    struct narrate_round r;
    put_waiting(c,
                "{\"metadata\":{\"namespace\":\"llm\",\"name\":\"queued\",\"uid\":\"u-queued\"},"
                "\"spec\":{\"schedulingGates\":[{\"name\":\"kueue.x-k8s.io/admission\"}],"
                "\"containers\":[{\"name\":\"m\",\"image\":\"vllm/vllm-openai:v0.11.0\",\"args\":["
                "\"--model\",\"m\",\"--tensor-parallel-size\",\"2\"],\"resources\":{\"limits\":{"
                "\"nvidia.com/gpu\":\"2\"}}}]},\"status\":{\"phase\":\"Pending\"}}");
    narrate_once(n, NOW, &r);
    settle(q);
    ok(r.looked == 1 && r.told == 0, "a pod behind a scheduling gate is told nothing");
    narrate_free(n);
    events_stop(q);
    cluster_free(c);
}

/* A node of 4 x H100 NVL, all of it free, with labels and taints. */
static void put_gpu_node(struct cluster *c, const char *name, const char *labels,
                         const char *taints) {
    struct arena a = arena_new((size_t)1024 * 1024);
    struct buf text = buf_new((size_t)64 * 1024);
    struct buf wiring = buf_new((size_t)64 * 1024);
    struct node_object n = {0};
    const struct json *o = NULL;
    struct err e = {0};
    put_annotation(&wiring, "4xH100-NVL");
    buf_fmt(&text,
            "{\"metadata\":{\"name\":\"%s\",\"labels\":{%s}},\"spec\":{\"taints\":[%s]},"
            "\"status\":{\"allocatable\":{\"nvidia.com/gpu\":\"4\"}}}",
            name, labels, taints);
    if (!json_parse(buf_view(&text), &a, &o, &e) || !node_decode(o, &a, &n, &e)) {
        bail(buf_cstr(&text), &e);
    }
    n.topology = buf_view(&wiring);
    if (!cluster_put_node(c, &n, &e)) {
        bail(name, &e);
    }
    buf_done(&text);
    buf_done(&wiring);
    arena_done(&a);
}

#define SELECTING(name, more)                                                                      \
    "{\"metadata\":{\"namespace\":\"llm\",\"name\":\"" name "\",\"uid\":\"u-" name                 \
    "\"},\"spec\":{" more ",\"containers\":[{\"name\":\"m\",\"image\":"                            \
    "\"vllm/vllm-openai:v0.11.0\",\"args\":[\"--model\",\"Qwen/Qwen3-32B-FP8\","                   \
    "\"--tensor-parallel-size\",\"2\"],\"resources\":{\"limits\":{\"nvidia.com/gpu\":\"2\"}}}]},"  \
    "\"status\":{\"phase\":\"Pending\"}}"

static void told_is(struct cluster *c, const char *pod, const char *want, const char *what) {
    struct policy policy = policy_default();
    struct events *q = start_events();
    struct narrate *n = narrate_new(c, &policy, q);
    struct narrate_round r;
    narrate_once(n, NOW, &r);
    settle(q);
    is_str(told(pod, "message"), want, what);
    narrate_free(n);
    events_stop(q);
}

/* A node with room that the pod may not use is no reason to be silent, nor one to be named. */
static void kept_off(void) {
    struct cluster *c = worked_example();
    put_gpu_node(c, "gpu-b", "\"pool\":\"b\"",
                 "{\"key\":\"team\",\"value\":\"red\",\"effect\":\"NoSchedule\"}");
    put_waiting(c, WAITING("llm", "qwen", "2", ""));
    told_is(c, "qwen",
            "TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2,3 in use by llm/chat-0, 0-1 "
            "down (0 of 12 lanes). It starts when either is free or repaired. gpu-b would fit, but "
            "taint team=red:NoSchedule is not tolerated." COST,
            "a pair is free where the pod does not tolerate the taint: said beside the nearest");
    cluster_drop_pod(c, SPAN("llm"), SPAN("qwen"));
    put_waiting(c, SELECTING("only", "\"nodeSelector\":{\"pool\":\"c\"}"));
    told_is(c, "only",
            "TP=2 waits for a healthy NVLink pair. It may use none of the 2 nodes with GPUs. gpu-b "
            "would fit, but nodeSelector wants pool=c. To let it start, change the nodeSelector, "
            "or label a node.",
            "no node is selected: the fix is named, and no node as the nearest");
    is_str(told("only", "reason"), "NodeNotAllowed", "... with a code of its own");
    is_str(told("only", "type"), "Normal", "... as nothing unusual");
    cluster_drop_pod(c, SPAN("llm"), SPAN("only"));
    put_waiting(c, SELECTING("right", "\"nodeSelector\":{\"pool\":\"b\"},\"tolerations\":"
                                      "[{\"key\":\"team\",\"value\":\"red\"}]"));
    told_is(c, "right", "", "a node fits and may be used: the scheduler is about to take it");
    put_gpu_node(c, "gpu-b", "\"pool\":\"c\"", "");
    told_is(c, "right",
            "TP=2 waits for a healthy NVLink pair. It may use none of the 2 nodes with GPUs. gpu-b "
            "would fit, but nodeSelector wants pool=b. To let it start, change the nodeSelector, "
            "or label a node.",
            "the label of the node has changed: told");
    put_gpu_node(c, "gpu-b", "\"pool\":\"b\"",
                 "{\"key\":\"node.kubernetes.io/not-ready\",\"effect\":\"NoSchedule\"}");
    told_is(c, "right",
            "TP=2 waits for a healthy NVLink pair. It may use none of the 2 nodes with GPUs. gpu-b "
            "would fit, but Kubernetes has tainted it node.kubernetes.io/not-ready:NoSchedule. It "
            "starts when Kubernetes takes the taint off.",
            "the node that is selected is not ready: nothing to be changed in the pod");
    cluster_drop_pod(c, SPAN("llm"), SPAN("right"));
    put_gpu_node(c, "gpu-b", "\"pool\":\"b\"", "");
    put_waiting(c, SELECTING("later", "\"affinity\":{\"nodeAffinity\":{"
                                      "\"requiredDuringSchedulingIgnoredDuringExecution\":{"
                                      "\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":"
                                      "\"pool\",\"operator\":\"Like\",\"values\":[\"x\"]}]}]}}}"));
    told_is(c, "later", "", "an operator that is not known keeps nobody off: nothing is said");
    cluster_free(c);
}

/* What steering has added is no constraint of the pod's own. */
static void steered(void) {
    struct cluster *c = worked_example();
    put_waiting(c, SELECTING("qwen", "\"affinity\":{\"nodeAffinity\":{"
                                     "\"requiredDuringSchedulingIgnoredDuringExecution\":{"
                                     "\"nodeSelectorTerms\":[{\"matchExpressions\":[{\"key\":"
                                     "\"tpguard.io/nvlink-set\",\"operator\":\"Gt\",\"values\":"
                                     "[\"1\"]}]}]}}}"));
    told_is(c, "qwen",
            "TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2,3 in use by llm/chat-0, 0-1 "
            "down (0 of 12 lanes). It starts when either is free or repaired." COST,
            "the affinity that tpguard added itself hides no reason");
    cluster_free(c);
}

/* More than one round takes: each gets its turn. */
static void many(void) {
    enum { PODS = NARRATE_PODS + 500 };
    struct policy policy = policy_default();
    struct cluster *c = worked_example();
    struct events *q = start_events();
    struct narrate *n = narrate_new(c, &policy, q);
    struct narrate_round r = {0};
    for (unsigned i = 0; i < PODS; i++) {
        char text[1024];
        struct buf b = BUF_OVER(text);
        struct span like = SPAN(WAITING("llm", "pNUMBER", "2", ""));
        while (like.n) {
            size_t at = span_search(like, "NUMBER");
            buf_span(&b, span_upto(like, at));
            if (at < like.n) {
                buf_fmt(&b, "%u", i);
            }
            like = span_from(like, at + 6);
        }
        put_waiting(c, text);
    }
    unsigned looked = 0;
    unsigned rounds = 0;
    do {
        narrate_once(n, NOW, &r);
        looked += r.looked;
        settle(q);
    } while (!r.skipped && ++rounds < 100);
    ok(r.skipped && looked == PODS && rounds > 1, "%u pods in %u rounds, each once", looked,
       rounds);
    struct events_stats s;
    events_stats_get(q, &s);
    is_int(s.written, PODS, "each has its Event");
    is_int(s.dropped, 0, "none was dropped");
    narrate_free(n);
    events_stop(q);
    cluster_free(c);
}

static void reserved(void) {
    struct policy policy = policy_default();
    struct events *q = start_events();
    struct bind_ask ask = {.live = (struct live *)&policy, /* only that there is one */
                           .policy = &policy,
                           .ns = SPAN("llm"),
                           .name = SPAN("qwen"),
                           .node = SPAN("gpu-a")};
    struct bind_answer got = {.allowed = true,
                              .ours = true,
                              .tp = 2,
                              .groups = 1,
                              .gpus = 2,
                              .uid = "u-qwen",
                              .set = "2,3",
                              .view = {.known = true,
                                       .left_known = true,
                                       .lanes = 12,
                                       .expected = 12,
                                       .stranded = "0,1",
                                       .stranded_state = PAIR_DOWN}};
    narrate_reserved(q, &ask, &got);
    settle(q);
    is_str(told("qwen", "message"),
           "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. Left on the node: 0,1 for TP=1 "
           "(bridge down).",
           "a pod that got its set is told which, and what is left");
    is_str(told("qwen", "reason"), "NVLinkSetReserved", "... with the code");
    narrate_reserved(NULL, &ask, &got);
    ask.dry_run = true;
    narrate_reserved(q, &ask, &got);
    ask.dry_run = false;
    got.tp = 1;
    narrate_reserved(q, &ask, &got);
    got.tp = 2;
    got.code = REASON_NVLINK_SET_BUSY;
    narrate_reserved(q, &ask, &got);
    got.code = REASON_NONE;
    got.allowed = false;
    narrate_reserved(q, &ask, &got);
    struct events_stats s;
    events_stats_get(q, &s);
    is_int(s.pushed, 1, "not in a dry run, not at TP=1, not where no set was reserved");
    events_stop(q);
}

int main(void) {
    waiting();
    held_back();
    kept_off();
    steered();
    many();
    reserved();
    return tap_done();
}
