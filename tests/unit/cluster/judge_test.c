/* The built-in cluster from end to end, and pods that are not ours. */
#include "tests/unit/cluster/fixture.h"
#include "webhook/codec/manifest.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)

static struct arena arena;
static struct cluster *demo;
static struct judgement *j;

static struct span file_text(const char *path) {
    FILE *f = fopen(path, "rb");
    const size_t max = (size_t)1024 * 1024;
    char *p = ARENA_NEW(&arena, char, max);
    struct span text = {p, f && p ? fread(p, 1, max, f) : 0};
    if (f) {
        (void)fclose(f);
    }
    return text;
}

#define POD(meta, spec)                                                                            \
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: qwen35-27b\n  namespace: llm\n" meta            \
    "spec:\n  containers:\n  - name: vllm\n    image: vllm/vllm-openai:v0.11.0\n" spec
#define ARGS(tp) "    args: [--model, Qwen/Qwen3-32B-FP8, --tensor-parallel-size, \"" tp "\"]\n"
#define GPUS(n)  "    resources: {limits: {nvidia.com/gpu: " n "}}\n"
#define PIN(v)   "    env: [{name: NVIDIA_VISIBLE_DEVICES, value: \"" v "\"}]\n"

/* The verdict on a pod, as "deny PinnedAcrossPCIe". */
static const char *judge_in(struct cluster *c, const char *manifest, const struct policy *policy) {
    static char said[96];
    struct manifest m = {0};
    struct err e = {0};
    unsigned doc = 0;
    if (!manifest_read(span_of(manifest), &arena, &m, &doc, &e) || m.n != 1) {
        bail(manifest, &e);
    }
    struct policy p = policy ? *policy : policy_default();
    judge_pod(c, &p, &m.unit[0].pod, m.unit[0].pod.ns, NOW, j);
    struct buf b = BUF_OVER(said);
    buf_fmt(&b, "%s %s", verdict_name(j->decision.verdict), reason_row(j->decision.code)->code);
    return said;
}

/* The nodes of the built-in cluster named in items. */
static struct cluster *part_of_demo(struct span text, const char *const *names, unsigned n) {
    struct span rest = text;
    struct buf items = buf_new(ARENA_MAX);
    bool in = false;
    while (rest.n) {
        struct span from = rest;
        struct span line = span_line(&rest);
        if (span_starts(line, "- apiVersion")) {
            struct span item = {from.p, (size_t)(rest.p - from.p)};
            item = span_upto(from, item.n + span_search(rest, "\n- apiVersion") + 1);
            in = false;
            for (unsigned i = 0; i < n; i++) {
                char name[64];
                struct buf b = BUF_OVER(name);
                buf_fmt(&b, "\n    name: %s\n", names[i]);
                in = in || span_has(item, name);
            }
        } else if (span_starts(line, "kind: List")) {
            in = false;
        }
        if (in) {
            buf_put(&items, from.p, (size_t)(rest.p - from.p));
        }
    }
    struct cluster *c = cluster_of(&items);
    buf_done(&items);
    return c;
}

static void not_ours(void) {
    static const struct {
        const char *pod, *what;
    } rows[] = {
        {POD("", ARGS("2")), "a pod without GPUs"},
        {POD("  labels: {tpguard.io/ignore: \"true\"}\n", ARGS("2") GPUS("2") PIN("0,1")),
         "a pod that asks to be left alone"},
        {POD("  labels: {tpguard.io/ignore: \"true\"}\n", ARGS("two") GPUS("2")),
         "... whatever its command line says"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        is_str(judge_in(demo, rows[i].pod, NULL), "allow Ignored", rows[i].what);
        ok(j->decision.allowed && !j->decision.rewrites && !j->decision.n_warnings,
           "... is allowed and left as it is");
    }
    struct policy off = policy_default();
    off.mode = MODE_OFF;
    struct cluster *c = new_cluster(&off);
    is_str(judge_in(c, POD("", ARGS("2") GPUS("2") PIN("0,1")), &off), "allow Ignored",
           "a namespace that is switched off");
    cluster_free(c);
}

static void malformed(void) {
    is_str(judge_in(demo, POD("", ARGS("two") GPUS("2")), NULL), "deny MalformedTP",
           "a size that is no number is denied");
    ok(j->malformed && !j->decision.allowed && j->bad.path[0] && j->decision.message[0],
       "with its place and a message");
    struct policy warn = policy_default();
    warn.mode = MODE_WARN;
    struct cluster *c = new_cluster(&warn);
    (void)judge_in(c, POD("", ARGS("two") GPUS("2")), &warn);
    ok(j->decision.allowed && j->decision.n_warnings, "in warn mode it is let in with a warning");
    cluster_free(c);
}

static void worked_example(struct span text) {
    static const char *const only_a[] = {"gpu-a"};
    struct cluster *c = part_of_demo(text, only_a, 1);
    struct cluster_stats s;
    cluster_stats_get(c, &s);
    ok(s.nodes == 1 && s.topo_ok == 1, "the cluster of the worked example is the node gpu-a");
    is_str(judge_in(c, POD("", ARGS("2") GPUS("2") PIN("0,1")), NULL), "deny PinnedAcrossPCIe",
           "TP=2 pinned across the dead bridge is denied");
    ok(!j->decision.allowed && j->has_unpinned && j->unpinned.fits == 1,
       "and it is known that without the pin it would fit");
    ok(span_has(span_of(j->decision.message), "0-1") ||
           span_has(span_of(j->decision.message), "0,1"),
       "the message names the pair");
    is_str(j->asked.nearest.bad, "0-1", "the pair to blame is named");
    is_str(judge_in(c, POD("", ARGS("2") GPUS("2") PIN("2,3")), NULL), "allow Fits",
           "pinned to the healthy pair it is allowed");
    is_str(judge_in(c, POD("", ARGS("2") GPUS("2")), NULL), "allow Fits", "unpinned it is allowed");
    ok(j->decision.allowed && (j->decision.rewrites & REWRITE_STEER) &&
           j->decision.affinity_above == 1,
       "and steered to nodes with a set of two");
    is_str(j->asked.best.gpus, "2,3", "it is meant for the healthy pair");
    is_str(judge_in(c, POD("", ARGS("1") GPUS("1")), NULL), "allow Fits",
           "a TP=1 replica is allowed");
    struct node_answer a = ask(c, "gpu-a", 1);
    ok(a.has_set && gpuset_in(a.set, gpuset_first(2)), "and goes to 0 or 1, which no pair can use");
    cluster_free(c);
}

static void demo_answers(void) {
    static const struct {
        const char *node, *tp1, *tp2, *tp4, *tp8;
    } rows[] = {
        {"gpu-a", "fits", "fits", "NoNVLinkSet", "TPExceedsGPUs"},
        {"gpu-b", "fits", "fits", "NoNVLinkSet", "TPExceedsGPUs"},
        {"gpu-c", "fits", "fits", "fits", "fits"},
        {"gpu-d", "fits", "NoNVLink", "NoNVLink", "TPExceedsGPUs"},
        {"gpu-e", "fits", "TopologyUnknown", "TopologyUnknown", "TPExceedsGPUs"},
        {"gpu-f", "GPUsBusy", "NVLinkSetBusy", "NoNVLinkSet", "TPExceedsGPUs"},
        {"web-a", "NoGPU", "NoGPU", "NoGPU", "NoGPU"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        is_str(code_for(demo, rows[i].node, 1), rows[i].tp1, rows[i].node);
        is_str(code_for(demo, rows[i].node, 2), rows[i].tp2, rows[i].node);
        is_str(code_for(demo, rows[i].node, 4), rows[i].tp4, rows[i].node);
        is_str(code_for(demo, rows[i].node, 8), rows[i].tp8, rows[i].node);
    }
    char who[64];
    cluster_holder(demo, SPAN("gpu-f"), 0, who, sizeof who);
    is_str(who, "llm/chat-1", "llm/chat-1 holds GPU 0 of gpu-f");
    cluster_holder(demo, SPAN("gpu-f"), 2, who, sizeof who);
    is_str(who, "llm/chat-0", "llm/chat-0 holds GPU 2");
    struct cluster_stats s;
    cluster_stats_get(demo, &s);
    ok(s.nodes == 7 && s.gpu_nodes == 6 && s.topo_ok == 5 && s.topo_missing == 1 &&
           s.topo_invalid == 0,
       "seven nodes, six with GPUs, one of them not annotated");
    is_str(complaints(demo), "", "nothing in it to complain of");
}

/* Names who sits on the set that would do, when only that node is left. */
static void busy_node(struct span text) {
    static const char *const only_f[] = {"gpu-f", "chat-0", "chat-1"};
    struct cluster *c = part_of_demo(text, only_f, 3);
    const char *said = judge_in(c, POD("", ARGS("2") GPUS("2")), NULL);
    ok(span_starts(span_of(said), "wait") || span_starts(span_of(said), "warn"),
       "a pod whose sets are all in use is not denied (%s)", said);
    ok(j->decision.allowed, "it may wait for them");
    is_str(j->asked.nearest.holder, "llm/chat-1", "and is told who has them");
    cluster_free(c);
}

/* The annotations of the built-in cluster are what the encoder writes. */
static bool canonical_node(void *ctx, const struct node_object *n, struct err *e) {
    unsigned *seen = ctx;
    struct topo t;
    struct buf again = buf_new(ANNOTATION_MAX);
    if (!n->topology.p) {
        return true;
    }
    bool good = annotation_decode(n->topology, &t, e);
    annotation_encode(&t, &again);
    ok(good && span_eq(buf_view(&again), n->topology), SPAN_FMT " carries a canonical annotation",
       SPAN_ARG(n->name));
    buf_done(&again);
    ++*seen;
    return good;
}

static void canonical(struct span text) {
    unsigned seen = 0;
    struct cluster_sink sink = {.ctx = &seen, .node = canonical_node};
    struct cluster_file_counts counts = {0};
    struct err e = {0};
    ok(cluster_file_read(text, &sink, &counts, &e) && seen == 4 && counts.pods == 4,
       "four nodes of the built-in cluster carry a topology");
}

int main(void) {
    arena = arena_new(ARENA_MAX);
    j = ARENA_NEW(&arena, struct judgement, 1);
    struct span text = file_text("tests/clusters/six-nodes.yaml");
    struct err e = {0};
    demo = new_cluster(NULL);
    if (!j || !text.n || !cluster_load(demo, text, &e)) {
        bail("tests/clusters/six-nodes.yaml (tests run in the root of the repository)", &e);
    }
    not_ours();
    malformed();
    worked_example(text);
    demo_answers();
    busy_node(text);
    canonical(text);
    cluster_free(demo);
    arena_done(&arena);
    return tap_done();
}
