/* Tree -> JSON text: aliases expanded (counted: a few lines of anchors can stand for gigabytes),
 * merge keys carried out, duplicate keys refused. */
#include <stdlib.h>

#include "topology/jw.h"
#include "webhook/codec/manifest.h"
#include "webhook/codec/yaml_tree.h"

struct writer {
    struct jw jw;
    struct arena *scratch;
    unsigned *aliases;
    struct err *e;
};

/* One member that a mapping has, of its own or merged in. */
struct entry {
    struct span key;
    const struct yaml_node *at; /* the key node; at->next is the value */
    const struct yaml_node *owner;
    unsigned order; /* own members first, then merged ones: the first of a name wins */
};

struct entries {
    struct entry *list;
    unsigned n;
    unsigned cap;
};

static bool fail_room(struct err *e) {
    return err_set(e, ERR_TOO_LARGE, "the YAML document grows too large");
}

static bool follow(struct writer *w, const struct yaml_node **n) {
    if ((*n)->kind != YAML_ALIAS) {
        return true;
    }
    if (*w->aliases == 0) {
        return err_set(w->e, ERR_TOO_LARGE, "line %u: more than %d aliases to expand", (*n)->line,
                       YAML_ALIASES_MAX);
    }
    --*w->aliases;
    *n = (*n)->target;
    return true;
}

static bool is_merge(const struct yaml_node *key) {
    return key->kind == YAML_SCALAR && span_is(key->text, "<<") &&
           (key->implicit || span_is(key->tag, "tag:yaml.org,2002:merge"));
}

/* Names of members: JSON has only strings, so 80: and on: become "80" and "true", as in kubectl. */
static bool key_text(struct writer *w, const struct yaml_node *key, struct span *out) {
    if (!follow(w, &key)) {
        return false;
    }
    if (key->kind == YAML_MAPPING) {
        return err_set(w->e, ERR_INPUT,
                       "line %u: a key is a map: JSON has no such key (an unfilled template?)",
                       key->line);
    }
    if (key->kind != YAML_SCALAR) {
        return err_set(w->e, ERR_INPUT, "line %u: a key is a list: JSON has no such key",
                       key->line);
    }
    struct yaml_scalar v;
    if (!yaml_resolve(key, &v, w->e)) {
        return false;
    }
    switch (v.kind) {
    case YAML_IS_NULL:
        return err_set(w->e, ERR_INPUT, "line %u: a key is null", key->line);
    case YAML_IS_TRUE:
        *out = SPAN("true");
        return true;
    case YAML_IS_FALSE:
        *out = SPAN("false");
        return true;
    case YAML_IS_NUMBER:
        return arena_span(w->scratch, span_of(v.number), out) || fail_room(w->e);
    case YAML_IS_STRING:
    default:
        *out = key->text;
        return true;
    }
}

static bool add_entry(struct writer *w, struct entries *list, struct entry one) {
    if (list->n == list->cap) {
        unsigned cap = list->cap ? list->cap * 2 : 16;
        struct entry *more = ARENA_NEW(w->scratch, struct entry, cap);
        if (!more) {
            return fail_room(w->e);
        }
        if (list->n) {
            memcpy(more, list->list, list->n * sizeof *more);
        }
        list->list = more;
        list->cap = cap;
    }
    one.order = list->n;
    list->list[list->n++] = one;
    return true;
}

static bool gather(struct writer *w, const struct yaml_node *mapping, unsigned depth,
                   struct entries *list);

/* The value of "<<": a mapping, or a list of mappings. */
static bool gather_merge(struct writer *w, const struct yaml_node *value, unsigned depth,
                         struct entries *list) {
    if (!follow(w, &value)) {
        return false;
    }
    if (value->kind != YAML_SEQUENCE) {
        return gather(w, value, depth, list);
    }
    for (const struct yaml_node *n = value->first; n; n = n->next) {
        const struct yaml_node *one = n;
        if (!follow(w, &one) || !gather(w, one, depth, list)) {
            return false;
        }
    }
    return true;
}

static bool gather(struct writer *w, const struct yaml_node *mapping, unsigned depth,
                   struct entries *list) {
    if (mapping->kind != YAML_MAPPING) {
        return err_set(w->e, ERR_INPUT, "line %u: << wants a map to merge", mapping->line);
    }
    if (depth > YAML_DEPTH_MAX) {
        return err_set(w->e, ERR_TOO_LARGE, "line %u: nested deeper than %d", mapping->line,
                       YAML_DEPTH_MAX);
    }
    for (const struct yaml_node *k = mapping->first; k; k = k->next->next) {
        struct entry one = {.at = k, .owner = mapping};
        if (!is_merge(k) && (!key_text(w, k, &one.key) || !add_entry(w, list, one))) {
            return false;
        }
    }
    for (const struct yaml_node *k = mapping->first; k; k = k->next->next) {
        if (is_merge(k) && !gather_merge(w, k->next, depth + 1, list)) {
            return false;
        }
    }
    return true;
}

static int by_key(const void *a, const void *b) {
    const struct entry *x = a;
    const struct entry *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int c = n ? memcmp(x->key.p, y->key.p, n) : 0;
    if (c == 0 && x->key.n != y->key.n) {
        c = x->key.n < y->key.n ? -1 : 1;
    }
    return c ? c : x->order < y->order ? -1 : 1;
}

static int by_order(const void *a, const void *b) {
    const struct entry *x = a;
    const struct entry *y = b;
    return x->order < y->order ? -1 : 1;
}

/* Leaves one entry a name, in the order of the text. */
static bool settle(struct writer *w, struct entries *list) {
    if (list->n < 2) {
        return true;
    }
    qsort(list->list, list->n, sizeof *list->list, by_key);
    unsigned kept = 1;
    for (unsigned i = 1; i < list->n; i++) {
        const struct entry *one = &list->list[i];
        const struct entry *before = &list->list[kept - 1];
        if (!span_eq(before->key, one->key)) {
            list->list[kept++] = *one;
        } else if (before->owner == one->owner && before->at != one->at) {
            return err_set(w->e, ERR_INPUT,
                           "line %u: key \"" SPAN_FMT "\" is there twice (first in line %u)",
                           one->at->line, SPAN_ARG(span_upto(one->key, 80)), before->at->line);
        }
    }
    list->n = kept;
    qsort(list->list, list->n, sizeof *list->list, by_order);
    return true;
}

static bool put(struct writer *w, const struct yaml_node *n, unsigned depth);

static bool put_mapping(struct writer *w, const struct yaml_node *n, unsigned depth) {
    struct entries list = {0};
    if (!gather(w, n, depth, &list) || !settle(w, &list)) {
        return false;
    }
    jw_object(&w->jw);
    for (unsigned i = 0; i < list.n; i++) {
        jw_key_span(&w->jw, list.list[i].key);
        if (!put(w, list.list[i].at->next, depth + 1)) {
            return false;
        }
    }
    jw_object_end(&w->jw);
    return true;
}

static bool put_scalar(struct writer *w, const struct yaml_node *n) {
    struct yaml_scalar v;
    if (!yaml_resolve(n, &v, w->e)) {
        return false;
    }
    switch (v.kind) {
    case YAML_IS_NULL:
        jw_null(&w->jw);
        break;
    case YAML_IS_TRUE:
    case YAML_IS_FALSE:
        jw_bool(&w->jw, v.kind == YAML_IS_TRUE);
        break;
    case YAML_IS_NUMBER:
        jw_raw(&w->jw, span_of(v.number));
        break;
    case YAML_IS_STRING:
    default:
        jw_span(&w->jw, n->text);
        break;
    }
    return true;
}

static bool put(struct writer *w, const struct yaml_node *n, unsigned depth) {
    if (!follow(w, &n)) {
        return false;
    }
    if (depth > YAML_DEPTH_MAX) {
        return err_set(w->e, ERR_TOO_LARGE, "line %u: nested deeper than %d", n->line,
                       YAML_DEPTH_MAX);
    }
    if (!buf_ok(w->jw.out)) {
        return fail_room(w->e);
    }
    if (n->kind == YAML_SCALAR) {
        return put_scalar(w, n);
    }
    if (n->kind == YAML_MAPPING) {
        return put_mapping(w, n, depth);
    }
    jw_array(&w->jw);
    for (const struct yaml_node *v = n->first; v; v = v->next) {
        if (!put(w, v, depth + 1)) {
            return false;
        }
    }
    jw_array_end(&w->jw);
    return true;
}

bool yaml_json(const struct yaml_node *n, struct arena *scratch, unsigned *aliases, struct buf *out,
               struct err *e) {
    struct writer w = {.jw = jw_new(out, 0), .scratch = scratch, .aliases = aliases, .e = e};
    size_t before = out->n;
    if (!put(&w, n, 1) || (!buf_ok(out) && !fail_room(e))) {
        buf_back(out, before);
        return false;
    }
    return true;
}
