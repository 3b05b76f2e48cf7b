#include <string.h>

#include "webhook/kube/status.h"
#include "webhook/kube/transfer_inner.h"
#include "webhook/sys/clock.h"

/* ---- the body that is sent ---- */

static size_t on_read(char *out, size_t size, size_t n, void *arg) {
    struct run *r = arg;
    if (r->sent >= r->t->body.n) {
        return 0;
    }
    struct span left = span_upto(span_from(r->t->body, r->sent), size * n);
    memcpy(out, left.p, left.n);
    r->sent += left.n;
    return left.n;
}

/* libcurl sends a request a second time, on a new connection, when a kept one dies without an
 * answer. For a POST that is refused: the server may have done it already. */
static int on_seek(void *arg, curl_off_t to, int origin) {
    struct run *r = arg;
    if (origin != SEEK_SET || to < 0 || (uint64_t)to > r->t->body.n ||
        strcmp(r->t->method, "POST") == 0) {
        return CURL_SEEKFUNC_FAIL;
    }
    r->sent = (size_t)to;
    return CURL_SEEKFUNC_OK;
}

/* ---- the answer ---- */

static size_t end(struct run *r, enum run_end why) {
    r->end = why;
    return CURL_WRITEFUNC_ERROR;
}

/* "Date: Thu, 26 Nov 2026 10:00:00 GMT" */
static void note_date(struct run *r, struct span line) {
    char text[64];
    struct buf b = BUF_OVER(text);
    size_t colon = span_find(line, ':');
    if (!span_ieq(span_upto(line, colon), SPAN("date"))) {
        return;
    }
    buf_span(&b, span_trim(span_from(line, colon + 1)));
    time_t at = buf_ok(&b) ? curl_getdate(buf_cstr(&b), NULL) : -1;
    r->date = at > 0 ? (int64_t)at : r->date;
}

/* One header line; the empty one ends them. Those of an interim answer (1xx) do not count. */
static size_t on_header(char *p, size_t size, size_t n, void *arg) {
    struct run *r = arg;
    long status = 0;
    r->headers += size * n;
    if (r->headers > KUBE_HEADERS_MAX) {
        return end(r, RUN_HEADERS);
    }
    note_date(r, (struct span){p, size * n});
    bool last = size * n <= 2 && (p[0] == '\r' || p[0] == '\n');
    if (last && curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
        status >= 200 && r->status == 0) {
        r->status = status;
        r->last_us = clock_mono_us();
        if (r->t->lines && status == 200 && r->t->open) {
            r->t->open(r->t->ctx);
        }
    }
    return size * n;
}

static size_t feed(struct run *r, struct span piece) {
    switch (lines_feed(r->t->lines, piece)) {
    case LINES_STOPPED:
        return end(r, RUN_STOPPED);
    case LINES_TOO_LARGE:
        return end(r, RUN_TOO_LARGE);
    case LINES_MORE:
    default:
        return piece.n;
    }
}

static size_t on_write(char *p, size_t size, size_t n, void *arg) {
    struct run *r = arg;
    struct span piece = {p, size * n};
    r->last_us = clock_mono_us();
    if (r->t->lines && r->status == 200) {
        return feed(r, piece);
    }
    if (piece.n <= r->body.max - r->body.n) {
        buf_span(&r->body, piece);
        return buf_ok(&r->body) ? piece.n : end(r, RUN_NO_MEMORY);
    }
    if (!r->t->lines) {
        return end(r, RUN_TOO_LARGE);
    }
    /* Why a stream was refused needs no more than this. */
    buf_span(&r->body, span_upto(piece, r->body.max - r->body.n));
    return piece.n;
}

/* ---- time ---- */

static bool past(int64_t since_us, unsigned ms, int64_t now_us) {
    return now_us - since_us > (int64_t)ms * 1000;
}

/* Called at least each second, also when nothing moves. */
static int on_progress(void *arg, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up) {
    struct run *r = arg;
    const struct transfer *t = r->t;
    int64_t now = clock_mono_us();
    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    if (t->stop && *t->stop) {
        r->end = RUN_STOPPED;
    } else if (!t->deadline_us && r->status == 0 && past(r->started_us, t->connect_ms, now)) {
        r->end = RUN_NO_HEAD;
    } else if (!t->deadline_us && r->status != 0 && past(r->last_us, t->idle_ms, now)) {
        r->end = RUN_IDLE;
    }
    return r->end != RUN_GOES;
}

void run_callbacks(struct run *r) {
    r->body = buf_new(r->t->lines ? STATUS_BODY_MAX : r->t->max);
    curl_easy_setopt(r->curl, CURLOPT_ERRORBUFFER, r->text);
    curl_easy_setopt(r->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(r->curl, CURLOPT_READDATA, r);
    curl_easy_setopt(r->curl, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(r->curl, CURLOPT_SEEKDATA, r);
    curl_easy_setopt(r->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(r->curl, CURLOPT_HEADERDATA, r);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(r->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(r->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(r->curl, CURLOPT_XFERINFODATA, r);
}
