#include "webhook/live/bind.h"

#include <pthread.h>

#include "webhook/codec/object.h"
#include "webhook/core/bind.h"
#include "webhook/live/pod_get.h"
#include "webhook/live/reserve.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/wait.h"

/* Each lost round means that another bind to this node went through. */
#define ROUNDS_MAX 12
/* Reservations of pods that the cache has not met; each is one question to the API server. */
#define ASK_MAX 16

/* Binds to one node take turns inside a process: two that race would only lose rounds. */
#define TURNS 32
struct turn {
    pthread_mutex_t lock; /* of taken */
    pthread_cond_t given;
    bool taken;
};
static struct turn turns[TURNS];
static pthread_once_t turns_made = PTHREAD_ONCE_INIT;

static void make_turns(void) {
    for (unsigned i = 0; i < TURNS; i++) {
        pthread_mutex_init(&turns[i].lock, NULL);
        wait_init(&turns[i].given);
    }
}

static struct turn *turn_of(struct span node) {
    unsigned h = 2166136261U;
    pthread_once(&turns_made, make_turns);
    for (size_t i = 0; i < node.n; i++) {
        h = (h ^ (unsigned char)node.p[i]) * 16777619U;
    }
    return &turns[h % TURNS];
}

static bool is_late(const struct bind_ask *ask) {
    return ask->until_us && clock_mono_us() >= ask->until_us;
}

/* false: it is too late. Behind an API server that does not answer, a queue would grow that nobody
 * waits for any more. */
static bool take(const struct bind_ask *ask, struct turn *t) {
    int64_t until = ask->until_us ? ask->until_us : WAIT_FOREVER;
    pthread_mutex_lock(&t->lock);
    while (t->taken && wait_until(&t->given, &t->lock, until)) {
    }
    bool mine = !t->taken;
    t->taken = true;
    pthread_mutex_unlock(&t->lock);
    return mine;
}

static void give(struct turn *t) {
    pthread_mutex_lock(&t->lock);
    t->taken = false;
    pthread_cond_signal(&t->given);
    pthread_mutex_unlock(&t->lock);
}

/* Everything about the pod that is bound. */
struct subject {
    struct pod pod;
    struct workload w;
    struct shape shape;
    char key[512];
    struct reserve reserve;
    struct cluster_claim claim[LEDGER_MAX];
    struct cluster_plan plan;
};

/* ---- which pod ---- */

static bool read_text(const struct bind_ask *ask, const struct buf *text, struct pod *out,
                      struct err *e) {
    const struct json *o = NULL;
    struct span kept = {0};
    if (!arena_span(ask->arena, buf_view(text), &kept)) {
        return err_set(e, ERR_TOO_LARGE, "the pod needs too much memory");
    }
    return json_parse(kept, ask->arena, &o, e) && pod_decode(o, ask->arena, out, e);
}

/* *there: false when the binding concerns no pod that tpguard judges, or none that exists (which
 * the API server says better). */
static bool find(const struct bind_ask *ask, struct subject *s, bool *there, struct err *e) {
    struct buf text = buf_new((size_t)4 * 1024 * 1024);
    struct pod_got got = {0};
    bool good = true;
    *there = false;
    enum cluster_pod seen = cluster_find_pod(ask->cluster, ask->ns, ask->name, ask->uid, &text);
    if (seen == CLUSTER_POD_WAITING && text.n) {
        good = read_text(ask, &text, &s->pod, e);
        *there = good;
    } else if (seen != CLUSTER_POD_PLAIN && ask->live) {
        good = pod_get(ask->live, ask->ns, ask->name, ask->uid, ask->arena, &got, e);
        s->pod = got.pod;
        *there = good && got.there && pod_is_gpu(&got.pod);
    }
    buf_done(&text);
    return good;
}

/* ---- what stands on the node ---- */

static unsigned claims_of(struct subject *s) {
    const struct ledger *l = &s->reserve.ledger;
    for (unsigned i = 0; i < l->n; i++) {
        const struct ledger_entry *r = &l->entry[i];
        s->claim[i] = (struct cluster_claim){
            .ns = r->ns, .name = r->name, .uid = r->uid, .gpus = r->gpus, .plan = r->set};
    }
    return l->n;
}

/* Replicas whose clocks differ must agree on how old a reservation is: the API server's clock,
 * which all of them ask, counts. */
static int64_t ledger_now(const struct bind_ask *ask, const struct subject *s) {
    return s->reserve.now ? s->reserve.now : ask->now;
}

/* Reservations of pods that the cache does not know on a node: on their way, there already, or come
 * to nothing? */
static bool settle(const struct bind_ask *ask, struct subject *s, unsigned n, struct err *e) {
    unsigned asked = 0;
    for (unsigned i = 0; i < n; i++) {
        struct cluster_claim *c = &s->claim[i];
        struct pod_got got = {0};
        if (!c->unseen) {
            continue;
        }
        if (asked++ >= ASK_MAX) {
            c->sure = true; /* taken for there: it costs a retry, not a set */
            continue;
        }
        if (is_late(ask)) {
            return err_set(e, ERR_UNKNOWN, "the API server takes too long");
        }
        if (!pod_get(ask->live, c->ns, c->name, c->uid, ask->arena, &got, e)) {
            return false;
        }
        bool ended = got.pod.phase == POD_SUCCEEDED || got.pod.phase == POD_FAILED;
        bool fresh = ledger_now(ask, s) - s->reserve.ledger.entry[i].at <= LEDGER_FLIGHT_S;
        bool here = got.pod.node_name.n ? span_eq(got.pod.node_name, ask->node) : fresh;
        c->sure = got.there && !ended && here;
        if (!c->sure) {
            c->uid = (struct span){0};
        }
    }
    return true;
}

static bool plan(const struct bind_ask *ask, struct subject *s, struct err *e) {
    unsigned n = claims_of(s);
    cluster_plan_bind(ask->cluster, ask->node, &s->shape, s->claim, n, s->key, ask->now, &s->plan);
    if (!s->plan.unseen || !ask->live) {
        return true;
    }
    if (!settle(ask, s, n, e)) {
        return err_wrap(e, "a pod with a reservation: ");
    }
    cluster_plan_bind(ask->cluster, ask->node, &s->shape, s->claim, n, s->key, ask->now, &s->plan);
    return true;
}

/* ---- reserve ---- */

static bool enforced(const struct bind_answer *out) {
    return out->mode == MODE_ENFORCE;
}

static void conclude(const struct subject *s, struct bind_answer *out) {
    struct buf set = BUF_OVER(out->set);
    struct buf message = BUF_OVER(out->message);
    bool fits = s->plan.answer.code == REASON_NONE;
    /* Of a round that was lost nothing may stay: others hold those GPUs now. */
    out->uuids[0] = '\0';
    out->view = (struct set_view){0};
    out->code = (enum reason)s->plan.answer.code;
    out->allowed = fits || !enforced(out);
    if (!out->allowed) {
        bind_denial(&s->shape, out->code, &message);
        return;
    }
    buf_str(&set, fits && s->plan.gpus[0] ? s->plan.gpus : BIND_ANY);
    if (fits) {
        memcpy(out->uuids, s->plan.uuids, sizeof out->uuids);
        out->view = s->plan.set;
    }
}

static bool write_down(const struct bind_ask *ask, struct subject *s, const struct bind_answer *out,
                       bool *lost, struct err *e) {
    const struct ledger_entry mine = {.ns = ask->ns,
                                      .name = ask->name,
                                      .uid = s->pod.uid,
                                      .gpus = s->shape.gpus,
                                      .set = span_of(s->plan.gpus),
                                      .at = ledger_now(ask, s)};
    (void)out;
    return ledger_put(&s->reserve.ledger, &mine, e) &&
           reserve_write(ask->live, &s->reserve, lost, e);
}

static bool round_of(const struct bind_ask *ask, struct subject *s, struct bind_answer *out,
                     bool *lost, struct err *e) {
    *lost = false;
    if (ask->live && !reserve_read(ask->live, ask->node, ask->arena, &s->reserve, e)) {
        return false;
    }
    ledger_expire(&s->reserve.ledger, ledger_now(ask, s));
    if (!plan(ask, s, e)) {
        return false;
    }
    conclude(s, out);
    bool reserve = out->allowed && ask->live && !ask->dry_run;
    return !reserve || write_down(ask, s, out, lost, e);
}

static bool take_turn(const struct bind_ask *ask, struct subject *s, struct bind_answer *out,
                      struct err *e) {
    bool lost = true;
    bool good = true;
    struct turn *mine = turn_of(ask->node);
    if (!take(ask, mine)) {
        return err_set(e, ERR_UNKNOWN, "other binds to the node take too long");
    }
    while (good && lost && out->tries < ROUNDS_MAX && !(out->tries && is_late(ask))) {
        out->tries++;
        good = round_of(ask, s, out, &lost, e);
    }
    give(mine);
    return good &&
           (!lost || err_set(e, ERR_UNKNOWN, "reservations of the node changed %u times meanwhile",
                             out->tries));
}

/* A pod whose sizes make no sense was let through by a mode or made before tpguard: it takes its
 * GPUs, and no set is promised. */
static void read_shape(const struct policy *policy, struct subject *s) {
    struct err ignored = {0};
    if (workload_read(&s->pod, &s->w, &ignored)) {
        shape_of(&s->w, policy, &s->shape);
        return;
    }
    s->shape = (struct shape){.tp = 1, .groups = 1};
    for (unsigned i = 0; i < s->pod.n_containers; i++) {
        s->shape.gpus += s->pod.containers[i].gpus;
    }
}

static void describe(const struct subject *s, struct bind_answer *out) {
    struct buf uid = BUF_OVER(out->uid);
    buf_span(&uid, s->pod.uid);
    out->tp = s->shape.tp;
    out->groups = s->shape.groups;
    out->pinned = s->shape.pinned;
    out->gpus = s->shape.gpus;
}

bool bind_gate(const struct bind_ask *ask, struct bind_answer *out, struct err *e) {
    struct subject *s = ARENA_NEW(ask->arena, struct subject, 1);
    struct policy policy = *ask->policy;
    bool there = false;
    *out = (struct bind_answer){.allowed = true, .mode = cluster_mode(ask->cluster, ask->ns)};
    if (!s) {
        return err_set(e, ERR_TOO_LARGE, "the request needs too much memory");
    }
    if (out->mode == MODE_OFF || ask->node.n == 0) {
        return true;
    }
    if (!find(ask, s, &there, e)) {
        return false;
    }
    bool spared = there && span_is(pod_label(&s->pod, LABEL_IGNORE), "true");
    bool gated = there && span_is(pod_label(&s->pod, LABEL_GATED), "true");
    if (!there || (spared && !gated)) {
        return true;
    }
    policy.mode = out->mode;
    read_shape(&policy, s);
    struct buf key = BUF_OVER(s->key);
    buf_fmt(&key, SPAN_FMT "/" SPAN_FMT, SPAN_ARG(ask->ns), SPAN_ARG(ask->name));
    out->ours = true;
    describe(s, out);
    if (spared || !bind_decides(&s->shape)) {
        /* Nothing to reserve. It is said all the same: a pod that was gated before somebody spared
         * it is bound with an answer of ours or not at all. */
        struct buf set = BUF_OVER(out->set);
        buf_str(&set, BIND_ANY);
        return true;
    }
    return take_turn(ask, s, out, e);
}
