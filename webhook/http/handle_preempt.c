/* kube-scheduler's preempt: it has chosen victims by count, and asks which of the nodes to keep. A
 * node stays, with its victims as they came, when the pod would fit there after they are gone; who
 * else might go is not ours to say. The answer has no place for an error: what is wrong is a plain
 * status, and preemption of that pod waits for the next cycle. */
#include "webhook/codec/extender.h"
#include "webhook/core/preempt.h"
#include "webhook/http/ask.h"
#include "webhook/http/limits.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

struct preemption {
    struct service *service;
    struct preempt_args args;
    struct pod_ask ask;
    int64_t now;
    unsigned count[PREEMPT_COUNT];
    unsigned kept;
};

static enum preempt judge_node(struct preemption *p, const struct preempt_node *n) {
    struct node_answer after;
    bool known = cluster_answer_without(p->service->cluster, n->name, n->uid, n->n, &p->ask.shape,
                                        p->now, &after);
    return decide_preempt(n->n, known ? &after : NULL);
}

static bool judge(void *ctx, const struct preempt_node *n) {
    struct preemption *p = ctx;
    bool keep = p->ask.question == KEEP_ALL || p->ask.advisory;
    if (p->ask.question == ASK_NODES) {
        enum preempt said = judge_node(p, n);
        p->count[said]++;
        keep = keep || said == PREEMPT_KEEP;
    }
    p->kept += keep;
    return keep;
}

static void log_call(const struct call *c, const struct preemption *p) {
    const struct pod *pod = &p->args.pod;
    bool ours = p->ask.question != KEEP_ALL;
    struct log_line l = log_new(ours ? LOG_INFO : LOG_DEBUG, "decision");
    log_str(&l, "route", "preempt");
    log_span(&l, "ns", pod->ns);
    log_span(&l, "pod", pod->name);
    log_str(&l, "mode", mode_name(p->ask.mode));
    if (p->ask.question == ASK_NODES) {
        log_num(&l, "tp", p->ask.shape.tp);
        log_num(&l, "gpus", p->ask.shape.gpus);
    }
    if (p->ask.malformed.code != ERR_NONE) {
        log_str(&l, "error", p->ask.malformed.msg);
        log_str(&l, "path", p->ask.malformed.path);
    }
    log_num(&l, "nodes", p->args.n);
    log_num(&l, "kept", p->kept);
    for (unsigned i = PREEMPT_KEEP + 1; i < PREEMPT_COUNT; i++) {
        if (p->count[i]) {
            log_num(&l, preempt_name((enum preempt)i), p->count[i]);
        }
    }
    log_num(&l, "duration_us", clock_mono_us() - c->begun_us);
    log_span(&l, "uid", pod->uid);
    log_write(&l);
}

static void answer(struct call *c, struct preemption *p) {
    struct err e = {0};
    c->reply.body = buf_new(c->body.n + HTTP_REPLY_OWN);
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    if (!preempt_encode(&p->args, judge, p, &c->reply.body, &e)) {
        reply_error(c, status_of(&e), &e);
        return;
    }
    log_call(c, p);
}

void handle_preempt(struct call *c) {
    struct err e = {0};
    struct preemption *p = ARENA_NEW(&c->arena, struct preemption, 1);
    if (!p) {
        err_set(&e, ERR_TOO_LARGE, "the request needs too much memory");
        reply_error(c, 413, &e);
        return;
    }
    if (!preempt_decode(c->body, &c->arena, &p->args, &e)) {
        reply_error(c, status_of(&e), &e);
        return;
    }
    if (!is_ready(c->service)) {
        err_set(&e, ERR_UNKNOWN, "not ready: the nodes of the cluster are not known yet");
        reply_error(c, 503, &e);
        return;
    }
    p->service = c->service;
    p->now = clock_unix_s();
    pod_ask(c->service, &p->args.pod, &p->ask);
    answer(c, p);
}
