#include "webhook/live/events.h"

#include <assert.h>
#include <stdlib.h>

#include "webhook/live/eventqueue.h"
#include "webhook/live/events_inner.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"
#include "webhook/sys/pace.h"

#define SECOND_US  INT64_C(1000000)
#define TRIES_MAX  4 /* the first one counted */
#define BACK_MAX_S 30
#define IDLE_US    (60 * SECOND_US)
#define LOG_US     (60 * SECOND_US)
#define DRAIN_MAX  (2 * EVENTS_RATE)
/* A tree of cJSON takes about forty times the text at worst. */
#define READ_MAX ((size_t)16 * 1024 * 1024)

static_assert(EVENTS_QUEUE == EVENT_QUEUE, "one queue, one size");

struct events {
    struct pace pace; /* its lock guards queue, keep, stats */
    struct event_wire wire;
    struct events_times times;
    struct event_queue queue;
    struct event_keep keep;
    struct events_stats stats;
    char instance[254];

    /* of the thread */
    struct arena arena;
    int64_t next_us; /* no write before */
    int64_t logged_us;
    uint64_t unlogged; /* refusals since */
};

static bool call_client(void *ctx, const struct kube_request *r, struct kube_response *out,
                        struct err *e) {
    return kube_call(ctx, r, out, e);
}

/* ---- the thread ---- */

/* Where the cause is one and the same (a role that lacks events), each event would say it. */
static void log_refusal(struct events *q, const struct event_item *i, const struct err *why) {
    int64_t now = clock_mono_us();
    q->unlogged++;
    if (q->logged_us && now - q->logged_us < LOG_US) {
        return;
    }
    struct log_line l = log_new(LOG_WARN, "an Event was not written");
    log_str(&l, "reason", i->ev.reason);
    log_str(&l, "kind", i->ev.kind);
    log_span(&l, "ns", i->ev.ns);
    log_span(&l, "name", i->ev.name);
    log_str(&l, "error", why->msg);
    log_num(&l, "events", (int64_t)q->unlogged);
    log_write(&l);
    q->logged_us = now;
    q->unlogged = 0;
}

static int64_t back_off(const struct events *q, unsigned tries, unsigned wait_s) {
    int64_t us = q->times.back_us << (tries - 1);
    int64_t asked = (int64_t)(wait_s < BACK_MAX_S ? wait_s : BACK_MAX_S) * SECOND_US;
    return asked > us ? asked : us;
}

/* Takes the item over. */
static void settle(struct events *q, struct event_item *i, enum event_sent sent,
                   const struct event_receipt *got, bool last) {
    int64_t now = clock_mono_us();
    bool again = sent == EVENT_LATER && ++i->tries < TRIES_MAX && !last;
    if (!again && (sent == EVENT_LATER || sent == EVENT_REFUSED)) {
        log_refusal(q, i, &got->why);
    }
    pthread_mutex_lock(&q->pace.lock);
    q->stats.written += sent == EVENT_WRITTEN;
    q->stats.repeated += sent == EVENT_SAID;
    if (sent == EVENT_WRITTEN || sent == EVENT_SAID) {
        event_queue_said(&q->queue, &q->keep, i, now);
    }
    if (again) {
        i->not_before_us = now + back_off(q, i->tries, got->wait_s);
        event_queue_back(&q->queue, i);
        i = NULL;
    } else {
        q->stats.refused += sent == EVENT_LATER || sent == EVENT_REFUSED;
    }
    pthread_mutex_unlock(&q->pace.lock);
    free(i);
}

static struct event_item *take(struct events *q, bool all, bool *known, int64_t *when_us) {
    pthread_mutex_lock(&q->pace.lock);
    struct event_item *i = event_queue_take(&q->queue, &q->keep, clock_mono_us(), all, when_us);
    *known = i && event_keep_knows(&q->keep, i);
    pthread_mutex_unlock(&q->pace.lock);
    return i;
}

static void write_one(struct events *q, struct event_item *i, bool known, bool last) {
    struct event_receipt got;
    arena_reset(&q->arena);
    const struct event_send s = {.wire = &q->wire,
                                 .ev = &i->ev,
                                 .instance = q->instance,
                                 .known = known,
                                 .now = clock_unix_s(),
                                 /* What this process said itself it remembers better. */
                                 .said_s = known ? 0 : EVENT_SAME_S,
                                 .timeout_ms = q->times.timeout_ms,
                                 .arena = &q->arena};
    enum event_sent sent = event_send(&s, &got);
    q->next_us = clock_mono_us() + q->times.space_us * (int64_t)got.calls;
    settle(q, i, sent, &got, last);
}

/* What is queued gets its chance: the last words of a process are often the ones that count. */
static void drain(struct events *q) {
    int64_t until = clock_mono_us() + q->times.drain_us;
    int64_t when = 0;
    bool known = false;
    for (unsigned n = 0; n < DRAIN_MAX && clock_mono_us() < until; n++) {
        struct event_item *i = take(q, true, &known, &when);
        if (!i) {
            return;
        }
        write_one(q, i, known, true);
    }
}

static void *run(void *ctx) {
    struct events *q = ctx;
    bool on = true;
    while (on) {
        int64_t when = 0;
        bool known = false;
        int64_t now = clock_mono_us();
        if (now < q->next_us) {
            on = pace_wait(&q->pace, q->next_us - now);
            continue;
        }
        struct event_item *i = take(q, false, &known, &when);
        if (i) {
            write_one(q, i, known, false);
            on = !q->pace.stop;
        } else {
            on = pace_wait(&q->pace, when - now < IDLE_US ? when - now : IDLE_US);
        }
    }
    drain(q);
    return NULL;
}

/* ---- calls ---- */

bool events_start_with(const struct event_wire *wire, const struct events_times *times,
                       const char *instance, struct events **out, struct err *e) {
    struct events *q = calloc(1, sizeof *q);
    if (!q) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    q->wire = *wire;
    q->times = *times;
    q->arena = arena_new(READ_MAX);
    struct buf name = BUF_OVER(q->instance);
    /* Kubernetes takes 128 bytes. */
    buf_span(&name, span_upto(span_of(instance), 128));
    if (!pace_start(&q->pace, run, q, e)) {
        free(q);
        return false;
    }
    *out = q;
    return true;
}

bool events_start(struct kube_client *client, const char *instance, struct events **out,
                  struct err *e) {
    const struct event_wire wire = {.ctx = client, .call = call_client};
    const struct events_times times = {.space_us = SECOND_US / EVENTS_RATE,
                                       .back_us = SECOND_US,
                                       .drain_us = 2 * SECOND_US,
                                       .timeout_ms = 3000};
    return events_start_with(&wire, &times, instance, out, e);
}

void events_push(struct events *q, const struct event *ev) {
    struct event_item *i = q ? event_item_new(ev) : NULL;
    if (!q) {
        return;
    }
    pthread_mutex_lock(&q->pace.lock);
    q->stats.pushed++;
    if (i) {
        event_queue_push(&q->queue, &q->keep, i, clock_mono_us());
    } else {
        q->stats.refused++;
    }
    pthread_mutex_unlock(&q->pace.lock);
    pace_poke(&q->pace);
}

void events_push_pod(struct events *q, const struct pod_event *p) {
    const struct reason_row *row = reason_row(p->code);
    const struct event ev = {.kind = "Pod",
                             .api_version = "v1",
                             .ns = p->ns,
                             .name = p->name,
                             .uid = p->uid,
                             .reason = row->code,
                             .warning = row->warning,
                             .settles = p->settles,
                             .message = p->message,
                             .component = "tpguard"};
    events_push(q, &ev);
}

void events_stats_get(struct events *q, struct events_stats *out) {
    *out = (struct events_stats){0};
    if (!q) {
        return;
    }
    pthread_mutex_lock(&q->pace.lock);
    *out = q->stats;
    out->repeated += q->queue.repeated;
    out->dropped = q->queue.dropped;
    out->queued = q->queue.n;
    pthread_mutex_unlock(&q->pace.lock);
}

void events_stop(struct events *q) {
    if (!q) {
        return;
    }
    pace_stop(&q->pace);
    event_queue_done(&q->queue);
    arena_done(&q->arena);
    free(q);
}
