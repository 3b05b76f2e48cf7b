#include "webhook/kube/watch_text.h"

#include "topology/buf.h"
#include "topology/json.h"
#include "topology/json_text.h"

#define NAME_MAX_BYTES 254

/* A member that is wanted out of metadata. */
struct wanted {
    const char *key;
    char *out;
    size_t cap;
};

/* The string that comes, escapes resolved; null is "". */
static bool take_text(struct json_scan *s, const struct wanted *w, struct err *e) {
    struct span raw = {0};
    bool plain = false;
    size_t n = 0;
    if (json_scan_kind(s, e) == JSON_NULL) {
        w->out[0] = '\0';
        return !s->failed && json_scan_skip(s, &raw, e);
    }
    if (!json_scan_str(s, &raw, &plain, e)) {
        return false;
    }
    if (raw.n >= w->cap * 6 || !json_text_resolve(raw, w->out, w->cap - 1, &n)) {
        w->out[0] = '\0';
        return err_at(e, ERR_TOO_LARGE, w->key, "wants at most %zu bytes, found more", w->cap - 1);
    }
    w->out[n] = '\0';
    return true;
}

/* The metadata object that comes. */
static bool take_meta(struct json_scan *s, const struct wanted *w, unsigned n, struct err *e) {
    struct json_seen seen = {0};
    struct span key = {0};
    struct span skipped = {0};
    if (!json_scan_open(s, '{', e)) {
        return false;
    }
    while (json_scan_key(s, &seen, &key, e)) {
        const struct wanted *hit = NULL;
        for (unsigned i = 0; i < n; i++) {
            hit = span_is(key, w[i].key) ? &w[i] : hit;
        }
        if (hit ? !take_text(s, hit, e) : !json_scan_skip(s, &skipped, e)) {
            return false;
        }
    }
    return !s->failed;
}

/* metadata of one object; an object without is fine. Stops behind it: what follows has been checked
 * by who cut the object out. */
static bool object_meta(struct span object, const struct wanted *w, unsigned n, struct err *e) {
    struct json_scan s = json_scan_new(object);
    struct span key = {0};
    struct span skipped = {0};
    if (!json_scan_open(&s, '{', e)) {
        return false;
    }
    while (json_scan_key(&s, NULL, &key, e)) {
        if (span_is(key, "metadata")) {
            return take_meta(&s, w, n, e) || err_in(e, "metadata");
        }
        if (!json_scan_skip(&s, &skipped, e)) {
            return false;
        }
    }
    return !s.failed;
}

/* ---- a page ---- */

/* A list without objects has null there, when a server of Go's kind is careless. */
static bool take_items(struct json_scan *s, void (*item)(void *ctx, struct span object), void *ctx,
                       struct watch_page *p, struct err *e) {
    struct span text = {0};
    if (json_scan_kind(s, e) == JSON_NULL) {
        return !s->failed && json_scan_skip(s, &text, e);
    }
    if (!json_scan_open(s, '[', e)) {
        return false;
    }
    while (json_scan_item(s, e)) {
        if (!json_scan_skip(s, &text, e)) {
            return false;
        }
        p->items++;
        item(ctx, text);
    }
    return !s->failed;
}

bool watch_page_read(struct span body, void (*item)(void *ctx, struct span object), void *ctx,
                     struct watch_page *out, struct err *e) {
    struct watch_page p = {0};
    const struct wanted wanted[] = {{"resourceVersion", p.version, sizeof p.version},
                                    {"continue", p.next, sizeof p.next}};
    struct json_scan s = json_scan_new(body);
    struct json_seen seen = {0};
    struct span key = {0};
    struct span skipped = {0};
    if (!json_scan_open(&s, '{', e)) {
        return false;
    }
    while (json_scan_key(&s, &seen, &key, e)) {
        bool good = span_is(key, "items") ? take_items(&s, item, ctx, &p, e)
                    : span_is(key, "metadata")
                        ? take_meta(&s, wanted, 2, e) || err_in(e, "metadata")
                        : json_scan_skip(&s, &skipped, e);
        if (!good) {
            return false;
        }
    }
    if (s.failed || !json_scan_end(&s, e)) {
        return false;
    }
    *out = p;
    return true;
}

/* ---- a line ---- */

static const struct {
    const char *word;
    enum watch_line_type type;
} types[] = {
    {"ADDED", WATCH_ADDED},       {"MODIFIED", WATCH_MODIFIED}, {"DELETED", WATCH_DELETED},
    {"BOOKMARK", WATCH_BOOKMARK}, {"ERROR", WATCH_ERROR},
};

static enum watch_line_type type_of(struct span word) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (span_is(word, types[i].word)) {
            return types[i].type;
        }
    }
    return WATCH_OTHER;
}

bool watch_line_read(struct span line, struct watch_line *out, struct err *e) {
    struct watch_line l = {.type = WATCH_OTHER};
    const struct wanted version = {"resourceVersion", l.version, sizeof l.version};
    struct json_scan s = json_scan_new(line);
    struct json_seen seen = {0};
    struct span key = {0};
    struct span word = {0};
    bool plain = false;
    if (!json_scan_open(&s, '{', e)) {
        return false;
    }
    while (json_scan_key(&s, &seen, &key, e)) {
        bool good = span_is(key, "type")     ? json_scan_str(&s, &word, &plain, e)
                    : span_is(key, "object") ? json_scan_skip(&s, &l.object, e)
                                             : json_scan_skip(&s, &(struct span){0}, e);
        if (!good) {
            return false;
        }
    }
    if (s.failed || !json_scan_end(&s, e)) {
        return false;
    }
    if (!word.n || !l.object.n) {
        return err_set(e, ERR_INPUT, "wants an event with type and object");
    }
    l.type = type_of(word);
    if (l.type != WATCH_ERROR && !object_meta(l.object, &version, 1, e)) {
        return err_in(e, "object");
    }
    *out = l;
    return true;
}

void watch_object_name(struct span object, char *out, size_t cap) {
    char ns[NAME_MAX_BYTES] = "";
    char name[NAME_MAX_BYTES] = "";
    const struct wanted wanted[] = {{"namespace", ns, sizeof ns}, {"name", name, sizeof name}};
    struct buf b = buf_over(out, cap);
    if (!object_meta(object, wanted, 2, NULL) || !name[0]) {
        buf_char(&b, '?');
        return;
    }
    buf_str(&b, ns);
    buf_str(&b, ns[0] ? "/" : "");
    buf_str(&b, name);
    if (!buf_ok(&b)) {
        buf_reset(&b);
        buf_span(&b, span_upto(span_of(name), cap - 1));
    }
}
