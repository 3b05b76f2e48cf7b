/* Whether nodes come and go, from what the API server answers. */
#include "webhook/live/autoscaler.h"

#include "tests/unit/live/fake_kube.h"
#include "webhook/sys/log.h"

#define NOW         INT64_C(1795348800) /* 2026-11-22T12:00:00Z */
#define STATUS_PATH "/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status"
#define AT(when)                                                                                   \
    "{\"metadata\":{\"annotations\":{\"cluster-autoscaler.kubernetes.io/last-updated\":\"" when    \
    "\"}},\"data\":{\"status\":\"x\"}}"

static void check(enum autoscaler_state got, enum autoscaler_state want, const char *detail,
                  const char *what) {
    ok(got == want && detail[0], "%s: %s (%s)", what, autoscaler_state_name(got), detail);
}

static void test_configmap(void) {
    static const struct {
        unsigned status;
        const char *body;
        enum autoscaler_state want;
        const char *what;
    } rows[] = {
        {404, "", AUTOSCALER_NO, "no ConfigMap"},
        {200, AT("2026-11-22 11:59:50.123456789 +0000 UTC"), AUTOSCALER_YES, "10 s old"},
        {200, AT("2026-11-22 11:50:00 +0000 UTC m=+1.5"), AUTOSCALER_YES, "10 min old"},
        {200, AT("2026-11-22 11:49:59.9 +0000 UTC"), AUTOSCALER_NO, "a second older"},
        {200, AT("2026-11-22 12:30:00 +0000 UTC"), AUTOSCALER_YES, "of a clock ahead"},
        {200, AT("soon"), AUTOSCALER_YES, "a time that is none"},
        {200, "{\"data\":{}}", AUTOSCALER_YES, "no time"},
        {200, "{}", AUTOSCALER_YES, "nothing in it"},
        {200, "{", AUTOSCALER_UNKNOWN, "no JSON"},
        {403, "", AUTOSCALER_UNKNOWN, "forbidden"},
        {500, "", AUTOSCALER_UNKNOWN, "an error"},
        {0, "", AUTOSCALER_UNKNOWN, "no answer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[AUTOSCALER_DETAIL_MAX];
        struct buf b = BUF_OVER(text);
        enum autoscaler_state got =
            autoscaler_of_configmap(rows[i].status, span_of(rows[i].body), NOW, &b);
        check(got, rows[i].want, text, rows[i].what);
    }
}

static void test_karpenter(void) {
    static const struct {
        unsigned status;
        const char *body;
        enum autoscaler_state want;
        const char *version;
        const char *what;
    } group[] = {
        {404, "", AUTOSCALER_NO, "", "no group"},
        {200, "{\"preferredVersion\":{\"version\":\"v1beta1\"}}", AUTOSCALER_UNKNOWN, "v1beta1",
         "a group"},
        {200, "{\"preferredVersion\":{\"version\":\"v1/../x\"}}", AUTOSCALER_UNKNOWN, "",
         "a version that is none"},
        {200, "{}", AUTOSCALER_UNKNOWN, "", "a group without a version"},
        {403, "", AUTOSCALER_UNKNOWN, "", "forbidden"},
    };
    for (size_t i = 0; i < sizeof group / sizeof group[0]; i++) {
        char text[AUTOSCALER_DETAIL_MAX];
        char version[64];
        struct buf b = BUF_OVER(text);
        enum autoscaler_state got =
            autoscaler_of_group(group[i].status, span_of(group[i].body), version, &b);
        check(got, group[i].want, text, group[i].what);
        is_str(version, group[i].version, "the version to ask for");
    }
    static const struct {
        unsigned status;
        const char *body;
        enum autoscaler_state want;
        const char *what;
    } pools[] = {
        {200, "{\"items\":[{}]}", AUTOSCALER_YES, "a NodePool"},
        {200, "{\"items\":[]}", AUTOSCALER_NO, "no NodePool"},
        {200, "{\"items\":null}", AUTOSCALER_NO, "null"},
        {404, "", AUTOSCALER_NO, "no such resource"},
        {200, "{\"items\":1}", AUTOSCALER_UNKNOWN, "nonsense"},
        {403, "", AUTOSCALER_UNKNOWN, "forbidden"},
        {0, "", AUTOSCALER_UNKNOWN, "no answer"},
    };
    for (size_t i = 0; i < sizeof pools / sizeof pools[0]; i++) {
        char text[AUTOSCALER_DETAIL_MAX];
        struct buf b = BUF_OVER(text);
        enum autoscaler_state got =
            autoscaler_of_nodepools(pools[i].status, span_of(pools[i].body), &b);
        check(got, pools[i].want, text, pools[i].what);
    }
}

static void expect(struct autoscaler *a, enum autoscaler_state want, const char *what) {
    for (unsigned i = 0; i < 200 && autoscaler_state(a) != want; i++) {
        fake_sleep_ms(5);
    }
    char detail[AUTOSCALER_DETAIL_MAX];
    autoscaler_detail(a, detail);
    check(autoscaler_state(a), want, detail, what);
}

static void test_thread(void) {
    struct kube_client api = fake_new();
    struct autoscaler *a = NULL;
    struct err e = {0};
    api.refuse = 403;
    is_int(autoscaler_state(NULL), AUTOSCALER_UNKNOWN, "without a cluster nothing is known");
    ok(autoscaler_start_every(&api, 20000, &a, &e), "it starts (%s)", e.msg);
    fake_sleep_ms(60);
    expect(a, AUTOSCALER_UNKNOWN, "refused from the start");
    api.refuse = 0;
    expect(a, AUTOSCALER_NO, "neither of the two");
    fake_put(&api, "/apis/karpenter.sh/v1/nodepools", "{\"metadata\":{\"x\":1},\"items\":[{}]}");
    fake_put(&api, "/apis/karpenter.sh",
             "{\"metadata\":{\"x\":1},\"preferredVersion\":{\"version\":\"v1\"}}");
    expect(a, AUTOSCALER_YES, "Karpenter");
    api.refuse = 403;
    unsigned calls = api.calls;
    while (api.calls < calls + 6) {
        fake_sleep_ms(5);
    }
    expect(a, AUTOSCALER_YES, "what was known stays when it cannot be looked at any more");
    api.refuse = 0;
    fake_delete(&api, "/apis/karpenter.sh");
    expect(a, AUTOSCALER_NO, "Karpenter gone");
    fake_put(&api, STATUS_PATH, "{\"metadata\":{\"x\":1}}");
    expect(a, AUTOSCALER_YES, "Cluster Autoscaler");
    autoscaler_stop(a);
    autoscaler_stop(NULL);
    fake_done(&api);
}

int main(void) {
    log_setup(LOG_ERROR + 1, false);
    test_configmap();
    test_karpenter();
    test_thread();
    return tap_done();
}
