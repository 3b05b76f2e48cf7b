#include "webhook/core/decide.h"

#include "tests/tap.h"
#include "tests/unit/core/farm_checks.h"

static void worked_example(void) {
    farm_init(&f, 2, 2);
    farm_pin(&f, "0,1");
    f.node[0] = worked;
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "pinned across the dead bridge");
    is_str(f.d.message,
           "TP=2 is pinned to GPUs 0,1, and no node has healthy NVLink between them: its 128 "
           "all-reduces per token would cross PCIe. Pin 2,3, or drop the pin, or run TP=1: 27 GB "
           "of weights fit one 94 GB GPU. See: tpguard explain -f FILE (PinnedAcrossPCIe)",
           "the denial");
    ok(advises("replicas") && advises("repin") && advises("unpin") && advises("repair"),
       "and what to do");
    ok(f.d.cost.known && f.d.cost.model_known && f.d.cost.allreduces == 128 &&
           f.d.cost.line[1].tokens == 64 && f.d.cost.line[1].nvlink_us / 100 == 8 &&
           f.d.cost.line[1].pcie_us / 100 == 26,
       "64 streams: 0.88 ms on NVLink, 2.68 ms on PCIe");
    ok(strstr(f.d.reason[0].sentence, "gpu-a: 0-1 down (0 of 12 lanes)") &&
           strstr(f.d.reason[0].sentence, "one stream alone loses next to nothing"),
       "the sentence names node and pair, and the cheap case");
    f.policy.mode = MODE_WARN;
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "the same in mode warn");
    ok(f.d.allowed && f.d.n_warnings == 2 && f.d.rewrites == 0, "allowed, with two lines");
    is_str(f.d.warning[0],
           "tpguard: TP=2 is pinned to GPUs 0,1: no node has healthy NVLink there, all-reduces "
           "would cross PCIe (PinnedAcrossPCIe)",
           "first line");
    is_str(f.d.warning[1],
           "tpguard: fits one GPU (27 of 94 GB): 2 replicas at TP=1 need no all-reduce "
           "(FitsOneGPU)",
           "second line");
    f.policy.mode = MODE_AUDIT;
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "the same in mode audit");
    ok(f.d.allowed && f.d.n_warnings == 0 && f.d.n_reasons == 2, "allowed, silent, recorded");
    f.policy.mode = MODE_OFF;
    judged(VERDICT_ALLOW, REASON_IGNORED, "the same in mode off");
    farm_init(&f, 2, 2);
    f.node[0] = worked;
    judged(VERDICT_ALLOW, REASON_NONE, "the next TP=2 pod, not pinned");
    is_str(f.asked.best.gpus, "2,3", "goes to 2 and 3");
    ok(f.d.affinity_above == 1, "and to nodes with a set of 2");
    farm_init(&f, 1, 1);
    f.node[0] = worked;
    f.policy.allocation = ALLOC_EXACT;
    judged(VERDICT_ALLOW, REASON_NONE, "a TP=1 replica");
    ok(strcmp(f.asked.best.gpus, "0") == 0 && f.asked.best.answer.score == 10,
       "goes to the stranded 0 first");
    farm_init(&f, 2, 2);
    f.node[0] = worked;
    f.node[0].busy = "2,3";
    f.node[0].holder = "llm/chat-0";
    judged(VERDICT_WAIT, REASON_NVLINK_SET_BUSY, "one more TP=2 pod");
    is_str(f.d.reason[0].sentence,
           "TP=2 waits for a healthy NVLink pair. Nearest: gpu-a: 2,3 in use by llm/chat-0, 0-1 "
           "down (0 of 12 lanes). It starts when either is free or repaired.",
           "is told what it waits for");
}

static void repin(void) {
    farm_init(&f, 2, 2);
    farm_pin(&f, "0,1");
    f.node[0] = worked;
    f.policy.rewrites = REWRITE_REPIN;
    judged(VERDICT_ALLOW, REASON_REPINNED, "repinned where policy and pod accept it");
    ok(f.d.allowed && strcmp(f.d.repin, "2,3") == 0 && f.d.repin_container == 0 &&
           f.d.repin_env == 0 && f.d.rewrites == REWRITE_REPIN,
       "to the healthy pair, in the variable that pinned");
    f.env[0].ref = true;
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "a value from elsewhere cannot be rewritten");
    f.env[0].ref = false;
    farm_annotate(&f, ANN_REWRITE, "steer");
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "a pod that only accepts steer");
    f.pod.n_annotations = 0;
    f.policy.rewrites = REWRITE_STEER;
    farm_annotate(&f, ANN_REWRITE, "repin");
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "a pod cannot widen the policy");
    f.policy.rewrites = REWRITE_REPIN;
    f.node[0].busy = "2";
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "no healthy set is free");
    farm_init(&f, 2, 2);
    farm_pin(&f, "2,3");
    f.node[0] = worked;
    f.node[0].busy = "3";
    f.policy.rewrites = REWRITE_REPIN;
    judged(VERDICT_WAIT, REASON_PIN_BUSY, "a healthy pin in use waits");
    f.node[0] = demo[1];
    f.node[1] = demo[3];
    judged(VERDICT_ALLOW, REASON_NONE, "a pin that fits somewhere is left alone");
    f.node[0] = (struct farm_node){"n", "4xH100-NVL lanes=2-3:8", "", NULL};
    judged(VERDICT_WAIT, REASON_NVLINK_DEGRADED, "a degraded pin waits for its lanes");
}

static void steered(void) {
    farm_init(&f, 4, 4);
    f.node[0] = demo[2];
    f.policy.scheduler_name = SPAN("tpguard-scheduler");
    judged(VERDICT_ALLOW, REASON_NONE, "TP=4 on a switch");
    ok(f.d.rewrites == REWRITE_STEER && f.d.set_scheduler && !f.d.affinity_above,
       "is steered to our scheduler, which says why not of every node");
    f.policy.autoscaler = true;
    farm_judge(&f);
    ok(f.d.affinity_above == 3 && f.d.set_scheduler, "an autoscaler reads affinity only");
    f.policy.autoscaler = false;
    f.policy.scheduler_name = (struct span){0};
    farm_judge(&f);
    ok(f.d.affinity_above == 3 && !f.d.set_scheduler, "so does a scheduler that is not ours");
    f.policy.scheduler_name = SPAN("tpguard-scheduler");
    f.pod.scheduler_name = SPAN("default-scheduler");
    farm_judge(&f);
    ok(f.d.set_scheduler, "away from the default scheduler");
    f.pod.scheduler_name = SPAN("kueue");
    farm_judge(&f);
    ok(!f.d.set_scheduler && f.d.affinity_above == 3, "but not from one that was chosen");
    f.pod.scheduler_name = SPAN("tpguard-scheduler");
    farm_judge(&f);
    ok(f.d.set_scheduler && f.d.rewrites == REWRITE_STEER,
       "where it is already, the same is said again");
    f.pod.scheduler_name = (struct span){0};
    f.pod.node_name = SPAN("gpu-c");
    farm_judge(&f);
    ok(f.d.rewrites == 0 && !f.d.affinity_above && !f.d.set_scheduler, "bound pods are left alone");
    f.pod.node_name = (struct span){0};
    farm_annotate(&f, ANN_REWRITE, "none");
    farm_judge(&f);
    ok(f.d.rewrites == 0, "so are pods that accept nothing");
    f.pod.n_annotations = 0;
    f.policy.unknown_topology = UNKNOWN_ALLOW;
    farm_judge(&f);
    ok(f.d.affinity_above == 0 && f.d.set_scheduler,
       "no affinity that would shut out nodes whose wiring may be unknown");
    farm_init(&f, 1, 1);
    f.node[0] = demo[2];
    f.policy.scheduler_name = SPAN("tpguard-scheduler");
    farm_judge(&f);
    ok(f.d.affinity_above == 0 && f.d.set_scheduler, "TP=1 needs the scheduler, not the label");
    farm_init(&f, 2, 0);
    f.node[0] = demo[2];
    f.policy.scheduler_name = SPAN("tpguard-scheduler");
    farm_pin(&f, "2,3");
    farm_judge(&f);
    ok(f.d.affinity_above == 1 && f.d.set_scheduler,
       "who names GPUs without a request needs the label: no extender is asked about such a pod");
    f.w.gpus = 2;
    farm_judge(&f);
    ok(f.d.affinity_above == 0 && f.d.set_scheduler, "with one it is asked about");
}

/* Where no scheduler of ours looks at every node, what is free is preferred. */
static void preferred(void) {
    farm_init(&f, 4, 4);
    f.node[0] = demo[2];
    judged(VERDICT_ALLOW, REASON_NONE, "TP=4 under the cluster's own scheduler");
    ok(f.d.affinity_above == 3 && f.d.prefer_above == 3 && !f.d.prefer_stranded,
       "prefers a node with a free set of 4");
    f.policy.unknown_topology = UNKNOWN_ALLOW;
    farm_judge(&f);
    ok(!f.d.affinity_above && f.d.prefer_above == 3 && f.d.rewrites == REWRITE_STEER,
       "also where nodes of unknown wiring may serve: a preference shuts nobody out");
    f.policy.unknown_topology = UNKNOWN_STRICT;
    f.policy.scheduler_name = SPAN("tpguard-scheduler");
    farm_judge(&f);
    ok(!f.d.prefer_above, "our own scheduler knows better");
    f.pod.scheduler_name = SPAN("kueue");
    farm_judge(&f);
    ok(f.d.affinity_above == 3 && !f.d.prefer_above, "and then no node shows what is free");
    f.policy.scheduler_name = (struct span){0};
    farm_annotate(&f, ANN_REWRITE, "repin");
    farm_judge(&f);
    ok(!f.d.prefer_above && !f.d.rewrites, "a pod that does not accept steer is left alone");
    farm_init(&f, 2, 2);
    farm_pin(&f, "2,3");
    f.node[0] = worked;
    farm_judge(&f);
    ok(!f.d.prefer_above && !f.d.rewrites, "a pinned one as well: its GPUs are said");
    farm_init(&f, 1, 1);
    f.node[0] = worked;
    farm_judge(&f);
    ok(f.d.prefer_stranded && !f.d.prefer_above && f.d.rewrites == REWRITE_STEER,
       "a replica prefers a stranded GPU");
    farm_init(&f, 1, 2);
    f.node[0] = demo[2];
    farm_judge(&f);
    ok(!f.d.prefer_stranded && !f.d.prefer_above, "two of them in one pod do not");
}

static void waits(void) {
    static const struct {
        const char *line;
        enum verdict verdict;
        enum reason code;
        const char *advice;
    } rows[] = {
        {"4xH100-NVL down=0-1,2-3", VERDICT_WAIT, REASON_NVLINK_DOWN, "repair"},
        {"2xH100-NVL lanes=0-1:8", VERDICT_WAIT, REASON_NVLINK_DEGRADED, "repair"},
        {"2xH100-NVL asym=0-1:12/8", VERDICT_WAIT, REASON_NVLINK_ASYMMETRIC, "repair"},
        {"2xH100-NVL fault=1", VERDICT_WAIT, REASON_GPU_FAULT, "wait"},
        {"2xH100-NVL mig=1", VERDICT_WAIT, REASON_MIG_ENABLED, "wait"},
        {"8xH100-SXM fabric=in-progress", VERDICT_WAIT, REASON_FABRIC_NOT_READY, "wait"},
        {"4", VERDICT_UNKNOWN, REASON_TOPOLOGY_UNKNOWN, "annotate"},
        {"2xH100-NVL unknown=0-1", VERDICT_UNKNOWN, REASON_TOPOLOGY_UNKNOWN, "annotate"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        farm_init(&f, 2, 2);
        f.node[0] = (struct farm_node){"n1", rows[i].line, "", NULL};
        judged(rows[i].verdict, rows[i].code, rows[i].line);
        ok(f.d.allowed && f.d.n_warnings >= 1 && advises(rows[i].advice),
           "%s: allowed, with a warning and advice to %s", rows[i].line, rows[i].advice);
    }
}

static void oddities(void) {
    farm_init(&f, 2, 8);
    f.node[0] = demo[2];
    judged(VERDICT_WARN, REASON_GPU_COUNT_MISMATCH, "asks for 8, uses 2");
    farm_init(&f, 16, 8);
    f.w.scope = SCOPE_MULTI;
    f.w.in_pod.n = 8;
    f.node[0] = demo[2];
    judged(VERDICT_WARN, REASON_TP_ACROSS_PODS, "TP=16 over two pods");
    f.node[0] = (struct farm_node){"rack", "8xGB200", "", NULL};
    judged(VERDICT_ALLOW, REASON_NONE, "TP=16 over two pods of a rack with NVLink");
    farm_init(&f, 0, 4);
    f.w.scope = SCOPE_UNKNOWN;
    f.w.tp.known = f.w.in_pod.known = false;
    f.node[0] = demo[2];
    judged(VERDICT_WARN, REASON_TP_UNKNOWN, "a size that cannot be read, strict");
    ok(advises("annotate"), "can be said by hand");
    f.policy.unknown_tp = UNKNOWN_ALLOW;
    judged(VERDICT_UNKNOWN, REASON_TP_UNKNOWN, "a size that cannot be read, allow");
    f.policy.unknown_tp = UNKNOWN_STRICT;
    f.node[0] = worked;
    judged(VERDICT_WAIT, REASON_NO_NVLINK_SET, "it is never denied for what is not known");
    ok(says(REASON_TP_UNKNOWN), "and told why");
    farm_init(&f, 2, 0);
    f.w.mig = 2;
    f.node[0] = demo[2];
    judged(VERDICT_WARN, REASON_SHARED_GPU, "TP=2 over MIG slices");
    farm_init(&f, 2, 0);
    f.w.claims = true;
    judged(VERDICT_ALLOW, REASON_NONE, "claims are not ours to know");
    farm_init(&f, 2, 2);
    f.w.gpu_pod = false;
    judged(VERDICT_ALLOW, REASON_IGNORED, "not a GPU pod");
    farm_init(&f, 2, 2);
    struct kv ignore = {SPAN(LABEL_IGNORE), SPAN("true")};
    f.pod.labels = &ignore;
    f.pod.n_labels = 1;
    judged(VERDICT_ALLOW, REASON_IGNORED, "labelled to be ignored");
}

static void one_gpu(void) {
    farm_init(&f, 2, 2);
    f.node[0] = demo[1];
    f.w.weights_gib = 1;
    judged(VERDICT_ALLOW, REASON_NONE, "a small model at TP=2");
    ok(says(REASON_FITS_ONE_GPU) && f.d.weights.by_hand && advises("replicas"),
       "fits one GPU, as the annotation says");
    f.w.latency_critical = true;
    farm_judge(&f);
    ok(!says(REASON_FITS_ONE_GPU) && !advises("replicas"), "which does not matter for latency");
    f.w.latency_critical = false;
    f.w.weights_gib = 71;
    farm_judge(&f);
    ok(f.d.weights.fits_one, "71 GiB fit 94 GB with room for a cache");
    f.w.weights_gib = 72;
    farm_judge(&f);
    ok(f.d.weights.fits_known && !f.d.weights.fits_one && !says(REASON_FITS_ONE_GPU),
       "72 GiB do not");
    f.w.weights_gib = UINT32_MAX;
    farm_judge(&f);
    ok(!f.d.weights.fits_one, "a huge size does not wrap around");
    f.w.weights_gib = 0;
    f.w.model = SPAN("own/thing");
    farm_judge(&f);
    ok(!f.d.weights.fits_known && !f.d.cost.model_known && f.d.cost.layers == 80 &&
           f.d.cost.hidden == 8192,
       "an unknown model: nothing is said of its size, a typical one is reckoned with");
}

/* The six nodes of the demo: what each answers to TP=2 alone. */
static void demo_nodes(void) {
    static const struct {
        enum verdict verdict;
        enum reason code;
    } rows[] = {
        {VERDICT_ALLOW, REASON_NONE},
        {VERDICT_ALLOW, REASON_NONE},
        {VERDICT_ALLOW, REASON_NONE},
        {VERDICT_DENY, REASON_UNSATISFIABLE},
        {VERDICT_UNKNOWN, REASON_TOPOLOGY_UNKNOWN},
        {VERDICT_WAIT, REASON_NVLINK_SET_BUSY},
    };
    for (unsigned i = 0; i < 6; i++) {
        farm_init(&f, 2, 2);
        f.node[0] = demo[i];
        judged(rows[i].verdict, rows[i].code, demo[i].name);
    }
    farm_init(&f, 2, 2);
    memcpy(f.node, demo, sizeof demo);
    judged(VERDICT_ALLOW, REASON_NONE, "all six together");
    is_str(f.asked.best.name, "gpu-a", "an exact pair comes before carving the eight");
    ok(f.asked.fits == 3 && f.asked.gpu_nodes == 6 && f.asked.unknown == 1, "three of six fit");
    struct decision first = f.d;
    farm_judge(&f);
    ok(memcmp(&first, &f.d, sizeof first) == 0, "the same question gives the same bytes");
}

int main(void) {
    worked_example();
    repin();
    steered();
    preferred();
    waits();
    oddities();
    one_gpu();
    demo_nodes();
    is_str(verdict_name((enum verdict)77), "invalid", "a verdict out of range has no name");
    return tap_done();
}
