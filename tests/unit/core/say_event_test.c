/* The words of tpguard's own Events on pods. */
#include "webhook/core/say_event.h"

#include "machine.h"
#include "tests/tap.h"

static const char *reserved_text(const struct reserved *r) {
    static char text[1024];
    struct buf b = BUF_OVER(text);
    event_reserved(r, &b);
    return text;
}

struct reserved_row {
    const char *what;
    const char *machine;
    const char *busy;
    const char *planned;
    unsigned pending; /* GPUs of one pod that nobody reported */
    const char *set;
    unsigned tp, groups;
    bool plugin, degraded;
    const char *want;
};

static const struct reserved_row reserved_rows[] = {
    {"the worked example", "4xH100-NVL down=0-1", "", "", 0, "2,3", 2, 1, true, false,
     "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. Left on the node: 0,1 for TP=1 "
     "(bridge down)."},
    {"another pair is free, and the plugin may take it", "4xH100-NVL", "", "", 0, "0,1", 2, 1, true,
     false,
     "TP=2 on gpu-a GPUs 0,1: NVLink healthy, 12 of 12 lanes (the device plugin may take another "
     "healthy set). Left on the node: an NVLink pair."},
    {"in exact mode it may not", "4xH100-NVL", "", "", 0, "0,1", 2, 1, false, false,
     "TP=2 on gpu-a GPUs 0,1: NVLink healthy, 12 of 12 lanes. Left on the node: an NVLink pair."},
    {"nothing is left", "4xH100-NVL", "0,1", "", 0, "2,3", 2, 1, true, false,
     "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. No usable GPU is left free on the "
     "node."},
    {"one half of a pair is left", "4xH100-NVL", "0", "", 0, "2,3", 2, 1, true, false,
     "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. Left on the node: 1 for TP=1."},
    {"two groups", "8xH100-SXM", "", "", 0, "0,1,2,3", 2, 2, false, false,
     "2 x TP=2 on gpu-a GPUs 0,1,2,3: NVLink healthy, 18 of 18 lanes. Left on the node: an NVLink "
     "set of 4 GPUs."},
    {"pods nobody reported: what is left cannot be told", "8xH100-SXM", "", "", 2, "0,1", 2, 1,
     false, false, "TP=2 on gpu-a GPUs 0,1: NVLink healthy, 18 of 18 lanes."},
    {"... but those with a set of their own", "4xH100-NVL", "", "0,1", 2, "2,3", 2, 1, true, false,
     "TP=2 on gpu-a GPUs 2,3: NVLink healthy, 12 of 12 lanes. No usable GPU is left free on the "
     "node."},
};

static void reserved(void) {
    for (size_t i = 0; i < sizeof reserved_rows / sizeof *reserved_rows; i++) {
        const struct reserved_row *row = &reserved_rows[i];
        struct policy policy = policy_default();
        struct machine m;
        struct set_view v;
        policy.allow_degraded = row->degraded;
        if (!ok(machine_build(&m, "gpu-a", row->machine, &policy), "%s", row->machine)) {
            continue;
        }
        machine_take(&m, row->busy);
        m.view.planned = gpus_of(row->planned);
        if (row->pending) {
            m.view.pending = (struct fit_pending){.size = {(unsigned char)row->pending}, .n = 1};
        }
        set_view_of(&m.view, gpus_of(row->set), &v);
        const struct reserved r = {.tp = (uint16_t)row->tp,
                                   .groups = (uint16_t)row->groups,
                                   .plugin = row->plugin,
                                   .node = "gpu-a",
                                   .gpus = row->set,
                                   .set = &v};
        is_str(reserved_text(&r), row->want, row->what);
    }
}

static void unknown_wiring(void) {
    struct policy policy = policy_default();
    struct machine m;
    struct set_view v;
    (void)machine_build(&m, "gpu-a", "4", &policy);
    set_view_of(&m.view, gpuset_none(), &v);
    const struct reserved r = {.tp = 2, .groups = 1, .node = "gpu-a", .gpus = "2,3", .set = &v};
    is_str(reserved_text(&r), "TP=2 on gpu-a GPUs 2,3.", "wiring unknown: nothing is claimed");
}

static void lanes(void) {
    struct set_view v = {.known = true, .lanes = 10, .expected = 12};
    struct reserved r = {.tp = 2, .groups = 1, .node = "n", .gpus = "0,1", .set = &v};
    is_str(reserved_text(&r), "TP=2 on n GPUs 0,1: NVLink degraded, 10 of 12 lanes.",
           "a degraded set is called that");
    v.expected = EXPECTED_UNKNOWN;
    v.lanes = 1;
    is_str(reserved_text(&r), "TP=2 on n GPUs 0,1: NVLink healthy, 1 lane.",
           "no expectation, no \"of\"");
    v.left_known = true;
    v.nvswitch = true;
    v.left_set = 4;
    v.stranded_state = PAIR_DOWN;
    memcpy(v.stranded, "6,7", 4);
    is_str(reserved_text(&r),
           "TP=2 on n GPUs 0,1: NVLink healthy, 1 lane. Left on the node: an NVLink set of 4 GPUs, "
           "and 6,7 for TP=1 (links down).",
           "a set and singles");
    v.stranded_state = PAIR_DEGRADED;
    v.left_set = 0;
    is_str(reserved_text(&r),
           "TP=2 on n GPUs 0,1: NVLink healthy, 1 lane. Left on the node: 6,7 for TP=1 (lanes "
           "missing).",
           "singles for want of lanes");
}

static void said(struct decision *d, enum reason code, const char *text) {
    struct buf b = BUF_OVER(d->reason[0].sentence);
    d->n_reasons = 1;
    d->reason[0].code = (uint8_t)code;
    buf_str(&b, text);
}

static void waiting(void) {
    struct decision d = {.cost = {.known = true,
                                  .model_known = true,
                                  .layers = 64,
                                  .allreduces = 128,
                                  .line = {{1, 600, 610}, {64, 900, 2700}, {8192, 45000, 294000}}}};
    char text[1024];
    struct buf b = BUF_OVER(text);
    said(&d, REASON_NVLINK_SET_BUSY, "TP=2 waits.");
    event_waiting(&d, &b);
    is_str(text,
           "TP=2 waits. Across PCIe its 128 all-reduces per step at 64 streams would take about "
           "2.7 ms instead of 0.9 ms.",
           "the sentence, and what the wait saves");
    buf_reset(&b);
    d.cost.model_known = false;
    d.cost.layers = 80;
    event_waiting(&d, &b);
    is_str(text,
           "TP=2 waits. Across PCIe the all-reduces of a step at 64 streams would take about 2.7 "
           "ms instead of 0.9 ms (reckoned for 80 layers).",
           "of an unknown model a typical one's, and said so");
    buf_reset(&b);
    d.cost.known = false;
    event_waiting(&d, &b);
    is_str(text, "TP=2 waits.", "no figures where there are none");
    buf_reset(&b);
    d.cost.known = true;
    said(&d, REASON_HEADS_NOT_DIVISIBLE, "It refuses to start.");
    event_waiting(&d, &b);
    is_str(text, "It refuses to start.", "nor where the wire is not the matter");
}

static void when(void) {
    static const struct {
        const char *what;
        enum verdict verdict;
        unsigned tp, fits;
        bool pinned, want;
    } rows[] = {
        {"waits for a set", VERDICT_WAIT, 2, 0, false, true},
        {"cannot be told", VERDICT_UNKNOWN, 2, 0, false, true},
        {"a node fits", VERDICT_WAIT, 2, 1, false, false},
        {"passes unread", VERDICT_UNKNOWN, 2, 1, false, false},
        {"allowed", VERDICT_ALLOW, 2, 0, false, false},
        {"only worth a warning", VERDICT_WARN, 2, 0, false, false},
        {"denied, whatever fits", VERDICT_DENY, 2, 1, false, true},
        {"no TP group", VERDICT_WAIT, 1, 0, false, false},
        {"no TP group, but a pin", VERDICT_WAIT, 1, 0, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decision d = {.verdict = rows[i].verdict, .n_reasons = 1};
        struct shape s = shape_tp(rows[i].tp, 1);
        struct census c = {.fits = rows[i].fits};
        s.pinned = rows[i].pinned;
        ok(event_waits(&s, &c, &d) == rows[i].want, "%s: %s", rows[i].what,
           rows[i].want ? "told" : "not told");
        d.n_reasons = 0;
        ok(!event_waits(&s, &c, &d), "... without a reason: nothing");
    }
}

int main(void) {
    reserved();
    unknown_wiring();
    lanes();
    waiting();
    when();
    return tap_done();
}
