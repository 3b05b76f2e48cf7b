#include "webhook/core/node.h"

#include "tests/tap.h"
#include "tests/unit/core/machine.h"

static struct policy policy;

static struct node_answer ask(const struct machine *m, struct shape s) {
    struct node_answer a;
    decide_node(&m->view, &s, &policy, 2000, &a);
    ok((a.code == REASON_NONE) == (a.score > 0) && a.score <= 10, "score %u belongs to %s", a.score,
       reason_row((enum reason)a.code)->code);
    return a;
}

static void is_code(unsigned got, enum reason want, const char *what) {
    is_str(reason_row((enum reason)got)->code, reason_row(want)->code, what);
}

/* One machine, one TP group of k: the reason, whether it could fit one day, and the pair to blame.
 */
static void causes(void) {
    static const struct {
        const char *line;
        const char *busy;
        unsigned k;
        enum reason want;
        bool ever;
        const char *bad; /* "01": positions 0 and 1 */
    } rows[] = {
        {"0", "", 2, REASON_NO_GPU, false, ""},
        {"4", "", 2, REASON_TOPOLOGY_UNKNOWN, true, ""},
        {"4", "", 8, REASON_TP_EXCEEDS_GPUS, false, ""},
        {"4xH100-NVL", "", 8, REASON_TP_EXCEEDS_GPUS, false, ""},
        {"4xL40S", "", 2, REASON_NO_NVLINK, false, ""},
        {"4xH100-NVL", "", 4, REASON_NO_NVLINK_SET, false, ""},
        {"4xH100-NVL", "", 3, REASON_NO_NVLINK_SET, false, ""},
        {"4xH100-NVL down=0-1,2-3", "", 2, REASON_NVLINK_DOWN, true, "01"},
        {"4xH100-NVL bridges=0-1 down=0-1", "", 2, REASON_NVLINK_DOWN, true, "01"},
        {"4xH100-NVL lanes=0-1:8,2-3:8", "", 2, REASON_NVLINK_DEGRADED, true, "01"},
        {"2xH100-NVL asym=0-1:12/8", "", 2, REASON_NVLINK_ASYMMETRIC, true, "01"},
        {"8xH100-SXM fault=3", "", 8, REASON_GPU_FAULT, true, ""},
        {"2xH100-NVL mig=0", "", 2, REASON_MIG_ENABLED, true, "01"},
        {"8xH100-SXM fabric=in-progress", "", 8, REASON_FABRIC_NOT_READY, true, "01"},
        {"2xH100-NVL unknown=0-1", "", 2, REASON_TOPOLOGY_UNKNOWN, true, ""},
        {"4xH100-NVL", "0,2", 2, REASON_NVLINK_SET_BUSY, true, ""},
        {"4xH100-NVL", "0,1,2,3", 2, REASON_NVLINK_SET_BUSY, true, ""},
        {"4xH100-NVL down=0-1", "2", 2, REASON_NVLINK_SET_BUSY, true, "01"},
        {"4xH100-NVL down=0-1", "", 2, REASON_NONE, true, ""},
        {"8xH100-SXM", "7", 8, REASON_NVLINK_SET_BUSY, true, ""},
        {"8xH100-SXM", "7", 4, REASON_NONE, true, ""},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct machine m;
        if (!ok(machine_build(&m, "n", rows[i].line, &policy), "%s is a machine", rows[i].line)) {
            continue;
        }
        machine_take(&m, rows[i].busy);
        char what[128];
        (void)snprintf(what, sizeof what, "TP=%u on %s, %s in use", rows[i].k, rows[i].line,
                       rows[i].busy);
        struct node_answer a = ask(&m, shape_tp(rows[i].k, 1));
        is_code(a.code, rows[i].want, what);
        ok(a.ever == rows[i].ever, "%s: could %sfit one day", what, rows[i].ever ? "" : "never ");
        if (rows[i].bad[0]) {
            ok(a.bad_a == rows[i].bad[0] - '0' && a.bad_b == rows[i].bad[1] - '0',
               "%s: blames %s (%u-%u)", what, rows[i].bad, a.bad_a, a.bad_b);
        }
        if (a.code == REASON_NONE) {
            ok(a.has_set && gpuset_count(a.set) == rows[i].k &&
                   gpuset_empty(gpuset_and(a.set, m.view.busy)),
               "%s: names %u free GPUs", what, rows[i].k);
        }
    }
}

static void pod_side(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a machine");
    struct shape s = shape_tp(4, 1);
    s.gpus = 2;
    is_code(ask(&m, s).code, REASON_TP_EXCEEDS_GPUS, "TP=4 in a pod of 2 GPUs fits nowhere");
    s = shape_tp(2, 1);
    s.gpus = 4;
    s.extra = 2;
    is_code(ask(&m, s).code, REASON_NONE, "TP=2 in a pod of 4 GPUs takes a pair and two more");
    s = shape_tp(2, 65535);
    s.gpus = UINT32_MAX;
    is_code(ask(&m, s).code, REASON_TP_EXCEEDS_GPUS, "a huge count does not wrap around");
    s = (struct shape){.tp = 1, .groups = 1, .any = true};
    is_code(ask(&m, s).code, REASON_NONE, "who asks nothing fits");
    ok(machine_build(&m, "n", "0", &policy), "a node without GPUs");
    is_code(ask(&m, s).code, REASON_NONE, "... everywhere");
}

static void groups_in_order(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a machine");
    is_code(ask(&m, shape_tp(2, 2)).code, REASON_NONE, "two groups of two on two bridges");
    struct shape s = shape_tp(2, 2);
    s.n_order = 4;
    s.order[0] = 0;
    s.order[1] = 2;
    s.order[2] = 1;
    s.order[3] = 3;
    is_code(ask(&m, s).code, REASON_NO_NVLINK_SET, "not in a device order that crosses them");
    ok(machine_build(&m, "n", "4xH100-NVL down=2-3", &policy), "one bridge down");
    struct node_answer a = ask(&m, shape_tp(2, 2));
    is_code(a.code, REASON_NVLINK_DOWN, "two groups need both bridges");
    ok(a.bad_a == 2 && a.bad_b == 3, "and the broken one is named");
}

static void without_groups(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "4", &policy), "wiring unknown");
    is_code(ask(&m, shape_singles(1)).code, REASON_NONE, "TP=1 passes by count");
    is_code(ask(&m, shape_singles(4)).code, REASON_NONE, "so do four replicas in one pod");
    m.view.topo_state = NODE_TOPO_INVALID;
    is_code(ask(&m, shape_singles(4)).code, REASON_NONE, "TP=1 does not mind a bad annotation");
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_TOPOLOGY_INVALID, "TP=2 does");
    m.view.used = 4;
    is_code(ask(&m, shape_singles(1)).code, REASON_GPUS_BUSY, "nothing is free by count");
    m.view.used = 9;
    is_code(ask(&m, shape_singles(1)).code, REASON_GPUS_BUSY, "more used than there are");
    ok(machine_build(&m, "n", "4xL40S", &policy), "no NVLink");
    is_code(ask(&m, shape_singles(4)).code, REASON_NONE, "replicas need none");
    ok(machine_build(&m, "n", "2xH100-NVL fault=0", &policy), "one GPU is lost");
    is_code(ask(&m, shape_singles(1)).code, REASON_PLUGIN_WOULD_FAIL,
            "the stock plugin fails for the other as well");
    policy.allocation = ALLOC_EXACT;
    is_code(ask(&m, shape_singles(1)).code, REASON_NONE, "where tpguard hands out, it serves");
    policy.allocation = ALLOC_PLUGIN;
    machine_take(&m, "1");
    is_code(ask(&m, shape_singles(1)).code, REASON_GPU_FAULT, "the lost one does not");
    struct shape any = {.gpus = 2, .tp = 1, .groups = 1, .any = true};
    ok(machine_build(&m, "n", "2xH100-NVL down=0-1", &policy), "a dead bridge");
    struct node_answer a = ask(&m, any);
    ok(a.code == REASON_NONE && a.score == 1, "an unknown size that may pass passes, last");
}

static void pins(void) {
    static const struct {
        const char *line;
        const char *busy;
        unsigned tp;
        const char *pin;
        enum reason want;
        bool ever;
    } rows[] = {
        {"4xH100-NVL down=0-1", "", 2, "0,1", REASON_PINNED_ACROSS_PCIE, true},
        {"4xH100-NVL down=0-1", "", 2, "2,3", REASON_NONE, true},
        {"4xH100-NVL down=0-1", "2", 2, "2,3", REASON_PIN_BUSY, true},
        {"4xH100-NVL", "", 2, "1,2", REASON_PINNED_ACROSS_PCIE, false},
        {"4xH100-NVL", "", 4, "0,1,2,3", REASON_PINNED_ACROSS_PCIE, false},
        {"4xH100-NVL lanes=0-1:4", "", 4, "0,1,2,3", REASON_PINNED_ACROSS_PCIE, false},
        {"4xH100-NVL", "", 2, "0,1,2,3", REASON_NONE, true},
        {"4xH100-NVL", "", 2, "1,2,3", REASON_PINNED_ACROSS_PCIE, false},
        {"4xH100-NVL", "", 2, "0,9", REASON_PIN_MISSING, false},
        {"4xH100-NVL", "", 2, "0", REASON_TP_EXCEEDS_GPUS, false},
        {"4xH100-NVL", "", 2, "0,0", REASON_TP_EXCEEDS_GPUS, false},
        {"4xH100-NVL", "", 2, "GPU-no-such,GPU-other", REASON_PIN_MISSING, false},
        {"4xL40S", "", 2, "0,1", REASON_PINNED_ACROSS_PCIE, false},
        {"4xH100-NVL lanes=0-1:8", "", 2, "0,1", REASON_NVLINK_DEGRADED, true},
        {"4xH100-NVL unknown=0-1", "", 2, "0,1", REASON_TOPOLOGY_UNKNOWN, true},
        {"8xH100-SXM fabric=in-progress", "", 2, "0,1", REASON_FABRIC_NOT_READY, true},
        {"4xH100-NVL fault=1", "", 2, "0,1", REASON_GPU_FAULT, true},
        {"4xH100-NVL mig=1", "", 2, "0,1", REASON_MIG_ENABLED, true},
        {"4", "", 2, "0,1", REASON_TOPOLOGY_UNKNOWN, true},
        {"4", "", 1, "0,1", REASON_NONE, true},
        {"4xH100-NVL", "", 1, "0,2", REASON_NONE, true},
        {"4xH100-NVL", "2", 1, "0,2", REASON_PIN_BUSY, true},
        {"4xH100-NVL fault=2", "", 1, "0,2", REASON_GPU_FAULT, true},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct machine m;
        if (!ok(machine_build(&m, "n", rows[i].line, &policy), "%s is a machine", rows[i].line)) {
            continue;
        }
        machine_take(&m, rows[i].busy);
        char what[160];
        (void)snprintf(what, sizeof what, "TP=%u pinned to %s on %s, %s in use", rows[i].tp,
                       rows[i].pin, rows[i].line, rows[i].busy);
        struct node_answer a = ask(&m, shape_pinned(rows[i].tp, rows[i].pin));
        is_code(a.code, rows[i].want, what);
        ok(a.ever == rows[i].ever, "%s: could %sfit one day", what, rows[i].ever ? "" : "never ");
    }
    static struct machine m;
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a machine");
    char uuids[2 * GPU_UUID_MAX];
    (void)snprintf(uuids, sizeof uuids, "%s,%s", m.topo.gpu[2].uuid, m.topo.gpu[3].uuid);
    struct node_answer a = ask(&m, shape_pinned(2, uuids));
    ok(a.code == REASON_NONE && gpuset_eq(a.set, gpus_of("2,3")), "a pin by UUID finds its GPUs");
    is_code(ask(&m, shape_pinned(2, "GPU-,GPU-")).code, REASON_PIN_MISSING,
            "a beginning that several UUIDs share names none");
    for (unsigned i = 0; i < 4; i++) {
        m.topo.gpu[i].uuid[0] = '\0';
    }
    is_code(ask(&m, shape_pinned(2, uuids)).code, REASON_TOPOLOGY_UNKNOWN,
            "where no UUID is known it cannot be told");
}

static void unreported_pods(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a machine");
    m.view.used = 1;
    m.view.pending = (struct fit_pending){.size = {1}, .n = 1};
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NONE,
            "one unreported replica can break one of two pairs");
    m.view.used = 2;
    m.view.pending = (struct fit_pending){.size = {1, 1}, .n = 2};
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NVLINK_SET_UNSURE, "two can break both");
    policy.allocation = ALLOC_EXACT;
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NONE, "exact mode knows where they are");
    policy.allocation = ALLOC_PLUGIN;
    m.view.pending.n = 0;
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NVLINK_SET_UNSURE,
            "GPUs taken by count alone are taken at their worst");
    m.view.used = 3;
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_GPUS_BUSY, "and too few are free by count");
    m.view.pending = (struct fit_pending){.n = 255};
    (void)ask(&m, shape_tp(2, 1));
    m.view.used = 2;
    m.view.pending = (struct fit_pending){.size = {2}, .n = 1};
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NONE,
            "an unreported TP=2 pod sits on one pair, and the other is free");
    ok(machine_build(&m, "n", "4xH100-NVL down=0-1", &policy), "a machine with one pair");
    m.view.used = 2;
    m.view.pending = (struct fit_pending){.size = {2}, .n = 1};
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NVLINK_SET_BUSY,
            "where there is one pair only, the unreported TP=2 pod has it for certain");
    m.view.pending = (struct fit_pending){.size = {1, 1}, .n = 2};
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NVLINK_SET_UNSURE,
            "two unreported replicas may or may not sit there");
}

static void plugin_trouble(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "4xH100-NVL asym=0-1:12/0", &policy), "NVLink one way only");
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_PLUGIN_WOULD_FAIL,
            "keeps even the good pair from multi-GPU pods");
    is_code(ask(&m, shape_singles(2)).code, REASON_PLUGIN_WOULD_FAIL, "replicas too");
    is_code(ask(&m, shape_singles(1)).code, REASON_NONE, "one GPU is handed out without a score");
    machine_take(&m, "2,3");
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_PLUGIN_WOULD_FAIL,
            "evicting who holds the good pair would not help");
    ok(machine_build(&m, "n", "4xH100-NVL asym=0-1:12/0", &policy), "again");
    policy.allocation = ALLOC_EXACT;
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NONE, "exact mode never asks the plugin");
    policy.allocation = ALLOC_PLUGIN;
    ok(machine_build(&m, "n", "4xH100-NVL asym=0-1:9/8", &policy), "two counts that differ");
    struct node_answer a = ask(&m, shape_tp(2, 1));
    ok(a.code == REASON_NONE && gpuset_eq(a.set, gpus_of("2,3")),
       "do not end the plugin, and it takes the pair with more lanes: the good one");
    is_code(ask(&m, shape_singles(2)).code, REASON_NONE, "replicas start");
    is_code(ask(&m, shape_tp(2, 2)).code, REASON_NVLINK_ASYMMETRIC, "the pair itself is not good");
    ok(machine_build(&m, "n", "4xH100-NVL asym=0-1:8/12", &policy), "as many lanes, one way");
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_PLUGIN_WOULD_FAIL,
            "to the plugin that pair is as good as the healthy one");
    is_code(ask(&m, shape_singles(2)).code, REASON_NONE, "replicas do not mind");
    machine_take(&m, "0");
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_NONE, "it cannot be taken while a GPU is in use");
    ok(machine_build(&m, "n", "8xV100-SXM2 asym=0-1:2/1", &policy), "a mesh");
    is_code(ask(&m, shape_tp(4, 1)).code, REASON_PLUGIN_WOULD_FAIL,
            "larger sets are chosen by their sums: nobody knows with which pairs");
}

static void by_policy(void) {
    static struct machine m;
    policy.unknown_topology = UNKNOWN_ALLOW;
    ok(machine_build(&m, "n", "4", &policy), "wiring unknown");
    struct node_answer a = ask(&m, shape_tp(2, 1));
    ok(a.code == REASON_NONE && a.score == 1, "unknown wiring may pass, last");
    m.view.used = 3;
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_GPUS_BUSY, "by count");
    ok(machine_build(&m, "n", "2xH100-NVL unknown=0-1", &policy), "one pair unknown");
    a = ask(&m, shape_tp(2, 1));
    ok(a.code == REASON_NONE && a.score == 1, "an unknown pair too");
    policy = policy_default();
    policy.allow_degraded = true;
    ok(machine_build(&m, "n", "4xH100-NVL lanes=0-1:8,2-3:8", &policy), "lanes missing");
    a = ask(&m, shape_tp(2, 1));
    ok(a.code == REASON_NONE && a.score == 3, "degraded pairs may serve, late");
    policy = policy_default();
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a machine");
    machine_cordon(&m, "0,2", &policy);
    is_code(ask(&m, shape_tp(2, 1)).code, REASON_GPU_CORDONED, "cordoned GPUs take no TP group");
    is_code(ask(&m, shape_singles(4)).code, REASON_NONE, "but replicas");
}

static void freshness(void) {
    static struct machine m;
    struct shape s = shape_tp(2, 1);
    struct node_answer a;
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a machine");
    struct buf source = BUF_OVER(m.topo.source);
    buf_str(&source, "nvml");
    m.topo.observed_at = 1000;
    decide_node(&m.view, &s, &policy, 1600, &a);
    is_code(a.code, REASON_NONE, "600 s old is fresh");
    decide_node(&m.view, &s, &policy, 1601, &a);
    is_code(a.code, REASON_TOPOLOGY_STALE, "601 s is not");
    ok(a.ever, "and may come back");
    is_int(node_valid_until(&m.view, &policy), 1601, "which is said in advance");
    decide_node(&m.view, &s, &policy, 10, &a);
    is_code(a.code, REASON_NONE, "a clock ahead of ours is no reason");
    m.topo.observed_at = INT64_MIN;
    decide_node(&m.view, &s, &policy, INT64_MAX, &a);
    is_code(a.code, REASON_TOPOLOGY_STALE, "the oldest time there is does not wrap around");
    m.topo.observed_at = INT64_MAX;
    is_int(node_valid_until(&m.view, &policy), INT64_MAX, "nor the newest");
    m.topo.observed_at = 1000;
    s = shape_singles(4);
    decide_node(&m.view, &s, &policy, 9000, &a);
    is_code(a.code, REASON_NONE, "TP=1 does not mind");
    s = shape_tp(2, 1);
    static const char *const still[] = {"manual", "nvidia-smi"};
    for (unsigned i = 0; i < 2; i++) {
        buf_reset(&source);
        buf_str(&source, still[i]);
        decide_node(&m.view, &s, &policy, 9000, &a);
        is_code(a.code, REASON_NONE, "what is written by hand does not age");
        is_int(node_valid_until(&m.view, &policy), INT64_MAX, "... ever");
    }
}

int main(void) {
    policy = policy_default();
    causes();
    pod_side();
    groups_in_order();
    without_groups();
    pins();
    unreported_pods();
    plugin_trouble();
    by_policy();
    freshness();
    return tap_done();
}
