/* spec.affinity.nodeAffinity, terms and preferences, as far as a JSON Patch has to know what stands
 * there already. */
#include "webhook/codec/affinity.h"

#include "webhook/codec/parts.h"
#include "webhook/core/workload.h"

/* {key: `label`, operator: Gt, values: ["N"]}: *out is N; untouched by every other expression. */
static bool above_of(const struct json *v, const char *label, uint32_t *out, struct err *e) {
    struct span key = {0};
    struct span operator_name = {0};
    struct span text = {0};
    const struct json *values = NULL;
    if (!want_object(v, e) || !json_opt_str(v, "key", &key, e) ||
        !json_opt_str(v, "operator", &operator_name, e) ||
        !json_opt_array(v, "values", &values, e)) {
        return false;
    }
    uint32_t n = 0;
    bool ours = span_is(key, label) && span_is(operator_name, "Gt") && values &&
                json_count(values) == 1 && json_as_str(json_first(values), &text) &&
                span_u32(text, COUNT_MAX, &n);
    *out = ours ? n : *out;
    return true;
}

static bool term_decode(const struct json *term, struct pod *p, uint16_t at, struct err *e) {
    const struct json *expressions = NULL;
    const struct json *fields = NULL;
    if (!want_object(term, e) ||
        !list_member(term, "matchExpressions", AFFINITY_EXPRESSIONS_MAX, &expressions, e) ||
        !json_opt_array(term, "matchFields", &fields, e)) {
        return false;
    }
    unsigned i = 0;
    for (const struct json *v = expressions ? json_first(expressions) : NULL; v;
         v = json_next(v), i++) {
        uint32_t above = 0;
        if (!above_of(v, LABEL_NVLINK_SET, &above, e)) {
            return err_in(e, "matchExpressions[%u]", i);
        }
        p->term_above[at] = above > p->term_above[at] ? above : p->term_above[at];
    }
    p->term_has_expressions[at] = expressions != NULL;
    p->term_is_empty[at] = i == 0 && !(fields && json_count(fields));
    return true;
}

static bool terms_decode(const struct json *required, struct pod *p, struct err *e) {
    const struct json *terms = NULL;
    if (!list_member(required, "nodeSelectorTerms", POD_TERMS_MAX, &terms, e)) {
        return false;
    }
    uint16_t n = 0;
    for (const struct json *v = terms ? json_first(terms) : NULL; v; v = json_next(v), n++) {
        if (!term_decode(v, p, n, e)) {
            return err_in(e, "nodeSelectorTerms[%u]", n);
        }
    }
    p->has_required = true;
    p->n_terms = n;
    return true;
}

/* A preference for what is free, ours or its author's, by its first expression. Read without
 * errors: what of a preference cannot be read is not that. */
static void preference_decode(const struct json *v, struct pod *p) {
    const struct json *preference = NULL;
    const struct json *list = NULL;
    struct err e = {0};
    uint32_t above = 0;
    uint32_t stranded = COUNT_MAX;
    if (json_kind(v) != JSON_OBJECT || !json_opt_object(v, "preference", &preference, &e) ||
        !preference || !json_opt_array(preference, "matchExpressions", &list, &e) || !list ||
        !json_count(list) || !above_of(json_first(list), LABEL_NVLINK_FREE, &above, &e) ||
        !above_of(json_first(list), LABEL_STRANDED, &stranded, &e)) {
        return;
    }
    p->preferred_above = above ? above : p->preferred_above;
    p->preferred_stranded = p->preferred_stranded || stranded == 0;
}

static bool preferences_decode(const struct json *node, struct pod *p, struct err *e) {
    const struct json *list = NULL;
    if (!list_member(node, AFFINITY_PREFERRED, AFFINITY_PREFERRED_MAX, &list, e)) {
        return false;
    }
    p->has_preferred = list != NULL;
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v)) {
        preference_decode(v, p);
    }
    return true;
}

bool affinity_decode(const struct json *spec, struct pod *p, struct err *e) {
    const struct json *affinity = NULL;
    const struct json *node = NULL;
    const struct json *required = NULL;
    if (!json_opt_object(spec, "affinity", &affinity, e)) {
        return false;
    }
    if (!affinity) {
        return true;
    }
    p->has_affinity = true;
    if (!json_opt_object(affinity, "nodeAffinity", &node, e)) {
        return err_in(e, "affinity");
    }
    if (!node) {
        return true;
    }
    p->has_node_affinity = true;
    if (!json_opt_object(node, AFFINITY_REQUIRED, &required, e) ||
        !preferences_decode(node, p, e)) {
        return err_in(e, "affinity.nodeAffinity");
    }
    if (required && !terms_decode(required, p, e)) {
        return err_in(e, "affinity.nodeAffinity." AFFINITY_REQUIRED);
    }
    return true;
}
