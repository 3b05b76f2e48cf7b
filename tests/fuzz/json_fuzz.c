/* The scanner against cJSON: what the scanner accepts, cJSON reads, and both see the same. The
 * scanner is the guard (json_parse trusts it), so a text that only one of them takes is a finding.
 */
#include <assert.h>

#include "topology/buf.h"
#include "topology/json.h"
#include "topology/jw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_CAP ((size_t)64 * 1024 * 1024)

/* A string of the text against the tree's: both escaped by the writer are the same bytes. */
static void compare_string(struct span raw, bool plain, struct span resolved) {
    if (plain) {
        assert(span_eq(raw, resolved));
        return;
    }
    struct arena a = arena_new(ARENA_CAP);
    const struct json *again = NULL;
    struct span text = {raw.p - 1, raw.n + 2};
    struct span s = {0};
    bool done = json_parse(text, &a, &again, NULL) && json_as_str(again, &s);
    assert(done && span_eq(s, resolved));
    arena_done(&a);
}

static void compare(struct json_scan *s, const struct json *v) {
    struct span text = {0};
    bool plain = false;
    bool done = true;
    struct err e = {0};
    enum json_kind kind = json_scan_kind(s, &e);
    assert(!s->failed && kind == json_kind(v));
    const struct json *child = json_first(v);
    if (kind == JSON_ARRAY) {
        done = json_scan_open(s, '[', &e);
        for (; done && json_scan_item(s, &e); child = json_next(child)) {
            compare(s, child);
        }
        assert(!child);
    } else if (kind == JSON_OBJECT) {
        struct json_seen seen = {0};
        bool remember = json_count(v) <= JSON_SEEN_MAX;
        done = json_scan_open(s, '{', &e);
        for (struct span key; done && json_scan_key(s, remember ? &seen : NULL, &key, &e);
             child = json_next(child)) {
            bool long_raw = span_find(key, '\\') < key.n && key.n > sizeof s->key;
            assert(long_raw || span_eq(key, json_key(child)));
            compare(s, child);
        }
        assert(!child);
    } else if (kind == JSON_STRING) {
        done = json_scan_str(s, &text, &plain, &e);
        struct span resolved = {0};
        assert(done && json_as_str(v, &resolved));
        compare_string(text, plain, resolved);
    } else {
        done = json_scan_skip(s, &text, &e);
        uint64_t n = 0;
        uint64_t same = 0;
        bool whole = json_as_u64(v, UINT64_MAX, &n);
        assert(whole == (kind == JSON_NUMBER && span_u64(text, JSON_U64_MAX, &same)) && n == same);
    }
    assert(done && !s->failed);
}

/* The writer's text of a tree. Numbers are written as zero: the tree has no text of theirs. */
static void write_tree(struct jw *w, const struct json *v) {
    struct span s = {0};
    bool flag = false;
    switch (json_kind(v)) {
    case JSON_OBJECT:
        jw_object(w);
        for (const struct json *c = json_first(v); c; c = json_next(c)) {
            jw_key_span(w, json_key(c));
            write_tree(w, c);
        }
        jw_object_end(w);
        return;
    case JSON_ARRAY:
        jw_array(w);
        for (const struct json *c = json_first(v); c; c = json_next(c)) {
            write_tree(w, c);
        }
        jw_array_end(w);
        return;
    case JSON_STRING:
        assert(json_as_str(v, &s));
        jw_span(w, s);
        return;
    case JSON_BOOL:
        assert(json_as_bool(v, &flag));
        jw_bool(w, flag);
        return;
    case JSON_NUMBER:
        jw_u64(w, 0);
        return;
    case JSON_NULL:
    default:
        jw_null(w);
        return;
    }
}

/* What the writer makes of a tree is a sound text of the same tree. */
static void write_and_read(const struct json *root) {
    struct buf first = buf_new(ARENA_CAP);
    struct buf second = buf_new(ARENA_CAP);
    struct jw w = jw_new(&first, 0);
    write_tree(&w, root);
    assert(buf_ok(&first));
    struct arena a = arena_new(ARENA_CAP);
    const struct json *again = NULL;
    assert(json_parse(buf_view(&first), &a, &again, NULL));
    w = jw_new(&second, 0);
    write_tree(&w, again);
    assert(span_eq(buf_view(&first), buf_view(&second)));
    arena_done(&a);
    buf_done(&first);
    buf_done(&second);
}

static bool scan_whole(struct span text, struct err *e) {
    struct json_scan s = json_scan_new(text);
    struct span all;
    return json_scan_skip(&s, &all, e) && json_scan_end(&s, e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct arena a = arena_new(ARENA_CAP);
    const struct json *root = NULL;
    struct err scan_err = {0};
    struct err e = {0};
    bool sound = scan_whole(text, &scan_err);
    bool read = json_parse(text, &a, &root, &e);
    assert(sound || !read);
    assert(e.code != ERR_INTERNAL);
    if (!sound) {
        assert(scan_err.code == e.code && strcmp(scan_err.msg, e.msg) == 0);
    }
    if (read) {
        struct json_scan s = json_scan_new(text);
        compare(&s, root);
        write_and_read(root);
    }
    arena_done(&a);
    return 0;
}
