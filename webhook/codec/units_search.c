#include "topology/buf.h"
#include "webhook/codec/parts.h"
#include "webhook/codec/units.h"

/* Deep enough for a role in a list in a template in a spec; a bound for the recursion. */
#define SEARCH_DEPTH_MAX 12

struct place_name {
    struct buf path;
    struct span role;
};

/* A member of exactly this name and kind; names that differ in case mean nothing here, because the
 * kind is not ours to judge. */
static const struct json *member(const struct json *o, const char *key, enum json_kind kind) {
    const struct json *v = json_kind(o) == JSON_OBJECT ? map_find(o, key) : NULL;
    return v && json_kind(v) == kind ? v : NULL;
}

static bool is_template(const struct json *o) {
    const struct json *spec = member(o, "spec", JSON_OBJECT);
    const struct json *list = spec ? member(spec, "containers", JSON_ARRAY) : NULL;
    const struct json *first = list ? json_first(list) : NULL;
    return first && json_kind(first) == JSON_OBJECT && map_find(first, "name");
}

/* Lists of roles and groups name their elements; Ray's head stands alone and has no name. */
static struct span role_of(const struct json *v, struct span outer) {
    static const char *const keys[] = {"name", "groupName"};
    struct span role = outer;
    if (span_is(json_key(v), "headGroupSpec")) {
        return SPAN("head");
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const struct json *name = member(v, keys[i], JSON_STRING);
        if (name && json_as_str(name, &role)) {
            return role;
        }
    }
    return outer;
}

static bool search(const struct json *v, struct place_name at, unsigned depth, struct units *u,
                   struct err *e);

static bool search_children(const struct json *v, struct place_name at, unsigned depth,
                            struct units *u, struct err *e) {
    bool list = json_kind(v) == JSON_ARRAY;
    unsigned i = 0;
    for (const struct json *c = json_first(v); c; c = json_next(c), i++) {
        if (json_kind(c) != JSON_OBJECT && json_kind(c) != JSON_ARRAY) {
            continue;
        }
        struct place_name child = at; /* the bytes are shared, the length is its own */
        if (list) {
            buf_fmt(&child.path, "[%u]", i);
        } else {
            buf_char(&child.path, '.');
            buf_span(&child.path, json_key(c));
        }
        if (!search(c, child, depth + 1, u, e)) {
            return false;
        }
    }
    return true;
}

static bool search(const struct json *v, struct place_name at, unsigned depth, struct units *u,
                   struct err *e) {
    at.role = role_of(v, at.role);
    if (json_kind(v) == JSON_OBJECT && is_template(v)) {
        if (!buf_ok(&at.path)) {
            return err_at(e, ERR_TOO_LARGE, buf_cstr(&at.path),
                          "a pod template at too long a path");
        }
        struct unit_place place = {.path = buf_cstr(&at.path), .role = at.role};
        return units_add(u, v, &place, e);
    }
    return depth == SEARCH_DEPTH_MAX || search_children(v, at, depth, u, e);
}

bool units_search(const struct json *o, struct units *u, struct err *e) {
    const struct json *spec = member(o, "spec", JSON_OBJECT);
    char path[sizeof u->out->path];
    if (!spec) {
        return true;
    }
    struct place_name at = {.path = BUF_OVER(path)};
    buf_str(&at.path, "spec");
    return search(spec, at, 0, u, e);
}
