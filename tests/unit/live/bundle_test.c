/* Webhook configurations -> the patch that mends them. */
#include "webhook/live/bundle.h"

#include "tests/tap.h"

static const struct bundle_target target = {.service_ns = "ns", .service_name = "tpguard"};

#define META             "\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"7\"}"
#define HOOK(name, more) "{\"name\":\"" name "\",\"clientConfig\":{" more "}}"
#define OURS             "\"service\":{\"namespace\":\"ns\",\"name\":\"tpguard\",\"path\":\"/admit\"}"

#define DONE      HOOK("a", OURS ",\"caBundle\":\"Q0E=\"")
#define STRANGER  HOOK("b", "\"service\":{\"namespace\":\"ns\",\"name\":\"other\"}")
#define ELSEWHERE HOOK("c", "\"service\":{\"namespace\":\"other\",\"name\":\"tpguard\"}")
#define BY_URL    HOOK("d", "\"url\":\"https://127.0.0.1/x\"")
#define WRONG     HOOK("e", OURS ",\"caBundle\":\"eA==\"")

static void check(const char *text, const char *want, unsigned count, const char *what) {
    char out[2048];
    struct buf b = BUF_OVER(out);
    unsigned n = 99;
    struct err e = {0};
    bool done = bundle_patch(span_of(text), &target, SPAN("CA"), &b, &n, &e); /* Q0E= */
    ok(done && n == count && strcmp(buf_cstr(&b), want) == 0, "%s (%s%s)", what, e.path, e.msg);
    if (strcmp(buf_cstr(&b), want) != 0) {
        printf("#  got: %s\n# want: %s\n", buf_cstr(&b), want);
    }
}

static void test_patch(void) {
    check(
        "{" META ",\"webhooks\":[" HOOK("a", OURS) "]}",
        "{\"metadata\":{\"resourceVersion\":\"7\"},\"webhooks\":[{\"name\":\"a\",\"clientConfig\":"
        "{\"caBundle\":\"Q0E=\"}}]}",
        1, "a webhook without a bundle");
    check("{" META ",\"webhooks\":[" HOOK("a", OURS ",\"caBundle\":\"Q0E=\"") "]}", "", 0,
          "one that has it");
    static const char *const five =
        "{" META ",\"webhooks\":[" DONE "," STRANGER "," ELSEWHERE "," BY_URL "," WRONG "]}";
    check(
        five,
        "{\"metadata\":{\"resourceVersion\":\"7\"},\"webhooks\":[{\"name\":\"e\",\"clientConfig\":"
        "{\"caBundle\":\"Q0E=\"}}]}",
        1, "only ours, and only where it differs");
    check("{" META "}", "", 0, "no webhooks at all");
    check("{" META ",\"webhooks\":null}", "", 0, "null webhooks");
}

static void test_refusals(void) {
    static const char *const bad[] = {
        "",
        "{}",
        "{\"metadata\":{}}",
        "{" META ",\"webhooks\":{}}",
        "{" META ",\"webhooks\":[1]}",
        "{" META ",\"webhooks\":[{\"name\":\"a\"}]}",
        "{" META ",\"webhooks\":[{\"name\":1,\"clientConfig\":{}}]}",
        "{" META ",\"webhooks\":[{\"name\":\"a\",\"clientConfig\":{\"service\":[]}}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char out[512];
        struct buf b = BUF_OVER(out);
        unsigned n = 99;
        struct err e = {0};
        ok(!bundle_patch(span_of(bad[i]), &target, SPAN("CA"), &b, &n, &e) && n == 99,
           "refused: %.60s (%s: %s)", bad[i], e.path, e.msg);
    }
    struct buf many = buf_new(1 << 20);
    buf_str(&many, "{" META ",\"webhooks\":[");
    for (unsigned i = 0; i < 300; i++) {
        buf_fmt(&many, "%s{\"name\":\"n%u\",\"clientConfig\":{" OURS "}}", i ? "," : "", i);
    }
    buf_str(&many, "]}");
    struct buf out = buf_new(1 << 20);
    unsigned n = 0;
    struct err e = {0};
    ok(!bundle_patch(buf_view(&many), &target, SPAN("CA"), &out, &n, &e) && e.code == ERR_TOO_LARGE,
       "too many webhooks: %s", e.msg);
    buf_done(&many);
    buf_done(&out);
}

int main(void) {
    test_patch();
    test_refusals();
    return tap_done();
}
