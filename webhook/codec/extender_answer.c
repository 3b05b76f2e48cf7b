#include "topology/jw.h"
#include "webhook/codec/extender.h"

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

static bool finish(struct buf *out, struct err *e) {
    return buf_ok(out) || err_set(e, ERR_TOO_LARGE, "the answer would pass %zu bytes", out->max);
}

static void judge_all(const struct extender_args *args, extender_judge *judge, void *ctx,
                      struct lists *to) {
    for (unsigned i = 0; i < args->n; i++) {
        struct span name = args->name[i];
        struct extender_verdict v = {0};
        judge(ctx, name, &v);
        if (v.fits) {
            /* Quotes and all: the name stands between them in the request. */
            put_fit(to->fit, args->node ? args->node[i] : (struct span){name.p - 1, name.n + 2});
        } else {
            put_failed(v.resolvable ? &to->failed : &to->unresolvable, name, v.phrase);
        }
    }
}

bool extender_filter(const struct extender_args *args, extender_judge *judge, void *ctx,
                     struct buf *out, struct err *e) {
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
    judge_all(args, judge, ctx, &to);
    close_list(out, list, "[]");
    buf_str(out, nodes ? "},\"NodeNames\":null" : "");
    put_map(out, ",\"FailedNodes\":", &to.failed);
    put_map(out, ",\"FailedAndUnresolvableNodes\":", &to.unresolvable);
    buf_str(out, ",\"Error\":\"\"}");
    buf_done(&to.failed);
    buf_done(&to.unresolvable);
    return finish(out, e);
}

bool extender_prioritize(const struct extender_args *args, extender_judge *judge, void *ctx,
                         struct buf *out, struct err *e) {
    size_t start = out->n;
    for (unsigned i = 0; i < args->n; i++) {
        struct extender_verdict v = {0};
        judge(ctx, args->name[i], &v);
        put_score(out, args->name[i], v.score);
    }
    close_list(out, start, "[]");
    return finish(out, e);
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
