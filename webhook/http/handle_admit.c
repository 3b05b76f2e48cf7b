/* Admission of pods. A body that is no AdmissionReview is a 400 with {"error","path"}: the API
 * server then applies the webhook's failurePolicy. Everything else is answered with a review. */
#include "webhook/http/handle.h"

#include "webhook/codec/review.h"
#include "webhook/core/bind.h"
#include "webhook/core/workload.h"
#include "webhook/http/limits.h"
#include "webhook/http/stats.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define DECISION_MAX 4608
#define PATCH_MAX    (HTTP_KIB * 256)
#define ANSWER_MAX   (HTTP_MIB * 2)

struct admission {
    struct review review;
    struct pod pod;
    struct judgement j;
    struct review_answer answer;
    char said[ERR_MSG_MAX + ERR_PATH_MAX + 32];
    char decision[DECISION_MAX];
};

static void send(struct call *c, const struct admission *a) {
    c->reply.body = buf_new(ANSWER_MAX);
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    review_encode(&a->answer, &c->reply.body);
}

static struct span name_of(const struct pod *p) {
    return p->name.n ? p->name : p->generate_name;
}

static void log_decision(const struct call *c, const struct admission *a) {
    const struct decision *d = &a->j.decision;
    bool ours = a->j.is_gpu_pod && d->code != REASON_IGNORED;
    struct log_line l = log_new(ours ? LOG_INFO : LOG_DEBUG, "decision");
    log_str(&l, "route", "admit_pods");
    log_span(&l, "ns", a->review.ns);
    log_span(&l, "pod", name_of(&a->pod));
    log_str(&l, "verdict", verdict_name(d->verdict));
    log_str(&l, "code", d->code == REASON_NONE ? "none" : reason_row(d->code)->code);
    log_bool(&l, "allowed", a->answer.allowed);
    log_str(&l, "mode", mode_name(a->j.mode));
    log_str(&l, "scope", scope_name((enum scope)a->j.w.scope));
    if (a->j.w.tp.known) {
        log_num(&l, "tp", a->j.w.tp.n);
    }
    log_num(&l, "gpus", a->j.w.gpus);
    log_num(&l, "nodes", a->j.asked.nodes);
    log_num(&l, "gpu_nodes", a->j.asked.gpu_nodes);
    log_num(&l, "fits", a->j.asked.fits);
    log_num(&l, "duration_us", clock_mono_us() - c->begun_us);
    log_bool(&l, "dry_run", a->review.dry_run);
    log_span(&l, "uid", a->review.uid);
    log_write(&l);
}

/* The decision as its annotation. */
static struct span note_of(struct admission *a, const struct policy *policy) {
    struct admit_in in = {.pod = &a->pod,
                          .w = &a->j.w,
                          .shape = &a->j.shape,
                          .policy = policy,
                          .asked = &a->j.asked,
                          .unpinned = a->j.has_unpinned ? &a->j.unpinned : NULL};
    struct buf text = BUF_OVER(a->decision);
    decision_annotation(&in, &a->j.decision, &text);
    return buf_ok(&text) ? buf_view(&text) : (struct span){0};
}

/* A pod that nothing is decided of, and any pod in mode audit, stays as it is; but what only
 * tpguard may write is taken off every pod that comes by here. */
static void put_patch(struct call *c, struct admission *a, bool ours, struct buf *patch) {
    struct policy policy = service_policy(c->service, a->j.mode);
    struct patch_ask ask = {.pod = &a->pod};
    if (ours && a->j.mode != MODE_AUDIT) {
        ask.decision = &a->j.decision;
        ask.policy = &policy;
        ask.annotation = note_of(a, &policy);
        /* One that has its node never meets the gate. */
        ask.gated = a->j.mode == MODE_ENFORCE && bind_decides(&a->j.shape) && !a->pod.node_name.n;
    }
    patch_build(&ask, patch);
    if (a->answer.allowed && buf_ok(patch)) {
        a->answer.patch = buf_view(patch);
    }
}

static void answer_judged(struct call *c, struct admission *a) {
    struct decision *d = &a->j.decision;
    struct review_answer *r = &a->answer;
    struct buf patch = buf_new(PATCH_MAX);
    bool ours = a->j.mode != MODE_OFF && a->j.is_gpu_pod && d->code != REASON_IGNORED;
    r->allowed = d->allowed;
    r->message = d->message;
    r->code = 403;
    r->reason = "Forbidden";
    for (unsigned i = 0; i < d->n_warnings && i < DECISION_REASONS_MAX; i++) {
        r->warnings[r->n_warnings++] = d->warning[i];
    }
    if (ours) {
        r->audit[0].key = "verdict";
        r->audit[0].value = span_of(verdict_name(d->verdict));
        r->audit[1].key = "code";
        r->audit[1].value = span_of(d->code == REASON_NONE ? "none" : reason_row(d->code)->code);
        r->n_audit = 2;
        stats_decision(d->verdict, d->code);
    }
    put_patch(c, a, ours, &patch);
    send(c, a);
    buf_done(&patch);
    log_decision(c, a);
}

/* A pod that this program cannot read. The API server has checked its types, so it is beyond one of
 * our limits, or broken in a field that the server takes as it is: refused where we refuse. */
static void answer_unreadable(struct call *c, struct admission *a, const struct err *e) {
    enum mode mode = cluster_mode(c->service->cluster, a->review.ns);
    struct review_answer *r = &a->answer;
    struct buf patch = buf_new(PATCH_MAX);
    struct buf b = BUF_OVER(a->said);
    buf_fmt(&b, "tpguard: %s%s%s", e->path, e->path[0] ? ": " : "", e->msg);
    r->allowed = mode != MODE_ENFORCE;
    r->message = a->said;
    r->code = 400;
    r->reason = "BadRequest";
    if (mode == MODE_WARN) {
        r->warnings[r->n_warnings++] = a->said;
    }
    pod_marks(a->review.object, &c->arena, &a->pod);
    put_patch(c, a, false, &patch);
    send(c, a);
    buf_done(&patch);
    struct log_line l = log_new(LOG_WARN, "a pod cannot be read");
    log_str(&l, "route", "admit_pods");
    log_span(&l, "ns", a->review.ns);
    log_span(&l, "pod", a->review.name);
    log_bool(&l, "allowed", r->allowed);
    log_str(&l, "error", a->said);
    log_span(&l, "uid", a->review.uid);
    log_write(&l);
}

static bool concerns_us(const struct review *r) {
    return span_is(r->operation, "CREATE") && r->sub_resource.n == 0 &&
           (r->resource.n == 0 || span_is(r->resource, "pods")) &&
           (r->kind.n == 0 || span_is(r->kind, "Pod"));
}

static void admit(struct call *c, struct admission *a) {
    struct err e = {0};
    a->answer.uid = a->review.uid;
    if (!concerns_us(&a->review)) {
        a->answer.allowed = true;
        send(c, a);
        return;
    }
    if (!pod_decode(a->review.object, &c->arena, &a->pod, &e)) {
        err_in(&e, "request.object");
        answer_unreadable(c, a, &e);
        return;
    }
    if (!is_ready(c->service) && pod_is_gpu(&a->pod)) {
        err_set(&e, ERR_UNKNOWN, "not ready: the nodes of the cluster are not known yet");
        reply_error(c, 503, &e);
        return;
    }
    struct policy policy =
        service_policy(c->service, cluster_mode(c->service->cluster, a->review.ns));
    judge_pod(c->service->cluster, &policy, &a->pod, a->review.ns, clock_unix_s(), &a->j);
    answer_judged(c, a);
}

void handle_admit_pods(struct call *c) {
    struct err e = {0};
    struct admission *a = ARENA_NEW(&c->arena, struct admission, 1);
    if (!a) {
        err_set(&e, ERR_TOO_LARGE, "the request needs too much memory");
        reply_error(c, 413, &e);
        return;
    }
    if (!review_decode(c->body, &c->arena, &a->review, &e)) {
        reply_error(c, status_of(&e), &e);
        return;
    }
    admit(c, a);
}
