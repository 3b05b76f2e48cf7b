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

static void put_expression(struct jw *w, const char *label, unsigned above) {
    jw_object(w);
    jw_kv_str(w, "key", label);
    jw_kv_str(w, "operator", "Gt");
    jw_key(w, "values");
    jw_array(w);
    jw_fmt(w, "%u", above);
    jw_array_end(w);
    jw_object_end(w);
}

/* One term with the expression, as an object. */
static void put_term(struct jw *w, const char *label, unsigned above) {
    jw_object(w);
    jw_key(w, "matchExpressions");
    jw_array(w);
    put_expression(w, label, above);
    jw_array_end(w);
    jw_object_end(w);
}

static void put_terms(struct jw *w, unsigned above) {
    jw_array(w);
    put_term(w, LABEL_NVLINK_SET, above);
    jw_array_end(w);
}

static void put_required(struct jw *w, unsigned above) {
    jw_object(w);
    jw_key(w, "nodeSelectorTerms");
    put_terms(w, above);
    jw_object_end(w);
}

/* What is to be preferred and is not yet. */
struct preference {
    unsigned n; /* entries, 0 to 2 */
    unsigned above;
};

static struct preference preference_of(const struct pod *pod, const struct decision *d) {
    if (d->prefer_above && pod->preferred_above != d->prefer_above) {
        return (struct preference){1, d->prefer_above};
    }
    return (struct preference){d->prefer_stranded && !pod->preferred_stranded ? 2 : 0, 0};
}

/* A replica goes to a stranded GPU: one that lost its NVLink first, then one that never had any. */
static void put_stranded(struct jw *w, bool linked) {
    jw_array(w);
    put_expression(w, LABEL_STRANDED, 0);
    if (linked) {
        jw_object(w);
        jw_kv_str(w, "key", LABEL_NVLINK);
        jw_kv_str(w, "operator", "NotIn");
        jw_key(w, "values");
        jw_array(w);
        jw_str(w, "none");
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_preferred(struct jw *w, struct preference want, unsigned i) {
    jw_object(w);
    jw_kv_u64(w, "weight", i ? AFFINITY_WEIGHT / 2 : AFFINITY_WEIGHT);
    jw_key(w, "preference");
    if (want.above) {
        put_term(w, LABEL_NVLINK_FREE, want.above);
    } else {
        jw_object(w);
        jw_key(w, "matchExpressions");
        put_stranded(w, i == 0);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void put_preferred_list(struct jw *w, struct preference want) {
    jw_array(w);
    for (unsigned i = 0; i < want.n; i++) {
        put_preferred(w, want, i);
    }
    jw_array_end(w);
}

#define NODE_AFFINITY "/spec/affinity/nodeAffinity"

/* The whole of nodeAffinity, where there is none. */
static void add_node_affinity(struct patch *p, const struct pod *pod, unsigned above,
                              struct preference want) {
    op_begin(p, "add", pod->has_affinity ? NODE_AFFINITY : "/spec/affinity");
    if (!pod->has_affinity) {
        jw_object(&p->w);
        jw_key(&p->w, "nodeAffinity");
    }
    jw_object(&p->w);
    if (above) {
        jw_key(&p->w, AFFINITY_REQUIRED);
        put_required(&p->w, above);
    }
    if (want.n) {
        jw_key(&p->w, AFFINITY_PREFERRED);
        put_preferred_list(&p->w, want);
    }
    jw_object_end(&p->w);
    if (!pod->has_affinity) {
        jw_object_end(&p->w);
    }
    op_end(p);
}

static void add_required(struct patch *p, const struct pod *pod, unsigned above) {
    op_begin(p, "add",
             pod->has_required ? NODE_AFFINITY "/" AFFINITY_REQUIRED "/nodeSelectorTerms"
                               : NODE_AFFINITY "/" AFFINITY_REQUIRED);
    if (pod->has_required) {
        put_terms(&p->w, above);
    } else {
        put_required(&p->w, above);
    }
    op_end(p);
}

static void add_preferred(struct patch *p, const struct pod *pod, struct preference want) {
    for (unsigned i = 0; pod->has_preferred && i < want.n; i++) {
        op_begin(p, "add", NODE_AFFINITY "/" AFFINITY_PREFERRED "/-");
        put_preferred(&p->w, want, i);
        op_end(p);
    }
    if (!pod->has_preferred && want.n) {
        op_begin(p, "add", NODE_AFFINITY "/" AFFINITY_PREFERRED);
        put_preferred_list(&p->w, want);
        op_end(p);
    }
}

/* Terms are alternatives, so every one gets the expression; but not an empty one: it matches no
 * node, and with the expression it would match some. */
static void extend_term(struct patch *p, const struct pod *pod, unsigned i, unsigned above) {
    if (pod->term_is_empty[i] || pod->term_above[i] >= above) {
        return;
    }
    char path[192];
    struct buf at = BUF_OVER(path);
    buf_fmt(&at, NODE_AFFINITY "/" AFFINITY_REQUIRED "/nodeSelectorTerms/%u/matchExpressions%s", i,
            pod->term_has_expressions[i] ? "/-" : "");
    op_begin(p, "add", path);
    if (!pod->term_has_expressions[i]) {
        jw_array(&p->w);
    }
    put_expression(&p->w, LABEL_NVLINK_SET, above);
    if (!pod->term_has_expressions[i]) {
        jw_array_end(&p->w);
    }
    op_end(p);
}

static void steer(struct patch *p, const struct pod *pod, const struct decision *d) {
    unsigned above = d->affinity_above;
    struct preference want = preference_of(pod, d);
    if (!pod->has_node_affinity) {
        if (above || want.n) {
            add_node_affinity(p, pod, above, want);
        }
        return;
    }
    if (above && !pod->n_terms) {
        add_required(p, pod, above);
    }
    for (unsigned i = 0; above && i < pod->n_terms; i++) {
        extend_term(p, pod, i, above);
    }
    add_preferred(p, pod, want);
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
        steer(&p, ask->pod, ask->decision);
        repin(&p, ask->pod, ask->decision);
    }
    if (p.any) {
        jw_array_end(&p.w);
    }
}
