#include "webhook/live/issue.h"

#include <stdlib.h>

#include "webhook/live/issue_work.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"
#include "webhook/sys/pace.h"

#define POLL_US       INT64_C(10000000)
#define FIRST_US      INT64_C(30000000)
#define FIRST_WAIT_US 500000
#define LOOK_US       INT64_C(1000000) /* how soon a new leader begins */

struct issue {
    struct issue_options o;
    struct issue_work work; /* the thread's alone, as all up to said */
    struct bundle_state bundles;
    struct buf cert; /* in use, or refused by use() */
    struct buf key;
    const char *why;          /* last said */
    struct issue_status said; /* under pace.lock */
    struct pace pace;
};

/* ---- at start ---- */

static bool hand_out(const struct issue_secret *s, struct certs *out) {
    struct certs c = {buf_new(CERT_PEM_MAX), buf_new(CERT_PEM_MAX), buf_new(CERT_PEM_MAX)};
    buf_span(&c.ca, buf_view(&s->part[ISSUE_CA]));
    buf_span(&c.cert, buf_view(&s->part[ISSUE_CERT]));
    buf_span(&c.key, buf_view(&s->part[ISSUE_KEY]));
    if (!buf_ok(&c.ca) || !buf_ok(&c.cert) || !buf_ok(&c.key)) {
        certs_done(&c);
        return false;
    }
    *out = c;
    return true;
}

/* One attempt; *usable: there is something to serve. */
static bool attempt(struct issue_work *w, bool *usable, struct err *e) {
    bool lost = false;
    struct issue_now now = {clock_unix_s(), clock_mono_us(), false};
    if (!issue_look(w, now, e)) {
        return false;
    }
    if (w->plan.anyone && w->plan.action != ISSUE_KEEP && !issue_step(w, now, &lost, e)) {
        return false;
    }
    *usable = !lost && w->plan.usable;
    return *usable || err_set(e, ERR_UNKNOWN, "Secret %.60s/%.60s: %s", w->o->ns, w->o->secret,
                              lost ? "somebody else writes it just now" : w->plan.why);
}

bool issue_first(const struct issue_options *o, struct certs *out, struct err *e) {
    struct issue_work w;
    struct err last = {0};
    bool usable = false;
    int64_t end = clock_mono_us() + (o->first_us ? o->first_us : FIRST_US);
    issue_work_begin(&w, o);
    while (!attempt(&w, &usable, &last)) {
        struct timespec wait = {.tv_nsec = FIRST_WAIT_US * 1000L};
        if (clock_mono_us() >= end) {
            break;
        }
        nanosleep(&wait, NULL);
    }
    bool done = usable && hand_out(&w.secret, out);
    if (!usable) {
        *e = last;
        err_wrap(e, "no certificate: ");
    } else if (!done) {
        err_set(e, ERR_INTERNAL, "no memory");
    }
    issue_work_end(&w);
    return done;
}

/* ---- from then on ---- */

static bool leads(const struct issue *i) {
    return !i->o.leader || leader_is(i->o.leader);
}

static void note(struct issue *i, const struct err *e) {
    pthread_mutex_lock(&i->pace.lock);
    bool other = strncmp(i->said.last_error, e->msg, sizeof i->said.last_error - 1) != 0;
    i->said.failures++;
    struct buf b = BUF_OVER(i->said.last_error);
    buf_span(&b, span_upto(span_of(e->msg), sizeof i->said.last_error - 1));
    pthread_mutex_unlock(&i->pace.lock);
    if (other) {
        log_say(LOG_WARN, "the certificate Secret cannot be kept", e->msg);
    }
}

static void publish(struct issue *i) {
    pthread_mutex_lock(&i->pace.lock);
    i->said.usable = i->work.plan.usable;
    i->said.foreign = i->work.plan.foreign;
    i->said.bundles = i->work.bundles.right_since_us != 0;
    i->said.expires = i->work.seen.life.not_after;
    i->said.ca_expires = i->work.seen.signs.not_after;
    i->said.writes = i->work.writes;
    i->said.last_error[0] = 0;
    pthread_mutex_unlock(&i->pace.lock);
}

static void pass(struct issue *i, bool lead) {
    struct err e = {0};
    struct issue_now now = {clock_unix_s(), clock_mono_us(), lead};
    if (issue_pass(&i->work, now, &e)) {
        publish(i);
    } else {
        note(i, &e);
    }
}

static void *run(void *ctx) {
    struct issue *i = ctx;
    int64_t poll = i->o.poll_us ? i->o.poll_us : POLL_US;
    int64_t next = clock_mono_us();
    bool led = false;
    for (;;) {
        int64_t now = clock_mono_us();
        int64_t wait = next > now ? next - now : 0;
        if (!pace_wait(&i->pace, wait < LOOK_US ? wait : LOOK_US)) {
            return NULL;
        }
        bool lead = leads(i);
        if (clock_mono_us() >= next || (lead && !led)) {
            pass(i, lead);
            next = clock_mono_us() + poll;
        }
        led = lead;
    }
}

bool issue_start(const struct issue_options *o, const struct certs *in_use, struct issue **out,
                 struct err *e) {
    struct issue *i = calloc(1, sizeof *i);
    if (!i) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    i->o = *o;
    i->o.bundle.stop = &i->pace.stop;
    issue_work_begin(&i->work, &i->o);
    i->work.stop = &i->pace.stop;
    buf_span(&i->work.cert, buf_view(&in_use->cert));
    buf_span(&i->work.key, buf_view(&in_use->key));
    if (!pace_start(&i->pace, run, i, e)) {
        issue_work_end(&i->work);
        free(i);
        return false;
    }
    *out = i;
    return true;
}

void issue_status(struct issue *i, struct issue_status *out) {
    pthread_mutex_lock(&i->pace.lock);
    *out = i->said;
    pthread_mutex_unlock(&i->pace.lock);
}

void issue_stop(struct issue *i) {
    if (i) {
        pace_stop(&i->pace);
        issue_work_end(&i->work);
        free(i);
    }
}
