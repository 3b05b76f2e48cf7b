#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"
#include "webhook/core/workload.h"

/* apiVersion "group.example.com/v1": somebody's own kind. Kubernetes' groups have no dot, or end in
 * k8s.io. */
static bool is_custom(const struct json *o) {
    const struct json *v = json_kind(o) == JSON_OBJECT ? map_find(o, "apiVersion") : NULL;
    struct span api_version = {0};
    if (!v || !json_as_str(v, &api_version)) {
        return false;
    }
    struct span group = span_upto(api_version, span_find(api_version, '/'));
    return group.n < api_version.n && span_find(group, '.') < group.n &&
           !span_ends(group, "k8s.io");
}

static bool speaks(struct span text) {
    return span_has(text, "gpu") || span_has(text, "GPU") || span_has(text, "ensorParallel") ||
           span_has(text, "ensor-parallel") || span_has(text, "parallelism");
}

/* In any name or text; recursion is bounded by JSON_DEPTH_MAX. */
static bool speaks_of_gpus(const struct json *v) {
    struct span text = {0};
    if (speaks(json_key(v)) || (json_as_str(v, &text) && speaks(text))) {
        return true;
    }
    if (json_kind(v) == JSON_ARRAY || json_kind(v) == JSON_OBJECT) {
        for (const struct json *c = json_first(v); c; c = json_next(c)) {
            if (speaks_of_gpus(c)) {
                return true;
            }
        }
    }
    return false;
}

static const struct json *member_in(const struct json *o, const char *key, enum json_kind kind) {
    const struct json *v = o && json_kind(o) == JSON_OBJECT ? map_find(o, key) : NULL;
    return v && json_kind(v) == kind ? v : NULL;
}

static bool is_ignored(const struct json *o) {
    const struct json *meta = member_in(o, "metadata", JSON_OBJECT);
    const struct json *label =
        member_in(member_in(meta, "labels", JSON_OBJECT), LABEL_IGNORE, JSON_STRING);
    struct span value = {0};
    return label && json_as_str(label, &value) && span_is(value, "true");
}

bool custom_of_gpus(const struct json *o) {
    const struct json *spec = is_custom(o) ? map_find(o, "spec") : NULL;
    return spec && !is_ignored(o) && speaks_of_gpus(spec);
}

bool object_same_spec(const struct json *a, const struct json *b) {
    return json_equal(member_in(a, "spec", JSON_OBJECT), member_in(b, "spec", JSON_OBJECT)) &&
           is_ignored(a) == is_ignored(b);
}

bool object_is_managed(const struct json *o) {
    const struct json *meta = member_in(o, "metadata", JSON_OBJECT);
    const struct json *list = member_in(meta, "ownerReferences", JSON_ARRAY);
    if (!list) {
        return false;
    }
    for (const struct json *v = json_first(list); v; v = json_next(v)) {
        const struct json *c = json_kind(v) == JSON_OBJECT ? map_find(v, "controller") : NULL;
        bool controller = false;
        if (c && json_as_bool(c, &controller) && controller) {
            return true;
        }
    }
    return false;
}
