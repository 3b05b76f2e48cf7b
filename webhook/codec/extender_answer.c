#include "topology/jw.h"
#include "webhook/codec/extender.h"
#include "webhook/codec/extender_nodes.h"

/* One node after the other, in either form. */
struct walk {
    bool nodes;
    struct span names;
    struct json_scan items;
};

static bool walk_begin(const struct extender_args *args, struct walk *w, struct err *e) {
    *w = (struct walk){.nodes = args->form == EXTENDER_NODES, .names = args->names};
    w->items = json_scan_new(args->items);
    return !w->nodes || json_scan_open(&w->items, '[', e);
}

/* *text is what goes into the list of those that fit: the quoted name, or the whole node. */
static bool walk_next(struct walk *w, struct span *name, struct span *text, struct err *e) {
    if (w->nodes) {
        return items_next(&w->items, name, text, e);
    }
    if (!names_next(&w->names, name)) {
        return false;
    }
    *text = (struct span){name->p - 1, name->n + 2};
    return true;
}

struct lists {
    struct buf *fit;
    struct buf failed;
    struct buf unresolvable;
};

static char *copy(char *to, struct span s) {
    memcpy(to, s.p, s.n);
    return to + s.n;
}

/* These three write one entry with its comma in front, in one reservation: they run for every node
 * of the cluster. close_list puts the bracket where the first comma stands. */
static void put_fit(struct buf *b, struct span text) {
    char *to = buf_room(b, text.n + 1);
    if (to) {
        *to = ',';
        (void)copy(to + 1, text);
        buf_commit(b, text.n + 1);
    }
}

static void put_failed(struct buf *b, struct span name, struct span phrase) {
    const struct span open = SPAN(",\"");
    const struct span middle = SPAN("\":\"");
    size_t n = open.n + name.n + middle.n + phrase.n + 1;
    char *to = buf_room(b, n);
    if (to) {
        to = copy(copy(copy(to, open), name), middle);
        to = phrase.n ? copy(to, phrase) : to;
        *to = '"';
        buf_commit(b, n);
    }
}

static void put_score(struct buf *b, struct span name, unsigned score) {
    const struct span open = SPAN(",{\"Host\":\"");
    const struct span middle = SPAN("\",\"Score\":");
    const struct span number = score >= 10 ? SPAN("10") : (struct span){&"0123456789"[score], 1};
    size_t n = open.n + name.n + middle.n + number.n + 1;
    char *to = buf_room(b, n);
    if (to) {
        *copy(copy(copy(copy(to, open), name), middle), number) = '}';
        buf_commit(b, n);
    }
}

/* Ends the list whose first entry was to start at `start`. */
static void close_list(struct buf *out, size_t start, const char brackets[2]) {
    if (out->n == start) {
        buf_char(out, brackets[0]);
    } else {
        out->p[start] = brackets[0];
    }
    buf_char(out, brackets[1]);
}

static void put_map(struct buf *out, const char *key, const struct buf *entries) {
    buf_str(out, key);
    size_t start = out->n;
    buf_span(out, buf_view(entries));
    close_list(out, start, "{}");
    out->failed |= entries->failed;
}

static bool finish(struct buf *out, size_t start, bool done, struct err *e) {
    if (done && !buf_ok(out)) {
        done = err_set(e, ERR_TOO_LARGE, "the answer would pass %zu bytes", out->max);
    }
    if (!done) {
        buf_back(out, start);
    }
    return done;
}

static bool judge_all(const struct extender_args *args, extender_judge *judge, void *ctx,
                      struct lists *to, struct err *e) {
    struct walk w;
    struct span name = {0};
    struct span text = {0};
    if (!walk_begin(args, &w, e)) {
        return false;
    }
    while (walk_next(&w, &name, &text, e)) {
        struct extender_verdict v = {0};
        judge(ctx, name, &v);
        if (v.fits) {
            put_fit(to->fit, text);
        } else {
            put_failed(v.resolvable ? &to->failed : &to->unresolvable, name, v.phrase);
        }
    }
    return !w.items.failed;
}

bool extender_filter(const struct extender_args *args, extender_judge *judge, void *ctx,
                     struct buf *out, struct err *e) {
    size_t start = out->n;
    bool nodes = args->form == EXTENDER_NODES;
    if (nodes) {
        buf_str(out, "{\"Nodes\":");
        buf_span(out, args->nodes_head);
        buf_str(out, ",\"items\":");
    } else {
        buf_str(out, "{\"Nodes\":null,\"NodeNames\":");
    }
    size_t list = out->n;
    struct lists to = {out, buf_new(out->max), buf_new(out->max)};
    bool done = judge_all(args, judge, ctx, &to, e);
    close_list(out, list, "[]");
    buf_str(out, nodes ? "},\"NodeNames\":null" : "");
    put_map(out, ",\"FailedNodes\":", &to.failed);
    put_map(out, ",\"FailedAndUnresolvableNodes\":", &to.unresolvable);
    buf_str(out, ",\"Error\":\"\"}");
    buf_done(&to.failed);
    buf_done(&to.unresolvable);
    return finish(out, start, done, e);
}

bool extender_prioritize(const struct extender_args *args, extender_judge *judge, void *ctx,
                         struct buf *out, struct err *e) {
    size_t start = out->n;
    struct walk w;
    struct span name = {0};
    struct span text = {0};
    if (!walk_begin(args, &w, e)) {
        return false;
    }
    while (walk_next(&w, &name, &text, e)) {
        struct extender_verdict v = {0};
        judge(ctx, name, &v);
        put_score(out, name, v.score);
    }
    close_list(out, start, "[]");
    return finish(out, start, !w.items.failed, e);
}

void extender_error(const char *msg, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_null(&w, "Nodes");
    jw_kv_null(&w, "NodeNames");
    jw_kv_null(&w, "FailedNodes");
    jw_kv_null(&w, "FailedAndUnresolvableNodes");
    jw_kv_str(&w, "Error", msg);
    jw_object_end(&w);
}
