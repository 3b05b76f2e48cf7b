/* Certificate and key given to GnuTLS, and exchanged for others. */
#include "webhook/http/tls.h"

#include <time.h>

#include "tests/tap.h"
#include "webhook/sys/certs.h"

static void test_replace(const struct certs *c, const struct certs *other) {
    struct err e = {0};
    struct tls *t = NULL;
    ok(tls_new(buf_view(&c->cert), buf_view(&c->key), &t, &e), "the server takes the pair");
    ok(!tls_replace(t, buf_view(&c->cert), buf_view(&other->key), &e) && e.code == ERR_INPUT,
       "a key of another certificate is refused");
    ok(!tls_replace(t, SPAN("-----BEGIN CERTIFICATE-----\n"), buf_view(&c->key), &e),
       "a cut certificate is refused");
    ok(!tls_replace(t, SPAN(""), SPAN(""), &e), "an empty one is refused");
    ok(tls_expires(t) > (int64_t)time(NULL), "after the refusals the first is still there");
    ok(tls_replace(t, buf_view(&other->cert), buf_view(&other->key), &e),
       "a good pair replaces it");
    tls_free(t);
}

int main(void) {
    const char *names[] = {"localhost", "127.0.0.1"};
    struct certs c = {0};
    struct certs other = {0};
    struct err e = {0};
    if (ok(certs_self_signed(names, 2, &c, &e) && certs_self_signed(names, 1, &other, &e),
           "certificates are made (%s)", e.msg)) {
        test_replace(&c, &other);
    }
    certs_done(&c);
    certs_done(&other);
    return tap_done();
}
