#include "webhook/live/bundle.h"

#include "webhook/sys/certs.h"
#include "webhook/sys/log.h"

#define PATH_BYTES 1024

#define CONFIGURATIONS "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/"

struct pass {
    struct kube_client *client;
    const struct bundle_target *target;
    struct span pem;
    bool wrong;     /* something could not be read or written */
    bool changed;   /* something was mended */
    struct err err; /* of the first trouble */
};

void bundle_forget(struct bundle_state *s) {
    buf_done(&s->pem);
    *s = (struct bundle_state){0};
}

static void note(struct pass *p, const struct err *e) {
    if (!p->wrong) {
        p->err = *e;
    }
    p->wrong = true;
}

static void mend(struct pass *p, const char *path, const char *name, const struct buf *patch,
                 unsigned webhooks) {
    char target[PATH_BYTES];
    struct buf where = BUF_OVER(target);
    buf_fmt(&where, "%s?fieldManager=tpguard", path);
    struct kube_request q = {.method = "PATCH",
                             .path = target,
                             .body = buf_view(patch),
                             .body_type = KUBE_STRATEGIC_PATCH,
                             .max_response = BUNDLE_CONFIG_MAX};
    struct err e = {0};
    unsigned status = 0;
    if (!kube_want(p->client, &q, NULL, &status, &e)) {
        note(p, &e); /* 409 as well: somebody else writes it just now; the next pass sees what */
        return;
    }
    p->changed = true;
    struct log_line l = log_new(LOG_INFO, "caBundle set");
    log_str(&l, "configuration", name);
    log_num(&l, "webhooks", webhooks);
    log_write(&l);
}

/* False: there is no such configuration. */
static bool visit(struct pass *p, const char *name) {
    char text[PATH_BYTES];
    struct buf path = BUF_OVER(text);
    buf_str(&path, CONFIGURATIONS);
    kube_escape(span_of(name), &path);
    struct buf got = buf_new(BUNDLE_CONFIG_MAX);
    struct buf patch = buf_new(BUNDLE_CONFIG_MAX * 4);
    struct kube_request q = {
        .method = "GET", .path = text, .max_response = BUNDLE_CONFIG_MAX, .stop = p->target->stop};
    struct err e = {0};
    unsigned status = 0;
    unsigned webhooks = 0;
    if (!kube_want(p->client, &q, &got, &status, &e)) {
        if (status != 404) {
            note(p, &e);
        }
    } else if (!bundle_patch(buf_view(&got), p->target, p->pem, &patch, &webhooks, &e)) {
        err_wrap(&e, "GET %.200s: %s%s", text, e.path, e.path[0] ? ": " : "");
        note(p, &e);
    } else if (webhooks) {
        mend(p, text, name, &patch, webhooks);
    }
    buf_done(&got);
    buf_done(&patch);
    return status != 404;
}

static void visit_all(struct pass *p, struct bundle_state *s) {
    for (unsigned i = 0; i < p->target->n_configs && i < BUNDLE_CONFIGS_MAX; i++) {
        const char *name = p->target->config[i];
        bool found = visit(p, name);
        if (!found && !s->missing[i]) {
            struct log_line l =
                log_new(LOG_WARN,
                        "no webhook configuration of this name: it is looked for again and again");
            log_str(&l, "configuration", name);
            log_write(&l);
        }
        s->missing[i] = !found;
    }
}

static void remember(const struct pass *p, struct bundle_state *s, int64_t now_us) {
    if (p->wrong && strncmp(s->last_error, p->err.msg, sizeof s->last_error - 1) != 0) {
        log_say(LOG_WARN, "a webhook configuration cannot be read or written", p->err.msg);
    }
    struct buf text = BUF_OVER(s->last_error);
    buf_span(&text, span_upto(span_of(p->wrong ? p->err.msg : ""), sizeof s->last_error - 1));
    bool same = s->pem.n > 0 && span_eq(buf_view(&s->pem), p->pem);
    if (!same) {
        buf_done(&s->pem);
        s->pem = buf_new(CERT_PEM_MAX);
        buf_span(&s->pem, p->pem);
    }
    if (p->wrong) {
        s->right_since_us = 0;
    } else if (!same || p->changed || !s->right_since_us) {
        s->right_since_us = now_us;
    }
}

void bundle_pass(struct kube_client *client, const struct bundle_target *t, struct span pem,
                 struct bundle_state *s, int64_t now_us) {
    struct pass p = {.client = client, .target = t, .pem = pem};
    visit_all(&p, s);
    remember(&p, s, now_us);
}
