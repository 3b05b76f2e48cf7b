#include "webhook/http/handle.h"

#include "topology/jw.h"

const char reply_json_type[] = "application/json";

#define READ "GET, HEAD"

const struct route routes[ROUTES] = {
    {"/admit/pods", "admit_pods", "POST", handle_admit_pods, .post = true},
    {"/admit/bindings", "admit_bindings", "POST", handle_admit_bindings, .post = true},
    {"/admit/workloads", "admit_workloads", "POST", handle_admit_workloads, .post = true},
    {"/scheduler/filter", "filter", "POST", handle_filter, .post = true, .scheduler = true},
    {"/scheduler/prioritize", "prioritize", "POST", handle_prioritize, .post = true,
     .scheduler = true},
    {"/scheduler/preempt", "preempt", "POST", handle_preempt, .post = true, .scheduler = true},
    {"/healthz", "healthz", READ, handle_healthz, .post = false},
    {"/readyz", "readyz", READ, handle_readyz, .post = false},
    {"/metrics", "metrics", READ, handle_metrics, .post = false},
    {"/bench/echo", "bench", "POST", handle_bench_echo, .post = true, .scheduler = true,
     .bench = true},
};

unsigned route_find(struct span path, bool scheduler_only, bool bench) {
    for (unsigned i = 0; i < ROUTES; i++) {
        const struct route *r = &routes[i];
        if ((r->scheduler || !scheduler_only) && (bench || !r->bench) && span_is(path, r->path)) {
            return i;
        }
    }
    return ROUTES;
}

static void reply_start(struct call *c, unsigned status, const char *type, size_t max) {
    buf_done(&c->reply.body);
    c->reply.status = status;
    c->reply.type = type;
    c->reply.body = buf_new(max);
}

void reply_error(struct call *c, unsigned status, const struct err *e) {
    reply_start(c, status, reply_json_type, (ERR_MSG_MAX + ERR_PATH_MAX) * 8);
    struct jw w = jw_new(&c->reply.body, 0);
    jw_object(&w);
    jw_kv_str(&w, "error", e->msg);
    if (e->path[0]) {
        jw_kv_str(&w, "path", e->path);
    }
    jw_object_end(&w);
    buf_char(&c->reply.body, '\n');
}

void reply_text(struct call *c, unsigned status, const char *text) {
    reply_start(c, status, "text/plain; charset=utf-8", 1024);
    buf_fmt(&c->reply.body, "%s\n", text);
}

unsigned status_of(const struct err *e) {
    switch (e->code) {
    case ERR_INPUT:
    case ERR_UNKNOWN:
        return 400;
    case ERR_TOO_LARGE:
        return 413;
    case ERR_NONE:
    case ERR_IO:
    case ERR_INTERNAL:
    case ERR_CODE_COUNT:
        break;
    }
    return 500;
}
