/* Finds the nodes that do not show what they should. Runs under the cache's lock: no I/O here. */
#include <stdlib.h>

#include "webhook/live/nodes_inner.h"

#define ECHO_US ((int64_t)NODES_ECHO_S * 1000000)

/* ---- hashes (FNV-1a): of equality, not of secrets ---- */

static uint64_t hash_span(uint64_t h, struct span s) {
    const uint64_t prime = UINT64_C(1099511628211);
    size_t n = s.p ? s.n : 0;
    h = (h ^ (s.p ? 1U : 2U)) * prime; /* absent is not empty, and a part ends here */
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * prime;
    }
    return h;
}

static uint64_t hash_all(const struct span *part, unsigned n) {
    uint64_t h = UINT64_C(14695981039346656037);
    for (unsigned i = 0; i < n; i++) {
        h = hash_span(h, part[i]);
    }
    return h ? h : 1;
}

static struct span or_absent(const char *text) {
    return text[0] ? span_of(text) : (struct span){0};
}

static uint64_t hash_marks(const struct node_marks *m) {
    const struct span part[] = {m->nvlink, m->nvlink_set, m->nvlink_free, m->stranded,
                                m->status, m->reason,     m->message};
    return hash_all(part, sizeof part / sizeof *part);
}

/* As hash_marks of a node that shows this. */
static uint64_t hash_state(const struct node_state *s) {
    const struct span part[] = {
        or_absent(s->nvlink),
        or_absent(s->nvlink_set),
        or_absent(s->nvlink_free),
        or_absent(s->stranded),
        or_absent(s->status),
        s->concerns ? span_of(reason_row(s->reason)->code) : (struct span){0},
        or_absent(s->message)};
    return hash_all(part, sizeof part / sizeof *part);
}

/* ---- memory ---- */

static void forget_node(struct nodes_memory *m, struct node_memory *n) {
    m->pairs_bytes -= n->pairs ? node_pairs_size(n->pairs->n) : 0;
    free(n->pairs);
    *n = (struct node_memory){0};
}

void nodes_forget(struct nodes_memory *m) {
    for (uint32_t i = 0; i < m->cap; i++) {
        forget_node(m, &m->node[i]);
    }
    m->cursor = 0;
    m->generation = 0;
    m->look_us = 0;
}

/* NULL: no memory, the node waits. */
static struct node_memory *recall(struct nodes_memory *m, const struct cluster_shown *s) {
    if (s->at >= m->cap) {
        uint32_t cap = s->at < 32 ? 64 : s->at * 2;
        struct node_memory *grown = realloc(m->node, (size_t)cap * sizeof *grown);
        if (!grown) {
            return NULL;
        }
        memset(grown + m->cap, 0, (size_t)(cap - m->cap) * sizeof *grown);
        m->node = grown;
        m->cap = cap;
    }
    const struct span names[] = {s->name, s->uid};
    uint64_t who = hash_all(names, 2);
    struct node_memory *n = &m->node[s->at];
    if (n->who != who) {
        forget_node(m, n);
        n->who = who;
        n->due = true;
    }
    return n;
}

static void remember_said(struct node_memory *n, const struct node_state *s) {
    n->knows = true;
    n->said = (uint8_t)node_said_of(span_of(s->status));
    n->reason = (uint8_t)s->reason;
    n->message = hash_span(0, span_of(s->message));
}

static void remember_pairs(struct nodes_memory *m, struct node_memory *n,
                           struct node_pairs *pairs) {
    size_t old = n->pairs ? node_pairs_size(n->pairs->n) : 0;
    if (!pairs) {
        return;
    }
    if (m->pairs_bytes - old + node_pairs_size(pairs->n) > NODES_PAIRS_MAX) {
        free(pairs);
        pairs = NULL;
    }
    free(n->pairs);
    n->pairs = pairs;
    m->pairs_bytes += (pairs ? node_pairs_size(pairs->n) : 0) - old;
}

void nodes_keep(struct nodes_memory *m, struct node_job *job, bool wrote, int64_t mono_us) {
    struct node_memory *n = job->at < m->cap ? &m->node[job->at] : NULL;
    if (!n || n->who != job->who) {
        free(job->pairs);
        job->pairs = NULL;
        return;
    }
    n->due = false;
    n->wait_us = 0;
    n->logged_us = 0;
    remember_said(n, &job->state);
    remember_pairs(m, n, job->pairs);
    job->pairs = NULL;
    if (wrote) {
        n->wrote = job->want;
        n->wrote_us = mono_us;
    }
}

struct node_memory *nodes_put_off(struct nodes_memory *m, const struct node_job *job,
                                  int64_t until_us) {
    struct node_memory *n = job->at < m->cap ? &m->node[job->at] : NULL;
    if (!n || n->who != job->who) {
        return NULL;
    }
    n->due = true;
    n->wait_us = until_us;
    return n;
}

/* ---- looking ---- */

struct looking {
    const struct nodes_ends *ends;
    struct nodes_memory *m;
    int64_t now_us;
    unsigned looks;
};

static struct node_before before_of(const struct node_memory *n, const struct node_marks *shown,
                                    const struct node_state *s) {
    if (n->knows) {
        return (struct node_before){.pairs = n->pairs,
                                    .said = n->said,
                                    .reason = (enum reason)n->reason,
                                    .same_message =
                                        n->message == hash_span(0, span_of(s->message))};
    }
    struct node_before b = {.said = (uint8_t)node_said_of(shown->status),
                            .same_message = span_is(shown->message, s->message)};
    (void)reason_find(shown->reason, &b.reason);
    return b;
}

static void take(char *out, size_t cap, struct span s) {
    struct buf b = buf_over(out, cap);
    buf_span(&b, span_upto(s, cap - 1));
    out[b.n] = '\0';
}

/* The pairs as they are now, when they are not the ones in memory. */
static struct node_pairs *fresh_pairs(const struct node_memory *n, const struct node_view *v) {
    size_t size = node_pairs_size(v->health->n);
    struct node_pairs *p = malloc(size);
    if (!p) {
        return NULL;
    }
    node_pairs_of(v, p);
    if (n->pairs && n->pairs->n == p->n && memcmp(n->pairs, p, size) == 0) {
        free(p);
        return NULL;
    }
    return p;
}

static bool label_differs(struct span shown, const char *want) {
    return want[0] ? !shown.p || !span_is(shown, want) : shown.p != NULL;
}

/* What is to be patched. force: what the cache shows is known to be overtaken. */
static void compare(struct node_job *job, const struct node_marks *shown, bool force) {
    const struct node_state *s = &job->state;
    job->labels = force || label_differs(shown->nvlink, s->nvlink) ||
                  label_differs(shown->nvlink_set, s->nvlink_set) ||
                  label_differs(shown->nvlink_free, s->nvlink_free) ||
                  label_differs(shown->stranded, s->stranded);
    if (!s->concerns) {
        job->condition = force || shown->status.p || shown->reason.p || shown->message.p;
        return;
    }
    bool same_status = span_is(shown->status, s->status);
    job->condition = force || !same_status ||
                     !span_is(shown->reason, reason_row(s->reason)->code) ||
                     !span_is(shown->message, s->message);
    take(job->since, sizeof job->since, same_status ? shown->since : SPAN(""));
}

/* Works the node out anew; the job stays in the list when there is something to do. */
static void work_out(struct looking *l, const struct cluster_shown *s, struct node_memory *n) {
    struct node_job *job = &l->m->job[l->m->n_jobs];
    struct cluster_wiring w;
    cluster_shown_wiring(s, &w);
    *job = (struct node_job){.at = s->at, .who = n->who};
    node_state_of(&w.view, w.problem, w.policy, l->ends->now, &job->state);
    int64_t until = node_valid_until(&w.view, w.policy);
    job->want = hash_state(&job->state);
    n->inputs = s->inputs;
    n->books = s->books;
    n->until = until > l->ends->now ? until : INT64_MAX;
    n->want = job->want;
    n->due = true;
    /* Our last write is still on its way back through the watch, and it is not what is wanted. */
    bool overtaken = n->wrote && n->wrote != job->want && n->wrote != hash_marks(s->marks) &&
                     l->now_us - n->wrote_us < ECHO_US;
    compare(job, s->marks, overtaken);
    const struct node_before before = before_of(n, s->marks, &job->state);
    job->n_events = node_events_of(&w.view, &job->state, w.policy, &before, job->event);
    if (job->state.readable) {
        job->pairs = fresh_pairs(n, &w.view);
    }
    if (!job->labels && !job->condition && !job->n_events) {
        nodes_keep(l->m, job, false, l->now_us);
        return;
    }
    take(job->name, sizeof job->name, s->name);
    take(job->uid, sizeof job->uid, s->uid);
    l->m->n_jobs++;
}

static bool visit(void *ctx, const struct cluster_shown *s) {
    struct looking *l = ctx;
    struct node_memory *n = recall(l->m, s);
    if (!n || s->name.n >= NODES_NAME_MAX) {
        return true;
    }
    bool changed =
        n->due || n->inputs != s->inputs || n->books != s->books || l->ends->now >= n->until;
    if (!changed && hash_marks(s->marks) == n->want) {
        return true;
    }
    bool on_its_way = n->wrote == n->want && l->now_us - n->wrote_us < ECHO_US;
    if (l->now_us < n->wait_us || (!changed && on_its_way)) {
        return true;
    }
    work_out(l, s, n);
    return l->m->n_jobs < NODES_BATCH && ++l->looks < NODES_LOOKS;
}

bool nodes_look(const struct nodes_ends *ends, struct nodes_memory *m) {
    struct looking l = {.ends = ends, .m = m, .now_us = ends->mono_us(ends->ctx)};
    m->n_jobs = 0;
    return cluster_each_shown(ends->cluster, &m->cursor, visit, &l);
}
