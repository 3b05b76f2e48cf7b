#include "webhook/core/gate.h"

#include "tests/tap.h"

static struct gate g;
static struct policy policy;

static struct decision said(enum verdict v, enum reason code, bool allowed, const char *line) {
    struct decision d = {.verdict = v, .code = code, .allowed = allowed};
    if (line) {
        (void)snprintf(d.warning[d.n_warnings++], sizeof d.warning[0], "tpguard: %s (%s)", line,
                       reason_row(code)->code);
    }
    if (!allowed) {
        (void)snprintf(d.message, sizeof d.message, "%s is why (%s)", line, reason_row(code)->code);
    }
    return d;
}

static void add(const char *role, const struct decision *d) {
    static struct decision plain;
    plain = *d;
    plain.allowed = true;
    const struct gate_in in = {
        .role = span_of(role), .policy = &policy, .decision = d, .plain = &plain};
    gate_add(&g, &in);
}

static void begin(unsigned templates, enum mode mode, enum workloads w) {
    policy = policy_default();
    policy.mode = mode;
    policy.workloads = w;
    gate_begin(&g, templates);
}

static const char *line(unsigned i) {
    static char text[128];
    (void)snprintf(text, sizeof text, "none");
    if (i < gate_lines(&g)) {
        gate_line_text(&g, i, text);
    }
    return text;
}

#define DENIED said(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, false, "pinned to GPUs 0,1")
#define WAITS  said(VERDICT_WAIT, REASON_NVLINK_SET_BUSY, true, "all sets are in use")
#define FINE   said(VERDICT_ALLOW, REASON_NONE, true, NULL)

static void one(void) {
    struct decision d = DENIED;
    begin(1, MODE_ENFORCE, WORKLOADS_WARN);
    add("", &d);
    ok(!g.denied && g.verdict == VERDICT_DENY && g.code == REASON_PINNED_ACROSS_PCIE &&
           g.judged == 1,
       "a workload whose pods are denied is let through");
    is_str(line(0),
           "tpguard: its pods will be denied, tpguard explain -f FILE says what to do "
           "(PinnedAcrossPCIe)",
           "with what will happen");
    is_str(line(1), "tpguard: pinned to GPUs 0,1 (PinnedAcrossPCIe)", "and why");
    is_str(line(2), "none", "and no more");
    begin(1, MODE_ENFORCE, WORKLOADS_DENY);
    add("", &d);
    ok(g.denied && gate_lines(&g) == 0, "where the policy says so it is denied, without lines");
    is_str(g.message, "pinned to GPUs 0,1 is why (PinnedAcrossPCIe)", "in the words of the pods");
    d.allowed = true;
    begin(1, MODE_WARN, WORKLOADS_DENY);
    add("", &d);
    ok(!g.denied && gate_lines(&g) == 1, "in mode warn nothing is denied, there or later");
    begin(1, MODE_AUDIT, WORKLOADS_DENY);
    add("", &d);
    ok(!g.denied && gate_lines(&g) == 0 && g.verdict == VERDICT_DENY && g.judged == 1,
       "in mode audit it is only recorded");
    d = said(VERDICT_ALLOW, REASON_IGNORED, true, NULL);
    begin(1, MODE_ENFORCE, WORKLOADS_DENY);
    add("", &d);
    ok(g.judged == 0 && gate_lines(&g) == 0, "what is left alone counts for nothing");
}

static void several(void) {
    struct decision denied = DENIED;
    struct decision waits = WAITS;
    struct decision fine = FINE;
    begin(3, MODE_ENFORCE, WORKLOADS_WARN);
    add("head", &fine);
    add("decode", &waits);
    add("prefill", &denied);
    ok(g.verdict == VERDICT_DENY && g.worst == 2 && g.judged == 3, "the worst template counts");
    is_str(line(0), "tpguard: decode: all sets are in use (NVLinkSetBusy)", "lines say whose");
    is_str(line(2), "tpguard: prefill: pinned to GPUs 0,1 (PinnedAcrossPCIe)", "each of them");
    begin(2, MODE_ENFORCE, WORKLOADS_WARN);
    add("leader", &waits);
    add("worker", &waits);
    ok(gate_lines(&g) == 1, "the same line is said once");
    is_str(line(0), "tpguard: all sets are in use (NVLinkSetBusy)", "for both");
    begin(2, MODE_ENFORCE, WORKLOADS_DENY);
    add("leader", &waits);
    add("worker", &denied);
    add("third", &denied);
    is_str(g.message, "worker: pinned to GPUs 0,1 is why (PinnedAcrossPCIe)",
           "a denial is the first one's and says whose");
    memset(denied.message, 'm', sizeof denied.message - 1);
    begin(2, MODE_ENFORCE, WORKLOADS_DENY);
    add("worker", &denied);
    is_str(g.message, denied.message, "where there is no room for the name, nothing else is cut");
    begin(2, MODE_ENFORCE, WORKLOADS_WARN);
    add("r\x1b[1m\xc3\xa9 and a name that never ends", &waits);
    ok(strncmp(line(0), "tpguard: r?[1m?? and a name", 27) == 0, "names of others are cleaned");
}

static void long_lines(void) {
    struct decision d =
        said(VERDICT_WAIT, REASON_NVLINK_SET_BUSY, true,
             "TP=2 waits: every healthy NVLink set of 2 GPUs is in use, and that is "
             "said at length");
    begin(2, MODE_ENFORCE, WORKLOADS_WARN);
    add("a-long-role-name", &d);
    is_str(line(0),
           "tpguard: a-long-role-name: TP=2 waits: every healthy NVLink set of 2 GPUs is in use "
           "(NVLinkSetBusy)",
           "a line that has become too long ends at a comma and keeps its code");
    (void)snprintf(d.warning[0], sizeof d.warning[0], "tpguard: %0100d (%s)", 0, "NVLinkSetBusy");
    begin(2, MODE_ENFORCE, WORKLOADS_WARN);
    add("role", &d);
    ok(strlen(line(0)) <= 120 && strstr(line(0), "0 (NVLinkSetBusy)"), "at 120 characters anyhow");
    (void)snprintf(d.warning[0], sizeof d.warning[0], "tpguard: %0110d", 0);
    begin(2, MODE_ENFORCE, WORKLOADS_WARN);
    add("role", &d);
    ok(strlen(line(0)) <= 120, "a line without a code as well");
}

static void many(void) {
    begin(64, MODE_ENFORCE, WORKLOADS_WARN);
    for (unsigned i = 0; i < 64; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "line %u", i);
        struct decision d = said(VERDICT_WAIT, REASON_GPUS_BUSY, true, text);
        add("r", &d);
    }
    ok(gate_lines(&g) == GATE_LINES_MAX, "there are at most 16 lines");
    is_str(line(15), "tpguard: and 49 more lines: tpguard explain -f FILE shows all",
           "the last one says how many are missing");
}

static void untold(void) {
    begin(0, MODE_ENFORCE, WORKLOADS_DENY);
    gate_untold(&g, &policy);
    ok(!g.denied && g.verdict == VERDICT_UNKNOWN && g.code == REASON_TP_UNKNOWN && g.judged == 1,
       "a kind without pods is unknown");
    ok(strlen(line(0)) <= 120 && strstr(line(0), "(TPUnknown)"), "and said to be");
    begin(0, MODE_AUDIT, WORKLOADS_WARN);
    gate_untold(&g, &policy);
    ok(gate_lines(&g) == 0 && g.judged == 1, "mode audit: recorded");
    begin(0, MODE_OFF, WORKLOADS_WARN);
    gate_untold(&g, &policy);
    ok(gate_lines(&g) == 0 && g.judged == 0, "mode off: nothing");
}

int main(void) {
    one();
    several();
    long_lines();
    many();
    untold();
    return tap_done();
}
