/* nodeSelector, required node affinity and tolerations of a pod; labels and taints of a node. The
 * API server has checked their types; what is none of them, or beyond a limit, cannot be told and
 * keeps nobody off a node. */
#include "webhook/codec/affinity.h"
#include "webhook/codec/parts.h"

/* Entries, expressions and values still allowed. */
struct budget {
    struct arena *a;
    unsigned left;
};

static bool spend(struct budget *b, unsigned n) {
    bool good = n <= b->left;
    b->left -= good ? n : 0;
    return good;
}

/* A list or map that is there, in *out; absent: NULL. */
static bool read_list(const struct json *o, const char *key, const struct json **out) {
    struct err ignored = {0};
    return json_opt_array(o, key, out, &ignored);
}
static bool read_map(const struct json *o, const char *key, const struct json **out) {
    struct err ignored = {0};
    return json_opt_object(o, key, out, &ignored);
}
static bool read_str(const struct json *o, const char *key, struct span *out) {
    struct err ignored = {0};
    return json_opt_str(o, key, out, &ignored);
}

/* All pairs of a map of strings. */
static bool read_pairs(const struct json *map, struct arena *a, unsigned n, const struct kv **out) {
    struct kv *kv = n ? ARENA_NEW(a, struct kv, n) : NULL;
    unsigned i = 0;
    if (n && !kv) {
        return false;
    }
    for (const struct json *v = n ? json_first(map) : NULL; v && i < n; v = json_next(v), i++) {
        kv[i].key = json_key(v);
        if (!json_as_str(v, &kv[i].value)) {
            return false;
        }
    }
    *out = kv;
    return true;
}

static bool selector_decode(const struct json *spec, struct budget *b, struct pod_place *p) {
    const struct json *map = NULL;
    if (!read_map(spec, "nodeSelector", &map)) {
        return false;
    }
    unsigned n = map ? json_count(map) : 0;
    if (!spend(b, n) || !read_pairs(map, b->a, n, &p->selector)) {
        return false;
    }
    p->n_selector = (uint16_t)n;
    return true;
}

/* ---- node affinity ---- */

static enum node_op op_of(struct span name) {
    static const struct {
        const char *name;
        enum node_op op;
    } rows[] = {{"In", NODE_OP_IN},         {"NotIn", NODE_OP_NOT_IN},
                {"Exists", NODE_OP_EXISTS}, {"DoesNotExist", NODE_OP_NOT_EXISTS},
                {"Gt", NODE_OP_GT},         {"Lt", NODE_OP_LT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_is(name, rows[i].name)) {
            return rows[i].op;
        }
    }
    return NODE_OP_UNTOLD;
}

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Can a label have this value at all? kube-scheduler drops a term with another one. */
static bool is_value(struct span v) {
    bool good = v.n <= 63 && (v.n == 0 || (is_word(v.p[0]) && is_word(v.p[v.n - 1])));
    for (size_t i = 0; good && i < v.n; i++) {
        good = is_word(v.p[i]) || v.p[i] == '-' || v.p[i] == '_' || v.p[i] == '.';
    }
    return good;
}

/* An operator with values that it does not take is none. */
static enum node_op checked(enum node_op op, struct node_rule *r) {
    for (unsigned i = 0; i < r->n; i++) {
        if (!is_value(r->values[i])) {
            return NODE_OP_UNTOLD;
        }
    }
    switch (op) {
    case NODE_OP_IN:
    case NODE_OP_NOT_IN:
        return r->n ? op : NODE_OP_UNTOLD;
    case NODE_OP_EXISTS:
    case NODE_OP_NOT_EXISTS:
        return r->n ? NODE_OP_UNTOLD : op;
    case NODE_OP_GT:
    case NODE_OP_LT:
        return r->n == 1 && place_int(r->values[0], &r->bar) ? op : NODE_OP_UNTOLD;
    case NODE_OP_UNTOLD:
        break;
    }
    return NODE_OP_UNTOLD;
}

/* false: beyond a limit. An expression that cannot be read is one that cannot be told. */
static bool rule_decode(const struct json *v, struct budget *b, bool field, struct node_rule *out) {
    const struct json *list = NULL;
    struct span name = {0};
    *out = (struct node_rule){.field = field};
    if (json_kind(v) != JSON_OBJECT || !read_str(v, "key", &out->key) ||
        !read_str(v, "operator", &name) || !read_list(v, "values", &list)) {
        return true;
    }
    unsigned n = list ? json_count(list) : 0;
    struct span *values = n && spend(b, n) ? ARENA_NEW(b->a, struct span, n) : NULL;
    if (n && !values) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *s = list ? json_first(list) : NULL; s && i < n; s = json_next(s), i++) {
        if (!json_as_str(s, &values[i])) {
            return true;
        }
    }
    out->values = values;
    out->n = (uint16_t)n;
    out->op = (uint8_t)checked(op_of(name), out);
    return true;
}

static bool term_decode(const struct json *v, struct budget *b, struct node_term *out) {
    const struct json *list[2] = {NULL, NULL};
    if (json_kind(v) != JSON_OBJECT || !read_list(v, "matchExpressions", &list[0]) ||
        !read_list(v, "matchFields", &list[1])) {
        return false;
    }
    unsigned labels = list[0] ? json_count(list[0]) : 0;
    unsigned fields = list[1] ? json_count(list[1]) : 0;
    if (!spend(b, labels) || !spend(b, fields)) {
        return false;
    }
    unsigned n = labels + fields;
    struct node_rule *rule = n ? ARENA_NEW(b->a, struct node_rule, n) : NULL;
    if (n && !rule) {
        return false;
    }
    unsigned at = 0;
    for (unsigned k = 0; k < 2; k++) {
        for (const struct json *e = list[k] ? json_first(list[k]) : NULL; e && at < n;
             e = json_next(e)) {
            if (!rule_decode(e, b, k == 1, &rule[at++])) {
                return false;
            }
        }
    }
    *out = (struct node_term){rule, (uint16_t)n};
    return true;
}

static bool terms_decode(const struct json *spec, struct budget *b, struct pod_place *p) {
    const struct json *affinity = NULL;
    const struct json *node = NULL;
    const struct json *required = NULL;
    const struct json *list = NULL;
    if (!read_map(spec, "affinity", &affinity) ||
        (affinity && !read_map(affinity, "nodeAffinity", &node)) ||
        (node && !read_map(node, AFFINITY_REQUIRED, &required))) {
        return false;
    }
    if (!required) {
        return true;
    }
    if (!read_list(required, "nodeSelectorTerms", &list)) {
        return false;
    }
    unsigned n = list ? json_count(list) : 0;
    struct node_term *term = n && n <= POD_TERMS_MAX ? ARENA_NEW(b->a, struct node_term, n) : NULL;
    if (n && !term) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *v = list ? json_first(list) : NULL; v && i < n; v = json_next(v), i++) {
        if (!term_decode(v, b, &term[i])) {
            return false;
        }
    }
    p->required = true;
    p->term = term;
    p->n_terms = (uint16_t)n;
    return true;
}

/* ---- tolerations and taints ---- */

static enum taint_effect effect_of(struct span name) {
    if (name.n == 0) {
        return EFFECT_ANY;
    }
    return span_is(name, "NoSchedule")  ? EFFECT_NO_SCHEDULE
           : span_is(name, "NoExecute") ? EFFECT_NO_EXECUTE
                                        : EFFECT_OTHER;
}

static bool toleration_decode(const struct json *v, struct toleration *t) {
    struct span op = {0};
    struct span effect = {0};
    if (json_kind(v) != JSON_OBJECT || !read_str(v, "key", &t->key) ||
        !read_str(v, "value", &t->value) || !read_str(v, "operator", &op) ||
        !read_str(v, "effect", &effect)) {
        return false;
    }
    bool equal = op.n == 0 || span_is(op, "Equal");
    t->op = (uint8_t)(equal                   ? TOLERATE_EQUAL
                      : span_is(op, "Exists") ? TOLERATE_EXISTS
                                              : TOLERATE_UNTOLD);
    t->effect = (uint8_t)effect_of(effect);
    return true;
}

static bool tolerations_decode(const struct json *spec, struct arena *a, struct pod_place *p) {
    const struct json *list = NULL;
    if (!read_list(spec, "tolerations", &list)) {
        return false;
    }
    unsigned n = list ? json_count(list) : 0;
    struct toleration *t =
        n && n <= POD_TOLERATIONS_MAX ? ARENA_NEW(a, struct toleration, n) : NULL;
    if (n && !t) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *v = list ? json_first(list) : NULL; v && i < n; v = json_next(v), i++) {
        t[i] = (struct toleration){0};
        if (!toleration_decode(v, &t[i])) {
            return false;
        }
    }
    p->toleration = t;
    p->n_tolerations = (uint16_t)n;
    return true;
}

void place_decode(const struct json *spec, struct arena *a, struct pod *p) {
    struct budget b = {.a = a, .left = POD_PLACE_MAX};
    struct pod_place place = {0};
    place.selector_untold = !selector_decode(spec, &b, &place);
    place.terms_untold = !terms_decode(spec, &b, &place);
    place.tolerations_untold = !tolerations_decode(spec, a, &place);
    p->place = place;
}

static bool taint_decode(const struct json *v, struct node_taint *t) {
    struct span effect = {0};
    if (json_kind(v) != JSON_OBJECT || !read_str(v, "key", &t->key) ||
        !read_str(v, "value", &t->value) || !read_str(v, "effect", &effect)) {
        return false;
    }
    enum taint_effect of = effect_of(effect);
    t->effect = (uint8_t)(of == EFFECT_ANY ? EFFECT_OTHER : of);
    return true;
}

static bool taints_decode(const struct json *spec, struct arena *a, struct node_place_in *out) {
    const struct json *list = NULL;
    if (spec && !read_list(spec, "taints", &list)) {
        return false;
    }
    unsigned n = list ? json_count(list) : 0;
    struct node_taint *t = n && n <= NODE_TAINTS_MAX ? ARENA_NEW(a, struct node_taint, n) : NULL;
    if (n && !t) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *v = list ? json_first(list) : NULL; v && i < n; v = json_next(v), i++) {
        t[i] = (struct node_taint){0};
        if (!taint_decode(v, &t[i])) {
            return false;
        }
    }
    out->taint = t;
    out->n_taints = (uint16_t)n;
    return true;
}

void node_place_decode(const struct json *labels, const struct json *spec, struct arena *a,
                       struct node_place_in *out) {
    struct node_place_in in = {0};
    unsigned n = labels ? json_count(labels) : 0;
    in.labels_known = n <= NODE_LABELS_MAX && read_pairs(labels, a, n, &in.label);
    in.n_labels = (uint16_t)(in.labels_known ? n : 0);
    in.taints_known = taints_decode(spec, a, &in);
    *out = in;
}
