/* The election's thread against an API server in memory, with times in milliseconds. */
#include "webhook/live/leader.h"

#include "tests/unit/live/fake_kube.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define LEASE "/apis/coordination.k8s.io/v1/namespaces/ns/leases/tpguard-leader"

static const struct lease_times quick = {2000000, 1200000, 200000};

static bool eventually(const struct leader *l, bool leads, unsigned ms) {
    for (unsigned i = 0; i < ms / 5 && leader_is(l) != leads; i++) {
        fake_sleep_ms(5);
    }
    return leader_is(l) == leads;
}

static struct leader *start(struct kube_client *c, const char *me) {
    struct leader *l = NULL;
    struct err e = {0};
    ok(leader_start_timed(c, "ns", me, &quick, &l, &e), "%s starts (%s)", me, e.msg);
    return l;
}

static void test_hand_over(void) {
    struct kube_client c = fake_new();
    struct leader *a = start(&c, "a");
    ok(eventually(a, true, 3000) && leader_term(a) == 1, "the first one leads");
    struct leader *b = start(&c, "b");
    fake_sleep_ms(2300);
    ok(leader_is(a) && !leader_is(b), "and goes on leading beside another");
    struct leader_status s;
    leader_status(b, &s);
    is_str(s.holder, "a", "who knows whom to wait for");
    leader_stop(a);
    ok(eventually(b, true, 1500), "handed back, it is taken long before it would have ended");
    leader_stop(b);
    fake_done(&c);
}

static void test_restart(void) {
    struct kube_client c = fake_new();
    fake_put(&c, LEASE,
             "{\"metadata\":{\"name\":\"tpguard-leader\"},\"spec\":{\"holderIdentity\":\"a\","
             "\"leaseDurationSeconds\":15,\"leaseTransitions\":4}}");
    struct leader *b = start(&c, "b");
    struct leader *a = start(&c, "a");
    ok(eventually(a, true, 1500), "a restarted container takes its own lease at once");
    ok(!leader_is(b), "somebody else does not");
    fake_delete(&c, LEASE);
    fake_sleep_ms(1000);
    ok(leader_is(a) != leader_is(b), "a deleted lease is made anew, by one of them");
    leader_stop(a);
    leader_stop(b);
    fake_done(&c);
}

static void test_trouble(void) {
    struct kube_client c = fake_new();
    struct leader *a = start(&c, "a");
    ok(eventually(a, true, 3000), "it leads");
    c.hang_ms = 5000;
    int64_t from = clock_mono_us();
    ok(eventually(a, false, 3000), "it stops leading while a call hangs");
    int64_t took = clock_mono_us() - from;
    ok(took > 800000 && took < 2000000, "at the renew deadline (%d ms)", (int)(took / 1000));
    c.hang_ms = 0;
    fake_sleep_ms(50);
    ok(eventually(a, true, 3000) && leader_term(a) == 2, "and leads again when calls come back");
    c.refuse = 500;
    ok(eventually(a, false, 3000), "errors end it at the deadline as well");
    struct leader_status s;
    leader_status(a, &s);
    ok(s.failures > 1 && strstr(s.last_error, "500"), "which is known: %s", s.last_error);
    c.refuse = 0;
    ok(eventually(a, true, 3000) && leader_term(a) == 3, "once more");
    leader_status(a, &s);
    is_str(s.last_error, "", "the error is over");
    leader_stop(a);
    fake_done(&c);
}

static void test_refusals(void) {
    struct kube_client c = fake_new();
    struct leader *l = NULL;
    struct err e = {0};
    ok(!leader_start(&c, "ns", "", &l, &e), "no identity is refused: %s", e.msg);
    char ns[600];
    memset(ns, 'n', sizeof ns - 1);
    ns[sizeof ns - 1] = 0;
    ok(!leader_start(&c, ns, "a", &l, &e), "an endless namespace as well");
    ok(!leader_is(NULL) && leader_term(NULL) == 0, "no leader election: nobody leads");
    leader_stop(NULL);
    fake_done(&c);
}

int main(void) {
    log_setup(LOG_ERROR, false);
    test_refusals();
    test_hand_over();
    test_restart();
    test_trouble();
    return tap_done();
}
