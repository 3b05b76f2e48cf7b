#include "webhook/kube/transfer.h"

#include <string.h>

#include "webhook/kube/status.h"
#include "webhook/kube/transfer_inner.h"
#include "webhook/sys/clock.h"

/* A handle is waited for no longer than this by a stream, which has no deadline. */
#define STREAM_WAIT_US INT64_C(10000000)

static bool failed(const struct run *r, enum err_code code, const char *why, struct err *e) {
    return err_set(e, code, "%.80s: %.200s", r->t->client->server, why);
}

static bool ended_by_us(const struct run *r, struct err *e) {
    char why[128];
    switch (r->end) {
    case RUN_IDLE:
        (void)snprintf(why, sizeof why, "nothing came for %u s", r->t->idle_ms / 1000);
        return failed(r, ERR_IO, why, e);
    case RUN_NO_HEAD:
        (void)snprintf(why, sizeof why, "no answer after %u s", r->t->connect_ms / 1000);
        return failed(r, ERR_IO, why, e);
    case RUN_TOO_LARGE:
        (void)snprintf(why, sizeof why, "wants %s of at most %zu bytes, found more",
                       r->t->lines ? "a line" : "an answer",
                       r->t->lines ? r->t->lines->max : r->t->max);
        return failed(r, ERR_TOO_LARGE, why, e);
    case RUN_HEADERS:
        return failed(r, ERR_TOO_LARGE, "headers of more than 64 KiB", e);
    case RUN_NO_MEMORY:
        return failed(r, ERR_INTERNAL, "no memory for the answer", e);
    case RUN_STOPPED:
        return r->t->lines ? true : failed(r, ERR_IO, "stopped", e);
    case RUN_GOES:
    default:
        return failed(r, ERR_INTERNAL, "ended for no reason", e);
    }
}
_Static_assert(KUBE_HEADERS_MAX == (size_t)64 * 1024, "the message above says 64 KiB");

static bool outcome(struct run *r, CURLcode code, struct err *e) {
    if (r->end != RUN_GOES) {
        return ended_by_us(r, e);
    }
    if (code == CURLE_FILESIZE_EXCEEDED) {
        r->end = RUN_TOO_LARGE;
        return ended_by_us(r, e);
    }
    if (code == CURLE_SEND_FAIL_REWIND) {
        return failed(r, ERR_IO, "the connection died before the answer; it may have been done", e);
    }
    if (code != CURLE_OK) {
        return failed(r, code == CURLE_OUT_OF_MEMORY ? ERR_INTERNAL : ERR_IO,
                      r->text[0] ? r->text : curl_easy_strerror(code), e);
    }
    if (r->t->lines && r->status == 200 && lines_end(r->t->lines) == LINES_TOO_LARGE) {
        r->end = RUN_TOO_LARGE;
        return ended_by_us(r, e);
    }
    return true;
}

static void answer(struct run *r, struct kube_response *out) {
    struct kube_response a = {.status = (unsigned)r->status, .date = r->date};
    curl_off_t after = 0;
    struct status_text text = {a.reason, sizeof a.reason, a.message, sizeof a.message, NULL};
    if (curl_easy_getinfo(r->curl, CURLINFO_RETRY_AFTER, &after) == CURLE_OK && after > 0) {
        a.retry_after_s = after < 3600 ? (unsigned)after : 3600;
    }
    if (a.status >= 400) {
        status_decode(buf_view(&r->body), &text);
    }
    a.body = r->body;
    r->body = (struct buf){0};
    *out = a;
}

static bool exchange(const struct transfer *t, struct span token, struct kube_response *out,
                     struct err *e) {
    int64_t now = clock_mono_us();
    struct run r = {.t = t, .token = token, .started_us = now, .last_us = now};
    if (!handles_take(t->client->handles, t->deadline_us ? t->deadline_us : now + STREAM_WAIT_US,
                      &r.curl, e)) {
        return err_wrap(e, "%.80s: ", t->client->server);
    }
    bool done = run_options(&r, e);
    if (done) {
        run_callbacks(&r);
        done = outcome(&r, curl_easy_perform(r.curl), e);
    }
    if (done) {
        answer(&r, out);
    }
    handles_give(t->client->handles, r.curl);
    run_done(&r);
    return done;
}

bool transfer_run(const struct transfer *t, struct kube_response *out, struct err *e) {
    struct buf token = buf_new(KUBE_TOKEN_MAX);
    struct kube_response got = {0};
    bool done = creds_token(t->client->creds, &token, e) && exchange(t, buf_view(&token), &got, e);
    if (done && got.status == 401 && creds_refused(t->client->creds, buf_view(&token))) {
        buf_done(&got.body);
        buf_reset(&token);
        done = creds_token(t->client->creds, &token, e) && exchange(t, buf_view(&token), &got, e);
    }
    if (token.p) {
        explicit_bzero(token.p, token.cap);
    }
    buf_done(&token);
    if (done) {
        *out = got;
    }
    return done;
}
