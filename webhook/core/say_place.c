/* What is said while a pod waits for a node: one row a reason, with what is wrong and when it ends.
 */
#include "webhook/core/admit_parts.h"

struct place_row {
    const char *brief; /* behind "TP=2 waits: "; {k} is the size */
    const char *cure;
};

static const struct place_row places[REASON_COUNT] = {
    [REASON_NVLINK_DOWN] = {"links are down in every NVLink set of {k} GPUs that is not in use",
                            "It starts when the link is repaired"},
    [REASON_NVLINK_DEGRADED] = {"every NVLink set of {k} GPUs has lanes missing",
                                "It starts when all lanes are up"},
    [REASON_NVLINK_ASYMMETRIC] = {"the GPUs of every NVLink set of {k} disagree about their lanes",
                                  "It starts when the link is repaired"},
    [REASON_NO_NVLINK] = {"no node with GPUs for it has NVLink", "It needs a node with NVLink"},
    [REASON_NO_NVLINK_SET] = {"no node has an NVLink set of {k} GPUs",
                              "It needs a node with a larger set, or a smaller TP size"},
    [REASON_NVLINK_SET_BUSY] = {"every healthy NVLink set of {k} GPUs is in use",
                                "It starts when a set is free"},
    [REASON_NVLINK_SET_UNSURE] = {"no NVLink set of {k} GPUs is certain to be free",
                                  "It starts when the agent has reported who holds which GPU"},
    [REASON_GPUS_BUSY] = {"too few GPUs are free", "It starts when enough of them are"},
    [REASON_TP_EXCEEDS_GPUS] = {"no node has that many GPUs", "It needs a larger node"},
    [REASON_TOPOLOGY_UNKNOWN] = {"the GPU wiring of the nodes is not known",
                                 "It starts when the wiring is known"},
    [REASON_TOPOLOGY_STALE] = {"the GPU wiring report of the nodes is too old",
                               "It starts when the agent reports again"},
    [REASON_TOPOLOGY_INVALID] = {"the GPU wiring annotation of the nodes cannot be read",
                                 "It starts when the annotation is mended"},
    [REASON_GPU_FAULT] = {"faulty GPUs stand in the way", "It starts when the GPU is repaired"},
    [REASON_GPU_CORDONED] = {"every NVLink set of {k} GPUs has a cordoned GPU",
                             "It starts when the cordon ends"},
    [REASON_MIG_ENABLED] = {"every NVLink set of {k} GPUs has a GPU in MIG mode",
                            "It starts when MIG is off"},
    [REASON_FABRIC_NOT_READY] = {"the NVSwitch fabric is not ready",
                                 "It starts when the fabric has completed"},
    [REASON_PLUGIN_WOULD_FAIL] = {"the device plugin fails where the GPUs are",
                                  "It starts when the link or GPU is repaired"},
    [REASON_PIN_MISSING] = {"no node has the GPUs it is pinned to", "It needs a node with them"},
    [REASON_PIN_BUSY] = {"the GPUs it is pinned to are in use", "It starts when they are free"},
    [REASON_NODE_UNKNOWN] = {"the nodes are not known yet", "It starts when they are"},
    [REASON_NODE_CORDONED] = {"the nodes that would fit are cordoned",
                              "It starts when one of them is uncordoned"},
    [REASON_NODE_NOT_ALLOWED] = {"its nodeSelector, affinity or tolerations keep it off all nodes "
                                 "with GPUs",
                                 ""},
    [REASON_NO_GPU] = {"no node has GPUs for it", "It needs a node with GPUs"},
};

static void put_sized(struct buf *out, const char *text, unsigned k) {
    struct span rest = span_of(text);
    size_t at = span_search(rest, "{k}");
    buf_span(out, span_upto(rest, at));
    if (at < rest.n) {
        buf_u64(out, k);
        buf_span(out, span_from(rest, at + 3));
    }
}

void text_pair(struct buf *out, const struct node_case *c) {
    buf_fmt(out, "%s %s", c->bad, pair_state_name((enum pair_state)c->bad_state));
    if ((c->bad_state == PAIR_DOWN || c->bad_state == PAIR_DEGRADED) &&
        c->expected != EXPECTED_UNKNOWN && c->expected) {
        buf_fmt(out, " (%u of %u lanes)", (unsigned)c->lanes, (unsigned)c->expected);
    }
}

static bool is_busy(enum reason r) {
    return r == REASON_NVLINK_SET_BUSY || r == REASON_PIN_BUSY;
}

static bool is_wire(enum reason r) {
    return r == REASON_NVLINK_DOWN || r == REASON_NVLINK_DEGRADED ||
           r == REASON_NVLINK_ASYMMETRIC || r == REASON_PINNED_ACROSS_PCIE;
}

/* "gpu-a: 2,3 in use by llm/chat-0, 0-1 down (0 of 12 lanes)". */
void text_node(struct buf *out, const struct node_case *c) {
    enum reason code = (enum reason)c->answer.code;
    text_clean(out, span_of(c->name), 63);
    buf_str(out, ": ");
    if (is_wire(code) && c->bad[0]) {
        text_pair(out, c);
        return;
    }
    if (!is_busy(code) || !c->gpus[0]) {
        buf_str(out, reason_row(code)->meaning);
        if (c->bad[0]) {
            buf_fmt(out, " (%s)", c->bad);
        }
        return;
    }
    text_clean(out, span_of(c->gpus), 60);
    buf_str(out, " in use");
    if (c->holder[0]) {
        buf_str(out, " by ");
        text_clean(out, span_of(c->holder), 80);
    }
    if (c->bad[0]) {
        buf_str(out, ", ");
        text_pair(out, c);
    }
}

static void put_need(struct buf *out, const struct admit_in *in) {
    if (in->shape->tp > 1) {
        text_set(out, in->shape);
    } else {
        uint64_t n = in->shape->gpus ? in->shape->gpus : in->shape->pin.n;
        buf_fmt(out, "%llu free GPU%s", (unsigned long long)n, n == 1 ? "" : "s");
    }
}

bool place_passes(const struct admit_in *in) {
    return in->asked->kept_off.rule == PLACE_BY_STATE;
}

void place_cure(const struct admit_in *in, struct buf *out) {
    static const char *const cures[PLACE_RULES] = {
        [PLACE_BY_NOTHING] = "change what the pod asks of its node",
        [PLACE_BY_NAME] = "correct spec.nodeName",
        [PLACE_BY_SELECTOR] = "change the nodeSelector, or label a node",
        [PLACE_BY_AFFINITY] = "change the node affinity, or label a node",
        [PLACE_BY_TAINT] = "tolerate the taint in the pod, or take it off the node",
        [PLACE_BY_STATE] = "see to the node: Kubernetes takes the taint off",
    };
    unsigned rule = in->asked->kept_off.rule;
    buf_str(out, cures[rule < PLACE_RULES ? rule : PLACE_BY_NOTHING]);
}

/* "gpu-b would fit, but taint a=b:NoSchedule is not tolerated." */
static void put_kept_off(const struct census *c, struct buf *out) {
    const struct node_kept_off *k = &c->kept_off;
    text_clean(out, span_of(k->node.name), 63);
    buf_str(out, k->node.answer.code == REASON_NONE ? " would fit, but " : ": ");
    buf_str(out, k->why);
    buf_char(out, '.');
}

/* No node with GPUs is one that the pod may use. */
static void put_not_allowed(const struct admit_in *in, struct buf *out) {
    const struct census *c = in->asked;
    if (c->n_off == 1) {
        buf_str(out, "It may not use the one node with GPUs. ");
    } else {
        buf_fmt(out, "It may use none of the %u nodes with GPUs. ", (unsigned)c->n_off);
    }
    if (c->kept_off.node.set) {
        put_kept_off(c, out);
        buf_char(out, ' ');
    }
    if (place_passes(in)) {
        buf_str(out, "It starts when Kubernetes takes the taint off.");
        return;
    }
    if (in->policy->autoscaler) {
        buf_str(out, "It starts when a node comes that it may use; or ");
    } else {
        buf_str(out, "To let it start, ");
    }
    place_cure(in, out);
    buf_char(out, '.');
}

static void put_nearest(const struct admit_in *in, enum reason code, struct buf *out) {
    const struct node_case *c = &in->asked->nearest;
    if (c->set) {
        buf_str(out, "Nearest: ");
        text_node(out, c);
        buf_str(out, ". ");
    }
    bool either = code == REASON_NVLINK_SET_BUSY && c->set && c->bad[0];
    buf_str(out, either ? "It starts when either is free or repaired" : places[code].cure);
    buf_char(out, '.');
    if (in->asked->off[REASON_NONE] && in->asked->kept_off.node.set) {
        buf_char(out, ' ');
        put_kept_off(in->asked, out);
    }
}

void place_sentence(const struct admit_in *in, enum reason code, struct buf *out) {
    text_tp(out, in);
    buf_str(out, " waits for ");
    put_need(out, in);
    if (in->shape->pinned) {
        buf_str(out, " on ");
        text_pin(out, &in->shape->pin);
    }
    buf_str(out, ". ");
    if (code == REASON_NODE_NOT_ALLOWED) {
        put_not_allowed(in, out);
    } else {
        put_nearest(in, code, out);
    }
}

void place_line(const struct admit_in *in, enum reason code, struct buf *out) {
    bool some = in->asked->n_off && code != REASON_NODE_NOT_ALLOWED;
    text_tp(out, in);
    buf_str(out, some ? " waits (nodes it may use): " : " waits: ");
    put_sized(out, places[code].brief, in->shape->tp);
}

bool place_known(enum reason code) {
    return (unsigned)code < REASON_COUNT && places[code].brief;
}
