/* Lease objects as the API server writes them, and as they are sent to it. */
#include "webhook/live/lease_object.h"

#include "tests/tap.h"

#define DIGITS "0123456789012345678901234567890123"
#define META   "\"metadata\":{\"name\":\"tpguard-leader\",\"resourceVersion\":\"41\"}"

static void test_decode(void) {
    struct lease_record r = {0};
    struct err e = {0};
    ok(lease_decode(SPAN("{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\"," META
                         ",\"spec\":{\"holderIdentity\":\"a\",\"leaseDurationSeconds\":15,"
                         "\"acquireTime\":\"2026-11-22T12:00:00.000000Z\","
                         "\"renewTime\":\"2026-11-22T12:00:02.000000Z\",\"leaseTransitions\":7,"
                         "\"strategy\":\"S\",\"preferredHolder\":\"b\",\"other\":{}}}"),
                    &r, &e),
       "a whole Lease is read (%s)", e.msg);
    is_str(r.holder, "a", "holder");
    is_str(r.preferred, "b", "preferred holder");
    is_str(r.strategy, "S", "strategy");
    is_str(r.renewed, "2026-11-22T12:00:02.000000Z", "renewed");
    is_str(r.version, "41", "version");
    ok(r.duration_s == 15 && r.transitions == 7, "numbers");
    ok(lease_decode(SPAN("{" META "}"), &r, &e) && r.holder[0] == 0 && r.duration_s == 0,
       "one without a spec belongs to nobody");
    ok(lease_decode(SPAN("{" META ",\"spec\":{\"holderIdentity\":null}}"), &r, &e) && !r.holder[0],
       "so does one whose holder is null");
}

static void test_refusals(void) {
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"metadata\":{}}",
        "{\"metadata\":{\"resourceVersion\":7}}",
        "{" META ",\"spec\":[]}",
        "{" META ",\"spec\":{\"holderIdentity\":1}}",
        "{" META ",\"spec\":{\"leaseDurationSeconds\":-1}}",
        "{" META ",\"spec\":{\"leaseDurationSeconds\":2147483648}}",
        "{" META ",\"spec\":{\"leaseTransitions\":1.5}}",
        "{\"metadata\":{\"resourceVersion\":\"" DIGITS DIGITS "\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lease_record r = {.duration_s = 77};
        struct err e = {0};
        ok(!lease_decode(span_of(bad[i]), &r, &e) && r.duration_s == 77 && e.msg[0],
           "refused: %.50s (%s)", bad[i], e.msg);
    }
}

static void test_encode(void) {
    struct lease_record r = {.holder = "p\"1",
                             .version = "9",
                             .acquired = "A",
                             .renewed = "R",
                             .duration_s = 15,
                             .transitions = 2};
    char text[1024];
    struct buf b = BUF_OVER(text);
    lease_encode_patch(&r, &b);
    is_str(buf_cstr(&b),
           "{\"metadata\":{\"resourceVersion\":\"9\"},\"spec\":{\"holderIdentity\":\"p\\\"1\","
           "\"leaseDurationSeconds\":15,\"acquireTime\":\"A\",\"renewTime\":\"R\","
           "\"leaseTransitions\":2}}",
           "a patch says its version and what is ours");
    buf_reset(&b);
    lease_encode_new(&r, "n", &b);
    is_str(buf_cstr(&b),
           "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":"
           "\"n\"},\"spec\":{\"holderIdentity\":\"p\\\"1\",\"leaseDurationSeconds\":15,"
           "\"acquireTime\":\"A\",\"renewTime\":\"R\",\"leaseTransitions\":2}}",
           "a new one is whole");
    char now[LEASE_TIME_MAX];
    lease_time_text(1795348800007, now);
    is_str(now, "2026-11-22T12:00:00.007000Z", "the time has six places");
}

int main(void) {
    test_decode();
    test_refusals();
    test_encode();
    return tap_done();
}
