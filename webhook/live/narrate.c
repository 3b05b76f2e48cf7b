#include "webhook/live/narrate.h"

#include <stdlib.h>

#include "webhook/codec/object.h"
#include "webhook/core/say_event.h"
#include "webhook/sys/clock.h"

/* One pod's object: a tree of cJSON takes about forty times the text at worst. */
#define POD_ARENA_MAX ((size_t)192 * 1024 * 1024)
/* Beyond this the queue is left to others: what it drops is not said again by them, and by us it
 * is. */
#define QUEUE_ROOM (EVENTS_QUEUE / 2)

struct text_at {
    size_t at, n; /* in narrate.text */
};

struct narrate {
    struct cluster *cluster;
    const struct policy *policy;
    struct events *events;

    /* what the last round saw */
    uint64_t generation;
    uint64_t waiting;
    int64_t at;
    bool begun;
    bool unfinished; /* the last round did not get to all of them */

    uint32_t from; /* so many waiting pods are passed over: their turn was before */
    struct buf text;
    struct text_at pod[NARRATE_PODS];
    unsigned n;
    struct arena arena;
    struct judgement judged;
};

struct narrate *narrate_new(struct cluster *c, const struct policy *policy, struct events *events) {
    struct narrate *n = calloc(1, sizeof *n);
    if (n) {
        n->cluster = c;
        n->policy = policy;
        n->events = events;
        n->text = buf_new(NARRATE_TEXT);
        n->arena = arena_new(POD_ARENA_MAX);
    }
    return n;
}

void narrate_free(struct narrate *n) {
    if (n) {
        buf_done(&n->text);
        arena_done(&n->arena);
        free(n);
    }
}

/* ---- who waits ---- */

struct visit {
    struct narrate *n;
    uint64_t sum; /* of all that wait, in any order */
    uint32_t seen;
    bool full;
};

static uint64_t uid_hash(struct span uid) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < uid.n; i++) {
        h = (h ^ (unsigned char)uid.p[i]) * UINT64_C(1099511628211);
    }
    return h;
}

static bool sum_up(void *ctx, struct span uid, struct span text) {
    struct visit *v = ctx;
    /* A pod whose object changed (an annotation, a label) is looked at again. */
    v->sum += uid_hash(uid) * (2 * (uint64_t)text.n + 1);
    v->seen++;
    return true;
}

static bool copy(void *ctx, struct span uid, struct span text) {
    struct visit *v = ctx;
    struct narrate *n = v->n;
    (void)uid;
    if (v->seen++ < n->from) {
        return true;
    }
    size_t at = n->text.n;
    v->full = n->n == NARRATE_PODS || text.n > NARRATE_TEXT - at;
    if (v->full) {
        return false;
    }
    buf_span(&n->text, text);
    if (buf_ok(&n->text)) {
        n->pod[n->n++] = (struct text_at){at, text.n};
    }
    return buf_ok(&n->text);
}

static bool is_due(struct narrate *n, int64_t now) {
    struct visit v = {.n = n};
    uint64_t generation = cluster_generation(n->cluster);
    cluster_each_waiting(n->cluster, sum_up, &v);
    bool same = n->begun && !n->unfinished && n->generation == generation && n->waiting == v.sum;
    bool early = now >= n->at && now - n->at < NARRATE_IDLE_S;
    if (same && early) {
        return false;
    }
    n->begun = true;
    n->generation = generation;
    n->waiting = v.sum;
    n->at = now;
    return true;
}

static void collect(struct narrate *n) {
    struct visit v = {.n = n};
    buf_reset(&n->text);
    n->n = 0;
    cluster_each_waiting(n->cluster, copy, &v);
    n->unfinished = v.full;
}

/* ---- what they are told ---- */

static bool tell(struct narrate *n, const struct pod *p, int64_t now) {
    if (p->held) {
        return false; /* it waits for whoever holds it, and would be told of nothing else */
    }
    struct judgement *j = &n->judged;
    char text[EVENT_MESSAGE_MAX + 1];
    struct buf message = BUF_OVER(text);
    judge_anew(n->cluster, n->policy, p, now, j);
    const struct decision *d = &j->decision;
    if (j->mode != MODE_ENFORCE || d->code == REASON_IGNORED) {
        return false;
    }
    if (!j->malformed && !event_waits(&j->shape, &j->asked, d)) {
        return false;
    }
    event_waiting(d, &message);
    const struct pod_event ev = {.ns = p->ns,
                                 .name = p->name,
                                 .uid = p->uid,
                                 .code = (enum reason)d->reason[0].code,
                                 .message = text};
    events_push_pod(n->events, &ev);
    return true;
}

static void look(struct narrate *n, unsigned at, int64_t now, struct narrate_round *out) {
    struct span text = {n->text.p + n->pod[at].at, n->pod[at].n};
    const struct json *o = NULL;
    struct err ignored = {0};
    arena_reset(&n->arena);
    struct pod *p = ARENA_NEW(&n->arena, struct pod, 1);
    if (!p || !json_parse(text, &n->arena, &o, &ignored) ||
        !pod_decode(o, &n->arena, p, &ignored)) {
        out->bad++;
        return;
    }
    out->looked++;
    out->told += tell(n, p, now);
}

static bool has_room(struct narrate *n) {
    struct events_stats s;
    events_stats_get(n->events, &s);
    return s.queued < QUEUE_ROOM;
}

void narrate_once(struct narrate *n, int64_t now, struct narrate_round *out) {
    *out = (struct narrate_round){0};
    if (!is_due(n, now)) {
        out->skipped = true;
        return;
    }
    int64_t until = clock_mono_us() + NARRATE_BUDGET_US;
    unsigned at = 0;
    collect(n);
    while (at < n->n && has_room(n) && clock_mono_us() < until) {
        look(n, at++, now, out);
    }
    n->unfinished = n->unfinished || at < n->n;
    n->from = n->unfinished ? n->from + at : 0;
}

void narrate_reserved(struct events *events, const struct bind_ask *ask,
                      const struct bind_answer *bind) {
    char node[256];
    char text[EVENT_MESSAGE_MAX + 1];
    struct buf name = BUF_OVER(node);
    struct buf message = BUF_OVER(text);
    bool group = bind->ours && bind->allowed && bind->code == REASON_NONE && bind->tp > 1;
    if (!group || !bind->view.known || ask->dry_run || !ask->live) {
        return;
    }
    buf_span(&name, ask->node);
    const struct reserved r = {.tp = bind->tp,
                               .groups = bind->groups,
                               .pinned = bind->pinned,
                               .plugin = ask->policy->allocation == ALLOC_PLUGIN,
                               .node = node,
                               .gpus = bind->set,
                               .set = &bind->view};
    event_reserved(&r, &message);
    const struct pod_event ev = {.ns = ask->ns,
                                 .name = ask->name,
                                 .uid = span_of(bind->uid),
                                 .code = REASON_RESERVED,
                                 .settles = true, /* it waits no more */
                                 .message = text};
    events_push_pod(events, &ev);
}
