#include "webhook/explain.h"

#define BOLD  "\x1b[1m"
#define RED   "\x1b[31m"
#define GREEN "\x1b[32m"
#define AMBER "\x1b[33m"
#define PLAIN "\x1b[0m"

static void colour(const struct explain_style *s, const char *code, struct buf *out) {
    if (s->colour) {
        buf_str(out, code);
    }
}

/* User text for a terminal: control characters would let a manifest move the cursor or forge lines.
 */
static void clean(struct span s, struct buf *out) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        buf_char(out, (unsigned char)c < 0x20 || c == 0x7F ? '?' : c);
    }
}

#define WIDTH 100

/* Words of s with lines of at most WIDTH columns, each begun with `indent` spaces; the first line
 * is begun already. */
static void wrap(struct span s, size_t indent, struct buf *out) {
    size_t column = indent;
    while (s.n) {
        struct span word = span_cut(&s, ' ');
        if (column > indent && column + 1 + word.n > WIDTH) {
            buf_char(out, '\n');
            buf_fill(out, ' ', indent);
            column = indent;
        } else if (column > indent) {
            buf_char(out, ' ');
            column++;
        }
        clean(word, out);
        column += word.n;
    }
}

static const char *verdict_words(const struct explained *x) {
    const struct decision *d = &x->j->decision;
    switch (d->verdict) {
    case VERDICT_ALLOW:
        return d->rewrites & REWRITE_REPIN ? "allowed, with the pin moved" : "allowed";
    case VERDICT_WARN:
        return "allowed, with warnings";
    case VERDICT_DENY:
        return d->allowed ? "let through, but wrong" : "denied";
    case VERDICT_WAIT:
        return "allowed, would wait";
    case VERDICT_UNKNOWN:
        return "cannot be told";
    case VERDICT_COUNT:
        break;
    }
    return "cannot be told";
}

static void put_head(const struct explained *x, const struct explain_style *s, struct buf *out) {
    const struct decision *d = &x->j->decision;
    const char *ink = d->verdict == VERDICT_DENY    ? RED
                      : d->verdict == VERDICT_ALLOW ? GREEN
                                                    : AMBER;
    struct span kind = x->unit->kind;
    for (size_t i = 0; i < kind.n; i++) {
        buf_char(out, span_lower(kind.p[i]));
    }
    buf_char(out, ' ');
    if (x->unit->ns.n) {
        clean(x->unit->ns, out);
        buf_char(out, '/');
    }
    clean(x->unit->name, out);
    if (x->unit->role[0]) {
        buf_fmt(out, " (%s)", x->unit->role);
    }
    buf_str(out, ": ");
    colour(s, BOLD, out);
    colour(s, ink, out);
    buf_str(out, verdict_words(x));
    colour(s, PLAIN, out);
    if (d->code != REASON_NONE) {
        buf_fmt(out, " (%s)", reason_row(d->code)->code);
    }
    if (x->j->mode != MODE_ENFORCE) {
        buf_fmt(out, ", namespace mode %s", mode_name(x->j->mode));
    }
    buf_str(out, "\n");
}

static void put_reasons(const struct decision *d, struct buf *out) {
    if (!d->n_reasons) {
        return;
    }
    for (unsigned i = 0; i < d->n_reasons; i++) {
        char text[sizeof d->reason[i].sentence + 64];
        struct buf b = BUF_OVER(text);
        buf_fmt(&b, "%s (%s)", d->reason[i].sentence,
                reason_row((enum reason)d->reason[i].code)->code);
        buf_str(out, "  ");
        wrap(buf_view(&b), 2, out);
        buf_str(out, "\n");
    }
    buf_str(out, "\n");
}

static void put_size(const char *label, struct size s, struct buf *out) {
    if (!s.known) {
        buf_fmt(out, " %s unknown", label);
    } else if (s.n != 1) {
        buf_fmt(out, " %s=%u", label, s.n);
    }
}

/* The words where one value was read: "--tensor-parallel-size=2, containers[0].args[3]". */
static void put_source(const struct evidence *ev, struct buf *out) {
    if (ev->source == FROM_NOTHING && !ev->unknown) {
        return;
    }
    bool named = ev->name[0] && !span_is(span_of(ev->name), "model");
    clean(named ? span_of(ev->name) : SPAN(""), out);
    if (ev->value[0]) {
        buf_str(out, named ? " " : "");
        clean(span_of(ev->value), out);
    }
    if (ev->source == FROM_DEFAULT) {
        buf_str(out, " (the engine's default)");
    } else if (ev->where[0]) {
        buf_fmt(out, " at %s", ev->where);
    }
}

static void put_group(const struct explained *x, struct buf *out) {
    const struct workload *w = &x->j->w;
    buf_str(out, "  group   ");
    buf_fmt(out, "%s:", w->engine[0] ? w->engine : "no engine recognised");
    if (w->tp.known) {
        buf_fmt(out, " TP=%u", w->tp.n);
    } else {
        buf_str(out, " TP unknown");
    }
    put_size("PP", w->pp, out);
    put_size("DP", w->dp, out);
    buf_fmt(out, ", asks for %u GPU%s", w->gpus, w->gpus == 1 ? "" : "s");
    if (w->scope == SCOPE_MULTI) {
        buf_str(out, ", the group spans pods");
    }
    buf_str(out, "\n");
    static const enum evidence_field shown[] = {EV_TP, EV_PIN, EV_MODEL, EV_QUANT};
    for (unsigned i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const struct evidence *ev = &w->evidence[shown[i]];
        if (ev->source != FROM_NOTHING || ev->unknown) {
            buf_fmt(out, "          %-13s ", evidence_field_name(shown[i]));
            put_source(ev, out);
            buf_str(out, "\n");
        }
    }
}

static void put_weights(const struct explained *x, struct buf *out) {
    const struct weights_view *v = &x->j->decision.weights;
    if (!v->mib) {
        return;
    }
    /* Weights in decimal GB, as model cards say; GPU memory as products are named (MiB / 1024). */
    buf_fmt(out, "  model   about %llu GB of weights (%s)",
            (unsigned long long)((v->mib * 1048576ULL + 500000000ULL) / 1000000000ULL),
            v->by_hand ? "by annotation" : "from its name");
    if (v->fits_known) {
        buf_fmt(out, ": %s one %u GB GPU", v->fits_one ? "fits" : "does not fit",
                (v->gpu_mib + 512) / 1024);
    }
    buf_str(out, "\n");
}

static void put_wire(const struct explained *x, struct buf *out) {
    if (!x->matrix[0]) {
        return;
    }
    const struct node_case *bad = &x->j->asked.nearest;
    buf_fmt(out, "  wire    %s", x->subject);
    if (bad->set && bad->bad[0] && span_is(span_of(bad->name), x->subject)) {
        buf_fmt(out, " GPUs %s: NVLink %s", bad->bad,
                pair_state_name((enum pair_state)bad->bad_state));
        if (bad->expected != EXPECTED_UNKNOWN && bad->expected) {
            buf_fmt(out, ", %u of %u lanes", bad->lanes, bad->expected);
        }
    }
    buf_fmt(out, "\n\n%s\n", x->matrix);
}

static void put_ms(uint64_t us, struct buf *out) {
    if (us < 10000) {
        buf_fmt(out, "%5llu.%llu ms", (unsigned long long)((us + 50) / 1000),
                (unsigned long long)((us + 50) / 100 % 10));
    } else {
        buf_fmt(out, "%7llu ms", (unsigned long long)((us + 500) / 1000));
    }
}

static void put_cost(const struct explained *x, struct buf *out) {
    const struct cost_view *c = &x->j->decision.cost;
    if (!c->known) {
        return;
    }
    static const char *const what[3] = {"one stream, per token", "64 streams, per step",
                                        "8K-token prefill"};
    buf_fmt(out, "  cost    %u all-reduces per token, each waited for\n", c->allreduces);
    buf_fmt(out, "          %-24s%14s   %s\n", "", cost_fabric_name((enum cost_fabric)c->nvlink),
            cost_fabric_name((enum cost_fabric)c->pcie));
    for (unsigned i = 0; i < 3; i++) {
        buf_fmt(out, "          %-24s    ", what[i]);
        put_ms(c->line[i].nvlink_us, out);
        buf_str(out, "  ");
        put_ms(c->line[i].pcie_us, out);
        buf_str(out, "\n");
    }
    buf_fmt(
        out,
        "          (measured tables of these wires, vLLM kernels%s: a guide, not a promise)\n\n",
        c->model_known ? "" : "; the model is not known, 80 layers of 8192 assumed");
}

static void put_nodes(const struct explained *x, const struct explain_style *s, struct buf *out) {
    size_t wide = 4;
    for (unsigned i = 0; i < x->n_rows; i++) {
        size_t n = strlen(x->row[i].name);
        wide = n > wide ? n : wide;
    }
    wide = wide > 40 ? 40 : wide;
    buf_fmt(out, "  nodes   %-*s  FITS  SCORE  %-20s  %-8s  WIRING\n", (int)wide, "NODE", "WHY",
            "GPUS");
    for (unsigned i = 0; i < x->n_rows; i++) {
        const struct explain_row *r = &x->row[i];
        bool fits = r->answer.code == REASON_NONE;
        buf_fmt(out, "          %-*s  ", (int)wide, r->name);
        colour(s, fits ? GREEN : RED, out);
        buf_str(out, fits ? "yes   " : "no    ");
        colour(s, PLAIN, out);
        buf_fmt(out, "%-5u  %-20s  ", r->answer.score,
                fits ? "-" : reason_row((enum reason)r->answer.code)->code);
        buf_fmt(out, "%-8s  ", r->bad[0] ? r->bad : r->set[0] ? r->set : "-");
        clean(span_of(r->summary), out);
        if (r->why[0]) {
            buf_str(out, "; ");
            clean(span_of(r->why), out);
        }
        buf_str(out, "\n");
    }
    if (x->hidden) {
        buf_fmt(out, "          (%u node%s without a GPU left out)\n", x->hidden,
                x->hidden == 1 ? "" : "s");
    }
    buf_str(out, "\n");
}

static const char *comma(bool *first) {
    bool was = *first;
    *first = false;
    return was ? "" : ", ";
}

static void put_steer(const struct explained *x, struct buf *out) {
    const struct decision *d = &x->j->decision;
    bool first = true;
    buf_str(out, "  steer   ");
    if (d->affinity_above) {
        buf_fmt(out, "%snode affinity " LABEL_NVLINK_SET " > %u", comma(&first), d->affinity_above);
    }
    if (d->prefer_above) {
        buf_fmt(out, "%spreferred " LABEL_NVLINK_FREE " > %u", comma(&first), d->prefer_above);
    }
    if (d->prefer_stranded) {
        buf_fmt(out, "%spreferred " LABEL_STRANDED " > 0", comma(&first));
    }
    if (d->set_scheduler) {
        buf_fmt(out, "%sschedulerName " SPAN_FMT, comma(&first),
                SPAN_ARG(x->policy->scheduler_name));
    }
    buf_str(out, "\n");
}

static void put_rewrites(const struct explained *x, struct buf *out) {
    const struct decision *d = &x->j->decision;
    if (d->rewrites & REWRITE_STEER) {
        put_steer(x, out);
    }
    if (d->rewrites & REWRITE_REPIN) {
        buf_fmt(out, "  repin   the pin becomes %s\n", d->repin);
    }
    if (d->rewrites) {
        buf_str(out, "\n");
    }
}

static void put_advice(const struct decision *d, struct buf *out) {
    if (!d->n_advice) {
        return;
    }
    buf_fmt(out, "  %s\n", d->n_advice > 1 ? "do one of" : "do");
    for (unsigned i = 0; i < d->n_advice; i++) {
        buf_fmt(out, "    %u  ", i + 1); /* seven columns, the indent of what follows */
        wrap(span_of(d->advice[i].text), 7, out);
        if (d->advice[i].command[0]) {
            buf_str(out, "\n         ");
            clean(span_of(d->advice[i].command), out);
        }
        buf_str(out, "\n");
    }
    buf_str(out, "\n");
}

void explain_text(const struct explained *x, const struct explain_style *s, struct buf *out) {
    put_head(x, s, out);
    buf_str(out, "\n");
    put_reasons(&x->j->decision, out);
    if (x->j->malformed || x->j->decision.code == REASON_IGNORED) {
        put_advice(&x->j->decision, out);
        return;
    }
    put_group(x, out);
    put_weights(x, out);
    buf_str(out, "\n");
    put_wire(x, out);
    if (x->j->decision.verdict != VERDICT_ALLOW || x->j->w.scope != SCOPE_NONE) {
        put_cost(x, out);
    }
    put_nodes(x, s, out);
    put_rewrites(x, out);
    put_advice(&x->j->decision, out);
}
