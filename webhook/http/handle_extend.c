/* kube-scheduler's filter and prioritize.
 *
 * What goes wrong is said where a person will see it. kube-scheduler shows the Error text of a 200
 * answer on the pod, but of any other status only the number. So a pod that cannot be read, or a
 * cache that is not ready, is a 200 with Error; a body that is not ExtenderArgs at all did not come
 * from kube-scheduler: 400 with {"error","path"} (413 beyond a limit). prioritize has no place for
 * an error and the scheduler ignores its failure, so there it is a plain status. */
#include "webhook/http/ask.h"

#include "topology/jw.h"
#include "webhook/codec/extender.h"
#include "webhook/http/limits.h"
#include "webhook/http/stats.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define PHRASE_MAX       160
#define MALFORMED_PHRASE "node(s) cannot take a pod whose TP size is malformed"

struct session {
    struct cluster_session cluster;
    const struct pod_ask *ask;
    unsigned k; /* the set size that phrases name */
    struct span phrase[REASON_COUNT];
    char text[REASON_COUNT][PHRASE_MAX];
    unsigned count[REASON_COUNT];
    unsigned asked;
    unsigned kept;
};

struct question_of {
    struct extender_args args;
    struct pod_ask ask;
    struct session s;
};

/* The phrase as JSON string text, made at its first use: a call meets few causes and many nodes. */
static struct span phrase_of(struct session *s, enum reason code) {
    if (s->phrase[code].p) {
        return s->phrase[code];
    }
    char plain[PHRASE_MAX];
    struct buf b = BUF_OVER(plain);
    reason_phrase(code, s->k, &b);
    if (b.n == 0) {
        buf_str(&b, MALFORMED_PHRASE);
    }
    struct buf quoted = BUF_OVER(s->text[code]);
    jw_escape(&quoted, buf_view(&b));
    s->phrase[code] = (struct span){quoted.p + 1, quoted.n - 2};
    return s->phrase[code];
}

static void judge(void *ctx, struct span name, struct extender_verdict *out) {
    struct session *s = ctx;
    s->asked++;
    if (s->ask->question == KEEP_ALL) {
        out->fits = true;
        s->kept++;
        return;
    }
    struct node_answer a = {.code = REASON_MALFORMED};
    if (s->ask->question == ASK_NODES && !cluster_answer(&s->cluster, name, &a)) {
        a = (struct node_answer){.code = REASON_NODE_UNKNOWN};
    }
    enum reason code = (enum reason)a.code;
    s->count[code]++;
    out->fits = code == REASON_NONE || s->ask->advisory;
    out->score = a.score;
    if (out->fits) {
        s->kept++;
        return;
    }
    out->resolvable = reason_row(code)->resolvable;
    out->phrase = phrase_of(s, code);
}

static void prepare(struct call *c, struct question_of *q) {
    pod_ask(c->service, &q->args.pod, &q->ask);
    q->s.ask = &q->ask;
    q->s.k = q->ask.shape.tp > 1 ? q->ask.shape.tp : q->ask.shape.gpus;
}

typedef bool writer(const struct extender_args *args, extender_judge *judge, void *ctx,
                    struct buf *out, struct err *e);

/* The lock of the cluster is held while the names are walked: that is n look-ups and no I/O. */
static bool answer(struct call *c, struct question_of *q, writer *write, struct err *e) {
    struct buf *out = &c->reply.body;
    *out = buf_new(c->body.n + HTTP_REPLY_OWN);
    if (!buf_room(out, c->body.n + c->body.n / 2)) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    bool ask = q->ask.question == ASK_NODES;
    if (ask) {
        cluster_begin(c->service->cluster, &q->ask.shape, clock_unix_s(), &q->s.cluster);
    }
    bool done = write(&q->args, judge, &q->s, out, e);
    if (ask) {
        cluster_end(&q->s.cluster);
    }
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    return done;
}

/* The cause of most refusals: one word for the log line. */
static enum reason main_cause(const struct session *s) {
    unsigned best = REASON_NONE;
    for (unsigned i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (s->count[i] > (best == REASON_NONE ? 0 : s->count[best])) {
            best = i;
        }
    }
    return (enum reason)best;
}

static void log_call(const struct call *c, const struct question_of *q, const char *route) {
    const struct pod *pod = &q->args.pod;
    const struct session *s = &q->s;
    bool ours = s->ask->question != KEEP_ALL;
    enum reason cause = main_cause(s);
    struct log_line l = log_new(ours ? LOG_INFO : LOG_DEBUG, "decision");
    log_str(&l, "route", route);
    log_span(&l, "ns", pod->ns);
    log_span(&l, "pod", pod->name);
    log_str(&l, "verdict", verdict_name(s->kept || !s->asked ? VERDICT_ALLOW : VERDICT_WAIT));
    log_str(&l, "code", !ours ? "Ignored" : s->kept ? "none" : reason_row(cause)->code);
    log_str(&l, "mode", mode_name(q->ask.mode));
    if (s->ask->question == ASK_NODES) {
        log_num(&l, "tp", q->ask.shape.tp);
        log_num(&l, "gpus", q->ask.shape.gpus);
    }
    if (q->ask.malformed.code != ERR_NONE) {
        log_str(&l, "error", q->ask.malformed.msg);
        log_str(&l, "path", q->ask.malformed.path);
    }
    log_num(&l, "nodes", s->asked);
    log_num(&l, "kept", s->kept);
    if (cause != REASON_NONE) {
        log_str(&l, "refused_mostly", reason_row(cause)->code);
    }
    log_num(&l, "duration_us", clock_mono_us() - c->begun_us);
    log_span(&l, "uid", pod->uid);
    log_write(&l);
}

/* Was it at least JSON? Then what is wrong is in the pod, and the caller may be kube-scheduler. */
static bool is_json(struct span body) {
    struct json_scan s = json_scan_new(body);
    struct span all = {0};
    struct err unused = {0};
    return json_scan_skip(&s, &all, &unused) && json_scan_end(&s, &unused);
}

static void reply_on_pod(struct call *c, const struct err *e) {
    char msg[ERR_MSG_MAX + ERR_PATH_MAX + 32];
    struct buf b = BUF_OVER(msg);
    buf_fmt(&b, "tpguard: %s%s%s", e->path, e->path[0] ? ": " : "", e->msg);
    c->reply.body = buf_new(sizeof msg * 8);
    c->reply.status = 200;
    c->reply.type = reply_json_type;
    extender_error(buf_cstr(&b), &c->reply.body);
    log_say(LOG_WARN, "filter cannot answer", msg);
}

static bool decode(struct call *c, struct question_of *q, bool filter) {
    struct err e = {0};
    if (!extender_decode(c->body, &c->arena, &q->args, &e)) {
        bool in_pod = span_starts(span_of(e.path), "Pod.");
        if (filter && in_pod && is_json(c->body)) {
            reply_on_pod(c, &e);
        } else {
            reply_error(c, status_of(&e), &e);
        }
        return false;
    }
    if (!is_ready(c->service)) {
        err_set(&e, ERR_UNKNOWN, "not ready: the nodes of the cluster are not known yet");
        if (filter) {
            reply_on_pod(c, &e);
        } else {
            reply_error(c, 503, &e);
        }
        return false;
    }
    return true;
}

static struct question_of *ask(struct call *c, writer *write, bool filter) {
    struct err e = {0};
    struct question_of *q = ARENA_NEW(&c->arena, struct question_of, 1);
    if (!q) {
        err_set(&e, ERR_TOO_LARGE, "the request needs too much memory");
        reply_error(c, 413, &e);
        return NULL;
    }
    if (!decode(c, q, filter)) {
        return NULL;
    }
    prepare(c, q);
    if (!answer(c, q, write, &e)) {
        reply_error(c, status_of(&e), &e);
        return NULL;
    }
    return q;
}

void handle_filter(struct call *c) {
    struct question_of *q = ask(c, extender_filter, true);
    if (!q) {
        return;
    }
    for (unsigned i = 0; i < REASON_COUNT; i++) {
        if (q->s.count[i]) {
            stats_filter_nodes((enum reason)i, q->s.count[i]);
        }
    }
    log_call(c, q, "filter");
}

void handle_prioritize(struct call *c) {
    struct question_of *q = ask(c, extender_prioritize, false);
    if (q) {
        log_call(c, q, "prioritize");
    }
}
