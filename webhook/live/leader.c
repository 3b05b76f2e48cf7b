#include "webhook/live/leader.h"

#include <stdlib.h>

#include "webhook/live/lease_object.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"
#include "webhook/sys/pace.h"

#define PATH_MAX_BYTES 512
#define BODY_MAX       4096

struct leader {
    struct kube_client *client;
    char collection[PATH_MAX_BYTES]; /* ".../leases" */
    char object[PATH_MAX_BYTES];
    struct lease lease;        /* the thread's alone */
    _Atomic int64_t until_us;  /* leads before this; 0 does not */
    _Atomic uint64_t term;     /* written before until_us */
    struct leader_status said; /* under pace.lock */
    struct pace pace;
};

/* What the other threads see. */
static void publish(struct leader *l) {
    l->term = l->lease.term;
    l->until_us = lease_until(&l->lease);
    pthread_mutex_lock(&l->pace.lock);
    memcpy(l->said.holder, l->lease.seen.holder, sizeof l->said.holder);
    pthread_mutex_unlock(&l->pace.lock);
}

static void note_failure(struct leader *l, const struct err *e) {
    pthread_mutex_lock(&l->pace.lock);
    bool first = !l->said.last_error[0];
    l->said.failures++;
    struct buf b = BUF_OVER(l->said.last_error);
    buf_span(&b, span_upto(span_of(e->msg), sizeof l->said.last_error - 1));
    pthread_mutex_unlock(&l->pace.lock);
    if (first) {
        log_say(LOG_WARN, "the leader lease cannot be read or written", e->msg);
    }
}

static void note_success(struct leader *l) {
    pthread_mutex_lock(&l->pace.lock);
    bool was = l->said.last_error[0] != 0;
    l->said.last_error[0] = 0;
    pthread_mutex_unlock(&l->pace.lock);
    if (was) {
        log_say(LOG_INFO, "the leader lease can be read and written again", NULL);
    }
}

static void log_lease(const struct leader *l, const char *msg) {
    struct log_line line = log_new(LOG_INFO, msg);
    log_str(&line, "identity", l->lease.me);
    log_str(&line, "holder", l->lease.seen.holder);
    log_num(&line, "term", (int64_t)l->lease.term);
    log_write(&line);
}

/* One call; *status 0 and false when no answer came or it says nothing of a Lease. */
static bool call(struct leader *l, const char *method, const char *path, const struct buf *body,
                 unsigned *status, struct lease_record *r, struct err *e) {
    struct buf got = buf_new(LEASE_OBJECT_MAX);
    struct kube_request q = {
        .method = method,
        .path = path,
        .body = body ? buf_view(body) : SPAN(""),
        .body_type = method[1] == 'A' ? KUBE_MERGE_PATCH : KUBE_JSON,
        .timeout_ms = (unsigned)(l->lease.times.renew_us / 2 / 1000),
        .max_response = LEASE_OBJECT_MAX,
        .stop = body ? NULL : &l->pace.stop, /* what a write came to must be known */
    };
    bool done = kube_want(l->client, &q, &got, status, e);
    if (done && !lease_decode(buf_view(&got), r, e)) {
        done = err_wrap(e, "%s %.200s: ", method, path);
    }
    buf_done(&got);
    return done;
}

static void read_lease(struct leader *l) {
    struct err e = {0};
    struct lease_record r;
    unsigned status = 0;
    if (call(l, "GET", l->object, NULL, &status, &r, &e)) {
        note_success(l);
        lease_read(&l->lease, &r, clock_mono_us(), (uint32_t)pace_random());
    } else if (status == 404) {
        lease_missing(&l->lease, clock_mono_us());
    } else {
        note_failure(l, &e);
        lease_failed(&l->lease, clock_mono_us(), (uint32_t)pace_random());
    }
}

static void write_lease(struct leader *l, const struct lease_record *want, bool create) {
    char text[BODY_MAX];
    struct buf body = BUF_OVER(text);
    if (create) {
        lease_encode_new(want, LEADER_LEASE, &body);
    } else {
        lease_encode_patch(want, &body);
    }
    struct err e = {0};
    struct lease_record r;
    unsigned status = 0;
    int64_t sent = clock_mono_us();
    if (call(l, create ? "POST" : "PATCH", create ? l->collection : l->object, &body, &status, &r,
             &e)) {
        note_success(l);
        lease_written(&l->lease, &r, sent, clock_mono_us());
    } else if (status == 409 || (status == 404 && !create)) {
        lease_refused(&l->lease, clock_mono_us());
    } else {
        note_failure(l, &e);
        lease_failed(&l->lease, clock_mono_us(), (uint32_t)pace_random());
    }
}

static void act(struct leader *l, enum lease_do what) {
    if (what == LEASE_READ) {
        read_lease(l);
        return;
    }
    char now[LEASE_TIME_MAX];
    struct lease_record want;
    lease_time_text(clock_unix_ms(), now);
    lease_wanted(&l->lease, now, &want);
    write_lease(l, &want, what == LEASE_CREATE);
}

/* Says who leads when that has changed. */
static void report(struct leader *l, bool led, uint64_t term, const char *holder) {
    if (l->lease.leads && (!led || l->lease.term != term)) {
        log_lease(l, "this replica leads now");
    } else if (led && !l->lease.leads) {
        log_lease(l, "this replica leads no longer");
    } else if (!l->lease.leads && l->lease.seen.holder[0] &&
               strcmp(holder, l->lease.seen.holder) != 0) {
        log_lease(l, "another replica leads");
    }
}

static void release(struct leader *l) {
    bool ours = l->lease.leads && l->lease.fresh;
    l->lease.leads = false;
    publish(l); /* no more of it here before anybody else can have it */
    if (ours) {
        struct lease_record want;
        lease_released(&l->lease, &want);
        write_lease(l, &want, false);
        log_lease(l, "the leader lease is handed back");
    }
}

static void *run(void *ctx) {
    struct leader *l = ctx;
    for (;;) {
        struct lease_step step = lease_next(&l->lease, clock_mono_us());
        int64_t until = lease_until(&l->lease);
        int64_t wait = step.what == LEASE_WAIT ? step.wait_us : 0;
        if (until && until - clock_mono_us() < wait) {
            wait = until - clock_mono_us(); /* so that the loss is said when it happens */
        }
        if (!pace_wait(&l->pace, wait)) {
            break;
        }
        bool led = l->lease.leads;
        uint64_t term = l->lease.term;
        char holder[LEASE_TEXT_MAX];
        memcpy(holder, l->lease.seen.holder, sizeof holder);
        lease_lapse(&l->lease, clock_mono_us());
        if (step.what != LEASE_WAIT) {
            act(l, step.what);
        }
        publish(l);
        report(l, led, term, holder);
    }
    release(l);
    return NULL;
}

static bool make_paths(struct leader *l, const char *ns) {
    struct buf c = BUF_OVER(l->collection);
    buf_str(&c, "/apis/coordination.k8s.io/v1/namespaces/");
    kube_escape(span_of(ns), &c);
    buf_str(&c, "/leases");
    struct buf o = BUF_OVER(l->object);
    buf_span(&o, buf_view(&c));
    buf_str(&o, "/" LEADER_LEASE);
    return buf_ok(&c) && buf_ok(&o);
}

bool leader_start_timed(struct kube_client *client, const char *ns, const char *identity,
                        const struct lease_times *times, struct leader **out, struct err *e) {
    size_t n = strlen(identity);
    if (n == 0 || n >= LEASE_TEXT_MAX) {
        return err_set(e, ERR_INPUT, "wants an identity of 1 to %d bytes for the leader lease",
                       LEASE_TEXT_MAX - 1);
    }
    struct leader *l = calloc(1, sizeof *l);
    if (!l) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    l->client = client;
    if (!make_paths(l, ns)) {
        free(l);
        return err_set(e, ERR_INPUT, "the namespace \"%.80s\" is too long", ns);
    }
    lease_begin(&l->lease, identity, times, clock_mono_us());
    if (!pace_start(&l->pace, run, l, e)) {
        free(l);
        return false;
    }
    *out = l;
    return true;
}

bool leader_start(struct kube_client *client, const char *ns, const char *identity,
                  struct leader **out, struct err *e) {
    return leader_start_timed(client, ns, identity, &LEASE_TIMES, out, e);
}

bool leader_is(const struct leader *l) {
    int64_t until = l ? l->until_us : 0;
    return until && clock_mono_us() < until;
}

uint64_t leader_term(const struct leader *l) {
    return l ? l->term : 0;
}

void leader_status(struct leader *l, struct leader_status *out) {
    pthread_mutex_lock(&l->pace.lock);
    *out = l->said;
    pthread_mutex_unlock(&l->pace.lock);
    out->leads = leader_is(l);
    out->term = l->term;
}

void leader_stop(struct leader *l) {
    if (l) {
        pace_stop(&l->pace);
        free(l);
    }
}
