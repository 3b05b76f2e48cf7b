/* Typed members: what json.h promises, in terms of json_member. */
#include "topology/buf.h"
#include "topology/json.h"
#include "topology/json_path.h"

/* "wants WANTS, found ..." at the path `key`. */
static bool refuse(const struct json *v, const char *key, const char *wants, struct err *e) {
    char element[ERR_PATH_MAX];
    struct buf path = BUF_OVER(element);
    json_path_key(span_of(key), &path);
    char what[64];
    struct buf found = BUF_OVER(what);
    json_describe(v, &found);
    return err_at(e, ERR_INPUT, element, "wants %s, found %s", wants, what);
}

static bool typed(const struct json *o, const char *key, enum json_kind want,
                  const struct json **out, struct err *e) {
    const struct json *v = NULL;
    if (!json_member(o, key, &v, e)) {
        return false;
    }
    if (v && json_kind(v) != want) {
        return refuse(v, key, json_kind_name(want), e);
    }
    *out = v;
    return true;
}

static bool required(const struct json *o, const char *key, enum json_kind want,
                     const struct json **out, struct err *e) {
    const struct json *v = NULL;
    if (!typed(o, key, want, &v, e)) {
        return false;
    }
    if (!v) {
        return refuse(NULL, key, json_kind_name(want), e);
    }
    *out = v;
    return true;
}

static bool optional(const struct json *o, const char *key, enum json_kind want,
                     const struct json **out, struct err *e) {
    const struct json *v = NULL;
    if (!typed(o, key, want, &v, e)) {
        return false;
    }
    if (v) {
        *out = v;
    }
    return true;
}

bool json_opt_object(const struct json *o, const char *key, const struct json **out,
                     struct err *e) {
    return optional(o, key, JSON_OBJECT, out, e);
}

bool json_opt_array(const struct json *o, const char *key, const struct json **out, struct err *e) {
    return optional(o, key, JSON_ARRAY, out, e);
}

bool json_req_object(const struct json *o, const char *key, const struct json **out,
                     struct err *e) {
    return required(o, key, JSON_OBJECT, out, e);
}

bool json_req_array(const struct json *o, const char *key, const struct json **out, struct err *e) {
    return required(o, key, JSON_ARRAY, out, e);
}

bool json_opt_str(const struct json *o, const char *key, struct span *out, struct err *e) {
    const struct json *v = NULL;
    if (!typed(o, key, JSON_STRING, &v, e)) {
        return false;
    }
    (void)(v && json_as_str(v, out));
    return true;
}

bool json_req_str(const struct json *o, const char *key, struct span *out, struct err *e) {
    const struct json *v = NULL;
    return required(o, key, JSON_STRING, &v, e) && json_as_str(v, out);
}

bool json_opt_bool(const struct json *o, const char *key, bool *out, struct err *e) {
    const struct json *v = NULL;
    if (!typed(o, key, JSON_BOOL, &v, e)) {
        return false;
    }
    (void)(v && json_as_bool(v, out));
    return true;
}

static bool u64_of(const struct json *v, const char *key, uint64_t max, uint64_t *out,
                   struct err *e) {
    if (json_as_u64(v, max, out)) {
        return true;
    }
    char wants[64];
    struct buf text = BUF_OVER(wants);
    buf_str(&text, "a whole number from 0 to ");
    buf_u64(&text, max < JSON_U64_MAX ? max : JSON_U64_MAX);
    return refuse(v, key, wants, e);
}

bool json_opt_u64(const struct json *o, const char *key, uint64_t max, uint64_t *out,
                  struct err *e) {
    const struct json *v = NULL;
    return typed(o, key, JSON_NUMBER, &v, e) && (!v || u64_of(v, key, max, out, e));
}

bool json_req_u64(const struct json *o, const char *key, uint64_t max, uint64_t *out,
                  struct err *e) {
    const struct json *v = NULL;
    return required(o, key, JSON_NUMBER, &v, e) && u64_of(v, key, max, out, e);
}

bool json_only(const struct json *o, const char *const *keys, struct err *e) {
    for (const struct json *v = json_first(o); v; v = json_next(v)) {
        const char *const *k = keys;
        while (*k && !span_is(json_key(v), *k)) {
            k++;
        }
        if (!*k) {
            return err_set(e, ERR_INPUT, "unknown key \"" SPAN_FMT "\"",
                           SPAN_ARG(span_upto(json_key(v), 128)));
        }
    }
    return true;
}
