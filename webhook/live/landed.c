#include "webhook/live/landed.h"

#include <stdlib.h>

#include "webhook/cluster/cluster.h"
#include "webhook/live/pod_get.h"
#include "webhook/sys/log.h"

#define POD_ARENA_MAX ((size_t)192 * 1024 * 1024)
#define NAME_BYTES    254

struct found {
    char ns[NAME_BYTES];
    char name[NAME_BYTES];
    bool mended;
    bool unreserved; /* news */
    struct landed_case at;
};

struct landed_watch {
    struct landed_options o;
    bool pending; /* the last round did not get to the end */
    uint64_t generation;
    struct arena arena;
    unsigned n;
    struct found found[LANDED_PODS];
    struct judgement judged;
};

struct landed_watch *landed_new(const struct landed_options *o) {
    struct landed_watch *w = calloc(1, sizeof *w);
    if (w) {
        w->o = *o;
        w->pending = true;
        w->arena = arena_new(POD_ARENA_MAX);
    }
    return w;
}

void landed_free(struct landed_watch *w) {
    if (w) {
        arena_done(&w->arena);
        free(w);
    }
}

void landed_forget(struct landed_watch *w) {
    cluster_landed_anew(live_cluster(w->o.live));
    w->pending = true;
}

/* ---- which pods ---- */

static bool collect(void *ctx, const struct cluster_landed *l) {
    struct landed_watch *w = ctx;
    bool unreserved = w->o.gate && l->now->unreserved;
    bool news = l->mended || l->now->landed.code != REASON_NONE || unreserved;
    if (!news) {
        return true;
    }
    if (w->n == LANDED_PODS) {
        return false;
    }
    struct found *f = &w->found[w->n];
    if (buf_copy(l->ns, f->ns, sizeof f->ns) && buf_copy(l->name, f->name, sizeof f->name)) {
        f->mended = l->mended;
        f->unreserved = unreserved && l->unknown;
        f->at = *l->now;
        w->n++;
    }
    return true;
}

/* ---- what they are told ---- */

static void log_found(const struct found *f, enum reason code) {
    bool good = code == REASON_NVLINK_UP;
    struct log_line l = log_new(good ? LOG_INFO : LOG_WARN, "a TP group that runs");
    log_str(&l, "ns", f->ns);
    log_str(&l, "pod", f->name);
    log_str(&l, "node", f->at.at.name);
    log_str(&l, "gpus", f->at.at.gpus);
    log_str(&l, "pair", f->at.at.bad);
    log_num(&l, "tp", f->at.group.tp);
    log_str(&l, "code", reason_row(code)->code);
    log_write(&l);
}

static void tell(struct landed_watch *w, const struct found *f, const struct pod *p, int64_t now) {
    char text[EVENT_MESSAGE_MAX + 1];
    struct buf message = BUF_OVER(text);
    struct judgement *j = &w->judged;
    enum reason code = (enum reason)f->at.landed.code;
    judge_anew(live_cluster(w->o.live), live_policy(w->o.live), p, now, j);
    if (j->mode == MODE_OFF || j->mode == MODE_AUDIT || j->decision.code == REASON_IGNORED) {
        return;
    }
    if (code != REASON_NONE) {
        event_landed(&f->at, &j->decision, &j->asked, &message);
    } else if (f->mended) {
        code = REASON_NVLINK_UP;
        event_mended(&f->at, &message);
    } else if (f->unreserved && j->mode == MODE_ENFORCE) {
        code = REASON_NOT_RESERVED;
        event_unreserved(&f->at, &message);
    } else {
        return;
    }
    const struct pod_event ev = {.ns = p->ns,
                                 .name = p->name,
                                 .uid = p->uid,
                                 .code = code,
                                 .settles = true, /* it waits no more */
                                 .message = text};
    events_push_pod(w->o.events, &ev);
    log_found(f, code);
    if (code == REASON_TP_ACROSS_PCIE && j->mode == MODE_ENFORCE) {
        evict_note(w->o.evict, p->ns, p->name, p->uid, now);
    }
}

static bool is_there(struct landed_watch *w, const struct found *f, const struct pod *p) {
    struct buf nothing = buf_new(1);
    enum cluster_pod seen =
        cluster_find_pod(live_cluster(w->o.live), p->ns, p->name, p->uid, &nothing);
    buf_done(&nothing);
    return seen == CLUSTER_POD_BOUND && span_is(p->node_name, f->at.at.name);
}

void landed_once(struct landed_watch *w, int64_t now, struct landed_round *out) {
    struct cluster *c = live_cluster(w->o.live);
    uint64_t generation = cluster_generation(c);
    *out = (struct landed_round){0};
    if (!w->pending && generation == w->generation) {
        return;
    }
    w->n = 0;
    w->generation = generation;
    w->pending = !cluster_each_landed(c, now, LANDED_NODES, collect, w);
    for (unsigned i = 0; i < w->n; i++) {
        const struct found *f = &w->found[i];
        struct pod_got got = {0};
        struct err e = {0};
        arena_reset(&w->arena);
        if (!pod_get(w->o.live, span_of(f->ns), span_of(f->name), (struct span){0}, &w->arena, &got,
                     &e)) {
            cluster_landed_again(c, span_of(f->ns), span_of(f->name));
            w->pending = true;
            out->failed++;
        } else if (got.there && is_there(w, f, &got.pod)) {
            tell(w, f, &got.pod, now);
            out->told++;
        }
    }
}
