/* Three replicas through many lives of certificates and CAs, in simulated time: whatever a replica
 * serves at any moment is trusted by a caller who read the caBundle up to 10 s ago. */
#include "tests/unit/live/issue_world.h"

#define REPLICAS 3
#define TICK_S   5
#define LAG      2 /* ticks */
#define START    INT64_C(1800000000)

static const struct issue_times quick = {
    .server_life_s = 900, .ca_life_s = 3000, .settle_s = 60, .overlap_s = 300, .drop_s = 600};

struct world {
    struct kube_client api;
    struct served served[REPLICAS];
    struct issue_options o[REPLICAS];
    struct issue_work work[REPLICAS];
    struct buf bundle[LAG + 1]; /* [0] now */
    unsigned changes;
    int64_t changed;
    unsigned distrusted;
    unsigned failures;
    int64_t skew_s[REPLICAS];
};

static void begin(struct world *w) {
    *w = (struct world){.api = world_api()};
    for (unsigned i = 0; i < REPLICAS; i++) {
        w->o[i] = world_options(&w->api, &w->served[i]);
        w->o[i].times = quick;
        issue_work_begin(&w->work[i], &w->o[i]);
    }
}

static void end(struct world *w) {
    for (unsigned i = 0; i < REPLICAS; i++) {
        issue_work_end(&w->work[i]);
        served_done(&w->served[i]);
    }
    for (unsigned i = 0; i <= LAG; i++) {
        buf_done(&w->bundle[i]);
    }
    fake_done(&w->api);
}

static void look_at_bundle(struct world *w) {
    buf_done(&w->bundle[LAG]);
    for (unsigned i = LAG; i > 0; i--) {
        w->bundle[i] = w->bundle[i - 1];
    }
    w->bundle[0] = world_bundle(&w->api, 0);
}

/* Each change is looked at for as long as it is new to the caller, the rest now and then. */
static bool quiet(struct world *w, int64_t now) {
    unsigned sum = w->api.hooks_version;
    for (unsigned i = 0; i < REPLICAS; i++) {
        sum += w->served[i].times;
    }
    if (sum != w->changes) {
        w->changed = now;
    }
    w->changes = sum;
    return now - w->changed > (LAG + 1) * TICK_S && now % 100 != 0;
}

static void check_trust(struct world *w, int64_t now) {
    if (quiet(w, now)) {
        return;
    }
    for (unsigned i = 0; i < REPLICAS; i++) {
        for (unsigned k = 0; k <= LAG; k += LAG) {
            bool good = world_trusts(buf_view(&w->bundle[k]), buf_view(&w->served[i].cert),
                                     buf_view(&w->served[i].key), now);
            w->distrusted += !good;
        }
    }
}

/* leader: REPLICAS for nobody. */
static void tick(struct world *w, int64_t t, unsigned leader) {
    for (unsigned i = 0; i < REPLICAS; i++) {
        if (t / TICK_S % 2 == i % 2) { /* each every 10 s */
            struct issue_now now = {START + t + w->skew_s[i], t * 1000000 + 1, i == leader};
            struct err e = {0};
            w->failures += !issue_pass(&w->work[i], now, &e);
        }
    }
    look_at_bundle(w);
}

static void first(struct world *w) {
    for (int64_t t = 0; t < 60; t += TICK_S) {
        tick(w, t, 0);
    }
}

static void test_lives(void) {
    struct world w;
    begin(&w);
    first(&w);
    unsigned conflicts = 0;
    for (int64_t t = 60; t < 7000; t += TICK_S) {
        if (t % 700 == 0) {
            w.api.conflicts = 2;
            conflicts++;
        }
        bool none = t % 700 < 150; /* nobody leads */
        tick(&w, t, none ? REPLICAS : (unsigned)(t / 700) % REPLICAS);
        check_trust(&w, START + t);
    }
    is_int(w.distrusted, 0, "no caller ever meets a certificate that it does not trust");
    is_int(w.failures, 0, "no pass fails");
    ok(w.served[1].times > 9, "a replica took %u certificates", w.served[1].times);
    ok(w.api.writes > 20 && w.api.writes < 100, "%u writes, %u times with conflicts", w.api.writes,
       conflicts);
    ok(w.api.hook[1].bundle.n == 0, "the webhook of somebody else is left alone");
    end(&w);
}

/* A leader's clock that is ahead or behind spoils nothing for those whose clocks are right. */
static void test_skewed(int64_t skew_s, const char *what) {
    struct world w;
    begin(&w);
    first(&w);
    for (int64_t t = 60; t < 2000; t += TICK_S) {
        bool wrong = t >= 400 && t < 700;
        w.skew_s[1] = skew_s;
        tick(&w, t, wrong ? 1 : 0);
        check_trust(&w, START + t);
    }
    is_int(w.distrusted, 0, what);
    is_int(w.failures, 0, "and no pass fails");
    end(&w);
}

static void test_lost_key(void) {
    struct world w;
    begin(&w);
    first(&w);
    issue_secret_done(&w.work[0].secret);
    struct issue_now now = {START + 60, 60000001, true};
    struct err e = {0};
    w.work[0].secret = issue_secret_new();
    ok(issue_look(&w.work[0], now, &e), "the Secret is read");
    struct issue_secret *s = &w.work[0].secret;
    struct buf body = buf_new(ISSUE_SECRET_MAX);
    buf_reset(&s->part[ISSUE_CA_KEY]);
    buf_str(&s->part[ISSUE_CA_KEY], "garbage");
    issue_secret_encode_patch(s, &body);
    fake_put(&w.api, SECRET, buf_cstr(&body));
    buf_done(&body);
    for (int64_t t = 60; t < 2000; t += TICK_S) {
        tick(&w, t, 0);
        check_trust(&w, START + t);
    }
    is_int(w.distrusted, 0, "the CA's key is spoilt: another CA comes, nobody notices");
    ok(w.work[0].seen.by_signer && w.work[0].plan.action == ISSUE_KEEP, "and all is well again");
    end(&w);
}

static void test_emptied(void) {
    struct world w;
    begin(&w);
    first(&w);
    struct buf before = world_bundle(&w.api, 0);
    buf_reset(&w.api.hook[0].bundle);
    w.api.hooks_version++;
    tick(&w, 60, 0);
    tick(&w, 65, 0);
    struct buf after = world_bundle(&w.api, 0);
    ok(before.n > 0 && span_eq(buf_view(&before), buf_view(&after)),
       "an emptied caBundle is back after one round");
    buf_done(&before);
    buf_done(&after);
    struct buf cert = buf_new(CERT_PEM_MAX);
    buf_span(&cert, buf_view(&w.served[0].cert));
    fake_delete(&w.api, SECRET);
    tick(&w, 70, 0);
    tick(&w, 75, 0);
    ok(fake_find(&w.api, span_of(SECRET)) && span_eq(buf_view(&cert), buf_view(&w.served[0].cert)),
       "a deleted Secret comes back as it was");
    buf_done(&cert);
    w.api.refuse_writes = 403;
    buf_reset(&w.api.hook[0].bundle);
    w.api.hooks_version++;
    tick(&w, 80, 0);
    ok(w.work[0].bundles.right_since_us == 0 && strstr(w.work[0].bundles.last_error, "403"),
       "a refused patch is known: %s", w.work[0].bundles.last_error);
    end(&w);
}

int main(void) {
    log_setup(LOG_ERROR, false);
    test_lives();
    test_skewed(2100, "a leader whose clock is ahead: all is trusted");
    test_skewed(-500, "a leader whose clock is behind: all is trusted");
    test_skewed(-5000, "even before the CA began");
    test_lost_key();
    test_emptied();
    return tap_done();
}
