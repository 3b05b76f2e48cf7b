#include "webhook/codec/held.h"

#include "topology/annotation.h"
#include "topology/jw.h"
#include "webhook/codec/object.h"

/* What the reader takes as the name of a device. */
static void put_id(struct jw *w, struct span id, bool slice) {
    char text[GPU_UUID_MAX];
    struct buf b = BUF_OVER(text);
    if (slice && !span_starts(id, "MIG-")) {
        buf_str(&b, "MIG-");
    }
    for (size_t i = 0; i < id.n && b.n + 1 < sizeof text; i++) {
        buf_char(&b, id.p[i] > ' ' && id.p[i] <= '~' ? id.p[i] : '_');
    }
    if (b.n == 0) {
        buf_char(&b, '_');
    }
    jw_span(w, buf_view(&b));
}

static void put_gpus(struct jw *w, const struct holding *h, const struct topo *t) {
    jw_key(w, "gpus");
    jw_array(w);
    for (GPUSET_EACH(i, h->gpus)) {
        if (t->gpu[i].uuid[0]) {
            jw_str(w, t->gpu[i].uuid);
        } else {
            jw_u64(w, t->gpu[i].index);
        }
    }
    for (unsigned i = 0; i < h->n_other; i++) {
        put_id(w, h->other[i].id, h->other[i].slice);
    }
    jw_array_end(w);
}

static void put_some(struct jw *w, const char *key, struct span value) {
    if (value.n) {
        jw_kv_span(w, key, value);
    }
}

static void put_holding(struct jw *w, const struct holding *h, const struct topo *t) {
    jw_object(w);
    put_some(w, "namespace", h->ns);
    put_some(w, "name", h->pod);
    put_some(w, "container", h->container);
    put_some(w, "uid", h->uid);
    if (h->pid && h->pid <= ALLOCATIONS_PID_MAX) {
        jw_kv_u64(w, "pid", h->pid);
    }
    put_gpus(w, h, t);
    jw_object_end(w);
}

static void put_all(const struct holdings *h, const struct topo *t, int64_t observed_at,
                    struct buf *out) {
    char text[32];
    struct buf time = BUF_OVER(text);
    struct jw w = jw_new(out, 0);
    time_text(observed_at, &time);
    jw_object(&w);
    jw_kv_u64(&w, "version", 1);
    jw_kv_span(&w, "observedAt", buf_view(&time));
    jw_key(&w, "pods");
    jw_array(&w);
    for (unsigned i = 0; i < h->n_pods; i++) {
        put_holding(&w, &h->pod[i], t);
    }
    jw_array_end(&w);
    if (h->n_unassigned) {
        jw_key(&w, "unassigned");
        jw_array(&w);
        for (unsigned i = 0; i < h->n_unassigned; i++) {
            put_holding(&w, &h->unassigned[i], t);
        }
        jw_array_end(&w);
    }
    jw_object_end(&w);
}

bool held_encode(const struct holdings *h, const struct topo *t, int64_t observed_at,
                 struct buf *out, struct err *e) {
    struct buf text = buf_new(HELD_TEXT_MAX);
    size_t before = out->n;
    put_all(h, t, observed_at, &text);
    bool fits = buf_ok(&text) && buf_ok(out);
    if (fits) {
        buf_span(out, buf_view(&text));
    }
    buf_done(&text);
    if (fits && !buf_ok(out)) {
        out->failed = false;
        buf_back(out, before);
        fits = false;
    }
    return fits ||
           err_set(e, ERR_TOO_LARGE, "who holds which GPUs takes more than %zu KiB: %u containers",
                   HELD_TEXT_MAX / 1024, h->n_pods);
}

/* Takes the time out of the front; false: not ours. */
static bool cut_time(struct span *s) {
    static const char head[] = "{\"version\":1,\"observedAt\":\"";
    if (!span_starts(*s, head)) {
        return false;
    }
    *s = span_from(*s, sizeof head - 1);
    *s = span_from(*s, span_find(*s, '"'));
    return s->n > 0;
}

bool held_same(struct span a, struct span b) {
    return cut_time(&a) && cut_time(&b) && span_eq(a, b);
}
