#include "webhook/codec/manifest.h"
#include "webhook/codec/yaml_docs.h"

struct search {
    unsigned doc; /* documents still to pass */
    struct span path;
    unsigned line;
};

/* The value whose key begins the path, cut off it. Keys may hold dots ("nvidia.com/gpu"), so the
 * longest key that fits is meant. */
static const struct yaml_node *step_key(const struct yaml_node *n, struct span *path) {
    const struct yaml_node *best = NULL;
    size_t best_n = 0;
    struct span p = *path;
    bool quoted = span_starts(p, "['");
    p = span_from(p, quoted ? 2 : 0);
    for (const struct yaml_node *k = n->first; k; k = k->next->next) {
        struct span key = k->text;
        if (k->kind != YAML_SCALAR || key.n > p.n || !span_eq(span_upto(p, key.n), key)) {
            continue;
        }
        struct span after = span_from(p, key.n);
        bool whole = quoted ? span_starts(after, "']")
                            : after.n == 0 || after.p[0] == '.' || after.p[0] == '[';
        if (whole && (!best || key.n > best_n)) {
            best = k->next;
            best_n = key.n;
        }
    }
    *path = best ? span_from(p, best_n + (quoted ? 2 : 0)) : *path;
    return best;
}

static const struct yaml_node *step_index(const struct yaml_node *n, struct span *path) {
    struct span rest = *path;
    uint64_t at = 0;
    struct span word = span_cut(&rest, ']');
    if (!span_starts(word, "[") || !span_u64(span_from(word, 1), UINT32_MAX, &at)) {
        return NULL;
    }
    const struct yaml_node *v = n->first;
    for (uint64_t i = 0; v && i < at; i++) {
        v = v->next;
    }
    *path = rest;
    return v;
}

static unsigned line_in(const struct yaml_node *n, struct span path) {
    for (;;) {
        unsigned line = n->line;
        const struct yaml_node *into = n->kind == YAML_ALIAS ? n->target : n;
        if (path.n && path.p[0] == '.') {
            path = span_from(path, 1);
        }
        if (path.n == 0) {
            return line;
        }
        const struct yaml_node *child = NULL;
        if (into->kind == YAML_MAPPING) {
            child = step_key(into, &path);
        } else if (into->kind == YAML_SEQUENCE) {
            child = step_index(into, &path);
        }
        if (!child) {
            return line;
        }
        n = child;
    }
}

/* JSON is YAML, as far as finding a line goes. */
static bool find_in_json(void *ctx, const struct yaml_found *found, struct err *e) {
    struct search *s = ctx;
    struct arena tree = arena_new((size_t)128 * 1024 * 1024);
    struct yaml_reader r;
    struct yaml_node *root = NULL;
    bool more = false;
    if (!yaml_open(&r, found->json, found->line - 1, &tree, e)) {
        return false;
    }
    if (yaml_document(&r, &more, e) && more && yaml_compose(&r, 1, &root, e)) {
        s->line = line_in(root, s->path);
    }
    yaml_close(&r);
    arena_done(&tree);
    return false;
}

static bool find_line(void *ctx, const struct yaml_found *found, struct err *e) {
    struct search *s = ctx;
    if (s->doc) {
        s->doc--;
        return true;
    }
    s->line = found->line;
    if (found->json.n) {
        return find_in_json(s, found, e);
    }
    if (found->root) {
        s->line = line_in(found->root, s->path);
    }
    return false;
}

unsigned yaml_line(struct span text, unsigned doc, const char *path) {
    struct search s = {.doc = doc, .path = span_of(path)};
    struct err ignored;
    return yaml_docs_each(text, find_line, &s, &ignored) ? 0 : s.line;
}
