/* tpguard.io/decision: one line of compact JSON for people and machines that look at the pod later.
 * What does not fit in 4 KiB is left out from the least needed on: values are cut, then the
 * evidence goes. */
#include "topology/jw.h"
#include "webhook/core/admit_parts.h"

#define ANNOTATION_BYTES_MAX 4096

static void put_text(struct jw *w, const char *key, struct span s, size_t max) {
    char text[256];
    struct buf clean = BUF_OVER(text);
    text_clean(&clean, s, max);
    jw_kv_span(w, key, buf_view(&clean));
}

static void put_size(struct jw *w, const char *key, struct size s) {
    if (s.known) {
        jw_kv_u64(w, key, s.n);
    } else {
        jw_kv_null(w, key);
    }
}

static void put_group(struct jw *w, const struct admit_in *in) {
    const struct workload *l = in->w;
    jw_kv_str(w, "engine", l->engine ? l->engine : "");
    put_size(w, "tp", l->tp);
    put_size(w, "pp", l->pp);
    put_size(w, "dp", l->dp);
    jw_kv_u64(w, "gpus", l->gpus);
    jw_kv_str(w, "scope", scope_name((enum scope)l->scope));
    if (l->model.n) {
        put_text(w, "model", l->model, 100);
    }
    if (l->quant.n) {
        put_text(w, "quantization", l->quant, 40);
    }
    if (in->shape->pinned) {
        char text[256];
        struct buf pin = BUF_OVER(text);
        text_pin(&pin, &in->shape->pin);
        jw_kv_span(w, "pin", buf_view(&pin));
    }
}

static void put_evidence(struct jw *w, const struct workload *l, size_t max) {
    jw_key(w, "evidence");
    jw_object(w);
    for (unsigned i = 0; i < EV_FIELD_COUNT; i++) {
        const struct evidence *e = &l->evidence[i];
        if (e->source == FROM_NOTHING && !e->unknown) {
            continue;
        }
        jw_key(w, evidence_field_name((enum evidence_field)i));
        jw_object(w);
        put_text(w, e->unknown ? "unknown" : "value",
                 (struct span){e->value, strnlen(e->value, sizeof e->value)}, max);
        jw_kv_str(w, "from", evidence_source_name((enum evidence_source)e->source));
        put_text(w, "name", (struct span){e->name, strnlen(e->name, sizeof e->name)}, 64);
        put_text(w, "where", (struct span){e->where, strnlen(e->where, sizeof e->where)}, 96);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void put_reasons(struct jw *w, const struct decision *d) {
    jw_key(w, "reasons");
    jw_array(w);
    for (unsigned i = 0; i < d->n_reasons && i < DECISION_REASONS_MAX; i++) {
        jw_str(w, reason_row((enum reason)d->reason[i].code)->code);
    }
    jw_array_end(w);
    if (d->n_reasons) {
        jw_kv_str(w, "sentence", d->reason[0].sentence);
    }
}

static void put_cost(struct jw *w, const struct cost_view *c) {
    jw_key(w, "cost");
    jw_object(w);
    jw_kv_u64(w, "allReducesPerToken", c->allreduces);
    jw_kv_bool(w, "modelKnown", c->model_known);
    jw_kv_str(w, "nvlink", cost_fabric_name((enum cost_fabric)c->nvlink));
    jw_kv_str(w, "pcie", cost_fabric_name((enum cost_fabric)c->pcie));
    jw_key(w, "steps");
    jw_array(w);
    for (unsigned i = 0; i < 3; i++) {
        jw_object(w);
        jw_kv_u64(w, "tokens", c->line[i].tokens);
        jw_kv_u64(w, "nvlinkMicros", c->line[i].nvlink_us);
        jw_kv_u64(w, "pcieMicros", c->line[i].pcie_us);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

static void put_weights(struct jw *w, const struct weights_view *v) {
    jw_key(w, "weights");
    jw_object(w);
    jw_kv_u64(w, "gb", weights_gb(v->mib));
    if (v->fits_known) {
        jw_kv_u64(w, "gpuGb", gpu_gb(v->gpu_mib));
        jw_kv_bool(w, "fitsOneGpu", v->fits_one);
    }
    jw_kv_bool(w, "byHand", v->by_hand);
    jw_object_end(w);
}

/* max: bytes of each evidence value; 0 leaves the evidence out. */
static void write_all(const struct admit_in *in, const struct decision *d, size_t max,
                      struct buf *out) {
    struct jw w = jw_new(out, 0);
    char rewrites[64];
    struct buf text = BUF_OVER(rewrites);
    rewrites_text(d->rewrites, &text);
    jw_object(&w);
    jw_kv_u64(&w, "v", 1);
    jw_kv_str(&w, "verdict", verdict_name(d->verdict));
    if (d->code == REASON_NONE) {
        jw_kv_null(&w, "code");
    } else {
        jw_kv_str(&w, "code", reason_row(d->code)->code);
    }
    jw_kv_str(&w, "mode", mode_name(in->policy->mode));
    put_group(&w, in);
    put_reasons(&w, d);
    jw_kv_span(&w, "rewrites", buf_view(&text));
    if (d->cost.known) {
        put_cost(&w, &d->cost);
    }
    if (d->weights.mib) {
        put_weights(&w, &d->weights);
    }
    if (max) {
        put_evidence(&w, in->w, max);
    }
    jw_object_end(&w);
}

void decision_annotation(const struct admit_in *in, const struct decision *d, struct buf *out) {
    static const size_t cuts[] = {160, 40, 16, 0};
    char line[ANNOTATION_BYTES_MAX + 1];
    for (unsigned i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct buf b = BUF_OVER(line);
        write_all(in, d, cuts[i], &b);
        if (buf_ok(&b)) {
            buf_span(out, buf_view(&b));
            return;
        }
    }
    out->failed = true;
}
