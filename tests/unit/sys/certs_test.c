/* The self-signed certificates, read back with GnuTLS: another library than the one that made them,
 * and the one that serves them. */
#include "webhook/sys/certs.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

#include "tests/tap.h"

static gnutls_x509_crt_t read_cert(const struct buf *pem) {
    gnutls_x509_crt_t c;
    gnutls_datum_t d = {(unsigned char *)pem->p, (unsigned)pem->n};
    gnutls_x509_crt_init(&c);
    if (gnutls_x509_crt_import(c, &d, GNUTLS_X509_FMT_PEM) < 0) {
        gnutls_x509_crt_deinit(c);
        return NULL;
    }
    return c;
}

static void test_refusals(void) {
    static const char *const bad[] = {"",       "a b", "a,DNS:evil",  "-x", ".x",
                                      "x..y",   "x:y", "a/b",         "*.", "a\nb",
                                      "1.2.3.", "a*b", "caf\xC3\xA9", "x=y"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct certs c = {0};
        struct err e = {0};
        const char *names[] = {"localhost", bad[i]};
        bool refused = !certs_self_signed(names, 2, &c, &e);
        /* A dot at the end is a fully qualified name. */
        bool wanted = strcmp(bad[i], "1.2.3.") != 0;
        ok(refused == wanted && (!refused || (e.code == ERR_INPUT && c.cert.p == NULL)),
           "\"%s\" is %s", bad[i][0] == 'a' && bad[i][1] == '\n' ? "a line end" : bad[i],
           wanted ? "no name for a certificate" : "a name");
        certs_done(&c);
    }
    struct certs c = {0};
    struct err e = {0};
    const char *many[CERT_NAMES_MAX + 1];
    for (unsigned i = 0; i <= CERT_NAMES_MAX; i++) {
        many[i] = "localhost";
    }
    ok(!certs_self_signed(many, 0, &c, &e), "no name at all is refused");
    ok(!certs_self_signed(many, CERT_NAMES_MAX + 1, &c, &e) && e.code == ERR_TOO_LARGE,
       "too many names are refused");
}

static unsigned verify(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca) {
    unsigned status = 0;
    gnutls_x509_trust_list_t list;
    gnutls_x509_trust_list_init(&list, 0);
    gnutls_x509_trust_list_add_cas(list, &ca, 1, 0);
    gnutls_x509_trust_list_verify_crt(list, &cert, 1, 0, &status, NULL);
    gnutls_x509_trust_list_deinit(list, 0);
    return status;
}

static void test_names(gnutls_x509_crt_t cert) {
    static const struct {
        const char *name;
        bool covered;
    } rows[] = {
        {"localhost", true},     {"tpguard.tpguard-system.svc", true},
        {"127.0.0.1", true},     {"::1", true},
        {"x.example.org", true}, {"example.org", false},
        {"127.0.0.2", false},    {"tpguard", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool got = gnutls_x509_crt_check_hostname(cert, rows[i].name) != 0;
        ok(got == rows[i].covered, "the certificate is %sgood for %s",
           rows[i].covered ? "" : "not ", rows[i].name);
    }
}

static void test_form(gnutls_x509_crt_t cert, gnutls_x509_crt_t ca) {
    unsigned bits = 0;
    unsigned critical = 0;
    unsigned usage = 0;
    ok(gnutls_x509_crt_get_pk_algorithm(cert, &bits) == GNUTLS_PK_ECDSA && bits == 256,
       "the key is ECDSA P-256");
    ok(gnutls_x509_crt_get_ca_status(ca, &critical) == 1 && critical, "the CA is a CA");
    ok(gnutls_x509_crt_get_ca_status(cert, &critical) == 0, "the server's certificate is none");
    ok(gnutls_x509_crt_get_key_usage(cert, &usage, &critical) == 0 &&
           usage == GNUTLS_KEY_DIGITAL_SIGNATURE,
       "its key signs and does nothing else");
    time_t now = time(NULL);
    ok(gnutls_x509_crt_get_activation_time(cert) < now - 1800,
       "a client whose clock is half an hour behind takes it");
    time_t days = (gnutls_x509_crt_get_expiration_time(cert) - now) / 86400;
    ok(days >= CERT_DAYS - 1 && days <= CERT_DAYS, "it lives for the stated time");
}

static void test_good(void) {
    const char *names[] = {"localhost", "127.0.0.1", "::1", "tpguard.tpguard-system.svc",
                           "*.example.org"};
    struct certs c = {0};
    struct certs other = {0};
    struct err e = {0};
    if (!ok(certs_self_signed(names, 5, &c, &e) && certs_self_signed(names, 1, &other, &e),
            "certificates are made (%s)", e.msg)) {
        return;
    }
    gnutls_x509_crt_t ca = read_cert(&c.ca);
    gnutls_x509_crt_t cert = read_cert(&c.cert);
    gnutls_x509_crt_t stranger = read_cert(&other.ca);
    if (ok(ca && cert && stranger, "GnuTLS reads them")) {
        is_int(verify(cert, ca), 0, "the CA vouches for the server's certificate");
        ok(verify(cert, stranger) != 0, "the CA of another start, of the same name, does not");
        test_names(cert);
        test_form(cert, ca);
    }
    gnutls_x509_crt_deinit(ca);
    gnutls_x509_crt_deinit(cert);
    gnutls_x509_crt_deinit(stranger);
    certs_done(&c);
    certs_done(&other);
}

int main(void) {
    test_refusals();
    test_good();
    return tap_done();
}
