/* Admission of pods/binding, under any scheduler. What cannot be told is a 5xx: the webhook's
 * failurePolicy is Ignore, so that bindings of other pods never hang on tpguard, and the chart's
 * ValidatingAdmissionPolicy then refuses those of gated GPU pods, which carry no reservation. */
#include "webhook/http/handle.h"

#include "webhook/codec/binding.h"
#include "webhook/codec/review.h"
#include "webhook/http/limits.h"
#include "webhook/http/stats.h"
#include "webhook/http/stats_live.h"
#include "webhook/live/bind.h"
#include "webhook/live/narrate.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define PATCH_MAX  (HTTP_KIB * 8)
#define ANSWER_MAX (HTTP_KIB * 64)
/* With the last question's 4 s behind it still inside HTTP_DEADLINE_S, and inside what the API
 * server waits for a webhook. */
#define ANSWER_US 6000000

struct binding_case {
    struct review review;
    struct binding binding;
    struct bind_answer bind;
    struct review_answer answer;
};

static void send(struct call *c, const struct binding_case *b) {
    c->reply.body = buf_new(ANSWER_MAX);
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    review_encode(&b->answer, &c->reply.body);
}

static void log_bind(const struct call *c, const struct binding_case *b) {
    const struct bind_answer *a = &b->bind;
    struct log_line l = log_new(a->ours ? LOG_INFO : LOG_DEBUG, "decision");
    log_str(&l, "route", "admit_bindings");
    log_span(&l, "ns", b->review.ns);
    log_span(&l, "pod", b->binding.name);
    log_span(&l, "node", b->binding.node);
    log_str(&l, "verdict", verdict_name(a->allowed ? VERDICT_ALLOW : VERDICT_WAIT));
    log_str(&l, "code", a->code == REASON_NONE ? "none" : reason_row(a->code)->code);
    log_bool(&l, "allowed", a->allowed);
    log_str(&l, "mode", mode_name(a->mode));
    if (a->ours) {
        log_num(&l, "tp", a->tp);
        log_num(&l, "gpus", a->gpus);
        log_str(&l, "set", a->set);
        log_num(&l, "tries", a->tries);
    }
    log_span(&l, "scheduler", b->review.user);
    log_num(&l, "duration_us", clock_mono_us() - c->begun_us);
    log_bool(&l, "dry_run", b->review.dry_run);
    log_span(&l, "uid", b->review.uid);
    log_write(&l);
}

static void answer(struct call *c, struct binding_case *b) {
    struct review_answer *r = &b->answer;
    struct buf patch = buf_new(PATCH_MAX);
    r->allowed = b->bind.allowed;
    r->message = b->bind.message;
    r->code = 409;
    r->reason = "Conflict";
    if (r->allowed) {
        binding_patch(&b->binding, b->bind.ours ? b->bind.set : NULL, b->bind.uuids,
                      b->bind.mode == MODE_ENFORCE, &patch);
        r->patch = buf_ok(&patch) ? buf_view(&patch) : (struct span){0};
    }
    if (b->bind.ours) {
        r->audit[0].key = "code";
        r->audit[0].value =
            span_of(b->bind.code == REASON_NONE ? "none" : reason_row(b->bind.code)->code);
        r->audit[1].key = "gpus";
        r->audit[1].value = span_of(b->bind.set);
        r->n_audit = 2;
        stats_decision(r->allowed ? VERDICT_ALLOW : VERDICT_WAIT, b->bind.code);
    }
    stats_bind(!b->bind.ours ? STATS_BIND_PASSED
               : r->allowed  ? STATS_BIND_RESERVED
                             : STATS_BIND_REFUSED,
               b->bind.tries);
    send(c, b);
    buf_done(&patch);
    log_bind(c, b);
}

/* A pod is bound by its subresource, or by the older resource of its own, namespaces/NS/bindings.
 */
static bool concerns_us(const struct review *r) {
    bool older = r->sub_resource.n == 0 && span_is(r->resource, "bindings");
    return span_is(r->operation, "CREATE") && (older || span_is(r->sub_resource, "binding"));
}

static bool decide(struct call *c, struct binding_case *b, struct err *e) {
    struct service *s = c->service;
    if (!binding_decode(b->review.object, &b->binding, e)) {
        return err_in(e, "request.object");
    }
    if (!b->binding.name.n) {
        b->binding.name = b->review.name;
    }
    const struct policy policy = service_policy(s, cluster_mode(s->cluster, b->review.ns));
    const struct bind_ask ask = {.cluster = s->cluster,
                                 .live = s->live,
                                 .policy = &policy,
                                 .ns = b->review.ns,
                                 .name = b->binding.name,
                                 .uid = b->binding.uid,
                                 .node = b->binding.node,
                                 .dry_run = b->review.dry_run,
                                 .now = clock_unix_s(),
                                 .until_us = c->begun_us + ANSWER_US,
                                 .arena = &c->arena};
    if (!bind_gate(&ask, &b->bind, e)) {
        return false;
    }
    narrate_reserved(s->events, &ask, &b->bind);
    return true;
}

static void refuse(struct call *c, const struct err *e) {
    struct log_line l = log_new(LOG_WARN, "a binding cannot be judged");
    log_str(&l, "route", "admit_bindings");
    log_str(&l, "error", e->msg);
    log_str(&l, "path", e->path);
    log_write(&l);
    stats_bind(STATS_BIND_FAILED, 0);
    reply_error(c, e->code == ERR_IO || e->code == ERR_UNKNOWN ? 503 : status_of(e), e);
}

void handle_admit_bindings(struct call *c) {
    struct err e = {0};
    struct binding_case *b = ARENA_NEW(&c->arena, struct binding_case, 1);
    if (!b) {
        err_set(&e, ERR_TOO_LARGE, "the request needs too much memory");
        reply_error(c, 413, &e);
        return;
    }
    if (!review_decode(c->body, &c->arena, &b->review, &e)) {
        reply_error(c, status_of(&e), &e);
        return;
    }
    b->answer.uid = b->review.uid;
    if (!concerns_us(&b->review)) {
        b->answer.allowed = true;
        send(c, b);
        return;
    }
    if (!is_ready(c->service)) {
        char why[400];
        ready_text(c->service, why, sizeof why);
        err_set(&e, ERR_UNKNOWN, "not ready: %s", why);
        refuse(c, &e);
        return;
    }
    if (decide(c, b, &e)) {
        answer(c, b);
    } else {
        refuse(c, &e);
    }
}
