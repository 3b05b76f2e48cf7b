#include "webhook/codec/yaml_tree.h"

#include "webhook/codec/manifest.h"

struct yaml_anchor {
    struct yaml_anchor *next;
    struct span name;
    struct yaml_node *node;
};

bool yaml_open(struct yaml_reader *r, struct span text, unsigned line0, struct arena *a,
               struct err *e) {
    *r = (struct yaml_reader){.text = text, .line0 = line0, .arena = a};
    if (!yaml_parser_initialize(&r->parser)) {
        return err_set(e, ERR_INTERNAL, "no memory for the YAML parser");
    }
    /* Said, not guessed: a byte order mark must not switch the reader to UTF-16, which kubectl
     * refuses. */
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text.p, text.n);
    return true;
}

void yaml_close(struct yaml_reader *r) {
    if (r->has_event) {
        yaml_event_delete(&r->event);
    }
    yaml_parser_delete(&r->parser);
    *r = (struct yaml_reader){0};
}

void yaml_forget(struct yaml_reader *r) {
    r->anchors = NULL;
}

unsigned yaml_event_line(const struct yaml_reader *r) {
    return r->line0 + (unsigned)r->event.start_mark.line + 1;
}

static unsigned lines_before(struct span text, size_t at) {
    unsigned n = 0;
    for (size_t i = 0; i < at && i < text.n; i++) {
        n += text.p[i] == '\n';
    }
    return n;
}

static bool fail_parse(const struct yaml_reader *r, struct err *e) {
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "cannot be read as YAML";
    if (p->error == YAML_MEMORY_ERROR) {
        return err_set(e, ERR_INTERNAL, "no memory for the YAML parser");
    }
    if (p->error == YAML_READER_ERROR) {
        return err_set(e, ERR_INPUT, "line %u: %s",
                       r->line0 + lines_before(r->text, p->problem_offset) + 1, problem);
    }
    unsigned line = r->line0 + (unsigned)p->problem_mark.line + 1;
    size_t at = p->problem_mark.index;
    if (p->error == YAML_SCANNER_ERROR && at < r->text.n && r->text.p[at] == '\t') {
        return err_set(e, ERR_INPUT, "line %u: a tab where YAML wants spaces", line);
    }
    if (p->context) {
        return err_set(e, ERR_INPUT, "line %u: %s %s (from line %u)", line, problem, p->context,
                       r->line0 + (unsigned)p->context_mark.line + 1);
    }
    return err_set(e, ERR_INPUT, "line %u: %s", line, problem);
}

bool yaml_step(struct yaml_reader *r, struct err *e) {
    if (r->has_event) {
        yaml_event_delete(&r->event);
        r->has_event = false;
    }
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        return fail_parse(r, e);
    }
    r->has_event = true;
    return true;
}

bool yaml_document(struct yaml_reader *r, bool *more, struct err *e) {
    yaml_forget(r);
    do {
        if (!yaml_step(r, e)) {
            return false;
        }
        if (r->event.type == YAML_STREAM_END_EVENT) {
            *more = false;
            return true;
        }
    } while (r->event.type != YAML_DOCUMENT_START_EVENT);
    if (!yaml_step(r, e)) {
        return false;
    }
    *more = true;
    return true;
}

static bool fail_room(struct err *e) {
    return err_set(e, ERR_TOO_LARGE, "too many values in one YAML document");
}

static bool copy_text(struct yaml_reader *r, const unsigned char *p, size_t n, struct span *out,
                      struct err *e) {
    struct span s = {(const char *)p, n};
    if (n && memchr(p, 0, n)) {
        return err_set(e, ERR_INPUT, "line %u: a NUL character in a string", yaml_event_line(r));
    }
    return arena_span(r->arena, s, out) || fail_room(e);
}

static struct yaml_node *find_anchor(const struct yaml_reader *r, struct span name) {
    for (const struct yaml_anchor *a = r->anchors; a; a = a->next) {
        if (span_eq(a->name, name)) {
            return a->node;
        }
    }
    return NULL;
}

/* Anchors are looked up in a list; more than can be expanded make no sense and would cost squares.
 */
static bool note_anchor(struct yaml_reader *r, const yaml_char_t *name, struct yaml_node *n,
                        struct err *e) {
    if (!name) {
        return true;
    }
    unsigned count = 0;
    for (const struct yaml_anchor *a = r->anchors; a; a = a->next) {
        count++;
    }
    if (count >= YAML_ALIASES_MAX) {
        return err_set(e, ERR_TOO_LARGE, "line %u: more than %d anchors in one document", n->line,
                       YAML_ALIASES_MAX);
    }
    struct yaml_anchor *a = ARENA_NEW(r->arena, struct yaml_anchor, 1);
    struct span s = span_of((const char *)name);
    if (!a || !arena_span(r->arena, s, &a->name)) {
        return fail_room(e);
    }
    a->node = n;
    a->next = r->anchors;
    r->anchors = a;
    return true;
}

static bool compose_alias(struct yaml_reader *r, struct yaml_node *n, struct err *e) {
    struct span name = span_of((const char *)r->event.data.alias.anchor);
    n->kind = YAML_ALIAS;
    n->target = find_anchor(r, name);
    if (!n->target) {
        return err_set(e, ERR_INPUT, "line %u: alias *" SPAN_FMT " names no anchor", n->line,
                       SPAN_ARG(name));
    }
    if (n->target->open) {
        return err_set(e, ERR_INPUT, "line %u: alias *" SPAN_FMT " contains itself", n->line,
                       SPAN_ARG(name));
    }
    return true;
}

static bool compose_scalar(struct yaml_reader *r, struct yaml_node *n, struct err *e) {
    n->kind = YAML_SCALAR;
    n->implicit = r->event.data.scalar.plain_implicit;
    const yaml_char_t *tag = r->event.data.scalar.tag;
    if (tag && !arena_span(r->arena, span_of((const char *)tag), &n->tag)) {
        return fail_room(e);
    }
    return note_anchor(r, r->event.data.scalar.anchor, n, e) &&
           copy_text(r, r->event.data.scalar.value, r->event.data.scalar.length, &n->text, e);
}

static bool compose_children(struct yaml_reader *r, struct yaml_node *n, unsigned depth,
                             struct err *e) {
    bool mapping = r->event.type == YAML_MAPPING_START_EVENT;
    n->kind = mapping ? YAML_MAPPING : YAML_SEQUENCE;
    const yaml_char_t *anchor =
        mapping ? r->event.data.mapping_start.anchor : r->event.data.sequence_start.anchor;
    if (!note_anchor(r, anchor, n, e)) {
        return false;
    }
    yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    n->open = true;
    for (struct yaml_node **tail = &n->first;; tail = &(*tail)->next) {
        if (!yaml_step(r, e)) {
            return false;
        }
        if (r->event.type == end) {
            break;
        }
        if (!yaml_compose(r, depth + 1, tail, e)) {
            return false;
        }
    }
    n->open = false;
    return true;
}

bool yaml_compose(struct yaml_reader *r, unsigned depth, struct yaml_node **out, struct err *e) {
    if (depth > YAML_DEPTH_MAX) {
        return err_set(e, ERR_TOO_LARGE, "line %u: nested deeper than %d", yaml_event_line(r),
                       YAML_DEPTH_MAX);
    }
    struct yaml_node *n = ARENA_NEW(r->arena, struct yaml_node, 1);
    if (!n) {
        return fail_room(e);
    }
    n->line = yaml_event_line(r);
    bool good;
    if (r->event.type == YAML_ALIAS_EVENT) {
        good = compose_alias(r, n, e);
    } else if (r->event.type == YAML_SCALAR_EVENT) {
        good = compose_scalar(r, n, e);
    } else {
        good = compose_children(r, n, depth, e);
    }
    if (good) {
        *out = n;
    }
    return good;
}

const struct yaml_node *yaml_child(const struct yaml_node *mapping, const char *key) {
    if (mapping->kind != YAML_MAPPING) {
        return NULL;
    }
    for (const struct yaml_node *k = mapping->first; k; k = k->next->next) {
        if (k->kind == YAML_SCALAR && span_is(k->text, key)) {
            return k->next;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n) {
    struct yaml_scalar v;
    struct err ignored;
    return n->kind == YAML_SCALAR && yaml_resolve(n, &v, &ignored) && v.kind == YAML_IS_NULL;
}
