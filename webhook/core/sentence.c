/* What is said of each reason: the sentence (with node and pair: for explain, events and the
 * decision annotation) and the line for kubectl (same cause, same bytes; at most 120 characters).
 */
#include "webhook/core/admit_parts.h"

typedef void sayer(const struct admit_in *in, const struct decision *d, struct buf *out);

/* What PCIe costs here, the cheap case said too. */
static void put_cost(struct buf *out, const struct cost_view *v) {
    const struct cost_line *one = &v->line[0];
    const struct cost_line *many = &v->line[1];
    const struct cost_line *prefill = &v->line[2];
    buf_str(out, "A step at 64 streams spends about ");
    text_us(out, many->pcie_us);
    buf_str(out, " in them instead of ");
    text_us(out, many->nvlink_us);
    buf_str(out, ", an 8K-token prefill ");
    text_us(out, prefill->pcie_us);
    buf_str(out, " instead of ");
    text_us(out, prefill->nvlink_us);
    if (one->pcie_us <= one->nvlink_us + one->nvlink_us / 4 + 50) {
        buf_str(out, "; one stream alone loses next to nothing (with peer access)");
    } else {
        buf_str(out, "; one stream alone ");
        text_us(out, one->pcie_us);
        buf_str(out, " instead of ");
        text_us(out, one->nvlink_us);
    }
    buf_char(out, '.');
}

static void pinned_sentence(const struct admit_in *in, const struct decision *d, struct buf *out) {
    const struct node_case *c = &in->asked->nearest;
    c = c->set && c->bad[0] ? c : &in->asked->kept_off.node;
    text_tp(out, in);
    buf_str(out, " is pinned to ");
    text_pin(out, &in->shape->pin);
    if (c->set && c->bad[0]) {
        buf_str(out, ". ");
        text_node(out, c);
    }
    if (d->cost.model_known) {
        buf_fmt(out, ": its %u all-reduces per token would cross PCIe. ", d->cost.allreduces);
    } else {
        buf_str(out, ": its all-reduces would cross PCIe. ");
    }
    if (d->cost.known) {
        put_cost(out, &d->cost);
    }
}

static void fits_sentence(const struct admit_in *in, const struct decision *d, struct buf *out) {
    buf_fmt(out,
            "%u GB of weights fit one %u GB GPU: %u replicas at TP=1 need no all-reduce. TP pays "
            "where the lowest single-stream latency counts: then annotate %s: \"true\".",
            weights_gb(d->weights.mib), gpu_gb(d->weights.gpu_mib), asked_tp(in), ANN_LATENCY);
}

static void unknown_tp_sentence(const struct admit_in *in, const struct decision *d,
                                struct buf *out) {
    (void)d;
    const struct evidence *e = said_tp(in);
    buf_str(out, in->w->is_worker ? "The TP size is the leader's and stands in another pod"
                                  : "The TP size cannot be read");
    if (e->unknown && e->value[0]) {
        buf_str(out, ": ");
        text_clean(out, (struct span){e->value, strnlen(e->value, sizeof e->value)}, 100);
    }
    if (in->policy->unknown_tp == UNKNOWN_ALLOW) {
        buf_str(out, ". It passes by policy, without a promise of NVLink.");
    } else {
        buf_fmt(out, ". All its %u GPUs must then be one NVLink set.", (unsigned)in->w->gpus);
    }
    buf_fmt(out, " Say it: annotation %s.", ANN_TP);
}

static void exceeds_sentence(const struct admit_in *in, const struct decision *d, struct buf *out) {
    (void)d;
    const struct workload *w = in->w;
    buf_fmt(out, "TP=%u needs %u GPUs in this pod, and ", asked_tp(in), asked_tp(in));
    if (in->shape->pinned) {
        buf_fmt(out, "it names %u", (unsigned)w->pin.n);
    } else if (w->visible_known && w->n_order < w->gpus) {
        buf_fmt(out, "it lets the engine see %u", (unsigned)w->n_order);
    } else {
        buf_fmt(out, "it asks for %u", (unsigned)w->gpus);
    }
    buf_str(out, ": the engine cannot start.");
}

static void unsatisfiable_sentence(const struct admit_in *in, const struct decision *d,
                                   struct buf *out) {
    (void)d;
    const struct census *c = in->asked;
    buf_fmt(out, "TP=%u needs ", asked_tp(in));
    text_set(out, in->shape);
    if (c->by_code[REASON_PIN_MISSING]) {
        buf_str(out, " on ");
        text_pin(out, &in->shape->pin);
        buf_str(out, ", and no node has these GPUs.");
    } else if (c->by_code[REASON_NO_NVLINK_SET]) {
        buf_str(out, ", and no node could ever offer it, even with every link repaired.");
    } else if (c->by_code[REASON_NO_NVLINK]) {
        buf_str(out, ", and no node that has the GPUs has NVLink.");
    } else {
        buf_str(out, ", and no node has that many GPUs.");
    }
}

static void heads_sentence(const struct admit_in *in, const struct decision *d, struct buf *out) {
    buf_fmt(out, "TP=%u does not divide the %u attention heads of ", asked_tp(in), model_heads(d));
    text_clean(out, in->w->model, 60);
    buf_str(out, ": the engine refuses to start.");
}

static void pods_sentence(const struct admit_in *in, const struct decision *d, struct buf *out) {
    (void)d;
    buf_fmt(out,
            "TP=%u spans pods, %u GPU%s here: between nodes there is no NVLink, every layer's "
            "all-reduces cross the network. Prefer TP inside a pod and pipeline stages across.",
            asked_tp(in), (unsigned)in->w->gpus, in->w->gpus == 1 ? "" : "s");
}

static void mismatch_sentence(const struct admit_in *in, const struct decision *d,
                              struct buf *out) {
    (void)d;
    unsigned used = in->w->in_pod.n;
    buf_fmt(out, "The pod asks for %u GPUs and its engine uses %u", (unsigned)in->w->gpus, used);
    buf_str(out, used < in->w->gpus ? ": the rest stays idle." : ": the engine may not start.");
}

static void shared_sentence(const struct admit_in *in, const struct decision *d, struct buf *out) {
    (void)d;
    buf_fmt(out, "TP=%u over %s: slices have no NVLink peer access, and may share one GPU.",
            asked_tp(in), in->w->mig ? "MIG slices" : "time slices");
}

static void repinned_sentence(const struct admit_in *in, const struct decision *d,
                              struct buf *out) {
    buf_fmt(out, "TP=%u was pinned to ", asked_tp(in));
    text_pin(out, &in->shape->pin);
    buf_str(out, " across PCIe: moved to GPUs ");
    text_clean(out, span_of(d->repin), 100);
    buf_str(out, ", which have healthy NVLink.");
}

static void no_nodes_sentence(const struct admit_in *in, const struct decision *d,
                              struct buf *out) {
    (void)d;
    buf_fmt(out, "TP=%u needs GPUs, and the cluster has no GPU node.", asked_tp(in));
}

static void pinned_line(const struct admit_in *in, const struct decision *d, struct buf *out) {
    bool some = in->asked->n_off && d->verdict != VERDICT_DENY;
    text_tp(out, in);
    buf_str(out, " is pinned to ");
    text_pin(out, &in->shape->pin);
    buf_fmt(out, ": no node %shas healthy NVLink there, all-reduces would cross PCIe",
            some ? "it may use " : "");
}

static void fits_line(const struct admit_in *in, const struct decision *d, struct buf *out) {
    buf_fmt(out, "fits one GPU (%u of %u GB): %u replicas at TP=1 need no all-reduce",
            weights_gb(d->weights.mib), gpu_gb(d->weights.gpu_mib), asked_tp(in));
}

static void unknown_tp_line(const struct admit_in *in, const struct decision *d, struct buf *out) {
    (void)d;
    buf_str(out, in->policy->unknown_tp == UNKNOWN_ALLOW
                     ? "TP size cannot be read: passes without a promise of NVLink"
                     : "TP size cannot be read: all its GPUs must be one NVLink set");
}

static void mismatch_line(const struct admit_in *in, const struct decision *d, struct buf *out) {
    (void)d;
    buf_fmt(out, "asks for %u GPUs, and its engine uses %u", (unsigned)in->w->gpus,
            (unsigned)in->w->in_pod.n);
}

static void unsatisfiable_line(const struct admit_in *in, const struct decision *d,
                               struct buf *out) {
    (void)d;
    buf_fmt(out, "TP=%u needs ", asked_tp(in));
    text_set(out, in->shape);
    buf_str(out, ", and no node could ever offer it");
}

static void pods_line(const struct admit_in *in, const struct decision *d, struct buf *out) {
    (void)d;
    buf_fmt(out, "TP=%u spans pods: its all-reduces cross the network", asked_tp(in));
}

static void heads_line(const struct admit_in *in, const struct decision *d, struct buf *out) {
    buf_fmt(out,
            "TP=%u does not divide the model's %u attention heads: the engine refuses to start",
            asked_tp(in), model_heads(d));
}

/* Reasons of a pod. Those of a node are said by place_sentence and place_line. */
static const struct {
    sayer *sentence;
    sayer *line; /* NULL: the sentence is short enough */
} said[REASON_COUNT] = {
    [REASON_PINNED_ACROSS_PCIE] = {pinned_sentence, pinned_line},
    [REASON_FITS_ONE_GPU] = {fits_sentence, fits_line},
    [REASON_TP_UNKNOWN] = {unknown_tp_sentence, unknown_tp_line},
    [REASON_TP_EXCEEDS_GPUS] = {exceeds_sentence, NULL},
    [REASON_UNSATISFIABLE] = {unsatisfiable_sentence, unsatisfiable_line},
    [REASON_HEADS_NOT_DIVISIBLE] = {heads_sentence, heads_line},
    [REASON_TP_ACROSS_PODS] = {pods_sentence, pods_line},
    [REASON_GPU_COUNT_MISMATCH] = {mismatch_sentence, mismatch_line},
    [REASON_SHARED_GPU] = {shared_sentence, NULL},
    [REASON_REPINNED] = {repinned_sentence, NULL},
    [REASON_NO_GPU_NODES] = {no_nodes_sentence, NULL},
};

/* A size larger than every node is a matter of places, larger than its own pod one of the pod. */
static bool is_place(const struct admit_in *in, enum reason code) {
    bool own = code == REASON_TP_EXCEEDS_GPUS && exceeds_pod(in);
    return place_known(code) && !own;
}

void reason_push(const struct admit_in *in, struct decision *d, enum reason code) {
    if (d->n_reasons == DECISION_REASONS_MAX) {
        return;
    }
    char text[1024];
    struct buf out = BUF_OVER(text);
    struct said *s = &d->reason[d->n_reasons++];
    s->code = (uint8_t)code;
    if (is_place(in, code)) {
        place_sentence(in, code, &out);
    } else if (said[code].sentence) {
        said[code].sentence(in, d, &out);
    }
    text_take(&out, s->sentence, sizeof s->sentence);
}

void warning_push(const struct admit_in *in, struct decision *d, enum reason code) {
    if (d->n_warnings == DECISION_REASONS_MAX) {
        return;
    }
    char text[1024];
    struct buf out = BUF_OVER(text);
    buf_str(&out, "tpguard: ");
    sayer *line = said[code].line ? said[code].line : said[code].sentence;
    if (is_place(in, code)) {
        place_line(in, code, &out);
    } else if (line) {
        line(in, d, &out);
    }
    while (out.n && out.p[out.n - 1] == '.') {
        buf_back(&out, out.n - 1);
    }
    line_close(&out, reason_row(code)->code, d->warning[d->n_warnings++], WARNING_MAX + 1);
}

/* body + " (Code)" in at most cap - 1 bytes; the body gives way. */
void line_close(struct buf *body, const char *code, char *out, size_t cap) {
    char tail[48];
    struct buf end = BUF_OVER(tail);
    buf_fmt(&end, " (%s)", code);
    text_take(body, out, cap - end.n);
    size_t n = strlen(out);
    memcpy(out + n, tail, end.n + 1);
}
