/* Pods that run: do the GPUs they were given carry their TP groups? */
#include "webhook/core/landed.h"

#include "tests/tap.h"
#include "tests/unit/core/machine.h"

#define NOW 1795000000

static struct machine m;

struct row {
    const char *what;
    const char *line; /* the machine */
    const char *gpus; /* "0,1" */
    const char *said; /* "pair Code", "carries", "unknown" */
    unsigned tp, groups;
    const char *order;
    const char *cordoned;
};

static const struct row rows[] = {
    {"a GPU that the node does not have", "4xH100-NVL", "0,9", "unknown", 2, 1, NULL, NULL},
    {"fewer GPUs than the group is large", "4xH100-NVL", "0", "unknown", 2, 1, NULL, NULL},
    {"none", "4xH100-NVL", "", "unknown", 2, 1, NULL, NULL},
    {"no wiring report", "4", "0,1", "unknown", 2, 1, NULL, NULL},
    {"a bridged pair", "4xH100-NVL", "0,1", "carries", 2, 1, NULL, NULL},
    {"two pairs that are not linked with each other", "4xH100-NVL", "1,2", "1-2 TPAcrossPCIe", 2, 1,
     NULL, NULL},
    {"the bridge is down", "4xH100-NVL down=0-1", "0,1", "0-1 TPAcrossPCIe", 2, 1, NULL, NULL},
    {"another bridge is down", "4xH100-NVL down=0-1", "2,3", "carries", 2, 1, NULL, NULL},
    {"no NVLink on the node", "4xL40S", "0,1", "0-1 TPAcrossPCIe", 2, 1, NULL, NULL},
    {"lanes are missing", "4xH100-NVL lanes=0-1:6", "0,1", "0-1 NVLinkDegraded", 2, 1, NULL, NULL},
    {"the ends disagree", "4xH100-NVL asym=0-1:12/8", "0,1", "0-1 NVLinkAsymmetric", 2, 1, NULL,
     NULL},
    {"two groups, one over each bridge", "4xH100-NVL", "0,1,2,3", "carries", 2, 2, NULL, NULL},
    {"one group over both bridges", "4xH100-NVL", "0,1,2,3", "0-2 TPAcrossPCIe", 4, 1, NULL, NULL},
    {"two groups, one of them broken", "4xH100-NVL down=2-3", "0,1,2,3", "2-3 TPAcrossPCIe", 2, 2,
     NULL, NULL},
    {"groups in another device order", "4xH100-NVL", "0,1,2,3", "0-2 TPAcrossPCIe", 2, 2, "0,2,1,3",
     NULL},
    {"GPUs beyond its group do not matter", "4xH100-NVL down=2-3", "0,1,2,3", "carries", 2, 1, NULL,
     NULL},
    {"a faulty GPU", "8xH100-SXM fault=1", "0,1", "0-1 GPUFault", 2, 1, NULL, NULL},
    {"behind NVSwitch", "8xH100-SXM", "1,6", "carries", 2, 1, NULL, NULL},
    {"a cordon is no damage", "4xH100-NVL", "0,1", "carries", 2, 1, NULL, "0,1"},
    {"... nor does it hide some", "4xH100-NVL down=0-1", "0,1", "0-1 TPAcrossPCIe", 2, 1, NULL,
     "0,1"},
};

static unsigned read_list(const char *text, struct pin_entry *out) {
    struct span rest = span_of(text);
    unsigned n = 0;
    while (rest.n) {
        uint32_t i = 0;
        if (span_u32(span_cut(&rest, ','), GPU_INDEX_MAX, &i)) {
            out[n++].index = (int16_t)i;
        }
    }
    return n;
}

static void judge(const struct row *r, const struct policy *policy, struct landed_case *c) {
    struct pin_entry gpu[GPU_MAX] = {0};
    struct pin_entry order[GPU_MAX] = {0};
    *c = (struct landed_case){.group = {.tp = (uint16_t)r->tp, .groups = (uint16_t)r->groups}};
    c->group.n_order = (uint8_t)(r->order ? read_list(r->order, order) : 0);
    for (unsigned i = 0; i < c->group.n_order; i++) {
        c->group.order[i] = (uint8_t)order[i].index;
    }
    if (!machine_build(&m, "gpu-a", r->line, policy)) {
        printf("Bail out! %s\n", r->line);
        return;
    }
    if (r->cordoned) {
        machine_cordon(&m, r->cordoned, policy);
    }
    unsigned n = read_list(r->gpus, gpu);
    landed_judge(&m.view, &c->group, gpu, n, policy, NOW, &c->landed);
    landed_describe(&m.view, c);
}

static const char *say(const struct landed_case *c) {
    static char text[96];
    struct buf b = BUF_OVER(text);
    if (!c->landed.known) {
        return "unknown";
    }
    if (c->landed.code == REASON_NONE) {
        return "carries";
    }
    buf_fmt(&b, "%s %s", c->at.bad, reason_row((enum reason)c->landed.code)->code);
    return text;
}

static void test_rows(void) {
    const struct policy policy = policy_default();
    struct landed_case c;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        judge(&rows[i], &policy, &c);
        is_str(say(&c), rows[i].said, rows[i].what);
    }
}

static void test_policy(void) {
    struct policy policy = policy_default();
    struct landed_case c;
    const struct row lanes = {"", "4xH100-NVL lanes=0-1:6", "0,1", "", 2, 1, NULL, NULL};
    policy.allow_degraded = true;
    judge(&lanes, &policy, &c);
    is_str(say(&c), "carries", "lanes are missing, and the policy allows it");
}

static void set_text(char *to, size_t cap, const char *text) {
    struct buf b = buf_over(to, cap);
    buf_reset(&b);
    buf_str(&b, text);
}

static void test_stale(void) {
    const struct policy policy = policy_default();
    struct tp_groups g = {.tp = 2, .groups = 1};
    const struct pin_entry gpu[] = {{.index = 0}, {.index = 1}};
    struct landed l;
    (void)machine_build(&m, "gpu-a", "4xH100-NVL down=0-1", &policy);
    set_text(m.topo.source, sizeof m.topo.source, "nvml");
    m.topo.observed_at = NOW - 10000;
    landed_judge(&m.view, &g, gpu, 2, &policy, NOW, &l);
    ok(!l.known, "a report that is too old says nothing");
    m.view.heartbeat_at = NOW - 5;
    landed_judge(&m.view, &g, gpu, 2, &policy, NOW, &l);
    is_int(l.code, REASON_TP_ACROSS_PCIE, "... until its agent is heard again");
}

static void test_uuids(void) {
    const struct policy policy = policy_default();
    struct tp_groups g = {.tp = 2, .groups = 1};
    struct pin_entry gpu[2] = {{.index = -1}, {.index = -1}};
    struct landed l;
    (void)machine_build(&m, "gpu-a", "4xH100-NVL down=0-1", &policy);
    set_text(gpu[0].uuid, sizeof gpu[0].uuid, m.topo.gpu[2].uuid);
    set_text(gpu[1].uuid, sizeof gpu[1].uuid, m.topo.gpu[3].uuid);
    landed_judge(&m.view, &g, gpu, 2, &policy, NOW, &l);
    ok(l.known && l.code == REASON_NONE, "GPUs by UUID");
    set_text(gpu[1].uuid, sizeof gpu[1].uuid, "MIG-1");
    landed_judge(&m.view, &g, gpu, 2, &policy, NOW, &l);
    ok(!l.known, "a slice is no GPU");
}

/* ---- sentences ---- */

static const struct cost_view price = {.known = true,
                                       .model_known = true,
                                       .layers = 64,
                                       .allreduces = 128,
                                       .line = {{0}, {64, 900, 2700}, {0}}};

static const char *sentence(const char *line, const char *gpus, unsigned tp, const char *free_on) {
    static char text[1001];
    struct buf b = BUF_OVER(text);
    const struct policy policy = policy_default();
    static struct decision d;
    static struct census asked;
    const struct row r = {"", line, gpus, "", tp, 1, NULL, NULL};
    struct landed_case c;
    judge(&r, &policy, &c);
    d.cost = price;
    asked = (struct census){.fits = free_on ? 1 : 0};
    asked.best.set = free_on != NULL;
    struct buf node = BUF_OVER(asked.best.name);
    struct buf set = BUF_OVER(asked.best.gpus);
    buf_str(&node, free_on ? free_on : "");
    buf_str(&set, free_on ? "2,3" : "");
    event_landed(&c, &d, &asked, &b);
    return text;
}

static void test_sentences(void) {
    is_str(sentence("4xH100-NVL down=0-1", "0,1", 2, "gpu-b"),
           "TP=2 runs on gpu-a GPUs 0,1: 0-1 down (0 of 12 lanes). Its 128 all-reduces per step at "
           "64 streams take about 2.7 ms across PCIe instead of 0.9 ms. Free and healthy now: "
           "gpu-b GPUs 2,3; deleted, the pod's successor is placed there. Look: nvidia-smi nvlink "
           "--status -i 0",
           "the bridge is down, and there is another place");
    is_str(sentence("4xL40S", "1,2", 2, NULL),
           "TP=2 runs on gpu-a GPUs 1,2: 1-2 has no NVLink. Its 128 all-reduces per step at 64 "
           "streams take about 2.7 ms across PCIe instead of 0.9 ms. No healthy set is free now: a "
           "successor would wait.",
           "no NVLink, and no other place");
    is_str(sentence("4xH100-NVL lanes=0-1:6", "0,1", 2, NULL),
           "TP=2 runs on gpu-a GPUs 0,1: 0-1 degraded (6 of 12 lanes). No healthy set is free now: "
           "a successor would wait. Look: nvidia-smi nvlink --status -i 0",
           "lanes are missing: nothing is said of PCIe");
    is_str(sentence("8xH100-SXM fault=1", "0,1", 2, NULL),
           "TP=2 runs on gpu-a GPUs 0,1: GPU 1 is faulty (Xid 79: fell off the bus). No healthy "
           "set is free now: a "
           "successor would wait. Look: nvidia-smi -q -i 1",
           "a faulty GPU");
}

int main(void) {
    test_rows();
    test_policy();
    test_stale();
    test_uuids();
    test_sentences();
    return tap_done();
}
