#include "webhook/codec/manifest.h"

#include <assert.h>
#include <stdio.h>

#include "topology/json.h"

#define LIST_DEPTH_MAX 4

struct reading {
    struct arena *a;
    struct manifest m;
    unsigned cap;
    unsigned doc;
};

static bool fail_room(struct err *e) {
    return err_set(e, ERR_TOO_LARGE, "the manifest needs more memory than it may have");
}

static bool reserve(struct reading *r, unsigned more, struct err *e) {
    if (r->cap - r->m.n >= more) {
        return true;
    }
    unsigned cap = r->cap * 2 + more;
    struct unit *list = ARENA_NEW(r->a, struct unit, cap);
    if (!list) {
        return fail_room(e);
    }
    if (r->m.n) {
        memcpy(list, r->m.unit, r->m.n * sizeof *list);
    }
    r->m.unit = list;
    r->cap = cap;
    return true;
}

static void note_custom(struct reading *r, const struct json *o) {
    struct manifest_custom c = {.doc = r->doc};
    const struct json *meta = NULL;
    if (r->m.n_custom == MANIFEST_CUSTOM_MAX || !custom_of_gpus(o) ||
        !json_opt_str(o, "kind", &c.kind, NULL) || !json_opt_object(o, "metadata", &meta, NULL)) {
        return;
    }
    if (meta && json_opt_str(meta, "name", &c.name, NULL) &&
        json_opt_str(meta, "namespace", &c.ns, NULL)) {
        r->m.custom[r->m.n_custom++] = c;
    }
}

/* place is the object's own place in its document: "" or "items[3]". */
static bool add_units(struct reading *r, const struct json *o, const char *place, struct err *e) {
    unsigned n = 0;
    if (!reserve(r, UNITS_MAX, e) || !units_decode(o, r->a, r->m.unit + r->m.n, UNITS_MAX, &n, e)) {
        return false;
    }
    if (n == 0) {
        r->m.others++;
        note_custom(r, o);
    }
    assert(n == 0 || r->m.unit);
    for (unsigned end = r->m.n + n; r->m.n < end; r->m.n++) {
        struct unit *u = &r->m.unit[r->m.n];
        u->doc = r->doc;
        if (place[0]) {
            char inner[sizeof u->path];
            struct buf path = BUF_OVER(inner);
            buf_fmt(&path, "%s%s%s", place, u->path[0] ? "." : "", u->path);
            memcpy(u->path, inner, sizeof inner);
        }
    }
    return true;
}

static bool add_object(struct reading *r, const struct json *o, const char *place, unsigned depth,
                       struct err *e);

static bool add_list(struct reading *r, const struct json *items, const char *place, unsigned depth,
                     struct err *e) {
    unsigned at = 0;
    for (const struct json *v = json_first(items); v; v = json_next(v)) {
        char inner[64];
        (void)snprintf(inner, sizeof inner, "%s%sitems[%u]", place, place[0] ? "." : "", at);
        if (!add_object(r, v, inner, depth + 1, e)) {
            return err_in(e, "items[%u]", at);
        }
        at++;
    }
    return true;
}

static bool add_object(struct reading *r, const struct json *o, const char *place, unsigned depth,
                       struct err *e) {
    if (json_kind(o) != JSON_OBJECT) {
        return err_set(e, ERR_INPUT, "wants a Kubernetes object, found %s",
                       json_kind_name(json_kind(o)));
    }
    struct span kind = {0};
    const struct json *items = NULL;
    if (!json_opt_str(o, "kind", &kind, e)) {
        return false;
    }
    if (!span_ends(kind, "List")) {
        return add_units(r, o, place, e);
    }
    if (depth > LIST_DEPTH_MAX) {
        return err_set(e, ERR_TOO_LARGE, "Lists inside Lists, more than %d deep", LIST_DEPTH_MAX);
    }
    return json_opt_array(o, "items", &items, e) && (!items || add_list(r, items, place, depth, e));
}

static void note_broken(struct reading *r, const struct err *bad) {
    if (r->m.broken++ == 0) {
        r->m.first_broken = *bad;
    }
}

static bool add_doc(struct reading *r, const struct yaml_doc *doc, struct err *e) {
    struct err bad = doc->bad;
    const struct json *root = NULL;
    if (bad.code == ERR_NONE && json_parse(doc->json, r->a, &root, &bad)) {
        return add_object(r, root, "", 0, e);
    }
    if (bad.code != ERR_INPUT) {
        *e = bad;
        return false;
    }
    if (doc->bad.code == ERR_NONE) {
        (void)err_wrap(&bad, "line %u: ", doc->line);
    }
    note_broken(r, &bad);
    return true;
}

bool manifest_read(struct span text, struct arena *a, struct manifest *out, unsigned *e_doc,
                   struct err *e) {
    struct reading r = {.a = a};
    struct yaml_doc *docs = NULL;
    unsigned n = 0;
    if (text.n > MANIFEST_MAX) {
        return err_set(e, ERR_TOO_LARGE, "a manifest of more than %zu MiB", MANIFEST_MAX >> 20);
    }
    if (!yaml_read(text, a, &docs, &n, e)) {
        return false;
    }
    if (n == 0) {
        return err_set(e, ERR_INPUT, "wants a manifest, found no object");
    }
    for (; r.doc < n; r.doc++) {
        if (!add_doc(&r, &docs[r.doc], e)) {
            *e_doc = r.doc;
            return false;
        }
    }
    if (r.m.broken == n) {
        *e = r.m.first_broken;
        return false;
    }
    *out = r.m;
    return true;
}
