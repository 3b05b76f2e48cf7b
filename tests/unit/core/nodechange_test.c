/* The events of a change: two machines after each other, and what is said after a restart. */
#include "webhook/core/nodechange.h"

#include <stdlib.h>

#include "tests/tap.h"
#include "tests/unit/core/machine.h"

#define NOW 2000

static struct policy policy;
static struct node_event events[NODE_EVENTS_MAX];

static struct node_pairs *pairs_of(const struct machine *m) {
    struct node_pairs *p = malloc(node_pairs_size(m->view.topo->n));
    if (!p) {
        printf("Bail out! no memory\n");
        exit(2);
    }
    node_pairs_of(&m->view, p);
    return p;
}

/* "NVLinkDown: GPUs 0-1: ..." lines. */
static const char *said(unsigned n) {
    static char text[NODE_EVENTS_MAX * (NODE_EVENT_MAX + 64)];
    struct buf b = BUF_OVER(text);
    buf_str(&b, "");
    text[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        const struct reason_row *row = reason_row(events[i].code);
        buf_fmt(&b, "%s%s%s: %s", i ? "\n" : "", row->code, row->warning ? "!" : "",
                events[i].message);
    }
    return text;
}

static void build(struct machine *m, const char *line) {
    if (!machine_build(m, "n", line, &policy)) {
        printf("Bail out! %s\n", line);
        exit(2);
    }
}

/* Both readable, the earlier one in memory. */
static const char *between(const char *was, const char *is) {
    static struct machine a;
    static struct machine b;
    struct node_state sa;
    struct node_state sb;
    build(&a, was);
    build(&b, is);
    struct node_pairs *before = pairs_of(&a);
    node_state_of(&a.view, SPAN(""), &policy, NOW, &sa);
    node_state_of(&b.view, SPAN(""), &policy, NOW, &sb);
    struct node_before known = {.pairs = before,
                                .said = (uint8_t)node_said_of(span_of(sa.status)),
                                .reason = sa.reason,
                                .same_message = strcmp(sa.message, sb.message) == 0};
    unsigned n = node_events_of(&b.view, &sb, &policy, &known, events);
    free(before);
    return said(n);
}

#define DOWN_TAIL                                                                                  \
    " TP groups keep off the pair, TP=1 may use it. Look: nvidia-smi nvlink --status -i "
#define DOWN_TAILS                                                                                 \
    " TP groups keep off these pairs, TP=1 may use them. Look: nvidia-smi nvlink --status -i "

static const struct {
    const char *was;
    const char *is;
    const char *want;
} rows[] = {
    {"4xH100-NVL", "4xH100-NVL", ""},
    {"4xH100-NVL", "4xH100-NVL down=0-1", "NVLinkDown!: GPUs 0-1: 12 lanes -> 0." DOWN_TAIL "0"},
    {"4xH100-NVL", "4xH100-NVL lanes=2-3:6",
     "NVLinkDegraded!: GPUs 2-3: 12 lanes -> 6." DOWN_TAIL "2"},
    {"4xH100-NVL down=0-1", "4xH100-NVL", "NVLinkUp: GPUs 0-1: 0 lanes -> 12."},
    {"4xH100-NVL lanes=0-1:6 down=2-3", "4xH100-NVL",
     "NVLinkUp: GPUs 0-1: 6 lanes -> 12; 2-3: 0 lanes -> 12."},
    {"4xH100-NVL", "4xH100-NVL down=0-1,2-3",
     "NVLinkDown!: GPUs 0-1, 2-3: 12 lanes -> 0." DOWN_TAILS "0"},
    {"4xH100-NVL lanes=0-1:4", "4xH100-NVL down=0-1,2-3",
     "NVLinkDown!: GPUs 0-1: 4 lanes -> 0; 2-3: 12 lanes -> 0." DOWN_TAILS "0"},
    {"4xH100-NVL down=0-1", "4xH100-NVL down=2-3",
     "NVLinkDown!: GPUs 2-3: 12 lanes -> 0." DOWN_TAIL "2\n"
     "NVLinkUp: GPUs 0-1: 0 lanes -> 12."},
    {"4xH100-NVL down=0-1", "4xH100-NVL lanes=0-1:8",
     "NVLinkDegraded!: GPUs 0-1: 0 lanes -> 8." DOWN_TAIL "0"},
    {"4xH100-NVL", "4xH100-NVL bridges=2-3", "NVLinkDown!: GPUs 0-1: 12 lanes -> 0." DOWN_TAIL "0"},
    {"4xH100-NVL bridges=2-3", "4xH100-NVL", "NVLinkUp: GPUs 0-1: 0 lanes -> 12."},
    {"4xH100-NVL down=0-1", "4xH100-NVL bridges=2-3", ""},
    {"4xH100-NVL", "4xH100-NVL unknown=0-1", ""},
    {"4xH100-NVL unknown=0-1", "4xH100-NVL", ""},
    {"4xH100-NVL unknown=0-1", "4xH100-NVL down=0-1",
     "NVLinkDown!: GPUs 0-1: 12 lanes -> 0." DOWN_TAIL "0"},
    {"4xH100-NVL", "4xH100-NVL asym=2-3:12/8",
     "NVLinkAsymmetric!: GPUs 2-3: 12 lanes one way, 8 the other. TP groups keep off the pair, "
     "TP=1 may use it. Look: nvidia-smi nvlink --status -i 2"},
    {"4xH100-NVL", "4xH100-NVL asym=2-3:12/0",
     "NVLinkAsymmetric!: GPUs 2-3: 12 lanes one way, 0 the other. TP groups keep off the pair, "
     "TP=1 may use it. NVLink one way only ends the stock device plugin when a pod asks for "
     "several GPUs: the node gets none of these pods. Look: nvidia-smi nvlink --status -i 2"},
    {"8xH100-SXM", "8xH100-SXM down=0-1,0-2,0-3,0-4,0-5,0-6,0-7",
     "NVLinkDown!: GPUs 0-1, 0-2, 0-3, 0-4, 0-5, 0-6: 18 lanes -> 0, and 1 more "
     "pair." DOWN_TAILS "0"},
    {"8xH100-SXM", "8xH100-SXM fault=3",
     "GPUFault!: GPU 3: Xid 79: fell off the bus. TP groups keep off it. Look: nvidia-smi -q "
     "-i 3"},
    {"8xH100-SXM fault=3", "8xH100-SXM", "GPUReady: GPU 3: no fault any more."},
    {"8xH100-SXM fabric=failed", "8xH100-SXM",
     "GPUReady: GPUs 0,1,2,3,4,5,6,7: the NVSwitch fabric does not hold them back any more."},
    {"8xH100-SXM", "8xH100-SXM fabric=in-progress",
     "FabricNotReady!: GPUs 0,1,2,3,4,5,6,7: NVSwitch fabric in-progress, NVLink carries "
     "nothing. TP groups keep off them. Look: nvidia-smi -q -i 0"},
    {"8xH100-SXM", "8xH100-SXM mig=3", ""},
    {"8xH100-SXM", "8xH100-SXM fault=1,2,3,4,5",
     "GPUFault!: GPU 1: Xid 79: fell off the bus; GPU 2: Xid 79: fell off the bus; GPU 3: Xid "
     "79: fell off the bus; and 2 more. TP groups "
     "keep off them. Look: nvidia-smi -q -i 1"},
    /* other GPUs: only what they lack is said */
    {"4xH100-NVL", "2xH100-NVL", ""},
    {"2xH100-NVL", "4xH100-NVL down=2-3", "NVLinkDown!: GPUs 2-3: 12 lanes -> 0." DOWN_TAIL "2"},
};

static void changes(void) {
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char what[128];
        (void)snprintf(what, sizeof what, "%s, then %s", rows[i].was, rows[i].is);
        is_str(between(rows[i].was, rows[i].is), rows[i].want, what);
    }
    policy.allow_degraded = true;
    is_str(between("2xH100-NVL", "2xH100-NVL lanes=0-1:6"),
           "NVLinkDegraded!: GPUs 0-1: 12 lanes -> 6. By policy TP groups may use the pair, as the "
           "last choice. Look: nvidia-smi nvlink --status -i 0",
           "by policy");
    policy = policy_default();
}

/* Nothing in memory: what the Node shows says what is news. */
static void after_restart(void) {
    static const struct {
        const char *is;
        const char *said;
        enum reason reason;
        bool same;
        const char *want;
    } shown[] = {
        {"4xH100-NVL down=0-1", "True", REASON_NVLINK_DOWN, true, ""},
        {"4xH100-NVL down=0-1", "True", REASON_NVLINK_DOWN, false,
         "NVLinkDown!: GPUs 0-1: 12 lanes -> 0." DOWN_TAIL "0"},
        {"4xH100-NVL down=0-1", "False", REASON_NVLINK_HEALTHY, false,
         "NVLinkDown!: GPUs 0-1: 12 lanes -> 0." DOWN_TAIL "0"},
        {"4xH100-NVL lanes=0-1:3", "", REASON_NONE, false,
         "NVLinkDegraded!: GPUs 0-1: 12 lanes -> 3." DOWN_TAIL "0"},
        {"4xH100-NVL", "True", REASON_NVLINK_DOWN, false,
         "NVLinkUp: All NVLinks are up. Largest healthy set: 2 GPUs (0,1)."},
        {"4xH100-NVL", "False", REASON_NVLINK_HEALTHY, true, ""},
        {"4xH100-NVL", "False", REASON_NO_NVLINK, false, ""},
        {"4xH100-NVL", "", REASON_NONE, false, ""},
        {"4xH100-NVL", "Unknown", REASON_TOPOLOGY_UNKNOWN, false, ""},
        {"4xH100-NVL", "Unknown", REASON_TOPOLOGY_STALE, false,
         "TopologyKnown: The report of the GPU wiring can be used again. All NVLinks are up. "
         "Largest healthy set: 2 GPUs (0,1)."},
        {"4xH100-NVL", "Maybe", REASON_TOPOLOGY_STALE, false, ""},
        {"2xH100-NVL down=0-1", "Unknown", REASON_TOPOLOGY_INVALID, false,
         "TopologyKnown: The report of the GPU wiring can be used again. GPUs 0-1: 0 of 12 lanes "
         "up. No healthy set.\n"
         "NVLinkDown!: GPUs 0-1: 12 lanes -> 0." DOWN_TAIL "0"},
        {"4", "", REASON_NONE, false, ""},
        {"0", "True", REASON_NVLINK_DOWN, false, ""},
        {"4", "Unknown", REASON_TOPOLOGY_UNKNOWN, true, ""},
        {"4", "False", REASON_NVLINK_HEALTHY, false,
         "TopologyUnknown!: Nobody has reported the wiring of these GPUs: run the agent, or "
         "annotate the node with what `nvidia-smi topo -m` prints. TP groups keep off the node."},
    };
    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++) {
        static struct machine m;
        struct node_state s;
        build(&m, shown[i].is);
        node_state_of(&m.view, SPAN(""), &policy, NOW, &s);
        struct node_before before = {.said = (uint8_t)node_said_of(span_of(shown[i].said)),
                                     .reason = shown[i].reason,
                                     .same_message = shown[i].same};
        char what[128];
        (void)snprintf(what, sizeof what, "%s where the node shows %s (%s)", shown[i].is,
                       shown[i].said, reason_row(shown[i].reason)->code);
        is_str(said(node_events_of(&m.view, &s, &policy, &before, events)), shown[i].want, what);
    }
}

/* Readable, stale, readable again: what happened meanwhile is told against the last known pairs. */
static void through_the_dark(void) {
    static struct machine m;
    static struct machine later;
    struct node_state s;
    build(&m, "4xH100-NVL");
    struct node_pairs *kept = pairs_of(&m);
    m.view.topo_state = NODE_TOPO_INVALID;
    node_state_of(&m.view, SPAN("gpus: not a list"), &policy, NOW, &s);
    struct node_before before = {
        .pairs = kept, .said = NODE_SAID_FALSE, .reason = REASON_NVLINK_HEALTHY};
    is_str(said(node_events_of(&m.view, &s, &policy, &before, events)),
           "TopologyInvalid!: The report of the GPU wiring cannot be read: gpus: not a list. TP "
           "groups keep off the node.",
           "a report that cannot be read");
    before.said = NODE_SAID_UNKNOWN;
    before.reason = REASON_TOPOLOGY_INVALID;
    is_str(said(node_events_of(&m.view, &s, &policy, &before, events)), "", "is said once");
    policy.unknown_topology = UNKNOWN_ALLOW;
    before.reason = REASON_TOPOLOGY_STALE;
    is_str(said(node_events_of(&m.view, &s, &policy, &before, events)),
           "TopologyInvalid!: The report of the GPU wiring cannot be read: gpus: not a list.",
           "where unknown wiring may pass, nothing more is claimed");
    policy = policy_default();
    build(&later, "4xH100-NVL down=2-3");
    node_state_of(&later.view, SPAN(""), &policy, NOW, &s);
    is_str(said(node_events_of(&later.view, &s, &policy, &before, events)),
           "TopologyKnown: The report of the GPU wiring can be used again. GPUs 2-3: 0 of 12 lanes "
           "up. Largest healthy set: 2 GPUs (0,1).\n"
           "NVLinkDown!: GPUs 2-3: 12 lanes -> 0." DOWN_TAIL "2",
           "and what happened in between is told");
    free(kept);
}

static void one_observation(void) {
    static struct machine a;
    static struct machine b;
    build(&a, "8xH100-SXM");
    build(&b, "8xH100-SXM");
    struct node_pairs *x = pairs_of(&a);
    struct node_pairs *y = pairs_of(&b);
    ok(memcmp(x, y, node_pairs_size(8)) == 0, "equal wiring, equal bytes");
    a.topo.gpu[3].uuid[5] ^= 1;
    node_pairs_of(&a.view, x);
    ok(memcmp(x, y, node_pairs_size(8)) != 0, "another GPU in the slot is not equal");
    ok(node_pairs_size(72) < 72 * 72 + 16, "a byte a pair and direction");
    free(x);
    free(y);
}

int main(void) {
    policy = policy_default();
    changes();
    after_restart();
    through_the_dark();
    one_observation();
    return tap_done();
}
