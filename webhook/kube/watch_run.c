/* The two things a watch does: one page of a list, one stream. */
#include "webhook/kube/status.h"
#include "webhook/kube/watch_inner.h"
#include "webhook/sys/clock.h"

#define PATH_MAX_BYTES ((size_t)24 * 1024)
#define PARTIAL_ONE    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json"
#define PARTIAL_LIST                                                                               \
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"

static struct watch_action fail(struct watch *w, const struct watch_failure *f, const char *error) {
    struct watch_action a = watchstate_failed(&w->state, f, clock_mono_us(), pace_random());
    /* Expiries come with every restart of an API server: no news. */
    bool daily = f->expired || f->status == 410;
    if (!w->pace.stop) {
        watch_fault(w, daily ? LOG_INFO : LOG_WARN, error, a.wait_ms);
    }
    return a;
}

/* No HTTP answer, or one that ended badly, or one that cannot be read. */
static struct watch_action fail_err(struct watch *w, const char *what, const struct err *e) {
    char text[ERR_PATH_MAX + ERR_MSG_MAX + 64];
    struct watch_failure f = {.fault =
                                  e->code == ERR_TOO_LARGE ? WATCH_TOO_LARGE : WATCH_NO_ANSWER};
    (void)snprintf(text, sizeof text, "%s %s: %s%s%s", what, w->options.path, e->path,
                   e->path[0] ? ": " : "", e->msg);
    return fail(w, &f, text);
}

struct refusal {
    unsigned status;
    unsigned retry_after_s;
    const char *reason;
    const char *message;
};

/* An HTTP status, or an ERROR event's. */
static struct watch_action refused(struct watch *w, const char *what, const struct refusal *r) {
    char text[512];
    struct watch_failure f = {
        .fault = WATCH_STATUS,
        .status = r->status,
        .retry_after_s = r->retry_after_s,
        .expired = span_is(span_of(r->reason), "Expired") || span_is(span_of(r->reason), "Gone"),
    };
    const char *word = r->reason[0] ? r->reason : status_word(r->status);
    const char *hint = r->status == 403   ? " (RBAC: the account wants list and watch on it)"
                       : r->status == 404 ? " (the cluster does not know this resource)"
                                          : "";
    (void)snprintf(text, sizeof text, "%s %.60s: %u %s%s%s%s", what, w->options.path, r->status,
                   word, hint, r->message[0] ? ": " : "", r->message);
    return fail(w, &f, text);
}

static struct watch_action refused_http(struct watch *w, const char *what,
                                        const struct kube_response *r) {
    return refused(w, what, &(struct refusal){r->status, r->retry_after_s, r->reason, r->message});
}

static void query(struct watch *w, struct buf *path) {
    if (w->options.query && w->options.query[0]) {
        buf_char(path, '&');
        buf_str(path, w->options.query);
    }
}

/* ---- LIST ---- */

static void on_item(void *ctx, struct span object) {
    struct watch *w = ctx;
    struct err bad = {0};
    w->listed++;
    if (!w->sink.put(w->sink.ctx, object, &bad)) {
        watch_bad_object(w, object, &bad);
    }
}

static struct watch_action page_read(struct watch *w, const struct watch_action *a,
                                     struct span body) {
    struct watch_page page = {0};
    struct err e = {0};
    if (a->first) {
        w->listed = 0;
        w->sink.list_begin(w->sink.ctx);
    }
    if (!watch_page_read(body, on_item, w, &page, &e)) {
        return fail_err(w, "list", &e);
    }
    struct watch_action next = watchstate_page(&w->state, span_of(page.version), span_of(page.next),
                                               clock_mono_us(), pace_random());
    if (next.why) {
        watch_fault(w, LOG_WARN, next.why, next.wait_ms);
        return next;
    }
    watch_alive(w);
    if (next.complete) {
        w->sink.list_end(w->sink.ctx);
        watch_listed(w);
    }
    return next;
}

struct watch_action watch_list(struct watch *w, const struct watch_action *a) {
    struct buf path = buf_new(PATH_MAX_BYTES);
    struct kube_response r = {0};
    struct err e = {0};
    buf_fmt(&path, "%s?limit=%u", w->options.path, w->state.limit);
    if (w->state.next[0]) {
        buf_str(&path, "&continue=");
        kube_escape(span_of(w->state.next), &path);
    }
    query(w, &path);
    const struct kube_request ask = {
        .method = "GET",
        .path = buf_cstr(&path),
        .accept = w->options.partial ? PARTIAL_LIST : NULL,
        .timeout_ms = WATCH_LIST_MS,
        .max_response = WATCH_PAGE_MAX,
        .stop = &w->pace.stop,
    };
    bool came = buf_ok(&path) ? kube_call(w->client, &ask, &r, &e)
                              : err_set(&e, ERR_INTERNAL, "the path is too long");
    struct watch_action next = !came             ? fail_err(w, "list", &e)
                               : r.status != 200 ? refused_http(w, "list", &r)
                                                 : page_read(w, a, buf_view(&r.body));
    buf_done(&r.body);
    buf_done(&path);
    return next;
}

/* ---- WATCH ---- */

struct stream {
    struct watch *w;
    struct err broken; /* a line that cannot be read */
    bool error;        /* an ERROR event came */
    struct refusal refusal;
    char reason[KUBE_REASON_MAX];
    char message[KUBE_MESSAGE_MAX];
};

static void on_open(void *ctx) {
    struct stream *s = ctx;
    watchstate_open(&s->w->state, clock_mono_us());
    watch_alive(s->w);
}

static void on_error_event(struct stream *s, struct span status) {
    unsigned code = 0;
    const struct status_text text = {s->reason, sizeof s->reason, s->message, sizeof s->message,
                                     &code};
    status_decode(status, &text);
    s->error = true;
    s->refusal = (struct refusal){.status = code, .reason = s->reason, .message = s->message};
}

static void give(struct watch *w, const struct watch_line *l) {
    struct err bad = {0};
    bool taken = l->type == WATCH_DELETED ? w->sink.drop(w->sink.ctx, l->object, &bad)
                                          : w->sink.put(w->sink.ctx, l->object, &bad);
    if (!taken) {
        watch_bad_object(w, l->object, &bad);
    }
    watch_event_seen(w);
}

static bool on_line(void *ctx, struct span text) {
    struct stream *s = ctx;
    struct watch_line l = {0};
    if (!watch_line_read(text, &l, &s->broken)) {
        return false;
    }
    watch_alive(s->w);
    if (l.type == WATCH_ERROR) {
        on_error_event(s, l.object);
        return false;
    }
    if (l.type == WATCH_ADDED || l.type == WATCH_MODIFIED || l.type == WATCH_DELETED) {
        give(s->w, &l);
    }
    /* Only now: what the sink did not see must come again. */
    return watchstate_event(&s->w->state, span_of(l.version)) ||
           err_set(&s->broken, ERR_INPUT, "a resourceVersion that is too long");
}

static struct watch_action stream_ended(struct stream *s, bool came, const struct kube_response *r,
                                        const struct err *e) {
    struct watch *w = s->w;
    if (s->broken.code != ERR_NONE) {
        return fail_err(w, "watch", &s->broken);
    }
    if (s->error) {
        return refused(w, "watch", &s->refusal);
    }
    if (!came) {
        return fail_err(w, "watch", e);
    }
    if (r->status != 200) {
        return refused_http(w, "watch", r);
    }
    uint64_t before = w->state.failures;
    struct watch_action a = watchstate_ended(&w->state, clock_mono_us(), pace_random());
    if (w->state.failures > before && !w->pace.stop) {
        watch_fault(w, LOG_WARN, "the server ends the stream at once", a.wait_ms);
    }
    return a;
}

struct watch_action watch_stream(struct watch *w, const struct watch_action *a) {
    struct buf path = buf_new(PATH_MAX_BYTES);
    struct stream s = {.w = w};
    struct kube_response r = {0};
    struct err e = {0};
    buf_fmt(&path, "%s?watch=1&allowWatchBookmarks=true&timeoutSeconds=%u&resourceVersion=",
            w->options.path, a->timeout_s);
    kube_escape(span_of(w->state.version), &path);
    query(w, &path);
    const struct kube_stream ask = {
        .path = buf_cstr(&path),
        .accept = w->options.partial ? PARTIAL_ONE : NULL,
        .max_line = WATCH_OBJECT_MAX,
        .connect_ms = WATCH_CONNECT_MS,
        .idle_ms = WATCH_IDLE_MS,
        .ctx = &s,
        .line = on_line,
        .open = on_open,
        .stop = &w->pace.stop,
    };
    bool came = buf_ok(&path) ? kube_stream(w->client, &ask, &r, &e)
                              : err_set(&e, ERR_INTERNAL, "the path is too long");
    struct watch_action next = stream_ended(&s, came, &r, &e);
    buf_done(&r.body);
    buf_done(&path);
    return next;
}
