#include "topology/jw.h"
#include "webhook/codec/affinity.h"
#include "webhook/codec/review.h"
#include "webhook/core/workload.h"

/* Each operation adds the first thing that is missing on the way, its children inside the value, so
 * that no operation depends on another one before it. */

struct patch {
    struct jw w;
    bool any;
    const char *prefix;
};

/* Begins an operation behind its path: {"op":"remove","path":"..." */
static void op_path(struct patch *p, const char *op, const char *path) {
    if (!p->any) {
        jw_array(&p->w);
        p->any = true;
    }
    jw_object(&p->w);
    jw_kv_str(&p->w, "op", op);
    jw_key(&p->w, "path");
    jw_fmt(&p->w, "%s%s", p->prefix, path);
}

/* Begins an operation up to its value: {"op":"add","path":"...","value": */
static void op_begin(struct patch *p, const char *op, const char *path) {
    op_path(p, op, path);
    jw_key(&p->w, "value");
}

static void op_end(struct patch *p) {
    jw_object_end(&p->w);
}

static void drop(struct patch *p, const char *path) {
    op_path(p, "remove", path);
    op_end(p);
}

/* One entry of labels or annotations, or the whole map with it. */
static void put_map(struct patch *p, const char *key, struct span value) {
    jw_object(&p->w);
    jw_kv_span(&p->w, key, value);
    jw_object_end(&p->w);
}

/* A pod always has metadata; what has none is patched all the same. */
static void make_metadata(struct patch *p, const struct patch_ask *ask) {
    if (!ask->annotation.n && !ask->gated) {
        return;
    }
    op_begin(p, "add", "/metadata");
    jw_object(&p->w);
    if (ask->annotation.n) {
        jw_key(&p->w, "annotations");
        put_map(p, ANN_DECISION, ask->annotation);
    }
    if (ask->gated) {
        jw_key(&p->w, "labels");
        put_map(p, LABEL_GATED, SPAN("true"));
    }
    jw_object_end(&p->w);
    op_end(p);
}

static void annotate(struct patch *p, const struct patch_ask *ask) {
    const char *const path = "/metadata/annotations/tpguard.io~1decision";
    struct span old = pod_annotation(ask->pod, ANN_DECISION);
    if (!ask->annotation.n && old.p) {
        drop(p, path);
    } else if (ask->annotation.n && ask->pod->has_annotations) {
        if (!old.p || !span_eq(old, ask->annotation)) {
            op_begin(p, "add", path);
            jw_span(&p->w, ask->annotation);
            op_end(p);
        }
    } else if (ask->annotation.n) {
        op_begin(p, "add", "/metadata/annotations");
        put_map(p, ANN_DECISION, ask->annotation);
        op_end(p);
    }
    /* The set is written at bind, never before. */
    if (pod_annotation(ask->pod, ANN_GPUS).p) {
        drop(p, "/metadata/annotations/tpguard.io~1gpus");
    }
    if (pod_annotation(ask->pod, ANN_GPU_UUIDS).p) {
        drop(p, "/metadata/annotations/tpguard.io~1gpu-uuids");
    }
}

static void gate(struct patch *p, const struct patch_ask *ask) {
    const char *const path = "/metadata/labels/tpguard.io~1gated";
    struct span old = pod_label(ask->pod, LABEL_GATED);
    if (!ask->gated && old.p) {
        drop(p, path);
    } else if (ask->gated && ask->pod->has_labels && !span_is(old, "true")) {
        op_begin(p, "add", path);
        jw_str(&p->w, "true");
        op_end(p);
    } else if (ask->gated && !ask->pod->has_labels) {
        op_begin(p, "add", "/metadata/labels");
        put_map(p, LABEL_GATED, SPAN("true"));
        op_end(p);
    }
}

static void mark(struct patch *p, const struct patch_ask *ask) {
    if (!ask->pod->has_metadata) {
        make_metadata(p, ask);
        return;
    }
    annotate(p, ask);
    gate(p, ask);
}

static void put_expression(struct jw *w, unsigned above) {
    jw_object(w);
    jw_kv_str(w, "key", AFFINITY_LABEL);
    jw_kv_str(w, "operator", "Gt");
    jw_key(w, "values");
    jw_array(w);
    jw_fmt(w, "%u", above);
    jw_array_end(w);
    jw_object_end(w);
}

/* A value that starts at some level of the path below and goes down to one term with the
 * expression. */
static void put_terms(struct jw *w, unsigned above) {
    jw_array(w);
    jw_object(w);
    jw_key(w, "matchExpressions");
    jw_array(w);
    put_expression(w, above);
    jw_array_end(w);
    jw_object_end(w);
    jw_array_end(w);
}

static void add_affinity(struct patch *p, const struct pod *pod, unsigned above) {
    static const char *const names[] = {"affinity", "nodeAffinity", AFFINITY_REQUIRED,
                                        "nodeSelectorTerms"};
    const unsigned n = sizeof names / sizeof names[0];
    unsigned there = pod->has_required ? 3 : pod->has_node_affinity ? 2 : pod->has_affinity ? 1 : 0;
    char path[160];
    struct buf at = BUF_OVER(path);
    buf_str(&at, "/spec");
    for (unsigned i = 0; i <= there; i++) {
        buf_fmt(&at, "/%s", names[i]);
    }
    op_begin(p, "add", path);
    for (unsigned i = there + 1; i < n; i++) {
        jw_object(&p->w);
        jw_key(&p->w, names[i]);
    }
    put_terms(&p->w, above);
    for (unsigned i = there + 1; i < n; i++) {
        jw_object_end(&p->w);
    }
    op_end(p);
}

/* Terms are alternatives, so every one gets the expression; but not an empty one: it matches no
 * node, and with the expression it would match some. */
static void extend_term(struct patch *p, const struct pod *pod, unsigned i, unsigned above) {
    if (pod->term_is_empty[i] || pod->term_above[i] >= above) {
        return;
    }
    char path[192];
    struct buf at = BUF_OVER(path);
    buf_fmt(&at,
            "/spec/affinity/nodeAffinity/" AFFINITY_REQUIRED "/nodeSelectorTerms/%u/"
            "matchExpressions%s",
            i, pod->term_has_expressions[i] ? "/-" : "");
    op_begin(p, "add", path);
    if (!pod->term_has_expressions[i]) {
        jw_array(&p->w);
    }
    put_expression(&p->w, above);
    if (!pod->term_has_expressions[i]) {
        jw_array_end(&p->w);
    }
    op_end(p);
}

static void steer(struct patch *p, const struct pod *pod, unsigned above) {
    if (!above) {
        return;
    }
    if (!pod->n_terms) {
        add_affinity(p, pod, above);
        return;
    }
    for (unsigned i = 0; i < pod->n_terms; i++) {
        extend_term(p, pod, i, above);
    }
}

static void set_scheduler(struct patch *p, const struct patch_ask *ask) {
    struct span name = ask->policy->scheduler_name;
    if (!ask->decision->set_scheduler || !name.n || span_eq(ask->pod->scheduler_name, name)) {
        return;
    }
    op_begin(p, "add", "/spec/schedulerName");
    jw_span(&p->w, name);
    op_end(p);
}

static void repin(struct patch *p, const struct pod *pod, const struct decision *d) {
    if (!d->repin[0] || d->repin_container < 0 || d->repin_container >= pod->n_containers) {
        return;
    }
    const struct container *c = &pod->containers[d->repin_container];
    if (d->repin_env < 0 || d->repin_env >= c->n_env) {
        return;
    }
    const struct env_var *v = &c->env[d->repin_env];
    if (v->ref || span_is(v->value, d->repin)) {
        return;
    }
    char path[96];
    struct buf at = BUF_OVER(path);
    buf_fmt(&at, "/spec/%s/%u/env/%d/value", c->init ? "initContainers" : "containers", c->at,
            d->repin_env);
    op_begin(p, v->value.p ? "replace" : "add", path);
    jw_str(&p->w, d->repin);
    op_end(p);
}

void patch_build(const struct patch_ask *ask, struct buf *out) {
    struct patch p = {.w = jw_new(out, 0), .prefix = ask->prefix ? ask->prefix : ""};
    mark(&p, ask);
    if (ask->decision) {
        set_scheduler(&p, ask);
        steer(&p, ask->pod, ask->decision->affinity_above);
        repin(&p, ask->pod, ask->decision);
    }
    if (p.any) {
        jw_array_end(&p.w);
    }
}
