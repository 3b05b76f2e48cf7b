/* What to do, in words and as something to type. */
#include "webhook/core/admit_parts.h"

struct piece {
    struct buf text;
    struct buf command;
};

/* NULL when the list is full. */
static struct advice *begin(struct decision *d, const char *kind, struct piece *p) {
    if (d->n_advice == DECISION_ADVICE_MAX) {
        return NULL;
    }
    struct advice *a = &d->advice[d->n_advice++];
    a->kind = kind;
    p->text = buf_over(a->text, sizeof a->text);
    p->command = buf_over(a->command, sizeof a->command);
    return a;
}

bool can_repin(const struct admit_in *in) {
    const struct census *c = in->unpinned;
    return c && c->fits && c->best.set && c->best.answer.has_set && c->best.gpus[0] &&
           in->shape->pinned && in->shape->tp > 1 && in->shape->pin.kind == PIN_NODE &&
           gpuset_count(c->best.answer.set) == in->shape->pin.n;
}

unsigned pipeline_tp(const struct admit_in *in) {
    unsigned tp = asked_tp(in);
    bool pairs =
        in->asked->by_code[REASON_NO_NVLINK_SET] || in->asked->by_code[REASON_NVLINK_SET_BUSY];
    return pairs && in->w->scope == SCOPE_SINGLE && tp >= 4 && tp % 2 == 0 ? 2 : 0;
}

static void put_flag(struct buf *out, const struct admit_in *in, unsigned tp) {
    const struct evidence *e = said_tp(in);
    bool named = e->source == FROM_FLAG || e->source == FROM_ENV;
    if (!named || !e->name[0]) {
        buf_fmt(out, "TP=%u", tp);
        return;
    }
    text_clean(out, (struct span){e->name, strnlen(e->name, sizeof e->name)}, 60);
    buf_fmt(out, "%c%u", e->source == FROM_ENV ? '=' : ' ', tp);
}

static void advise_replicas(const struct admit_in *in, struct decision *d) {
    struct piece p;
    bool apt = d->weights.fits_known && d->weights.fits_one && !in->w->latency_critical;
    if (asked_tp(in) < 2 || is_tp_unknown(in->w) || !apt || !begin(d, "replicas", &p)) {
        return;
    }
    buf_fmt(&p.text,
            "replicas: TP=1, one GPU each, no all-reduce: %u GB of weights fit one %u GB GPU",
            weights_gb(d->weights.mib), gpu_gb(d->weights.gpu_mib));
    put_flag(&p.command, in, 1);
    buf_fmt(&p.command, ", nvidia.com/gpu: 1, replicas: %u", asked_tp(in));
}

static void advise_pin(const struct admit_in *in, struct decision *d) {
    struct piece p;
    if (d->code != REASON_PINNED_ACROSS_PCIE) {
        return;
    }
    const struct evidence *e = &in->w->evidence[EV_PIN];
    struct span name = {e->name, strnlen(e->name, sizeof e->name)};
    name = name.n ? name : SPAN("NVIDIA_VISIBLE_DEVICES");
    if (can_repin(in) && begin(d, "repin", &p)) {
        const char *gpus = in->unpinned->best.gpus;
        buf_fmt(&p.text, "move the pin to %s: healthy, free", gpus);
        text_clean(&p.command, name, 40);
        buf_fmt(&p.command, "=%s", gpus);
    }
    if (begin(d, "unpin", &p)) {
        buf_str(&p.text, "drop the pin and ask for GPUs by count: any healthy NVLink set will do");
        buf_str(&p.command, "remove ");
        text_clean(&p.command, name, 40);
        buf_fmt(&p.command, ", nvidia.com/gpu: %u", (unsigned)in->shape->pin.n);
    }
}

static void advise_repair(const struct admit_in *in, struct decision *d) {
    const struct node_case *c = &in->asked->nearest;
    struct piece p;
    bool broken = c->bad_state == PAIR_DOWN || c->bad_state == PAIR_DEGRADED ||
                  c->bad_state == PAIR_ASYMMETRIC;
    if (!c->set || !c->bad[0] || !broken || !begin(d, "repair", &p)) {
        return;
    }
    struct span rest = span_of(c->bad);
    struct span first = span_cut(&rest, '-');
    buf_str(&p.text, "repair the NVLink ");
    buf_span(&p.text, span_of(c->bad));
    buf_str(&p.text, " on ");
    text_clean(&p.text, span_of(c->name), 63);
    buf_fmt(&p.command, "nvidia-smi nvlink --status -i " SPAN_FMT, SPAN_ARG(first));
}

static void advise_pipeline(const struct admit_in *in, struct decision *d) {
    struct piece p;
    unsigned tp = pipeline_tp(in);
    bool none = in->asked->fits == 0;
    if (!tp || !none || d->code == REASON_TP_EXCEEDS_GPUS || !begin(d, "pipeline", &p)) {
        return;
    }
    unsigned stages = asked_tp(in) / tp * (in->w->pp.known && in->w->pp.n ? in->w->pp.n : 1);
    buf_fmt(&p.text,
            "pipeline: TP=%u x PP=%u: all-reduces stay on NVLink pairs, only stage borders "
            "cross PCIe",
            tp, stages);
    put_flag(&p.command, in, tp);
    buf_fmt(&p.command, ", pipeline-parallel-size %u", stages);
}

static void advise_annotate(const struct admit_in *in, struct decision *d) {
    const struct node_case *c = &in->asked->nearest;
    struct piece p;
    bool blind = d->code == REASON_TOPOLOGY_UNKNOWN || d->code == REASON_TOPOLOGY_INVALID;
    if (blind && c->set && begin(d, "annotate", &p)) {
        buf_str(&p.text, "tell the wiring of ");
        text_clean(&p.text, span_of(c->name), 63);
        buf_str(&p.text, ", from a shell on it (or install the agent)");
        buf_str(&p.command, "kubectl annotate --overwrite node ");
        text_clean(&p.command, span_of(c->name), 63);
        buf_str(&p.command, " tpguard.io/nvidia-smi-topo=\"$(nvidia-smi topo -m)\"");
    }
    bool asked = false;
    for (unsigned i = 0; i < d->n_reasons; i++) {
        asked = asked || d->reason[i].code == REASON_TP_UNKNOWN;
    }
    if (asked && begin(d, "annotate", &p)) {
        buf_str(&p.text, "say the TP size on the pod (template): it wins over what can be read");
        buf_fmt(&p.command, "%s: \"%u\"", ANN_TP, (unsigned)in->w->gpus);
    }
}

static void advise_fix(const struct admit_in *in, struct decision *d) {
    struct piece p;
    if (d->code == REASON_TP_EXCEEDS_GPUS && exceeds_pod(in) && begin(d, "fix", &p)) {
        buf_fmt(&p.text, "give the pod the %u GPUs that its TP size needs, or lower the size",
                asked_tp(in));
        buf_fmt(&p.command, "nvidia.com/gpu: %u", asked_tp(in));
    }
    if (d->code == REASON_HEADS_NOT_DIVISIBLE && begin(d, "fix", &p)) {
        buf_fmt(&p.text, "take a TP size that divides %u", model_heads(d));
    }
    if (d->code == REASON_GPU_COUNT_MISMATCH && in->w->in_pod.n && begin(d, "fix", &p)) {
        buf_str(&p.text, "ask for the GPUs that the engine uses, or let it use them all");
        buf_fmt(&p.command, "nvidia.com/gpu: %u", (unsigned)in->w->in_pod.n);
    }
    if (d->code == REASON_NODE_NOT_ALLOWED && begin(d, "fix", &p)) {
        place_cure(in, &p.text);
    }
    bool passes = d->code == REASON_NODE_NOT_ALLOWED && place_passes(in);
    bool may_come = in->asked->ever > in->asked->off_ever || passes || in->policy->autoscaler ||
                    d->code == REASON_NO_GPU_NODES;
    if (d->verdict == VERDICT_WAIT && may_come && begin(d, "wait", &p)) {
        buf_str(&p.text, "leave it Pending: it starts by itself when the reason ends");
    }
}

void advice_fill(const struct admit_in *in, struct decision *d) {
    advise_replicas(in, d);
    advise_pin(in, d);
    advise_repair(in, d);
    advise_pipeline(in, d);
    advise_annotate(in, d);
    advise_fix(in, d);
}
