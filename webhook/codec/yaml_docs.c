#include "webhook/codec/yaml_docs.h"

#include "topology/json.h"

/* Heap for the tree of one document: a node takes about 80 bytes, a line of a manifest has about
 * two. */
#define TREE_MAX ((size_t)128 * 1024 * 1024)

static unsigned count_lines(const char *from, const char *to) {
    unsigned n = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from)))) {
        n++;
        from++;
    }
    return n;
}

bool yaml_parts_begin(struct span *text, struct err *e) {
    const char *nul = text->n ? memchr(text->p, 0, text->n) : NULL;
    if (nul) {
        return err_set(e, ERR_INPUT, "line %u: a NUL byte: wants text in UTF-8",
                       count_lines(text->p, nul) + 1);
    }
    if (span_starts(*text, "\xEF\xBB\xBF")) {
        *text = span_from(*text, 3);
    }
    return true;
}

static bool is_marker(struct span line) {
    return span_starts(line, "---") && (line.n == 3 || span_is_space(line.p[3]));
}

/* Lines that may stand before the `---` of their document. */
static bool is_prolog(struct span line) {
    struct span t = span_trim(line);
    return t.n == 0 || t.p[0] == '#' || line.p[0] == '%' || span_is(t, "...");
}

/* Both languages may begin with a bracket; what follows tells {"a": 1} from {a: 1}. */
static bool looks_json(struct span text) {
    struct span t = span_trim(text);
    if (t.n < 2 || (t.p[0] != '{' && t.p[0] != '[')) {
        return false;
    }
    struct span inner = span_trim(span_from(t, 1));
    return inner.n == 0 || memchr("\"{[]}", inner.p[0], 5) != NULL;
}

bool yaml_part_next(struct span *rest, unsigned *line0, struct yaml_part *out) {
    if (rest->n == 0) {
        return false;
    }
    struct yaml_part part = {.text = *rest, .line0 = *line0};
    bool prolog = true;     /* so far nothing but what may stand before a marker */
    bool directive = false; /* ... one of which belongs to the document */
    bool content = false;
    while (rest->n) {
        struct span after = *rest;
        struct span line = span_line(&after);
        bool marker = is_marker(line);
        if (marker && !prolog) {
            break;
        }
        *line0 += 1;
        *rest = after;
        directive = directive || (line.n && line.p[0] == '%');
        bool bare = marker && span_trim(span_from(line, 3)).n == 0;
        if (bare && !directive) {
            part = (struct yaml_part){.text = after, .line0 = *line0};
        }
        content = content || !(bare || (!marker && is_prolog(line)));
        prolog = !marker && prolog && is_prolog(line);
    }
    /* libyaml finds no document in comments, but trips over a lone "...". */
    part.text.n = content || directive ? (size_t)(rest->p - part.text.p) : 0;
    part.json = looks_json(part.text);
    *out = part;
    return true;
}

bool yaml_json_next(struct span *rest, unsigned *line0, struct span *text, bool *more,
                    struct err *e) {
    struct span from = *rest;
    while (from.n && span_is_space(from.p[0])) {
        *line0 += from.p[0] == '\n';
        from = span_from(from, 1);
    }
    *more = from.n > 0;
    if (!*more) {
        *rest = from;
        return true;
    }
    struct json_scan s = json_scan_new(from);
    if (!json_scan_skip(&s, text, e)) {
        return err_wrap(e, "line %u: ", *line0 + count_lines(from.p, s.p) + 1);
    }
    *rest = span_from(from, (size_t)(s.p - from.p));
    return true;
}

/* Only wrong text harms one document alone; no memory or a passed maximum ends the whole file. */
static bool report_bad(yaml_doc_fn *fn, void *ctx, const struct err *bad, unsigned line,
                       struct err *e) {
    if (bad->code != ERR_INPUT) {
        *e = *bad;
        return false;
    }
    struct yaml_found doc = {.bad = bad, .line = line};
    return fn(ctx, &doc, e);
}

static bool each_json(const struct yaml_part *part, yaml_doc_fn *fn, void *ctx, struct err *e) {
    struct span rest = part->text;
    unsigned line0 = part->line0;
    for (;;) {
        struct span text = {0};
        bool more;
        struct err bad;
        if (!yaml_json_next(&rest, &line0, &text, &more, &bad)) {
            return report_bad(fn, ctx, &bad, line0 + 1, e);
        }
        if (!more) {
            return true;
        }
        struct yaml_found doc = {.json = text, .line = line0 + 1};
        line0 += count_lines(text.p, text.p + text.n);
        if (!fn(ctx, &doc, e)) {
            return false;
        }
    }
}

/* Up to the end of the part or the first place that cannot be parsed: nothing behind it can be
 * trusted. */
static bool each_yaml_doc(struct yaml_reader *r, unsigned line, yaml_doc_fn *fn, void *ctx,
                          struct err *e) {
    for (;;) {
        bool more;
        struct err bad;
        struct yaml_node *root = NULL;
        arena_reset(r->arena);
        if (!yaml_document(r, &more, &bad)) {
            return report_bad(fn, ctx, &bad, line, e);
        }
        if (!more) {
            return true;
        }
        line = yaml_event_line(r);
        if (!yaml_compose(r, 1, &root, &bad)) {
            return report_bad(fn, ctx, &bad, line, e);
        }
        struct yaml_found doc = {.root = root, .line = line};
        if (!yaml_is_null(root) && !fn(ctx, &doc, e)) {
            return false;
        }
    }
}

static bool each_yaml(const struct yaml_part *part, yaml_doc_fn *fn, void *ctx, struct err *e) {
    struct arena tree = arena_new(TREE_MAX);
    struct yaml_reader r;
    if (!yaml_open(&r, part->text, part->line0, &tree, e)) {
        return false;
    }
    bool good = each_yaml_doc(&r, part->line0 + 1, fn, ctx, e);
    yaml_close(&r);
    arena_done(&tree);
    return good;
}

bool yaml_docs_each(struct span text, yaml_doc_fn *fn, void *ctx, struct err *e) {
    if (!yaml_parts_begin(&text, e)) {
        return false;
    }
    struct yaml_part part;
    unsigned line0 = 0;
    while (yaml_part_next(&text, &line0, &part)) {
        if (!(part.json ? each_json : each_yaml)(&part, fn, ctx, e)) {
            return false;
        }
    }
    return true;
}
