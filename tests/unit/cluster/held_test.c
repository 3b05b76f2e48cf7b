/* What pods hold, as the answers show it. */
#include "tests/unit/cluster/fixture.h"

static struct buf items;

#define H100 "4xH100-NVL"
#define REPORT                                                                                     \
    "      tpguard.io/allocations: "                                                               \
    "'{\"version\":1,\"observedAt\":\"2026-11-18T09:00:00Z\",\"pods\":["
#define HELD(p, gpus)                                                                              \
    "{\"namespace\":\"llm\",\"name\":\"" p "\",\"container\":\"m\",\"gpus\":[" gpus "]}"
#define UNASSIGNED(entry) "],\"unassigned\":[{" entry "}"
#define REPORT_END        "]}'\n"

struct held_row {
    const char *what;
    const char *machine;
    const char *report;
    struct podling pod[3];
    unsigned n;
    const char *tp1, *tp2, *tp4;
};

static const struct held_row held_rows[] = {
    {"an idle node", H100, NULL, {{0}}, 0, "fits", "fits", "NoNVLinkSet"},
    {"one unreported TP=1 pod breaks one pair at most",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .gpus = 1}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"two unreported TP=1 pods may sit in both pairs",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .gpus = 1}, {.name = "b", .node = "n1", .gpus = 1}},
     2,
     "fits",
     "NVLinkSetUncertain",
     "NoNVLinkSet"},
    {"reported, they leave the other pair",
     H100,
     REPORT HELD("a", "0") "," HELD("b", "1") REPORT_END,
     {{.name = "a", .node = "n1", .gpus = 1}, {.name = "b", .node = "n1", .gpus = 1}},
     2,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"reported across the pairs, they leave none",
     H100,
     REPORT HELD("a", "0") "," HELD("b", "2") REPORT_END,
     {{.name = "a", .node = "n1", .gpus = 1}, {.name = "b", .node = "n1", .gpus = 1}},
     2,
     "fits",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"a pin without asking holds its GPUs",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .pin = "2,3"}, {.name = "b", .node = "n1", .pin = "0"}},
     2,
     "fits",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"a pinned pod that asks holds what it names",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .pin = "0,1", .gpus = 2}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"all GPUs named by an engine",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .pin = "all"}},
     1,
     "GPUsBusy",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"a pod that ended holds nothing",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .gpus = 4, .phase = "Succeeded"},
      {.name = "b", .node = "n1", .pin = "0,1,2,3", .phase = "Failed"}},
     2,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"a pod that ended holds nothing, though reported",
     H100,
     REPORT HELD("a", "0,1,2,3") REPORT_END,
     {{.name = "a", .node = "n1", .gpus = 4, .phase = "Succeeded"}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"a pod that is only pending in the queue holds nothing",
     H100,
     NULL,
     {{.name = "a", .gpus = 4, .phase = "Pending"}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"a pod that is bound but does not run yet holds its GPUs",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .gpus = 4, .phase = "Pending"}},
     1,
     "GPUsBusy",
     "GPUsBusy",
     "NoNVLinkSet"},
    {"a reported pod that nobody listed holds its GPUs",
     H100,
     REPORT HELD("x", "2,3") REPORT_END,
     {{0}},
     0,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"... all of them",
     H100,
     REPORT HELD("x", "0,1,2,3") REPORT_END,
     {{0}},
     0,
     "GPUsBusy",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"a reported pod that runs elsewhere by now holds nothing here",
     H100,
     REPORT HELD("a", "0,1,2,3") REPORT_END,
     {{.name = "a", .node = "other", .gpus = 4}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"two containers of one pod are one holder",
     H100,
     REPORT HELD("a", "0") "," HELD("a", "1") REPORT_END,
     {{.name = "a", .node = "n1", .gpus = 2}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"a pod whose command makes no sense holds GPUs all the same",
     H100,
     NULL,
     {{.name = "a",
       .node = "n1",
       .gpus = 4,
       .args = "[vllm, serve, m, --tensor-parallel-size, two]"}},
     1,
     "GPUsBusy",
     "GPUsBusy",
     "NoNVLinkSet"},
    {"... and its pin",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .pin = "2,3", .args = "[vllm, serve, m, -tp, two]"},
      {.name = "b", .node = "n1", .pin = "1", .args = "[vllm, serve, m, -tp, two]"}},
     2,
     "fits",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"a GPU in use that nobody was given is not free",
     H100,
     REPORT UNASSIGNED("\"pid\":4711,\"gpus\":[0]") REPORT_END,
     {{0}},
     0,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"... one in each pair leaves none",
     H100,
     REPORT UNASSIGNED("\"pid\":4711,\"gpus\":[0]},{\"uid\":\"u\",\"gpus\":[2]") REPORT_END,
     {{0}},
     0,
     "fits",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"... nor when a pod uses them beside its own",
     H100,
     REPORT HELD("a", "0") UNASSIGNED("\"namespace\":\"llm\",\"name\":\"a\",\"gpus\":[2]")
         REPORT_END,
     {{.name = "a", .node = "n1", .gpus = 1}},
     1,
     "fits",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"... nor beside its pin",
     H100,
     REPORT UNASSIGNED("\"namespace\":\"llm\",\"name\":\"a\",\"gpus\":[2]") REPORT_END,
     {{.name = "a", .node = "n1", .pin = "0,2"}},
     1,
     "fits",
     "NVLinkSetBusy",
     "NoNVLinkSet"},
    {"... until that pod ends",
     H100,
     REPORT HELD("a", "0") UNASSIGNED("\"namespace\":\"llm\",\"name\":\"a\",\"gpus\":[2]")
         REPORT_END,
     {{.name = "a", .node = "n1", .gpus = 1, .phase = "Succeeded"}},
     1,
     "fits",
     "fits",
     "NoNVLinkSet"},
    {"an annotation of reserved GPUs means nothing in plugin mode",
     H100,
     NULL,
     {{.name = "a", .node = "n1", .gpus = 1, .more = "      tpguard.io/gpus: '0'\n"},
      {.name = "b", .node = "n1", .gpus = 1, .more = "      tpguard.io/gpus: '1'\n"}},
     2,
     "fits",
     "NVLinkSetUncertain",
     "NoNVLinkSet"},
};

static void held(void) {
    for (size_t i = 0; i < sizeof held_rows / sizeof held_rows[0]; i++) {
        const struct held_row *r = &held_rows[i];
        for (unsigned order = 0; order < 2; order++) {
            struct machine n = {"n1", r->machine, 4, r->report};
            if (order == 0) {
                put_node(&items, &n);
            }
            for (unsigned k = 0; k < r->n; k++) {
                put_pod(&items, &r->pod[k]);
            }
            if (order == 1) {
                put_node(&items, &n);
            }
            struct cluster *c = cluster_of(&items);
            char got[96];
            char want[96];
            struct buf g = BUF_OVER(got);
            struct buf w = BUF_OVER(want);
            buf_fmt(&g, "%s %s %s", code_for(c, "n1", 1), code_for(c, "n1", 2),
                    code_for(c, "n1", 4));
            buf_fmt(&w, "%s %s %s", r->tp1, r->tp2, r->tp4);
            is_str(got, want, order ? "... the same when pods come first" : r->what);
            cluster_free(c);
        }
    }
}

/* Device plugins and monitors name all GPUs on every node. */
static void monitors(void) {
    put_node(&items, &(struct machine){"n1", H100, 4, NULL});
    buf_str(
        &items,
        "- apiVersion: v1\n  kind: Pod\n  metadata: {name: dcgm, namespace: ops, uid: u, "
        "ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: d, controller: true}]}\n"
        "  spec: {nodeName: n1, containers: [{name: c, image: nvcr.io/dcgm-exporter, env: [{name: "
        "NVIDIA_VISIBLE_DEVICES, value: all}]}]}\n  status: {phase: Running}\n");
    struct cluster *c = cluster_of(&items);
    is_str(code_for(c, "n1", 2), "fits", "a monitor that sees all GPUs holds none");
    cluster_free(c);
}

static void is_holder(struct cluster *c, unsigned gpu, const char *want, const char *what) {
    char who[128];
    cluster_holder(c, SPAN("n1"), gpu, who, sizeof who);
    is_str(who, want, what);
}

/* Read behind "in use by". */
static void users(void) {
    put_node(&items,
             &(struct machine){
                 "n1", H100, 4,
                 REPORT UNASSIGNED("\"pid\":4711,\"gpus\":[0]},{\"namespace\":\"llm\",\"name\":"
                                   "\"a\",\"pid\":12,\"gpus\":[1]},{\"uid\":\"u\",\"gpus\":[2]")
                     REPORT_END});
    put_pod(&items, &(struct podling){.name = "a", .node = "n1", .gpus = 1});
    struct cluster *c = cluster_of(&items);
    is_holder(c, 0, "a process that was not given it (pid 4711)", "a process of nobody is named");
    is_holder(c, 1, "llm/a without being given it (pid 12)", "a pod that was not given it");
    is_holder(c, 2, "a pod without a name", "a pod nobody knows");
    is_holder(c, 3, "", "a free GPU has no holder");
    cluster_drop_pod(c, SPAN("llm"), SPAN("a"));
    is_holder(c, 1, "", "when the pod goes, so does what it used");
    is_holder(c, 0, "a process that was not given it (pid 4711)", "the process stays");
    cluster_free(c);
}

static void beats(struct cluster *c, int64_t at, bool books) {
    struct err e = {0};
    const struct cluster_beat b = {.at = at, .books = books};
    ok(cluster_put_heartbeat(c, SPAN("n1"), &b, NOW, &e), "a heartbeat");
}

/* A StatefulSet makes a pod anew under its old name, and the kubelet gives it the GPU that has just
 * become free: the report is the same to the byte, so nobody writes it again. */
static void same_name_again(void) {
    struct err e = {0};
    put_node(&items,
             &(struct machine){"n1", H100 " down=0-1", 4, REPORT HELD("a", "0") REPORT_END});
    put_pod(&items, &(struct podling){.name = "a", .node = "n1", .gpus = 1});
    struct cluster *c = cluster_of(&items);
    is_str(code_for(c, "n1", 2), "fits", "it is on GPU 0, and 2-3 is free");
    cluster_drop_pod(c, SPAN("llm"), SPAN("a"));
    struct container k = {.name = SPAN("m"), .gpus = 1};
    struct pod p = {.ns = SPAN("llm"),
                    .name = SPAN("a"),
                    .uid = SPAN("u-2"),
                    .node_name = SPAN("n1"),
                    .phase = POD_RUNNING,
                    .containers = &k,
                    .n_containers = 1};
    ok(cluster_put_pod(c, &p, &e), "another one of that name: %s", e.msg);
    is_str(code_for(c, "n1", 2), "NVLinkSetUncertain", "the report was of the old one");
    beats(c, NOW + 1, true);
    is_str(code_for(c, "n1", 2), "NVLinkSetUncertain", "a heartbeat that may have been under way");
    beats(c, NOW + 2, false);
    is_str(code_for(c, "n1", 2), "NVLinkSetUncertain", "one that does not speak of the books");
    beats(c, NOW + 3, true);
    is_str(code_for(c, "n1", 2), "fits", "the agent has looked since: it is of the new one");
    cluster_free(c);
}

static void exact_mode(void) {
    struct policy p = policy_default();
    p.allocation = ALLOC_EXACT;
    struct cluster *c = new_cluster(&p);
    struct buf text = buf_new((size_t)1024 * 1024);
    struct err e = {0};
    buf_str(&text, "kind: List\nitems:\n");
    put_node(&text, &(struct machine){"n1", H100, 4, NULL});
    put_pod(&text,
            &(struct podling){
                .name = "a", .node = "n1", .gpus = 2, .more = "      tpguard.io/gpus: '2,3'\n"});
    ok(cluster_load(c, buf_view(&text), &e), "a cluster in exact mode");
    struct node_answer a = ask(c, "n1", 2);
    ok(a.code == REASON_NONE && a.has_set && gpuset_eq(a.set, gpuset_first(2)),
       "the reserved set is known to be taken");
    char who[64];
    cluster_holder(c, SPAN("n1"), 3, who, sizeof who);
    is_str(who, "llm/a", "and who has it");
    cluster_holder(c, SPAN("n1"), 0, who, sizeof who);
    is_str(who, "", "a free GPU has no holder");
    cluster_holder(c, SPAN("nobody"), 0, who, sizeof who);
    is_str(who, "", "nor has one of an unknown node");
    cluster_free(c);
    buf_done(&text);
}

int main(void) {
    items = buf_new((size_t)1024 * 1024);
    held();
    monitors();
    users();
    same_name_again();
    exact_mode();
    buf_done(&items);
    return tap_done();
}
