/* A CA that is kept, certificates signed by it, and what a set of texts is worth. */
#include "webhook/sys/certs_issue.h"

#include <time.h>

#include "tests/tap.h"

static const char *const names[] = {"tpguard.ns.svc", "127.0.0.1", "*.example.org"};

struct ca {
    struct buf cert;
    struct buf key;
};

static struct ca make_ca(int64_t from, int64_t to) {
    struct ca c = {buf_new(CERT_PEM_MAX), buf_new(CERT_PEM_MAX)};
    struct err e = {0};
    struct certs_life life = {from, to};
    ok(certs_make_ca(life, &c.cert, &c.key, &e), "a CA is made (%s)", e.msg);
    return c;
}

static void free_ca(struct ca *c) {
    buf_done(&c->cert);
    certs_wipe(&c->key);
}

struct fixture {
    int64_t now;
    struct ca a;
    struct ca b;
    struct buf both;
    struct buf cert;
    struct buf key;
};

static struct fixture begin(void) {
    int64_t now = (int64_t)time(NULL);
    struct fixture f = {.now = now, .a = make_ca(now - 10, now + 1000)};
    f.b = make_ca(now - 10, now + 2000);
    f.both = buf_new(CERT_PEM_MAX);
    buf_span(&f.both, buf_view(&f.a.cert));
    buf_span(&f.both, buf_view(&f.b.cert));
    f.cert = buf_new(CERT_PEM_MAX);
    f.key = buf_new(CERT_PEM_MAX);
    struct certs_order o = {.ca = buf_view(&f.both),
                            .ca_key = buf_view(&f.b.key),
                            .names = names,
                            .n_names = 3,
                            .life = {now - 10, now + 500}};
    struct err e = {0};
    ok(certs_sign(&o, &f.cert, &f.key, &e), "the CA of the key signs (%s)", e.msg);
    return f;
}

static void end(struct fixture *f) {
    free_ca(&f->a);
    free_ca(&f->b);
    buf_done(&f->both);
    buf_done(&f->cert);
    certs_wipe(&f->key);
}

static struct certs_seen look(const struct fixture *f, struct span ca, struct span ca_key,
                              struct span next_key) {
    struct certs_texts t = {buf_view(&f->cert), buf_view(&f->key), ca, ca_key, next_key, names, 3};
    struct certs_seen s;
    certs_look(&t, &s);
    return s;
}

static void test_look(const struct fixture *f) {
    struct span both = buf_view(&f->both);
    struct span a_key = buf_view(&f->a.key);
    struct span b_key = buf_view(&f->b.key);
    struct certs_seen s = look(f, both, b_key, SPAN(""));
    ok(s.pair && s.names && s.chain && s.by_signer, "all of it is right");
    ok(s.n_ca == 2 && s.signer == 1 && s.next == -1, "the signer is found in the bundle");
    ok(s.life.not_before == f->now - 10 && s.life.not_after == f->now + 500, "its life is read");
    ok(s.signs.not_after == f->now + 2000, "and that of the signer");
    s = look(f, both, a_key, b_key);
    ok(s.chain && !s.by_signer && s.signer == 0 && s.next == 1 &&
           s.comes.not_after == f->now + 2000,
       "signed by the next CA, not by the signer");
    s = look(f, both, b_key, b_key);
    ok(s.signer == 1 && s.next == -1, "one CA is not both");
    s = look(f, buf_view(&f->a.cert), b_key, SPAN(""));
    ok(s.pair && !s.chain && s.signer == -1, "a bundle without the CA does not vouch for it");
    s = look(f, SPAN(""), SPAN(""), SPAN(""));
    ok(s.pair && !s.chain && s.n_ca == 0, "no bundle at all: still a pair");
    s = look(f, buf_view(&f->cert), b_key, SPAN(""));
    ok(s.signer == 1 && s.n_ca == 2, "a server's certificate in the bundle is passed over (%d)",
       s.signer);
}

static void test_broken(const struct fixture *f) {
    static const char *const junk[] = {
        "", "x", "-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"};
    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++) {
        struct span j = span_of(junk[i]);
        struct certs_texts t = {j, j, j, j, j, names, 3};
        struct certs_seen s;
        certs_look(&t, &s);
        ok(!s.pair && !s.names && !s.chain && s.n_ca == 0 && s.signer == -1 && s.next == -1,
           "junk %zu is worth nothing", i);
    }
    struct certs_texts t = {
        .cert = buf_view(&f->cert), .key = buf_view(&f->a.key), .names = names, .n_names = 3};
    struct certs_seen s;
    certs_look(&t, &s);
    ok(!s.pair && s.names, "a key of another certificate is no pair");
    static const char *const more[] = {"tpguard.ns.svc", "other.ns.svc"};
    t = (struct certs_texts){
        .cert = buf_view(&f->cert), .key = buf_view(&f->key), .names = more, .n_names = 2};
    certs_look(&t, &s);
    ok(s.pair && !s.names, "a name that it does not hold is seen");
}

static void test_order(const struct fixture *f) {
    struct buf cert = buf_new(CERT_PEM_MAX);
    struct buf key = buf_new(CERT_PEM_MAX);
    struct certs_order o = {.ca = buf_view(&f->a.cert),
                            .ca_key = buf_view(&f->b.key),
                            .names = names,
                            .n_names = 3,
                            .life = {f->now, f->now + 1}};
    struct err e = {0};
    ok(!certs_sign(&o, &cert, &key, &e) && e.code == ERR_INPUT, "a key without its CA: %s", e.msg);
    o.ca_key = buf_view(&f->a.key);
    static const char *const bad[] = {"a b"};
    o.names = bad;
    o.n_names = 1;
    ok(!certs_sign(&o, &cert, &key, &e), "a name that is none: %s", e.msg);
    o.n_names = 0;
    ok(!certs_sign(&o, &cert, &key, &e), "no name: %s", e.msg);
    buf_done(&cert);
    certs_wipe(&key);
}

static void test_bundle(const struct fixture *f) {
    struct err e = {0};
    struct buf out = buf_new(CERT_PEM_MAX);
    struct buf twice = buf_new(CERT_PEM_MAX);
    buf_span(&twice, buf_view(&f->both));
    buf_span(&twice, buf_view(&f->a.cert));
    ok(certs_bundle(buf_view(&twice), 1, true, f->now, &out, &e), "a bundle is written again");
    struct certs_seen s = look(f, buf_view(&out), buf_view(&f->b.key), buf_view(&f->a.key));
    ok(s.n_ca == 2 && s.signer == 0 && s.next == 1, "the first first, each once");
    buf_reset(&out);
    ok(certs_bundle(buf_view(&twice), 1, true, f->now + 1500, &out, &e) &&
           span_eq(buf_view(&out), buf_view(&f->b.cert)),
       "without those that have ended");
    buf_reset(&out);
    ok(certs_bundle(buf_view(&twice), 0, false, f->now, &out, &e) &&
           span_eq(buf_view(&out), buf_view(&f->a.cert)),
       "the first alone");
    buf_reset(&out);
    ok(certs_bundle(SPAN("junk"), -1, true, f->now, &out, &e) && out.n == 0, "nothing of junk");
    buf_done(&out);
    buf_done(&twice);
}

int main(void) {
    struct fixture f = begin();
    test_look(&f);
    test_broken(&f);
    test_order(&f);
    test_bundle(&f);
    end(&f);
    return tap_done();
}
