#include "webhook/live/eventsend.h"

#define BODY_MAX       ((size_t)8 * 1024)
#define PATH_MAX_BYTES 1024

/* What one call came to. */
enum step { STEP_DONE, STEP_THERE, STEP_GONE, STEP_LATER, STEP_REFUSED };

static enum step judge(unsigned status) {
    if (status >= 200 && status < 300) {
        return STEP_DONE;
    }
    if (status == 409) {
        return STEP_THERE;
    }
    if (status == 404) {
        return STEP_GONE;
    }
    return status == 429 || status == 408 || status >= 500 ? STEP_LATER : STEP_REFUSED;
}

static enum step call(const struct event_send *s, struct kube_request *ask, struct buf *body,
                      struct event_receipt *out) {
    struct kube_response got = {0};
    ask->timeout_ms = s->timeout_ms;
    ask->max_response = EVENT_OBJECT_MAX;
    out->calls++;
    out->wait_s = 0;
    if (!s->wire->call(s->wire->ctx, ask, &got, &out->why)) {
        return STEP_LATER;
    }
    enum step step = judge(got.status);
    if (step != STEP_DONE) {
        out->wait_s = got.retry_after_s;
        err_set(&out->why, ERR_IO, "%s Event: %u %s", ask->method, got.status, got.message);
    } else if (body) {
        buf_span(body, buf_view(&got.body));
    }
    buf_done(&got.body);
    return step;
}

static void put_path(const struct event_send *s, bool object, struct buf *out) {
    char name[EVENT_NAME_MAX];
    event_name(s->ev, name);
    buf_str(out, "/api/v1/namespaces/");
    kube_escape(event_namespace(s->ev), out);
    buf_str(out, "/events");
    if (object) {
        buf_fmt(out, "/%s", name);
    }
}

static enum step make(const struct event_send *s, struct event_receipt *out) {
    char path[PATH_MAX_BYTES];
    struct buf p = BUF_OVER(path);
    struct buf body = buf_new(BODY_MAX);
    put_path(s, false, &p);
    buf_str(&p, "?fieldManager=tpguard");
    event_encode_new(s->ev, s->now, s->instance, &body);
    struct kube_request ask = {
        .method = "POST", .path = path, .body = buf_view(&body), .body_type = KUBE_JSON};
    enum step step = STEP_REFUSED;
    if (buf_ok(&body) && buf_ok(&p)) {
        step = call(s, &ask, NULL, out);
    } else {
        err_set(&out->why, ERR_TOO_LARGE, "an Event is too large");
    }
    buf_done(&body);
    return step;
}

/* One that cannot be read is written over all the same. */
static struct event_seen read_seen(const struct event_send *s, const struct buf *text) {
    struct event_seen seen = {0};
    struct err ignored = {0};
    if (!event_decode(buf_view(text), s->arena, &seen, &ignored)) {
        seen = (struct event_seen){0};
    }
    return seen;
}

static bool is_said(const struct event_send *s, const struct event_seen *seen) {
    int64_t age = s->now - seen->last;
    return span_is(seen->message, s->ev->message) && age < s->said_s && age > -s->said_s;
}

static enum step count_up(const struct event_send *s, uint64_t count, const char *path,
                          struct event_receipt *out) {
    struct buf body = buf_new(BODY_MAX);
    char written[PATH_MAX_BYTES];
    struct buf p = BUF_OVER(written);
    buf_fmt(&p, "%s?fieldManager=tpguard", path);
    event_encode_again(s->ev, count, s->now, &body);
    struct kube_request ask = {
        .method = "PATCH", .path = written, .body = buf_view(&body), .body_type = KUBE_MERGE_PATCH};
    enum step step = STEP_REFUSED;
    if (buf_ok(&body) && buf_ok(&p)) {
        step = call(s, &ask, NULL, out);
    }
    buf_done(&body);
    return step;
}

/* *said: nothing had to be written. */
static enum step again(const struct event_send *s, bool *said, struct event_receipt *out) {
    char path[PATH_MAX_BYTES];
    struct buf p = BUF_OVER(path);
    struct buf body = buf_new(EVENT_OBJECT_MAX);
    put_path(s, true, &p);
    struct kube_request ask = {.method = "GET", .path = path};
    enum step step = call(s, &ask, &body, out);
    if (step == STEP_DONE) {
        struct event_seen seen = read_seen(s, &body);
        *said = is_said(s, &seen);
        step = *said ? STEP_DONE : count_up(s, seen.count + 1, path, out);
    }
    buf_done(&body);
    return step;
}

enum event_sent event_send(const struct event_send *s, struct event_receipt *out) {
    bool said = false;
    *out = (struct event_receipt){0};
    enum step step = s->known ? again(s, &said, out) : STEP_GONE;
    bool asked = s->known;
    if (step == STEP_GONE) {
        step = make(s, out);
        /* Gone here means that its namespace is. */
        if (step == STEP_GONE) {
            return EVENT_REFUSED;
        }
        if (step == STEP_THERE && !asked) {
            step = again(s, &said, out);
        }
    }
    if (step == STEP_DONE) {
        return said ? EVENT_SAID : EVENT_WRITTEN;
    }
    /* There, then gone, or the reverse: somebody else was at it in the same moment. */
    return step == STEP_REFUSED ? EVENT_REFUSED : EVENT_LATER;
}
