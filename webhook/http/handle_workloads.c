/* Admission of workloads: the person who applies a Deployment gets the verdict on its pods at once,
 * as warnings, or as a denial where the policy says so. Never a patch: what the pods become is
 * decided when they come. */
#include "webhook/http/handle.h"

#include "webhook/codec/object.h"
#include "webhook/codec/review.h"
#include "webhook/core/gate.h"
#include "webhook/core/workload.h"
#include "webhook/http/stats.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define ANSWER_MAX        ((size_t)64 * 1024)
#define WARNING_CHARS_MAX 120 /* one line of kubectl */

struct visit {
    struct review review;
    struct policy policy;
    struct unit unit[UNITS_MAX];
    struct unit old[UNITS_MAX];
    unsigned n;
    unsigned n_old;
    const struct unit *worst; /* NULL none */
    struct judgement j;
    struct decision plain;
    struct gate gate;
    struct review_answer answer;
    char line[REVIEW_WARNINGS_MAX][128];
    char said[ERR_MSG_MAX + ERR_PATH_MAX + 32];
};
_Static_assert(GATE_LINES_MAX <= REVIEW_WARNINGS_MAX, "all lines of a gate are sent");

static void send(struct call *c, const struct visit *v) {
    c->reply.body = buf_new(ANSWER_MAX);
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    review_encode(&v->answer, &c->reply.body);
}

/* Pods have a gate of their own. What another object makes was judged with that one, by a person
 * who reads warnings: its controller does not. */
static bool concerns_us(const struct review *r) {
    bool written = span_is(r->operation, "CREATE") || span_is(r->operation, "UPDATE");
    return written && r->sub_resource.n == 0 && !span_is(r->kind, "Pod") &&
           !span_is(r->resource, "pods") && !object_is_managed(r->object);
}

/* An UPDATE that leaves a template as it was (scale, status, labels) brings nothing to say of it.
 */
static bool is_news(const struct visit *v, const struct unit *u) {
    for (unsigned i = 0; i < v->n_old; i++) {
        const struct unit *o = &v->old[i];
        if (strcmp(o->path, u->path) == 0) {
            return o->pod.group_size != u->pod.group_size || !json_equal(o->object, u->object);
        }
    }
    return true;
}

/* Leaves those templates that are new and want GPUs. */
static void keep_news(struct call *c, struct visit *v) {
    struct err unread = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < v->n; i++) {
        if (pod_is_gpu(&v->unit[i].pod)) {
            v->unit[n++] = v->unit[i];
        }
    }
    v->n = n;
    if (!n || !v->review.old_object ||
        !units_decode(v->review.old_object, &c->arena, v->old, UNITS_MAX, &v->n_old, &unread)) {
        return;
    }
    for (unsigned i = n = 0; i < v->n; i++) {
        if (is_news(v, &v->unit[i])) {
            v->unit[n++] = v->unit[i];
        }
    }
    v->n = n;
}

static void judge(struct call *c, struct visit *v, const struct unit *u) {
    judge_pod(c->service->cluster, &v->policy, &u->pod, v->review.ns, clock_unix_s(), &v->j);
    struct gate_in in = {
        .role = span_of(u->role), .policy = &v->policy, .decision = &v->j.decision};
    if (v->j.malformed && !v->j.decision.allowed) {
        decide_malformed(&v->j.bad, MODE_WARN, &v->plain);
        in.plain = &v->plain;
    } else if (!v->j.decision.allowed) {
        struct policy warn = v->policy;
        warn.mode = MODE_WARN;
        const struct admit_in again = {.pod = &u->pod,
                                       .w = &v->j.w,
                                       .shape = &v->j.shape,
                                       .policy = &warn,
                                       .asked = &v->j.asked,
                                       .unpinned = v->j.has_unpinned ? &v->j.unpinned : NULL};
        decide_admit(&again, &v->plain);
        in.plain = &v->plain;
    }
    unsigned before = v->gate.judged;
    gate_add(&v->gate, &in);
    if (v->gate.judged > before && v->gate.worst == before) {
        v->worst = u;
    }
}

static const char *code_of(const struct gate *g) {
    return g->code == REASON_NONE ? "none" : reason_row(g->code)->code;
}

static void audit(struct review_answer *r, const char *key, struct span value) {
    r->audit[r->n_audit].key = key;
    r->audit[r->n_audit++].value = value;
}

static void log_gate(const struct call *c, const struct visit *v) {
    const struct gate *g = &v->gate;
    struct log_line l = log_new(g->judged ? LOG_INFO : LOG_DEBUG, "decision");
    log_str(&l, "route", "admit_workloads");
    log_span(&l, "ns", v->review.ns);
    log_span(&l, "kind", v->review.kind);
    log_span(&l, "name", v->review.name);
    log_span(&l, "operation", v->review.operation);
    log_str(&l, "verdict", verdict_name(g->verdict));
    log_str(&l, "code", code_of(g));
    log_bool(&l, "allowed", v->answer.allowed);
    log_str(&l, "mode", mode_name(v->policy.mode));
    log_num(&l, "templates", g->judged);
    if (v->worst) {
        log_str(&l, "template", v->worst->path);
    }
    log_num(&l, "warnings", v->answer.n_warnings);
    log_num(&l, "duration_us", clock_mono_us() - c->begun_us);
    log_bool(&l, "dry_run", v->review.dry_run);
    log_span(&l, "uid", v->review.uid);
    log_write(&l);
}

static void answer_gate(struct call *c, struct visit *v) {
    const struct gate *g = &v->gate;
    struct review_answer *r = &v->answer;
    r->allowed = !g->denied;
    r->message = g->message;
    r->code = 403;
    r->reason = "Forbidden";
    for (unsigned i = 0; i < gate_lines(g); i++) {
        gate_line_text(g, i, v->line[i]);
        r->warnings[r->n_warnings++] = v->line[i];
    }
    if (g->judged) {
        audit(r, "verdict", span_of(verdict_name(g->verdict)));
        audit(r, "code", span_of(code_of(g)));
        stats_workload(g->verdict, g->code);
    }
    if (g->judged > 1 && v->worst) {
        audit(r, "template", span_of(v->worst->path));
    }
    send(c, v);
    log_gate(c, v);
}

/* What cannot be read passes: the pods have a gate that refuses them. */
static void answer_unreadable(struct call *c, struct visit *v, const struct err *e) {
    struct review_answer *r = &v->answer;
    struct buf b = BUF_OVER(v->said);
    buf_fmt(&b, "tpguard: cannot be judged: %s: %s", e->path, e->msg);
    v->said[b.n < WARNING_CHARS_MAX ? b.n : WARNING_CHARS_MAX] = '\0';
    if (v->policy.mode != MODE_AUDIT) {
        r->warnings[r->n_warnings++] = v->said;
    }
    audit(r, "verdict", span_of(verdict_name(VERDICT_UNKNOWN)));
    audit(r, "error", span_of(v->said));
    send(c, v);
    struct log_line l = log_new(LOG_WARN, "a workload cannot be read");
    log_str(&l, "route", "admit_workloads");
    log_span(&l, "ns", v->review.ns);
    log_span(&l, "kind", v->review.kind);
    log_span(&l, "name", v->review.name);
    log_str(&l, "error", v->said);
    log_span(&l, "uid", v->review.uid);
    log_write(&l);
}

static bool is_untold(const struct visit *v) {
    const struct json *was = v->review.old_object;
    return custom_of_gpus(v->review.object) && !(was && object_same_spec(v->review.object, was));
}

static void admit(struct call *c, struct visit *v) {
    struct err e = {0};
    v->answer.uid = v->review.uid;
    v->answer.allowed = true;
    if (!concerns_us(&v->review)) {
        send(c, v);
        return;
    }
    v->policy = service_policy(c->service, cluster_mode(c->service->cluster, v->review.ns));
    if (v->policy.mode == MODE_OFF) {
        send(c, v);
        return;
    }
    if (!units_decode(v->review.object, &c->arena, v->unit, UNITS_MAX, &v->n, &e)) {
        err_in(&e, "request.object");
        answer_unreadable(c, v, &e);
        return;
    }
    gate_begin(&v->gate, v->n);
    if (v->n == 0 && is_untold(v)) {
        gate_untold(&v->gate, &v->policy);
    }
    keep_news(c, v);
    if (v->n && !is_ready(c->service)) {
        err_set(&e, ERR_UNKNOWN, "not ready: the nodes of the cluster are not known yet");
        reply_error(c, 503, &e);
        return;
    }
    for (unsigned i = 0; i < v->n; i++) {
        judge(c, v, &v->unit[i]);
    }
    answer_gate(c, v);
}

void handle_admit_workloads(struct call *c) {
    struct err e = {0};
    struct visit *v = ARENA_NEW(&c->arena, struct visit, 1);
    if (!v) {
        err_set(&e, ERR_TOO_LARGE, "the request needs too much memory");
        reply_error(c, 413, &e);
        return;
    }
    if (!review_decode(c->body, &c->arena, &v->review, &e)) {
        reply_error(c, status_of(&e), &e);
        return;
    }
    admit(c, v);
}
