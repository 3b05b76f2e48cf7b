/* A queue of Events whose API server is a list of what it was sent. Wants bail() (fixture.h). */
#ifndef TPGUARD_TESTS_LIVE_EVENTS_KIT_H
#define TPGUARD_TESTS_LIVE_EVENTS_KIT_H

#include <pthread.h>
#include <time.h>

#include "tests/unit/cluster/fixture.h"
#include "webhook/live/events_inner.h"

#define SENT_MAX 4096

static pthread_mutex_t sent_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char body[2048]; } sent[SENT_MAX];
static unsigned n_sent;

static bool record(void *ctx, const struct kube_request *r, struct kube_response *out,
                   struct err *e) {
    (void)ctx;
    (void)e;
    pthread_mutex_lock(&sent_lock);
    if (strcmp(r->method, "GET") != 0 && n_sent < SENT_MAX) {
        struct buf b = BUF_OVER(sent[n_sent].body);
        buf_reset(&b);
        buf_span(&b, r->body);
        n_sent++;
    }
    pthread_mutex_unlock(&sent_lock);
    *out = (struct kube_response){.status = strcmp(r->method, "POST") == 0 ? 201 : 200,
                                  .body = buf_new(64)};
    buf_str(&out->body, "{}");
    return true;
}

static struct events *start_events(void) {
    static const struct event_wire wire = {.call = record};
    static const struct events_times times = {
        .space_us = 0, .back_us = 1000, .drain_us = 5000000, .timeout_ms = 1000};
    struct events *q = NULL;
    struct err e = {0};
    n_sent = 0;
    if (!events_start_with(&wire, &times, "tpguard-0", &q, &e)) {
        bail("events", &e);
    }
    return q;
}

/* Until everything that was pushed has been written, or needs not be. */
static void settle(struct events *q) {
    struct events_stats s;
    for (unsigned i = 0; i < 1000; i++) {
        const struct timespec t = {.tv_nsec = 2000000};
        events_stats_get(q, &s);
        if (s.written + s.repeated + s.dropped + s.refused == s.pushed) {
            return;
        }
        nanosleep(&t, NULL);
    }
}

#endif
