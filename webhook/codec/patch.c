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

/* Begins an operation up to its value: {"op":"add","path":"...","value": */
static void op_begin(struct patch *p, const char *op, const char *path) {
    if (!p->any) {
        jw_array(&p->w);
        p->any = true;
    }
    jw_object(&p->w);
    jw_kv_str(&p->w, "op", op);
    jw_key(&p->w, "path");
    jw_fmt(&p->w, "%s%s", p->prefix, path);
    jw_key(&p->w, "value");
}

static void op_end(struct patch *p) {
    jw_object_end(&p->w);
}

static void annotate(struct patch *p, const struct patch_ask *ask) {
    struct span old = pod_annotation(ask->pod, ANN_DECISION);
    if (!ask->annotation.n || (old.p && span_eq(old, ask->annotation))) {
        return;
    }
    if (ask->pod->has_annotations) {
        op_begin(p, "add", "/metadata/annotations/tpguard.io~1decision");
        jw_span(&p->w, ask->annotation);
        op_end(p);
        return;
    }
    op_begin(p, "add", ask->pod->has_metadata ? "/metadata/annotations" : "/metadata");
    jw_object(&p->w);
    if (!ask->pod->has_metadata) {
        jw_key(&p->w, "annotations");
        jw_object(&p->w);
    }
    jw_kv_span(&p->w, ANN_DECISION, ask->annotation);
    if (!ask->pod->has_metadata) {
        jw_object_end(&p->w);
    }
    jw_object_end(&p->w);
    op_end(p);
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
    annotate(&p, ask);
    set_scheduler(&p, ask);
    steer(&p, ask->pod, ask->decision->affinity_above);
    repin(&p, ask->pod, ask->decision);
    if (p.any) {
        jw_array_end(&p.w);
    }
}
