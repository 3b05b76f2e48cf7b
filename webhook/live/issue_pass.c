#include "webhook/live/issue_work.h"
#include "webhook/sys/log.h"

#define STEPS_MAX 4 /* writes of one pass */

/* Reads, and writes as long as something is to be done that this replica may do. */
static bool keep_secret(struct issue_work *w, struct issue_now now, struct err *e) {
    if (!issue_look(w, now, e)) {
        return false;
    }
    for (unsigned n = 0; n < STEPS_MAX && now.leads && w->plan.action != ISSUE_KEEP; n++) {
        bool lost = false;
        if (!issue_step(w, now, &lost, e)) {
            return false;
        }
        if (lost && !issue_look(w, now, e)) {
            return false;
        }
        w->writes += !lost;
    }
    return true;
}

/* Worth handing on, whatever the clock here says: it may be the clock that is wrong. */
static bool sound(const struct issue_work *w) {
    return w->secret.exists && w->seen.pair && (w->seen.chain || w->plan.foreign);
}

/* Before a certificate of a new CA is used, so that callers know it. */
static void keep_bundles(struct issue_work *w, struct issue_now now) {
    const struct buf *ca = &w->secret.part[ISSUE_CA];
    if (!now.leads) {
        bundle_forget(&w->bundles);
        return;
    }
    /* A Secret of somebody else without a CA: whoever made it looks after the caBundle, too. */
    if (sound(w) && w->seen.n_ca) {
        bundle_pass(w->o->client, &w->o->bundle, buf_view(ca), &w->bundles, now.mono_us);
    }
}

static void use(struct issue_work *w) {
    const struct buf *cert = &w->secret.part[ISSUE_CERT];
    const struct buf *key = &w->secret.part[ISSUE_KEY];
    if (!sound(w) || (span_eq(buf_view(&w->cert), buf_view(cert)) &&
                      span_eq(buf_view(&w->key), buf_view(key)))) {
        return;
    }
    struct err e = {0};
    buf_reset(&w->cert);
    buf_reset(&w->key);
    buf_span(&w->cert, buf_view(cert));
    buf_span(&w->key, buf_view(key));
    if (w->o->use(w->o->ctx, buf_view(&w->cert), buf_view(&w->key), &e)) {
        log_say(LOG_INFO, "certificate replaced by the one in the Secret", NULL);
    } else {
        log_say(LOG_ERROR, "the certificate in the Secret is not used, the old one stays", e.msg);
    }
}

static void say_why(struct issue_work *w) {
    const char *why = w->plan.why;
    if (strcmp(why, w->why) != 0) {
        struct log_line l = log_new(w->plan.usable ? LOG_INFO : LOG_WARN, "certificate Secret");
        log_str(&l, "secret", w->o->secret);
        log_str(&l, "state", why[0] ? why : "in order");
        log_write(&l);
    }
    w->why = why;
}

bool issue_pass(struct issue_work *w, struct issue_now now, struct err *e) {
    if (!keep_secret(w, now, e)) {
        return false;
    }
    keep_bundles(w, now);
    use(w);
    say_why(w);
    return true;
}
