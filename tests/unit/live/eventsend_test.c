/* One Event against answers written down in advance. */
#include "webhook/live/eventsend.h"

#include "tests/tap.h"

#define NOW 1795348800 /* 2026-11-22T12:00:00Z */
#define HERE                                                                                       \
    "{\"kind\":\"Event\",\"message\":\"%s\",\"count\":3,\"lastTimestamp\":\"2026-11-22T11:%s:"     \
    "00Z\"}"

struct answer {
    const char *method; /* expected */
    unsigned status;    /* 0: no answer comes */
    const char *message;
    const char *minute;
    unsigned retry_after_s;
};
struct script {
    const struct answer *answer;
    unsigned n, at;
    bool astray; /* something else was asked */
    char last[2048];
    char path[512];
};

static void keep(struct span from, char *to, size_t cap) {
    struct buf b = buf_over(to, cap);
    buf_span(&b, from);
}

static bool play(void *ctx, const struct kube_request *r, struct kube_response *out,
                 struct err *e) {
    struct script *s = ctx;
    static const struct answer none = {"", 0, NULL, NULL, 0};
    const struct answer *a = s->at < s->n ? &s->answer[s->at] : &none;
    s->at++;
    s->astray = s->astray || strcmp(a->method, r->method) != 0 || !r->timeout_ms;
    keep(r->body, s->last, sizeof s->last);
    keep(span_of(r->path), s->path, sizeof s->path);
    if (!a->status) {
        return err_set(e, ERR_IO, "connection refused");
    }
    *out = (struct kube_response){
        .status = a->status, .body = buf_new(4096), .retry_after_s = a->retry_after_s};
    if (a->message && a->minute) {
        buf_fmt(&out->body, HERE, a->message, a->minute);
    } else if (a->message) {
        buf_str(&out->body, a->message);
    }
    keep(SPAN("said by the server"), out->message, sizeof out->message);
    return true;
}

struct row {
    const char *what;
    bool known;
    struct answer answer[4];
    unsigned n;
    enum event_sent sent;
    const char *last; /* in the last body */
};

#define POST(code)                                                                                 \
    { "POST", code, NULL, NULL, 0 }
#define GET(text, minute)                                                                          \
    { "GET", 200, text, minute, 0 }
#define ANSWER(method, code)                                                                       \
    { method, code, NULL, NULL, 0 }

static const struct row rows[] = {
    {"a new one is made", false, {POST(201)}, 1, EVENT_WRITTEN, "\"count\":1,"},
    {"one that is there is counted up",
     false,
     {POST(409), GET("old", "00"), ANSWER("PATCH", 200)},
     3,
     EVENT_WRITTEN,
     "\"count\":4,"},
    {"the same text of long ago too",
     false,
     {POST(409), GET("new", "49"), ANSWER("PATCH", 200)},
     3,
     EVENT_WRITTEN,
     "\"message\":\"new\""},
    {"the same text of just now is left",
     false,
     {POST(409), GET("new", "51")},
     2,
     EVENT_SAID,
     NULL},
    {"one that was written before is asked for first",
     true,
     {GET("old", "59"), ANSWER("PATCH", 200)},
     2,
     EVENT_WRITTEN,
     "\"count\":4,"},
    {"gone since, it is made anew",
     true,
     {ANSWER("GET", 404), POST(201)},
     2,
     EVENT_WRITTEN,
     "\"count\":1,"},
    {"there and gone in one moment: later",
     false,
     {POST(409), ANSWER("GET", 404)},
     2,
     EVENT_LATER,
     NULL},
    {"gone and there in one moment: later",
     true,
     {ANSWER("GET", 404), POST(409)},
     2,
     EVENT_LATER,
     NULL},
    {"gone between reading and writing: made anew",
     true,
     {GET("old", "00"), ANSWER("PATCH", 404), POST(201)},
     3,
     EVENT_WRITTEN,
     "\"count\":1,"},
    {"one that cannot be read is written over",
     false,
     {POST(409), {"GET", 200, "[1,", NULL, 0}, ANSWER("PATCH", 200)},
     3,
     EVENT_WRITTEN,
     "\"count\":1,"},
    {"not allowed", false, {POST(403)}, 1, EVENT_REFUSED, NULL},
    {"not allowed to read", false, {POST(409), ANSWER("GET", 403)}, 2, EVENT_REFUSED, NULL},
    {"not allowed to change",
     true,
     {GET("old", "00"), ANSWER("PATCH", 403)},
     2,
     EVENT_REFUSED,
     NULL},
    {"the namespace is gone", false, {POST(404)}, 1, EVENT_REFUSED, NULL},
    {"not taken", false, {POST(422)}, 1, EVENT_REFUSED, NULL},
    {"too busy", false, {{"POST", 429, NULL, NULL, 7}}, 1, EVENT_LATER, NULL},
    {"out of order", false, {POST(500)}, 1, EVENT_LATER, NULL},
    {"out of order when reading", false, {POST(409), ANSWER("GET", 503)}, 2, EVENT_LATER, NULL},
    {"no answer", false, {POST(0)}, 1, EVENT_LATER, NULL},
};

static void run(const struct row *r, struct arena *a) {
    struct script script = {.answer = r->answer, .n = r->n};
    const struct event_wire wire = {.ctx = &script, .call = play};
    const struct event ev = {.kind = "Pod",
                             .api_version = "v1",
                             .ns = SPAN("llm"),
                             .name = SPAN("chat-0"),
                             .uid = SPAN("u"),
                             .reason = "NVLinkDown",
                             .warning = true,
                             .message = "new",
                             .component = "tpguard"};
    const struct event_send s = {.wire = &wire,
                                 .ev = &ev,
                                 .instance = "tpguard-0",
                                 .known = r->known,
                                 .now = NOW,
                                 .said_s = 600,
                                 .timeout_ms = 3000,
                                 .arena = a};
    struct event_receipt got;
    arena_reset(a);
    enum event_sent sent = event_send(&s, &got);
    bool told = sent == EVENT_WRITTEN || sent == EVENT_SAID || got.why.msg[0];
    ok(sent == r->sent && told, "%s (%u calls, %s)", r->what, got.calls, got.why.msg);
    ok(!script.astray && script.at == r->n && got.calls == r->n, "... by these calls and no more");
    ok(!r->last || span_has(span_of(script.last), r->last), "... the last with %s (%s)", r->last,
       script.last);
    struct span at = span_of(script.path);
    ok(span_starts(at, "/api/v1/namespaces/llm/events"), "... at its place (%s)", script.path);
    if (r->answer[0].retry_after_s) {
        is_int(got.wait_s, r->answer[0].retry_after_s, "... when the server says");
    }
}

int main(void) {
    struct arena a = arena_new((size_t)1024 * 1024);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        run(&rows[i], &a);
    }
    arena_done(&a);
    return tap_done();
}
