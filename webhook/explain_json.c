#include "topology/jw.h"
#include "webhook/explain.h"

static void put_size(struct jw *w, const char *key, struct size s) {
    jw_key(w, key);
    if (s.known) {
        jw_u64(w, s.n);
    } else {
        jw_null(w);
    }
}

static void put_text(struct jw *w, const char *key, struct span s) {
    jw_key(w, key);
    if (s.n) {
        jw_span(w, s);
    } else {
        jw_null(w);
    }
}

static void put_pin(struct jw *w, const struct pin *p) {
    jw_key(w, "pin");
    switch ((enum pin_kind)p->kind) {
    case PIN_NONE:
        jw_null(w);
        return;
    case PIN_ALL:
        jw_str(w, "all");
        return;
    case PIN_UNKNOWN:
        jw_str(w, "unknown");
        return;
    case PIN_NODE:
        break;
    }
    jw_array(w);
    for (unsigned i = 0; i < p->n; i++) {
        if (p->gpu[i].index >= 0) {
            jw_i64(w, p->gpu[i].index);
        } else {
            jw_str(w, p->gpu[i].uuid);
        }
    }
    jw_array_end(w);
}

static void put_evidence(struct jw *w, const struct workload *wl) {
    jw_key(w, "evidence");
    jw_object(w);
    for (unsigned f = 0; f < EV_FIELD_COUNT; f++) {
        const struct evidence *ev = &wl->evidence[f];
        if (ev->source == FROM_NOTHING && !ev->unknown) {
            continue;
        }
        jw_key(w, evidence_field_name((enum evidence_field)f));
        jw_object(w);
        jw_kv_str(w, "value", ev->value);
        jw_kv_bool(w, "known", !ev->unknown);
        jw_kv_str(w, "source", evidence_source_name((enum evidence_source)ev->source));
        jw_kv_str(w, "name", ev->name);
        jw_kv_str(w, "where", ev->where);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void put_group(struct jw *w, const struct judgement *j) {
    const struct workload *wl = &j->w;
    jw_key(w, "group");
    jw_object(w);
    put_text(w, "engine", span_of(wl->engine));
    put_size(w, "tp", wl->tp);
    put_size(w, "pp", wl->pp);
    put_size(w, "dp", wl->dp);
    put_size(w, "cp", wl->cp);
    put_size(w, "nodes", wl->nodes);
    put_size(w, "gpusInPod", wl->in_pod);
    put_size(w, "gpusInAll", wl->world);
    jw_kv_u64(w, "gpus", wl->gpus);
    jw_kv_str(w, "scope", scope_name((enum scope)wl->scope));
    jw_kv_bool(w, "worker", wl->is_worker);
    put_text(w, "model", wl->model);
    put_text(w, "quantization", wl->quant);
    put_text(w, "dtype", wl->dtype);
    put_pin(w, &wl->pin);
    put_evidence(w, wl);
    jw_object_end(w);
}

static void put_nodes(struct jw *w, const struct explained *x) {
    jw_key(w, "nodes");
    jw_array(w);
    for (unsigned i = 0; i < x->n_rows; i++) {
        const struct explain_row *r = &x->row[i];
        const struct reason_row *why = reason_row((enum reason)r->answer.code);
        bool fits = r->answer.code == REASON_NONE;
        jw_object(w);
        jw_kv_str(w, "name", r->name);
        jw_kv_bool(w, "fits", fits);
        put_text(w, "code", span_of(fits ? "" : why->code));
        put_text(w, "keptOffBy", span_of(r->why));
        jw_kv_bool(w, "resolvable", !fits && why->resolvable);
        put_text(w, "pair", span_of(r->bad));
        jw_key(w, "set");
        jw_array(w);
        struct span set = span_of(r->set);
        while (set.n) {
            jw_raw(w, span_cut(&set, ','));
        }
        jw_array_end(w);
        jw_kv_u64(w, "score", r->answer.score);
        jw_kv_u64(w, "gpus", r->gpus);
        jw_kv_u64(w, "used", r->used);
        jw_kv_str(w, "wiring", r->summary);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_cost(struct jw *w, const struct decision *d) {
    const struct cost_view *c = &d->cost;
    jw_key(w, "cost");
    if (!c->known) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kv_bool(w, "modelKnown", c->model_known);
    jw_kv_u64(w, "layers", c->layers);
    jw_kv_u64(w, "hidden", c->hidden);
    jw_kv_u64(w, "allReducesPerToken", c->allreduces);
    jw_kv_str(w, "nvlink", cost_fabric_name((enum cost_fabric)c->nvlink));
    jw_kv_str(w, "pcie", cost_fabric_name((enum cost_fabric)c->pcie));
    jw_key(w, "steps");
    jw_array(w);
    for (unsigned i = 0; i < 3; i++) {
        jw_object(w);
        jw_kv_u64(w, "tokens", c->line[i].tokens);
        jw_key(w, "nvlinkMs");
        jw_milli(w, c->line[i].nvlink_us);
        jw_key(w, "pcieMs");
        jw_milli(w, c->line[i].pcie_us);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

static void put_weights(struct jw *w, const struct weights_view *v) {
    jw_key(w, "weights");
    if (!v->mib) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kv_u64(w, "mib", v->mib);
    jw_kv_str(w, "from", v->by_hand ? "annotation" : "name");
    jw_key(w, "gpuMiB");
    if (v->gpu_mib) {
        jw_u64(w, v->gpu_mib);
    } else {
        jw_null(w);
    }
    jw_key(w, "fitsOneGPU");
    if (v->fits_known) {
        jw_bool(w, v->fits_one);
    } else {
        jw_null(w);
    }
    jw_object_end(w);
}

static void put_verdict(struct jw *w, const struct explained *x) {
    const struct decision *d = &x->j->decision;
    jw_kv_str(w, "verdict", verdict_name(d->verdict));
    jw_kv_bool(w, "allowed", d->allowed);
    jw_kv_str(w, "mode", mode_name(x->j->mode));
    put_text(w, "code", span_of(d->code == REASON_NONE ? "" : reason_row(d->code)->code));
    jw_key(w, "reasons");
    jw_array(w);
    for (unsigned i = 0; i < d->n_reasons; i++) {
        jw_object(w);
        jw_kv_str(w, "code", reason_row((enum reason)d->reason[i].code)->code);
        jw_kv_str(w, "sentence", d->reason[i].sentence);
        jw_object_end(w);
    }
    jw_array_end(w);
    put_text(w, "message", span_of(d->message));
    jw_key(w, "warnings");
    jw_array(w);
    for (unsigned i = 0; i < d->n_warnings; i++) {
        jw_str(w, d->warning[i]);
    }
    jw_array_end(w);
}

static void put_rewrites(struct jw *w, const struct explained *x) {
    const struct decision *d = &x->j->decision;
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{REWRITE_STEER, "steer"},
                 {REWRITE_REPIN, "repin"},
                 {REWRITE_REPLICAS, "replicas"},
                 {REWRITE_PIPELINE, "pipeline"}};
    jw_key(w, "rewrites");
    jw_array(w);
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (d->rewrites & names[i].bit) {
            jw_str(w, names[i].name);
        }
    }
    jw_array_end(w);
    jw_key(w, "patch");
    jw_raw(w, x->patch.n ? x->patch : SPAN("[]"));
}

static void put_advice(struct jw *w, const struct decision *d) {
    jw_key(w, "advice");
    jw_array(w);
    for (unsigned i = 0; i < d->n_advice; i++) {
        jw_object(w);
        jw_kv_str(w, "kind", d->advice[i].kind);
        jw_kv_str(w, "text", d->advice[i].text);
        put_text(w, "command", span_of(d->advice[i].command));
        jw_object_end(w);
    }
    jw_array_end(w);
}

void explain_json(const struct explained *x, struct buf *out) {
    struct jw w = jw_new(out, 0);
    const struct unit *u = x->unit;
    jw_object(&w);
    jw_kv_u64(&w, "version", 1);
    put_text(&w, "file", span_of(x->file));
    jw_kv_span(&w, "kind", u->kind);
    jw_kv_span(&w, "namespace", u->ns);
    jw_kv_span(&w, "name", u->name);
    put_text(&w, "role", span_of(u->role));
    put_text(&w, "path", span_of(u->path));
    put_verdict(&w, x);
    put_group(&w, x->j);
    put_rewrites(&w, x);
    put_nodes(&w, x);
    put_cost(&w, &x->j->decision);
    put_weights(&w, &x->j->decision.weights);
    put_advice(&w, &x->j->decision);
    jw_object_end(&w);
    buf_char(out, '\n');
}
