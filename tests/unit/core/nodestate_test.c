/* What a node shows of its wiring: every state with its labels and its sentence. */
#include "webhook/core/nodestate.h"

#include "tests/tap.h"
#include "tests/unit/core/machine.h"

#define NOW 2000

static struct policy policy;

static struct node_state state_of(const struct machine *m, const char *problem, int64_t now) {
    struct node_state s;
    node_state_of(&m->view, span_of(problem), &policy, now, &s);
    return s;
}

/* "degraded 2 True NVLinkDown" and the message. */
static void is_state(const struct node_state *s, const char *want, const char *message,
                     const char *what) {
    char got[128];
    (void)snprintf(got, sizeof got, "%s %s %s %s", s->nvlink,
                   s->nvlink_set[0] ? s->nvlink_set : "-", s->status, reason_row(s->reason)->code);
    is_str(got, want, what);
    is_str(s->message, message, what);
    size_t n = strlen(s->message);
    bool ascii = n <= NODE_MESSAGE_MAX;
    for (size_t i = 0; i < n; i++) {
        ascii = ascii && s->message[i] >= 0x20 && s->message[i] < 0x7F;
    }
    ok(ascii && s->concerns, "%s: one line of ASCII", what);
}

static const struct {
    const char *line;
    const char *cordoned;
    const char *want;
    const char *message;
} rows[] = {
    {"4xH100-NVL down=0-1", "", "degraded 2 True NVLinkDown",
     "GPUs 0-1: 0 of 12 lanes up. Largest healthy set: 2 GPUs (2,3)."},
    {"4xH100-NVL", "", "healthy 2 False NVLinkHealthy",
     "All NVLinks are up. Largest healthy set: 2 GPUs (0,1)."},
    {"4xH100-NVL bridges=none", "", "none 0 False NoNVLink", "These GPUs have no NVLink."},
    {"4xL40S", "", "none 0 False NoNVLink", "These GPUs have no NVLink."},
    {"4xL40S fault=1", "", "none 0 False NoNVLink", "These GPUs have no NVLink."},
    {"1xH100-SXM", "", "none 0 False NoNVLink", "There is one GPU, and no pair to link."},
    {"8xH100-SXM", "", "healthy 8 False NVLinkHealthy",
     "All NVLinks are up. Largest healthy set: 8 GPUs (0,1,2,3,4,5,6,7)."},
    {"4xH100-NVL down=0-1,2-3", "", "degraded 0 True NVLinkDown",
     "GPUs 0-1, 2-3: 0 of 12 lanes up. No healthy set."},
    {"4xH100-NVL lanes=0-1:8", "", "degraded 2 True NVLinkDegraded",
     "GPUs 0-1: 8 of 12 lanes up. Largest healthy set: 2 GPUs (2,3)."},
    {"4xH100-NVL down=2-3 lanes=0-1:8", "", "degraded 0 True NVLinkDown",
     "GPUs 2-3: 0 of 12 lanes up; 0-1: 8 of 12 lanes up. No healthy set."},
    {"4xH100-NVL asym=2-3:12/8", "", "degraded 2 True NVLinkAsymmetric",
     "GPUs 2-3: 12 lanes one way, 8 the other. Largest healthy set: 2 GPUs (0,1)."},
    {"8xH100-SXM fault=5", "", "degraded 7 True GPUFault",
     "GPU 5: Xid 79: fell off the bus. Largest healthy set: 7 GPUs (0,1,2,3,4,6,7)."},
    {"8xH100-SXM fabric=in-progress", "", "degraded 0 True FabricNotReady",
     "GPUs 0,1,2,3,4,5,6,7: NVSwitch fabric in-progress. No healthy set."},
    {"8xH100-SXM down=0-5,1-5,2-5,3-5,4-5,5-6,5-7", "", "degraded 7 True NVLinkDown",
     "GPUs 0-5, 1-5, 2-5, 3-5: 0 of 18 lanes up, and 3 more pairs. Largest healthy set: 7 GPUs "
     "(0,1,2,3,4,6,7)."},
    {"8xH100-SXM down=0-1,0-2,0-3,0-4,0-5", "", "degraded 7 True NVLinkDown",
     "GPUs 0-1, 0-2, 0-3, 0-4: 0 of 18 lanes up, and 1 more pair. Largest healthy set: 7 GPUs "
     "(1,2,3,4,5,6,7)."},
    {"72xGB200 down=0-1", "", "degraded 71 True NVLinkDown",
     "GPUs 0-1: 0 of 18 lanes up. Largest healthy set: 71 GPUs (0,2 to 71)."},
    {"4xH100-NVL", "0,1", "healthy 2 False NVLinkHealthy",
     "All NVLinks are up. Largest healthy set: 2 GPUs (2,3); cordoned: 0,1."},
    {"2xH100-NVL mig=1", "", "healthy 0 False NVLinkHealthy",
     "All NVLinks are up. No healthy set; MIG: 1."},
    {"4xH100-NVL unknown=0-1", "", "unknown 2 Unknown TopologyUnknown",
     "GPUs 0-1: wire not known. Largest healthy set: 2 GPUs (2,3)."},
    {"2xH100-NVL unknown=0-1", "", "unknown - Unknown TopologyUnknown",
     "GPUs 0-1: wire not known. No healthy set."},
    {"4xH100-NVL unknown=0-1 down=2-3", "", "degraded - True NVLinkDown",
     "GPUs 2-3: 0 of 12 lanes up. No healthy set."},
};

static void states(void) {
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct machine m;
        if (!ok(machine_build(&m, "n", rows[i].line, &policy), "%s is a machine", rows[i].line)) {
            continue;
        }
        machine_cordon(&m, rows[i].cordoned, &policy);
        struct node_state s = state_of(&m, "", NOW);
        is_state(&s, rows[i].want, rows[i].message, rows[i].line);
        struct node_state again = state_of(&m, "", NOW + 100);
        ok(memcmp(&s, &again, sizeof s) == 0 && s.readable, "%s: the same bytes later",
           rows[i].line);
    }
}

static void without_report(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "0", &policy), "a node without GPUs");
    struct node_state s = state_of(&m, "", NOW);
    struct node_state nothing = {0};
    ok(memcmp(&s, &nothing, sizeof s) == 0, "shows nothing");
    ok(machine_build(&m, "n", "4", &policy), "GPUs without a report");
    s = state_of(&m, "", NOW);
    is_state(&s, "unknown - Unknown TopologyUnknown",
             "Nobody has reported the wiring of these GPUs: run the agent, or annotate the node "
             "with what `nvidia-smi topo -m` prints.",
             "GPUs without a report");
    m.view.topo_state = NODE_TOPO_INVALID;
    s = state_of(&m, "tpguard.io/topology: gpus[2]: not an object\n\xC3\xA4", NOW);
    is_state(&s, "unknown - Unknown TopologyInvalid",
             "The report of the GPU wiring cannot be read: tpguard.io/topology: gpus[2]: not an "
             "object???.",
             "a report that cannot be read");
    char longest[641];
    memset(longest, 'x', sizeof longest - 1);
    longest[640] = '\0';
    s = state_of(&m, longest, NOW);
    ok(strlen(s.message) <= NODE_MESSAGE_MAX && strstr(s.message, "xxx..."), "a long one is cut");
    m.view.gpus = 0;
    ok(state_of(&m, "", NOW).concerns, "an annotation makes a GPU node, whatever is counted");
}

static void by_time(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "a report with a heartbeat");
    struct buf source = BUF_OVER(m.topo.source);
    buf_str(&source, "nvml");
    m.topo.observed_at = 1000;
    ok(state_of(&m, "", 1600).readable, "600 s old is fresh");
    struct node_state s = state_of(&m, "", 1601);
    is_state(&s, "unknown - Unknown TopologyStale",
             "The last report of the GPU wiring is older than 600 s: is the agent running?",
             "601 s is not");
    ok(!s.readable && node_valid_until(&m.view, &policy) == 1601, "as was said in advance");
}

static void by_policy(void) {
    static struct machine m;
    policy.allow_degraded = true;
    ok(machine_build(&m, "n", "4xH100-NVL lanes=0-1:8 down=2-3", &policy), "degraded may serve");
    struct node_state s = state_of(&m, "", NOW);
    is_state(&s, "degraded 2 True NVLinkDown",
             "GPUs 2-3: 0 of 12 lanes up; 0-1: 8 of 12 lanes up. Largest allowed set: 2 GPUs "
             "(0,1).",
             "the set is what the filter would give");
    policy = policy_default();
}

/* What is free now, worked out with the pods of the node. */
static const struct {
    const char *line;
    const char *busy;
    const char *planned;
    unsigned unseen; /* GPUs taken by pods that nobody described */
    const char *want;
} free_rows[] = {
    {"4xH100-NVL down=0-1", "", "", 0, "2 2"},
    {"4xH100-NVL down=0-1", "2,3", "", 0, "0 2"},
    {"4xH100-NVL down=0-1", "2", "", 0, "0 3"},
    {"4xH100-NVL down=0-1", "", "2,3", 0, "0 2"},
    {"4xH100-NVL down=0-1", "", "", 1, "0 1"},
    {"4xH100-NVL down=0-1", "", "", 2, "0 0"},
    {"4xH100-NVL", "0,1", "", 0, "2 0"},
    {"4xH100-NVL", "0", "", 0, "2 1"},
    {"4xH100-NVL", "", "", 1, "2 0"},
    {"4xH100-NVL", "0,1,2,3", "", 0, "0 0"},
    {"8xH100-SXM", "", "", 0, "8 0"},
    {"8xH100-SXM", "0,1,2", "", 0, "5 0"},
    {"8xH100-SXM", "", "", 3, "5 0"},
    {"8xH100-SXM", "0,1,2,3,4,5,6", "", 0, "0 1"},
    {"8xH100-SXM fabric=in-progress", "", "", 0, "0 8"},
    {"4xL40S", "", "", 0, "0 4"},
    {"4xL40S", "0,3", "", 0, "0 2"},
    {"72xGB200", "", "", 0, "72 0"},
    {"72xGB200", "", "", 1, "71 0"},
    {"72xGB200 asym=2-3:18/8", "", "", 0, "0 0"},
    {"4xH100-NVL asym=2-3:12/8", "", "", 0, "0 2"},
    {"4xH100-NVL asym=2-3:12/0", "", "", 0, "0 2"},
    {"4xH100-NVL asym=2-3:9/8", "", "", 0, "2 2"},
    {"4xH100-NVL unknown=0-1", "", "", 0, "2 -"},
    {"4xH100-NVL unknown=0-1", "2,3", "", 0, "- -"},
    {"4xH100-NVL unknown=0-1", "1,2,3", "", 0, "0 1"},
    {"4", "", "", 0, "- -"},
};

static const char *free_text(const struct node_state *s, char out[static 32]) {
    (void)snprintf(out, 32, "%s %s", s->nvlink_free[0] ? s->nvlink_free : "-",
                   s->stranded[0] ? s->stranded : "-");
    return out;
}

static void what_is_free(void) {
    char got[32];
    char what[128];
    for (unsigned i = 0; i < sizeof free_rows / sizeof *free_rows; i++) {
        static struct machine m;
        ok(machine_build(&m, "n", free_rows[i].line, &policy), "%s", free_rows[i].line);
        machine_take(&m, free_rows[i].busy);
        m.view.planned = gpus_of(free_rows[i].planned);
        m.view.used += gpuset_count(m.view.planned) + free_rows[i].unseen;
        if (!gpuset_empty(m.view.planned)) {
            m.view.pending = (struct fit_pending){{2}, 1};
        }
        struct node_state s = state_of(&m, "", NOW);
        (void)snprintf(what, sizeof what, "%s, busy '%s', planned '%s', %u more", free_rows[i].line,
                       free_rows[i].busy, free_rows[i].planned, free_rows[i].unseen);
        is_str(free_text(&s, got), free_rows[i].want, what);
    }
}

static void free_by_policy(void) {
    static struct machine m;
    char got[32];
    ok(machine_build(&m, "n", "4xH100-NVL unknown=0-1,2-3", &policy), "wires that nobody knows");
    policy.unknown_topology = UNKNOWN_ALLOW;
    struct node_state s = state_of(&m, "", NOW);
    is_str(free_text(&s, got), "- -", "what the policy waves through is not certain");
    policy = policy_default();
    ok(machine_build(&m, "n", "4xH100-NVL", &policy), "two pairs");
    policy.scheduler_name = SPAN("tpguard-scheduler");
    s = state_of(&m, "", NOW);
    is_str(free_text(&s, got), "- -", "with a scheduler of ours nothing of it is shown");
    policy = policy_default();
    policy.rewrites = 0;
    s = state_of(&m, "", NOW);
    is_str(free_text(&s, got), "- -", "nor where no pod would be steered");
    policy = policy_default();
}

/* The longest there is: every part at its largest. */
static void longest(void) {
    static struct machine m;
    ok(machine_build(&m, "n", "72xGB200 fault=0,2,4,6", &policy), "faults with long texts");
    for (unsigned i = 0; i < 8; i++) {
        memset(m.topo.gpu[i].fault, i % 2 ? 0 : 'F', GPU_FAULT_MAX); /* no NUL at its end */
    }
    for (unsigned i = 10; i < 72; i++) {
        m.topo.gpu[i].index = (uint16_t)(i * 14);
        m.topo.gpu[i].fabric = i % 2 ? FABRIC_IN_PROGRESS : FABRIC_COMPLETED;
        topo_set_wire(&m.topo, i, 9, WIRE_NVLINK, i % 18);
        m.topo.gpu[i].mig = i % 3 ? TRI_NO : TRI_YES;
    }
    machine_cordon(&m, "7,9,11,13", &policy);
    struct node_state s = state_of(&m, "", NOW);
    ok(strlen(s.message) <= NODE_MESSAGE_MAX && strlen(s.message) > 300, "is cut: %zu bytes",
       strlen(s.message));
    is_str(reason_row(s.reason)->code, "GPUFault", "the fault tells most");
    ok(strstr(s.message, "and 2 more") != NULL, "%s", s.message);
}

int main(void) {
    policy = policy_default();
    states();
    without_report();
    by_time();
    by_policy();
    what_is_free();
    free_by_policy();
    longest();
    return tap_done();
}
