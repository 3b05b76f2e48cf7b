/* The shared Secret as text. */
#include "webhook/live/issue_secret.h"

#include "tests/tap.h"

#define META "\"metadata\":{\"resourceVersion\":\"7\"}"

#define BAD_MARK                                                                                   \
    "{\"metadata\":{\"resourceVersion\":\"1\",\"annotations\":{\"tpguard.io/issuer\":true}}}"

static struct issue_secret decode(const char *text) {
    struct issue_secret s = issue_secret_new();
    struct err e = {0};
    issue_secret_done(&s);
    ok(issue_secret_decode(span_of(text), &s, &e), "read: %.60s (%s)", text, e.msg);
    return s;
}

static void test_decode(void) {
    struct issue_secret s = decode(
        "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"tpguard.io/issuer\":"
        "\"tpguard\",\"tpguard.io/next-ca-since\":\"2026-11-22T12:00:00Z\","
        "\"tpguard.io/old-ca-since\":\"yesterday\",\"x\":1}},\"type\":\"kubernetes.io/tls\","
        "\"data\":{\"tls.crt\":\"Y2VydA==\",\"tls.key\":\"a2V5\",\"ca.key\":null,\"z\":\"\"}}");
    ok(s.exists && s.ours, "it is there, and ours");
    is_str(s.version, "7", "version");
    is_int(s.next_since, 1795348800, "a time");
    is_int(s.old_since, 0, "no time");
    is_str(buf_cstr(&s.part[ISSUE_CERT]), "cert", "certificate");
    is_str(buf_cstr(&s.part[ISSUE_KEY]), "key", "key");
    ok(s.there[ISSUE_CERT] && !s.there[ISSUE_CA] && !s.there[ISSUE_CA_KEY], "what is there");
    issue_secret_done(&s);
    s = decode("{" META ",\"data\":{\"tls.crt\":\"!\",\"tls.key\":7}}");
    ok(!s.ours && s.there[ISSUE_CERT] && s.there[ISSUE_KEY] && !s.part[ISSUE_CERT].n &&
           !s.part[ISSUE_KEY].n,
       "what is no text is there and of no use");
    issue_secret_done(&s);
    s = decode("{" META ",\"data\":{\"tls.crt\":\"\",\"tls.key\":\"\"}}");
    ok(s.exists && !s.there[ISSUE_CERT] && !s.there[ISSUE_KEY], "empty values are nothing");
    issue_secret_done(&s);
    struct buf big = buf_new(1 << 20);
    buf_str(&big, "{" META ",\"data\":{\"tls.crt\":\"");
    buf_fill(&big, 'A', 400000);
    buf_str(&big, "\"}}");
    s = decode(buf_cstr(&big));
    ok(s.there[ISSUE_CERT] && !s.part[ISSUE_CERT].n && buf_ok(&s.part[ISSUE_CERT]),
       "one that is too large is of no use");
    issue_secret_done(&s);
    buf_done(&big);
}

static void test_refusals(void) {
    static const char *const bad[] = {
        "",      "[]", "{}", "{\"metadata\":{\"resourceVersion\":1}}", "{" META ",\"data\":[]}",
        BAD_MARK};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct issue_secret s;
        struct err e = {0};
        ok(!issue_secret_decode(span_of(bad[i]), &s, &e), "refused: %.60s (%s)", bad[i], e.msg);
    }
}

static void test_encode(void) {
    struct issue_secret s = issue_secret_new();
    char text[2048];
    struct buf b = BUF_OVER(text);
    buf_str(&s.part[ISSUE_CERT], "cert");
    buf_str(&s.part[ISSUE_NEXT_KEY], "k");
    s.next_since = 1795348800;
    memcpy(s.version, "7", 2);
    issue_secret_encode_new(&s, "n", &b);
    is_str(buf_cstr(&b),
           "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"type\":\"kubernetes.io/tls\",\"metadata\":"
           "{\"name\":\"n\",\"annotations\":{\"tpguard.io/issuer\":\"tpguard\","
           "\"tpguard.io/next-ca-since\":\"2026-11-22T12:00:00Z\"}},\"data\":{\"tls.crt\":"
           "\"Y2VydA==\",\"next-ca.key\":\"aw==\"}}",
           "a new one");
    buf_reset(&b);
    s.next_since = 0;
    issue_secret_encode_patch(&s, &b);
    is_str(buf_cstr(&b),
           "{\"metadata\":{\"resourceVersion\":\"7\",\"annotations\":{\"tpguard.io/issuer\":"
           "\"tpguard\",\"tpguard.io/next-ca-since\":null,\"tpguard.io/old-ca-since\":null}},"
           "\"data\":{\"tls.crt\":\"Y2VydA==\",\"tls.key\":null,\"ca.crt\":null,\"ca.key\":null,"
           "\"next-ca.key\":\"aw==\"}}",
           "a patch takes away what is not there");
    issue_secret_done(&s);
}

int main(void) {
    test_decode();
    test_refusals();
    test_encode();
    return tap_done();
}
