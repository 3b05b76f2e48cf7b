#include "webhook/codec/parts.h"

#include "topology/buf.h"
#include "topology/json_path.h"

bool want_object(const struct json *v, struct err *e) {
    if (json_kind(v) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants an object, found %s", json_kind_name(json_kind(v)));
    }
    return true;
}

bool list_member(const struct json *o, const char *key, unsigned max, const struct json **out,
                 struct err *e) {
    const struct json *list = NULL;
    if (!json_opt_array(o, key, &list, e)) {
        return false;
    }
    if (list && json_count(list) > max) {
        return err_at(e, ERR_TOO_LARGE, key, "wants at most %u elements, found %u", max,
                      json_count(list));
    }
    *out = list;
    return true;
}

const struct json *map_find(const struct json *map, const char *key) {
    if (!map) {
        return NULL;
    }
    for (const struct json *v = json_first(map); v; v = json_next(v)) {
        if (span_is(json_key(v), key)) {
            return v;
        }
    }
    return NULL;
}

bool in_key(struct err *e, struct span key) {
    char element[ERR_PATH_MAX];
    struct buf b = BUF_OVER(element);
    json_path_key(span_upto(key, ERR_PATH_MAX - 8), &b);
    return err_in(e, "%s", element);
}

static bool value_str(const struct json *v, struct span *out, struct err *e) {
    if (json_as_str(v, out)) {
        return true;
    }
    (void)err_set(e, ERR_INPUT, "wants a string, found %s", json_kind_name(json_kind(v)));
    return in_key(e, json_key(v));
}

bool map_str(const struct json *map, const char *key, struct span *out, struct err *e) {
    const struct json *v = map_find(map, key);
    struct span got = {0};
    if (v && json_kind(v) != JSON_NULL && !value_str(v, &got, e)) {
        return false;
    }
    *out = got;
    return true;
}

bool map_decode(const struct json *map, struct arena *a, struct kv_list *out, struct err *e) {
    if (!map) {
        *out = (struct kv_list){0};
        return true;
    }
    unsigned count = json_count(map);
    if (count > POD_LABELS_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants at most %d entries, found %u", POD_LABELS_MAX,
                       count);
    }
    struct kv *kv = ARENA_NEW(a, struct kv, count);
    if (!kv) {
        return err_set(e, ERR_TOO_LARGE, "the object is too large");
    }
    uint16_t n = 0;
    for (const struct json *v = json_first(map); v; v = json_next(v)) {
        if (json_kind(v) == JSON_NULL) {
            continue;
        }
        kv[n].key = json_key(v);
        if (!value_str(v, &kv[n].value, e)) {
            return false;
        }
        n++;
    }
    *out = (struct kv_list){kv, n};
    return true;
}
