/* For the kubelet, for Prometheus, and for make bench. */
#include "webhook/http/handle.h"

#include "webhook/http/limits.h"
#include "webhook/http/stats.h"
#include "webhook/live/live.h"

#define READY_TEXT_MAX 400

static const char not_known[] = "the nodes of the cluster are not known yet";

void ready_text(struct service *s, char *why, unsigned cap) {
    struct buf b = buf_over(why, cap);
    if (s->live) {
        (void)live_ready(s->live, why, cap);
    } else if (!is_ready(s)) {
        buf_str(&b, not_known);
    }
}

bool is_ready(struct service *s) {
    if (s->live) {
        char why[READY_TEXT_MAX];
        return live_ready(s->live, why, sizeof why);
    }
    if (!atomic_load(&s->was_ready)) {
        struct cluster_stats stats = {0};
        cluster_stats_get(s->cluster, &stats);
        atomic_store(&s->was_ready, stats.ready);
        return stats.ready;
    }
    return true;
}

void handle_healthz(struct call *c) {
    reply_text(c, 200, "ok");
}

void handle_readyz(struct call *c) {
    if (atomic_load(&c->service->stopping)) {
        reply_text(c, 503, "not ready: stopping");
    } else if (!is_ready(c->service)) {
        char why[READY_TEXT_MAX];
        char text[READY_TEXT_MAX + 16];
        struct buf b = BUF_OVER(text);
        ready_text(c->service, why, sizeof why);
        buf_fmt(&b, "not ready: %s", why);
        reply_text(c, 503, text);
    } else {
        reply_text(c, 200, "ok");
    }
}

void handle_metrics(struct call *c) {
    c->reply.body = buf_new(HTTP_MIB);
    c->reply.status = 200;
    c->reply.type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    stats_text(c->service, &c->reply.body);
}

/* The same bytes in and out as a real route, and no work between: what the wire alone costs. */
void handle_bench_echo(struct call *c) {
    uint64_t n = 0;
    if (!span_u64(c->bytes, HTTP_REPLY_OWN, &n)) {
        struct err e;
        err_set(&e, ERR_INPUT, "wants ?bytes=N, at most %zu", HTTP_REPLY_OWN);
        reply_error(c, 400, &e);
        return;
    }
    c->reply.body = buf_new((size_t)n + 1);
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    buf_fill(&c->reply.body, ' ', (size_t)n);
}
