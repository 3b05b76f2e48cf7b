/* Nodes that the pod's own constraints keep it off: what is still denied, what waits and what is
 * said of it. */
#include "webhook/core/decide.h"

#include "tests/tap.h"
#include "tests/unit/core/farm_checks.h"

#define WHY "taint team=red:NoSchedule is not tolerated"

static const struct farm_node good = {"gpu-b", "4xH100-NVL", "", NULL};
static const struct farm_node pcie = {"gpu-d", "4xL40S", "", NULL};
static const struct farm_node busy = {"gpu-f", "4xH100-NVL", "0,1,2,3", "llm/chat-0"};
static const struct farm_node blind = {"gpu-e", "4", "", NULL};
static const struct farm_node cpu = {"cpu", "0", "", NULL};

static void put(unsigned i, const struct farm_node *n, const char *off) {
    f.node[i] = *n;
    f.off[i] = off;
}

static void is_sentence(const char *want, const char *what) {
    is_str(f.d.reason[0].sentence, want, what);
}

static void denied_as_before(void) {
    farm_init(&f, 2, 2);
    farm_pin(&f, "0,1");
    put(0, &worked, WHY);
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "a pin across PCIe on the only node, kept off");
    ok(span_has(span_of(f.d.message), "Drop the pin") && span_has(span_of(f.d.message), "27 GB"),
       "... with the same remedies: %s", f.d.message);
    put(1, &pcie, NULL);
    judged(VERDICT_DENY, REASON_PINNED_ACROSS_PCIE, "... beside one that is allowed and PCIe");
    farm_init(&f, 2, 2);
    put(0, &pcie, WHY);
    judged(VERDICT_DENY, REASON_UNSATISFIABLE, "no NVLink anywhere, kept off");
    farm_init(&f, 2, 2);
    put(0, &cpu, NULL);
    f.policy.unsatisfiable = UNSAT_DENY;
    judged(VERDICT_DENY, REASON_NO_GPU_NODES, "no GPU node at all");
}

static void waits_for_the_allowed(void) {
    farm_init(&f, 2, 2);
    put(0, &pcie, NULL);
    put(1, &good, WHY);
    judged(VERDICT_WAIT, REASON_NO_NVLINK, "no NVLink where it may be, a free pair elsewhere");
    is_str(f.asked.nearest.name, "gpu-d", "the nearest is one that it may use");
    is_sentence("TP=2 waits for a healthy NVLink pair. Nearest: gpu-d: the node has no NVLink at "
                "all, and a TP group needs it. It needs a node with NVLink. gpu-b would fit, "
                "but " WHY ".",
                "and the other one is told beside it, with what keeps the pod off");
    is_str(f.d.warning[0],
           "tpguard: TP=2 waits (nodes it may use): no node with GPUs for it has NVLink (NoNVLink)",
           "kubectl shows that not all nodes are meant");
    put(1, &busy, WHY);
    judged(VERDICT_WAIT, REASON_NO_NVLINK, "the same, the pair in use: still no denial");
    ok(!span_has(span_of(f.d.reason[0].sentence), "gpu-f"), "a node without room is not named");

    farm_init(&f, 2, 2);
    put(0, &blind, NULL);
    put(1, &busy, WHY);
    judged(VERDICT_UNKNOWN, REASON_TOPOLOGY_UNKNOWN,
           "wiring unknown where it may be: cannot be told, whatever is elsewhere");

    farm_init(&f, 2, 2);
    farm_pin(&f, "0,1");
    put(0, &worked, NULL);
    put(1, &good, WHY);
    judged(VERDICT_WAIT, REASON_PINNED_ACROSS_PCIE, "pinned across PCIe where it may be");
    ok(span_has(span_of(f.d.warning[0]), "no node it may use has healthy NVLink"),
       "... of those it may use: %s", f.d.warning[0]);
}

static void nowhere_allowed(void) {
    farm_init(&f, 2, 2);
    put(0, &good, WHY);
    put(1, &cpu, NULL);
    judged(VERDICT_WAIT, REASON_NODE_NOT_ALLOWED, "the one GPU node is kept from it");
    ok(f.d.allowed && f.asked.fits == 0 && f.asked.gpu_nodes == 1 && f.asked.n_off == 1,
       "allowed, to wait");
    is_sentence("TP=2 waits for a healthy NVLink pair. It may not use the one node with GPUs. "
                "gpu-b would fit, but " WHY ". To let it start, tolerate the taint in the pod, or "
                "take it off the node.",
                "said with the cause and the fix");
    is_str(f.d.warning[0],
           "tpguard: TP=2 waits: its nodeSelector, affinity or tolerations keep it off all nodes "
           "with GPUs (NodeNotAllowed)",
           "and to kubectl");
    ok(advises("fix") && !advises("wait") && !advises("repair"),
       "it does not start by itself, and nothing is broken");
    ok(f.d.weights.gpu_mib > 90000 && f.d.cost.known, "GPUs are those of the node kept off");
    put(2, &busy, WHY);
    farm_judge(&f);
    is_sentence("TP=2 waits for a healthy NVLink pair. It may use none of the 2 nodes with GPUs. "
                "gpu-b would fit, but " WHY ". To let it start, tolerate the taint in the pod, or "
                "take it off the node.",
                "of several the one that would fit is named");
    f.policy.autoscaler = true;
    farm_judge(&f);
    is_sentence("TP=2 waits for a healthy NVLink pair. It may use none of the 2 nodes with GPUs. "
                "gpu-b would fit, but " WHY ". It starts when a node comes that it may use; or "
                "tolerate the taint in the pod, or take it off the node.",
                "an autoscaler may bring one");
    ok(advises("wait"), "... and waiting helps");
    farm_init(&f, 2, 2);
    put(0, &busy, WHY);
    farm_judge(&f);
    is_sentence("TP=2 waits for a healthy NVLink pair. It may not use the one node with GPUs. "
                "gpu-f: " WHY ". To let it start, tolerate the taint in the pod, or take it off "
                "the node.",
                "one without room would not fit");
}

/* The order in which nodes come changes nothing. */
static void order_of_nodes(void) {
    for (unsigned turn = 0; turn < 2; turn++) {
        farm_init(&f, 2, 2);
        put(turn, &good, WHY);
        put(1 - turn, &(struct farm_node){"gpu-a", "2xH100-NVL", "", NULL}, "spec.nodeName is x");
        put(2, &busy, WHY);
        farm_judge(&f);
        is_str(f.asked.kept_off.node.name, "gpu-a", "the best of those that would fit is named");
        is_str(f.asked.kept_off.why, "spec.nodeName is x", "... with its own cause");
    }
}

int main(void) {
    denied_as_before();
    waits_for_the_allowed();
    nowhere_allowed();
    order_of_nodes();
    return tap_done();
}
