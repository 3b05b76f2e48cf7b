/* The denial as the person at kubectl reads it: what, evidence, what to do, where to look. The same
 * bytes for the same cause: controllers retry, and events are folded by their text. */
#include "webhook/core/admit_parts.h"

#define DENIAL_MAX 400

static void pinned_body(const struct admit_in *in, const struct decision *d, struct buf *out) {
    buf_fmt(out, "TP=%u is pinned to ", asked_tp(in));
    text_pin(out, &in->shape->pin);
    buf_fmt(out, ", and no node has healthy NVLink between %s: its ",
            in->shape->groups > 1 ? "those of each group"
            : in->shape->tp > 2   ? "all of them"
                                  : "them");
    if (d->cost.model_known) {
        buf_fmt(out, "%u all-reduces per token would cross PCIe.", d->cost.allreduces);
    } else {
        buf_str(out, "all-reduces would cross PCIe.");
    }
}

/* "Pin 2,3, or drop the pin, or run TP=1: ...": the first word of a list begins the sentence. */
struct choices {
    struct buf *out;
    unsigned n;
};

static void choice(struct choices *c, const char *first, const char *later) {
    buf_str(c->out, c->n ? ", or " : " ");
    buf_str(c->out, c->n ? later : first);
    c->n++;
}

static void put_choices(const struct admit_in *in, const struct decision *d, struct buf *out) {
    struct choices c = {.out = out};
    unsigned tp = asked_tp(in);
    if (d->code == REASON_PINNED_ACROSS_PCIE) {
        if (can_repin(in)) {
            choice(&c, "Pin ", "pin ");
            text_clean(out, span_of(in->unpinned->best.gpus), 60);
        }
        choice(&c, "Drop the pin", "drop the pin");
    }
    if (d->code == REASON_TP_EXCEEDS_GPUS) {
        choice(&c, "Ask for nvidia.com/gpu: ", "ask for nvidia.com/gpu: ");
        buf_u64(out, tp);
        choice(&c, "", "lower the TP size to the GPUs it has");
    }
    if (d->code == REASON_HEADS_NOT_DIVISIBLE) {
        choice(&c, "Take a TP size that divides ", "");
        buf_u64(out, model_heads(d));
    }
    if (d->code == REASON_UNSATISFIABLE && pipeline_tp(in)) {
        choice(&c, "Run ", "run ");
        buf_fmt(out, "TP=%u x PP=%u over NVLink pairs", pipeline_tp(in), tp / pipeline_tp(in));
    }
    bool place = d->code == REASON_PINNED_ACROSS_PCIE || d->code == REASON_UNSATISFIABLE;
    if (place && d->weights.fits_known && d->weights.fits_one) {
        choice(&c, "Run TP=1: ", "run TP=1: ");
        buf_fmt(out, "%u GB of weights fit one %u GB GPU", weights_gb(d->weights.mib),
                gpu_gb(d->weights.gpu_mib));
    }
    if (c.n) {
        buf_char(out, '.');
    }
}

void denial_write(const struct admit_in *in, struct decision *d) {
    char text[1024];
    struct buf out = BUF_OVER(text);
    if (d->code == REASON_PINNED_ACROSS_PCIE) {
        pinned_body(in, d, &out);
    } else {
        buf_str(&out, d->reason[0].sentence);
    }
    size_t body = out.n;
    put_choices(in, d, &out);
    buf_str(&out, " See: tpguard explain -f FILE");
    if (out.n + strlen(reason_row(d->code)->code) + 3 > DENIAL_MAX) {
        buf_back(&out, body);
    }
    line_close(&out, reason_row(d->code)->code, d->message, DENIAL_MAX + 1);
}

void decide_malformed(const struct err *e, enum mode mode, struct decision *out) {
    *out = (struct decision){.allowed = true, .code = REASON_IGNORED};
    if (mode == MODE_OFF) {
        return;
    }
    char text[1024];
    struct buf body = BUF_OVER(text);
    if (e->path[0]) {
        text_clean(&body, (struct span){e->path, strnlen(e->path, ERR_PATH_MAX)}, 120);
        buf_str(&body, ": ");
    }
    text_clean(&body, (struct span){e->msg, strnlen(e->msg, ERR_MSG_MAX)}, 240);
    const char *code = reason_row(REASON_MALFORMED)->code;
    out->verdict = VERDICT_DENY;
    out->allowed = mode != MODE_ENFORCE;
    out->code = REASON_MALFORMED;
    out->n_reasons = 1;
    out->reason[0].code = REASON_MALFORMED;
    text_take(&body, out->reason[0].sentence, sizeof out->reason[0].sentence);
    if (mode == MODE_ENFORCE) {
        line_close(&body, code, out->message, DENIAL_MAX + 1);
    } else if (mode == MODE_WARN) {
        char line[1024];
        struct buf warning = BUF_OVER(line);
        buf_str(&warning, "tpguard: ");
        buf_span(&warning, buf_view(&body));
        line_close(&warning, code, out->warning[0], WARNING_MAX + 1);
        out->n_warnings = 1;
    }
}
