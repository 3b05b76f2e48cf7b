#include "webhook/codec/manifest.h"
#include "webhook/codec/yaml_docs.h"

struct docs {
    struct arena *a;
    struct arena scratch; /* bookkeeping of the JSON writer */
    struct buf json;
    unsigned aliases; /* expansions left, in the whole file */
    struct yaml_doc *list;
    unsigned n;
    unsigned cap;
    unsigned good;
};

static bool fail_room(struct err *e) {
    return err_set(e, ERR_TOO_LARGE, "the YAML text needs more memory than it may have");
}

static bool add_doc(struct docs *d, const struct yaml_doc *doc, struct err *e) {
    if (d->n == YAML_DOCS_MAX) {
        return err_set(e, ERR_TOO_LARGE, "line %u: more than %d documents", doc->line,
                       YAML_DOCS_MAX);
    }
    if (d->n == d->cap) {
        unsigned cap = d->cap ? d->cap * 2 : 8;
        struct yaml_doc *more = ARENA_NEW(d->a, struct yaml_doc, cap);
        if (!more) {
            return fail_room(e);
        }
        if (d->n) {
            memcpy(more, d->list, d->n * sizeof *more);
        }
        d->list = more;
        d->cap = cap;
    }
    d->list[d->n++] = *doc;
    d->good += doc->bad.code == ERR_NONE;
    return true;
}

/* Writes the JSON of one YAML document. Wrong text goes to doc->bad, true. */
static bool convert(struct docs *d, const struct yaml_node *root, struct yaml_doc *doc,
                    struct err *e) {
    struct err bad;
    buf_reset(&d->json);
    arena_reset(&d->scratch);
    if (yaml_json(root, &d->scratch, &d->aliases, &d->json, &bad)) {
        return arena_span(d->a, buf_view(&d->json), &doc->json) || fail_room(e);
    }
    if (bad.code != ERR_INPUT) {
        *e = bad;
        return false;
    }
    doc->bad = bad;
    return true;
}

static bool take_doc(void *ctx, const struct yaml_found *found, struct err *e) {
    struct docs *d = ctx;
    struct yaml_doc doc = {.json = found->json, .line = found->line};
    if (found->bad) {
        doc.bad = *found->bad;
    } else if (found->root && !convert(d, found->root, &doc, e)) {
        return false;
    }
    return add_doc(d, &doc, e);
}

bool yaml_read(struct span text, struct arena *a, struct yaml_doc **docs, unsigned *n,
               struct err *e) {
    struct docs d = {
        .a = a,
        .scratch = arena_new(a->cap),
        .json = buf_new(a->cap),
        .aliases = YAML_ALIASES_MAX,
    };
    bool good = yaml_docs_each(text, take_doc, &d, e);
    arena_done(&d.scratch);
    buf_done(&d.json);
    if (!good) {
        return false;
    }
    if (d.n && !d.good) {
        *e = d.list[0].bad;
        return false;
    }
    *docs = d.list;
    *n = d.n;
    return true;
}
