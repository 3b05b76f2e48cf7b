#include "webhook/codec/yaml_stream.h"

#include "topology/json.h"
#include "webhook/codec/manifest.h"
#include "webhook/codec/yaml_docs.h"

#define TREE_MAX ((size_t)64 * 1024 * 1024)

struct stream {
    stream_fn *fn;
    void *ctx;
    struct arena root; /* members of the list itself */
    struct arena item;
    struct arena scratch;
    struct buf json;
    unsigned aliases;
};

static bool call(const struct stream *s, const struct stream_item *item, struct err *e) {
    if (item->json.n > STREAM_OBJECT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "line %u: an object of more than %zu MiB", item->line,
                       STREAM_OBJECT_MAX >> 20);
    }
    return s->fn(s->ctx, item, e);
}

static bool fail_items(unsigned line, struct err *e) {
    return err_set(e, ERR_INPUT, "line %u: items in what is no List", line);
}

static bool is_list(struct span kind) {
    return span_ends(kind, "List");
}

/* ---- JSON ---- */

static unsigned lines_in(struct span text, const char *upto) {
    unsigned n = 0;
    for (const char *p = text.p; p < upto && (p = memchr(p, '\n', (size_t)(upto - p))); p++) {
        n++;
    }
    return n;
}

struct json_list {
    struct span kind;
    struct span items; /* text of the array; n = 0 none */
};

/* Members of the root. The text has been checked: only duplicate keys can fail here. */
static bool json_list_read(struct span text, struct json_list *out, struct err *e) {
    struct json_scan s = json_scan_new(text);
    struct json_seen seen = {0};
    struct span key;
    if (!json_scan_open(&s, '{', e)) {
        return false;
    }
    while (json_scan_key(&s, &seen, &key, e)) {
        bool kind = span_is(key, "kind");
        bool items = span_is(key, "items");
        enum json_kind what = json_scan_kind(&s, e);
        struct span value;
        bool plain;
        if (kind && what == JSON_STRING) {
            if (!json_scan_str(&s, &out->kind, &plain, e)) {
                return false;
            }
            continue;
        }
        if (!json_scan_skip(&s, &value, e)) {
            return false;
        }
        if (items && what == JSON_ARRAY) {
            out->items = value;
        }
    }
    return !s.failed;
}

static bool json_items(const struct stream *st, struct span array, struct span kind, unsigned line,
                       struct err *e) {
    struct json_scan s = json_scan_new(array);
    struct stream_item item = {.list_kind = kind, .in_list = true, .line = line};
    const char *counted = array.p;
    if (!json_scan_open(&s, '[', e)) {
        return false;
    }
    for (; json_scan_item(&s, e); item.at++) {
        if (!json_scan_skip(&s, &item.json, e)) {
            return false;
        }
        struct span before = {counted, (size_t)(item.json.p - counted)};
        item.line += lines_in(before, item.json.p);
        counted = item.json.p;
        if (!call(st, &item, e)) {
            return false;
        }
    }
    return !s.failed;
}

static bool json_value(const struct stream *st, struct span text, unsigned line, struct err *e) {
    if (text.p[0] == '[') {
        return json_items(st, text, SPAN("List"), line, e);
    }
    struct json_list list = {0};
    if (text.p[0] == '{' && !json_list_read(text, &list, e)) {
        return err_wrap(e, "line %u: ", line);
    }
    bool other = list.kind.n && !is_list(list.kind);
    if (list.items.n == 0 || other) {
        struct stream_item item = {.json = text, .line = line};
        return call(st, &item, e);
    }
    if (!is_list(list.kind)) {
        return fail_items(line, e);
    }
    return json_items(st, list.items, list.kind, line + lines_in(text, list.items.p), e);
}

static bool json_part(const struct stream *st, const struct yaml_part *part, struct err *e) {
    struct span rest = part->text;
    unsigned line0 = part->line0;
    for (;;) {
        struct span text;
        bool more;
        if (!yaml_json_next(&rest, &line0, &text, &more, e)) {
            return false;
        }
        if (!more) {
            return true;
        }
        if (!json_value(st, text, line0 + 1, e)) {
            return false;
        }
        line0 += lines_in(text, text.p + text.n);
    }
}

/* ---- YAML ---- */

static bool yaml_call(struct stream *s, const struct yaml_node *n, struct stream_item *item,
                      struct err *e) {
    buf_reset(&s->json);
    arena_reset(&s->scratch);
    item->line = n->line;
    if (!yaml_json(n, &s->scratch, &s->aliases, &s->json, e)) {
        return false;
    }
    item->json = buf_view(&s->json);
    return call(s, item, e);
}

/* The current event opened the sequence; its end is current afterwards. */
static bool yaml_items(struct stream *s, struct yaml_reader *r, struct span kind, struct err *e) {
    struct stream_item item = {.list_kind = kind, .in_list = true};
    r->arena = &s->item;
    for (;; item.at++) {
        struct yaml_node *n = NULL;
        yaml_forget(r);
        arena_reset(&s->item);
        if (!yaml_step(r, e)) {
            return false;
        }
        if (r->event.type == YAML_SEQUENCE_END_EVENT) {
            break;
        }
        if (!yaml_compose(r, 1, &n, e) || !yaml_call(s, n, &item, e)) {
            return false;
        }
    }
    r->arena = &s->root;
    return true;
}

/* A mapping at the root, built member by member; its items, when it is a List, are not kept. */
static bool yaml_root(struct stream *s, struct yaml_reader *r, struct err *e) {
    struct yaml_node root = {.kind = YAML_MAPPING, .line = yaml_event_line(r)};
    struct yaml_node **tail = &root.first;
    struct span kind = {0};
    bool streamed = false;
    for (;;) {
        struct yaml_node *key = NULL;
        if (!yaml_step(r, e)) {
            return false;
        }
        if (r->event.type == YAML_MAPPING_END_EVENT) {
            break;
        }
        if (!yaml_compose(r, 2, &key, e) || !yaml_step(r, e)) {
            return false;
        }
        bool scalar = key->kind == YAML_SCALAR;
        bool sequence = r->event.type == YAML_SEQUENCE_START_EVENT;
        if (scalar && sequence && span_is(key->text, "items") && (kind.n == 0 || is_list(kind))) {
            if (streamed) {
                return err_set(e, ERR_INPUT, "line %u: items is there twice", key->line);
            }
            streamed = true;
            if (!yaml_items(s, r, kind, e)) {
                return false;
            }
            continue;
        }
        *tail = key;
        if (!yaml_compose(r, 2, &key->next, e)) {
            return false;
        }
        tail = &key->next->next;
        if (scalar && span_is(key->text, "kind") && key->next->kind == YAML_SCALAR) {
            kind = key->next->text;
        }
    }
    if (streamed) {
        return is_list(kind) || fail_items(root.line, e);
    }
    struct stream_item item = {0};
    return yaml_call(s, &root, &item, e);
}

static bool yaml_doc(struct stream *s, struct yaml_reader *r, struct err *e) {
    if (r->event.type == YAML_MAPPING_START_EVENT) {
        return yaml_root(s, r, e);
    }
    if (r->event.type == YAML_SEQUENCE_START_EVENT) {
        return yaml_items(s, r, SPAN("List"), e);
    }
    struct yaml_node *n = NULL;
    struct stream_item item = {0};
    return yaml_compose(r, 1, &n, e) && (yaml_is_null(n) || yaml_call(s, n, &item, e));
}

static bool yaml_part(struct stream *s, const struct yaml_part *part, struct err *e) {
    struct yaml_reader r;
    if (!yaml_open(&r, part->text, part->line0, &s->root, e)) {
        return false;
    }
    bool more = true;
    bool good = true;
    while (good && more) {
        yaml_forget(&r);
        arena_reset(&s->root);
        good = yaml_document(&r, &more, e) && (!more || yaml_doc(s, &r, e));
    }
    yaml_close(&r);
    return good;
}

bool stream_each(struct span text, stream_fn *fn, void *ctx, struct err *e) {
    struct stream s = {
        .fn = fn,
        .ctx = ctx,
        .root = arena_new(TREE_MAX),
        .item = arena_new(TREE_MAX),
        .scratch = arena_new(TREE_MAX),
        .json = buf_new(STREAM_OBJECT_MAX + 1),
        .aliases = YAML_ALIASES_MAX,
    };
    struct yaml_part part;
    unsigned line0 = 0;
    bool good = yaml_parts_begin(&text, e);
    while (good && yaml_part_next(&text, &line0, &part)) {
        good = part.json ? json_part(&s, &part, e) : yaml_part(&s, &part, e);
    }
    arena_done(&s.root);
    arena_done(&s.item);
    arena_done(&s.scratch);
    buf_done(&s.json);
    return good;
}
