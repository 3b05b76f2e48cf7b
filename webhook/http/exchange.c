#include "webhook/http/exchange.h"

#include <stdlib.h>

#include "webhook/http/body.h"
#include "webhook/http/limits.h"
#include "webhook/http/stats.h"
#include "webhook/sys/clock.h"

struct exchange {
    struct call call;
    struct intake in;
    unsigned route;
    unsigned sent; /* status of the answer, 0 while there is none */
};

static struct span header_span(const char *value, size_t n) {
    return value ? (struct span){value, n} : SPAN("");
}

static enum MHD_Result see_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n,
                                  const char *value, size_t value_n) {
    (void)kind;
    struct head *h = cls;
    struct span k = {key, key_n};
    struct span v = header_span(value, value_n);
    if (span_ieq(k, SPAN("Content-Length"))) {
        h->length = v;
        h->lengths++;
    } else if (span_ieq(k, SPAN("Transfer-Encoding"))) {
        h->coding = v;
        h->codings++;
    } else if (span_ieq(k, SPAN("Content-Type"))) {
        h->content_type = v;
    }
    return MHD_YES;
}

/* The response takes the reply's memory over; no copy. */
static struct MHD_Response *response_of(struct call *c) {
    static char empty[1];
    struct buf *b = &c->reply.body;
    if (!buf_ok(b)) {
        struct err e;
        err_set(&e, ERR_TOO_LARGE, "the answer passed its limit of %zu bytes", b->max);
        reply_error(c, 500, &e);
    }
    struct MHD_Response *r =
        b->p ? MHD_create_response_from_buffer(b->n, b->p, MHD_RESPMEM_MUST_FREE)
             : MHD_create_response_from_buffer(0, empty, MHD_RESPMEM_PERSISTENT);
    if (r) {
        *b = (struct buf){.failed = true};
    }
    return r;
}

static enum MHD_Result answer(struct exchange *x, struct MHD_Connection *conn, bool hang_up) {
    struct call *c = &x->call;
    struct MHD_Response *r = response_of(c);
    if (!r) {
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, c->reply.type);
    if (c->reply.allow) {
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, c->reply.allow);
    }
    if (hang_up || atomic_load(&c->service->stopping)) {
        MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    x->sent = c->reply.status;
    enum MHD_Result queued = MHD_queue_response(conn, c->reply.status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result answer_refused(struct exchange *x, struct MHD_Connection *conn) {
    reply_error(&x->call, x->in.refuse, &x->in.why);
    x->call.reply.allow = x->in.allow;
    return answer(x, conn, x->in.hang_up);
}

/* What was decoded and read goes before the answer is sent: a slow reader holds only its answer. */
static enum MHD_Result run(struct exchange *x, struct MHD_Connection *conn) {
    struct call *c = &x->call;
    c->body = buf_view(&x->in.body);
    size_t cap = HTTP_ARENA_BASE + c->body.n * HTTP_ARENA_PER_BYTE;
    c->arena = arena_new(cap < HTTP_ARENA_MAX ? cap : HTTP_ARENA_MAX);
    c->bytes = span_of(MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "bytes"));
    routes[x->route].run(c);
    arena_done(&c->arena);
    intake_done(&x->in);
    return answer(x, conn, false);
}

static enum MHD_Result begin(const struct listener *l, struct MHD_Connection *conn, const char *url,
                             const char *method, void **state) {
    struct exchange *x = calloc(1, sizeof *x);
    if (!x) {
        return MHD_NO;
    }
    *state = x;
    x->call.service = l->service;
    x->call.begun_us = clock_mono_us();
    struct head h = {.method = span_of(method), .path = span_of(url)};
    MHD_get_connection_values_n(conn, MHD_HEADER_KIND, see_header, &h);
    x->route = route_find(h.path, l->scheduler_only, l->service->bench_echo);
    intake_begin(&x->in, l->service, &h, x->route);
    return x->in.hang_up ? answer_refused(x, conn) : MHD_YES;
}

enum MHD_Result exchange_step(void *cls, struct MHD_Connection *conn, const char *url,
                              const char *method, const char *version, const char *data, size_t *n,
                              void **state) {
    (void)version;
    struct exchange *x = *state;
    if (!x) {
        return begin(cls, conn, url, method, state);
    }
    if (*n) {
        bool go_on = intake_take(&x->in, data, *n);
        *n = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    return x->in.refuse ? answer_refused(x, conn) : run(x, conn);
}

void exchange_end(void *state, bool complete) {
    struct exchange *x = state;
    if (!x) {
        return;
    }
    uint64_t us = (uint64_t)(clock_mono_us() - x->call.begun_us);
    stats_request(x->route, complete ? x->sent : 0, us);
    intake_done(&x->in);
    arena_done(&x->call.arena);
    buf_done(&x->call.reply.body);
    free(x);
}
