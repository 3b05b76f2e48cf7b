/* The first certificate, and the thread that keeps it, against an API server in memory. */
#include "webhook/live/issue.h"

#include "tests/unit/live/issue_world.h"

static void test_first(void) {
    struct kube_client api = world_api();
    struct served s = {0};
    struct issue_options o = world_options(&api, &s);
    struct certs a = {0};
    struct certs b = {0};
    struct err e = {0};
    int64_t now = (int64_t)time(NULL);
    ok(issue_first(&o, &a, &e) && api.writes == 1, "the first replica makes the Secret (%s)",
       e.msg);
    ok(world_trusts(buf_view(&a.ca), buf_view(&a.cert), buf_view(&a.key), now),
       "with a certificate that its CA vouches for, for all names");
    ok(issue_first(&o, &b, &e) && api.writes == 1 &&
           span_eq(buf_view(&a.cert), buf_view(&b.cert)) &&
           span_eq(buf_view(&a.key), buf_view(&b.key)),
       "the second takes the same");
    certs_done(&b);
    api.conflicts = 1;
    fake_delete(&api, SECRET);
    ok(issue_first(&o, &b, &e) && !span_eq(buf_view(&a.cert), buf_view(&b.cert)),
       "another one is made after a lost race");
    certs_done(&a);
    certs_done(&b);
    fake_done(&api);
}

struct racer {
    struct kube_client *api;
    struct certs got;
    bool done;
};

static void *race(void *ctx) {
    struct racer *r = ctx;
    struct served s = {0};
    struct issue_options o = world_options(r->api, &s);
    struct err e = {0};
    r->done = issue_first(&o, &r->got, &e);
    return NULL;
}

static void test_race(void) {
    struct kube_client api = world_api();
    struct racer r[4];
    pthread_t t[4];
    for (unsigned i = 0; i < 4; i++) {
        r[i] = (struct racer){.api = &api};
        pthread_create(&t[i], NULL, race, &r[i]);
    }
    bool same = true;
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        same = same && r[i].done && span_eq(buf_view(&r[0].got.key), buf_view(&r[i].got.key));
    }
    ok(same && api.writes == 1, "four at once: one writes, all have the same");
    for (unsigned i = 0; i < 4; i++) {
        certs_done(&r[i].got);
    }
    fake_done(&api);
}

static void check_refused(struct kube_client *api, const char *wanted, const char *what) {
    struct served s = {0};
    struct issue_options o = world_options(api, &s);
    struct certs c = {0};
    struct err e = {0};
    o.first_us = 1;
    ok(!issue_first(&o, &c, &e) && !c.cert.p && strstr(e.msg, wanted), "%s: %s", what, e.msg);
}

static void test_refusals(void) {
    struct kube_client api = world_api();
    api.refuse = 403;
    check_refused(&api, "must allow \"get\" on secrets in namespace ns", "may not read");
    api.refuse = 0;
    api.refuse_writes = 403;
    check_refused(&api, "must allow \"create\" on secrets", "may not create");
    fake_put(&api, SECRET, "{\"metadata\":{\"name\":\"tls\"}}");
    check_refused(&api, "must allow \"patch\" on secrets", "may not patch");
    api.refuse_writes = 0;
    fake_put(&api, SECRET, "{\"metadata\":{\"name\":\"tls\"},\"data\":{\"tls.crt\":\"eA==\"}}");
    check_refused(&api, "somebody else's", "garbage of somebody else");
    is_int(api.writes, 0, "which is never written");
    api.refuse = 500;
    check_refused(&api, "500", "a server in trouble");
    fake_done(&api);
}

static void test_foreign(void) {
    static const char *const names[] = {"example.org"};
    struct kube_client api = world_api();
    struct certs theirs = {0};
    struct certs got = {0};
    struct err e = {0};
    struct issue_secret text = issue_secret_new();
    struct buf body = buf_new(ISSUE_SECRET_MAX);
    ok(certs_self_signed(names, 1, &theirs, &e), "somebody makes a certificate");
    buf_span(&text.part[ISSUE_CERT], buf_view(&theirs.cert));
    buf_span(&text.part[ISSUE_KEY], buf_view(&theirs.key));
    issue_secret_encode_new(&text, "tls", &body);
    size_t at = span_search(buf_view(&body), "tpguard.io/issuer");
    memcpy(body.p + at, "nobody.io/issuer_", 17); /* not our mark */
    fake_put(&api, SECRET, buf_cstr(&body));
    struct served s = {0};
    struct issue_options o = world_options(&api, &s);
    ok(issue_first(&o, &got, &e) && span_eq(buf_view(&got.cert), buf_view(&theirs.cert)),
       "it is used (%s)", e.msg);
    is_int(api.writes, 0, "and not written, though it lacks our names");
    issue_secret_done(&text);
    buf_done(&body);
    certs_done(&theirs);
    certs_done(&got);
    fake_done(&api);
}

static bool wait_for(_Atomic unsigned *n, unsigned want) {
    for (unsigned i = 0; i < 400 && *n < want; i++) {
        fake_sleep_ms(5);
    }
    return *n >= want;
}

static void test_thread(void) {
    struct kube_client api = world_api();
    struct served s = {0};
    struct issue_options o = world_options(&api, &s);
    struct certs c = {0};
    struct err e = {0};
    struct issue *i = NULL;
    o.poll_us = 20000;
    if (!ok(issue_first(&o, &c, &e) && issue_start(&o, &c, &i, &e), "it runs (%s)", e.msg)) {
        return;
    }
    fake_sleep_ms(100);
    struct buf pem = world_bundle(&api, 0);
    ok(s.times == 0 && span_eq(buf_view(&pem), buf_view(&c.ca)) && api.hook[1].bundle.n == 0,
       "the caBundle of our webhooks is set, and no certificate handed out again");
    buf_done(&pem);
    struct issue_status st;
    issue_status(i, &st);
    ok(st.usable && st.bundles && !st.foreign && st.writes == 0 &&
           st.expires > (int64_t)time(NULL) + 89 * ISSUE_DAY_S &&
           st.ca_expires > st.expires + 3000 * ISSUE_DAY_S,
       "its status says so");
    s.refuse = true;
    static const char *const more[] = {"tpguard.ns.svc", "127.0.0.1", "new.ns.svc"};
    struct served s2 = {0};
    struct issue_options o2 = world_options(&api, &s2);
    struct issue *other = NULL;
    o2.names = more;
    o2.n_names = 3;
    o2.poll_us = 20000;
    ok(issue_start(&o2, &c, &other, &e) && wait_for(&s2.times, 1) && wait_for(&s.times, 1),
       "another one wants one name more: all are given a new certificate");
    fake_sleep_ms(100);
    is_int(s.times, 1, "one that was refused is not handed out again");
    api.refuse = 403;
    fake_sleep_ms(100);
    issue_status(i, &st);
    ok(st.failures > 0 && strstr(st.last_error, "\"get\" on secrets"), "trouble is known: %s",
       st.last_error);
    issue_stop(i);
    issue_stop(other);
    issue_stop(NULL);
    certs_done(&c);
    served_done(&s);
    served_done(&s2);
    fake_done(&api);
}

int main(void) {
    log_setup(LOG_ERROR + 1, false);
    test_first();
    test_race();
    test_refusals();
    test_foreign();
    test_thread();
    return tap_done();
}
