#include "webhook/live/issue_work.h"

#include "webhook/sys/log.h"

#define PATH_BYTES 512

void issue_work_begin(struct issue_work *w, const struct issue_options *o) {
    *w = (struct issue_work){.o = o,
                             .times = o->times,
                             .secret = issue_secret_new(),
                             .cert = buf_new(CERT_PEM_MAX),
                             .key = buf_new(CERT_PEM_MAX),
                             .why = ""};
    if (!w->times.server_life_s) {
        w->times = ISSUE_TIMES;
    }
}

void issue_work_end(struct issue_work *w) {
    issue_secret_done(&w->secret);
    bundle_forget(&w->bundles);
    buf_done(&w->cert);
    certs_wipe(&w->key);
}

/* For how long callers have known the bundle in the Secret, as far as this replica saw. */
static int64_t published_s(const struct issue_work *w, struct issue_now now) {
    const struct bundle_state *s = &w->bundles;
    bool this_one = span_eq(buf_view(&s->pem), buf_view(&w->secret.part[ISSUE_CA]));
    if (!s->right_since_us || !this_one) {
        return -1;
    }
    return (now.mono_us - s->right_since_us) / 1000000;
}

/* Keys and signatures are looked at once for each version. */
static void look(struct issue_work *w) {
    const struct issue_secret *s = &w->secret;
    if (s->version[0] && strcmp(s->version, w->seen_version) == 0) {
        return;
    }
    struct certs_texts t = {buf_view(&s->part[ISSUE_CERT]),
                            buf_view(&s->part[ISSUE_KEY]),
                            buf_view(&s->part[ISSUE_CA]),
                            buf_view(&s->part[ISSUE_CA_KEY]),
                            buf_view(&s->part[ISSUE_NEXT_KEY]),
                            w->o->names,
                            w->o->n_names};
    certs_look(&t, &w->seen);
    memcpy(w->seen_version, s->version, sizeof w->seen_version);
}

/* w->secret, as it was just read or written -> what to do next. */
static void judge(struct issue_work *w, struct issue_now now) {
    look(w);
    const struct issue_secret *s = &w->secret;
    const struct certs_seen *c = &w->seen;
    struct issue_facts f = {.exists = s->exists,
                            .ours = s->ours,
                            .empty = !s->there[ISSUE_CERT] && !s->there[ISSUE_KEY],
                            .pair = c->pair,
                            .names = c->names,
                            .chain = c->chain,
                            .by_signer = c->by_signer,
                            .not_after = c->life.not_after,
                            .n_ca = c->n_ca,
                            .signer = c->signer >= 0,
                            .signer_from = c->signs.not_before,
                            .signer_to = c->signs.not_after,
                            .next = c->next >= 0,
                            .next_to = c->comes.not_after,
                            .next_since = s->next_since,
                            .old_since = s->old_since,
                            .published_s = published_s(w, now)};
    w->plan = issue_plan(&f, &w->times, now.unix_s);
}

static void put_path(const struct issue_work *w, bool object, struct buf *path) {
    buf_str(path, "/api/v1/namespaces/");
    kube_escape(span_of(w->o->ns), path);
    buf_str(path, "/secrets");
    if (object) {
        buf_char(path, '/');
        kube_escape(span_of(w->o->secret), path);
    }
}

/* What an operator has to do about a refusal. */
static bool explain(const struct issue_work *w, const char *verb, unsigned status, struct err *e) {
    if (status == 403) {
        return err_wrap(e,
                        "the Role of this ServiceAccount must allow \"%s\" on secrets in namespace "
                        "%.60s: ",
                        verb, w->o->ns);
    }
    return err_wrap(e, "Secret %.60s/%.60s: ", w->o->ns, w->o->secret);
}

static bool take(struct issue_work *w, const struct buf *text, struct err *e) {
    struct issue_secret got;
    if (!issue_secret_decode(buf_view(text), &got, e)) {
        return false;
    }
    issue_secret_done(&w->secret);
    w->secret = got;
    return true;
}

/* Deleted: what was in it goes into the next one, so that certificates in use stay good. */
static void forget(struct issue_work *w) {
    if (!w->secret.ours) {
        issue_secret_done(&w->secret);
        w->secret = issue_secret_new();
    }
    w->secret.exists = false;
    w->secret.version[0] = 0;
}

bool issue_look(struct issue_work *w, struct issue_now now, struct err *e) {
    char path_text[PATH_BYTES];
    struct buf path = BUF_OVER(path_text);
    put_path(w, true, &path);
    struct buf got = buf_new(ISSUE_SECRET_MAX);
    struct kube_request q = {.method = "GET", .path = path_text, .max_response = ISSUE_SECRET_MAX};
    unsigned status = 0;
    bool done = kube_want(w->o->client, &q, &got, &status, e);
    if (!done && status == 404) {
        forget(w);
        done = true;
    } else if (!done || !take(w, &got, e)) {
        done = explain(w, "get", status, e);
    }
    certs_wipe(&got);
    if (done) {
        judge(w, now);
    }
    return done;
}

static void log_step(const struct issue_work *w) {
    struct log_line l = log_new(LOG_INFO, "certificate Secret written");
    log_str(&l, "secret", w->o->secret);
    log_str(&l, "action", issue_action_name(w->plan.action));
    log_str(&l, "why", w->plan.why);
    log_write(&l);
}

static bool put(struct issue_work *w, const struct buf *body, bool create, unsigned *status,
                struct err *e) {
    char path_text[PATH_BYTES];
    struct buf path = BUF_OVER(path_text);
    put_path(w, !create, &path);
    buf_str(&path, "?fieldManager=tpguard");
    struct buf got = buf_new(ISSUE_SECRET_MAX);
    struct kube_request q = {.method = create ? "POST" : "PATCH",
                             .path = path_text,
                             .body = buf_view(body),
                             .body_type = create ? KUBE_JSON : KUBE_MERGE_PATCH,
                             .max_response = ISSUE_SECRET_MAX};
    bool done = kube_want(w->o->client, &q, &got, status, e) && take(w, &got, e);
    certs_wipe(&got);
    return done;
}

bool issue_step(struct issue_work *w, struct issue_now now, bool *lost, struct err *e) {
    bool create = w->plan.action == ISSUE_CREATE;
    struct issue_secret to = issue_secret_new();
    struct buf body = buf_new(ISSUE_SECRET_MAX);
    unsigned status = 0;
    *lost = false;
    bool done = issue_make(w, now.unix_s, &to, e);
    if (done) {
        if (create) {
            issue_secret_encode_new(&to, w->o->secret, &body);
        } else {
            issue_secret_encode_patch(&to, &body);
        }
        done = put(w, &body, create, &status, e);
        *lost = !done && (status == 409 || (status == 404 && !create));
        done = done || *lost || explain(w, create ? "create" : "patch", status, e);
    }
    issue_secret_done(&to);
    certs_wipe(&body);
    if (done && !*lost) {
        log_step(w);
        judge(w, now);
    }
    return done;
}
