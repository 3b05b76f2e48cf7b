#include "webhook/sys/certs.h"

#include <openssl/crypto.h>

#include "webhook/sys/certs_inner.h"
#include "webhook/sys/clock.h"

static bool make_all(const char *common, const char *sans, struct certs *made, struct err *e) {
    AUTO(cert_free_key) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    AUTO(cert_free_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!ca_key || !key) {
        return cert_failed(e, "make a key");
    }
    int64_t now = clock_unix_s();
    struct certs_life life = {now - CERT_BACKDATED_S, now + (int64_t)CERT_DAYS * 86400};
    AUTO(cert_free) X509 *ca = cert_make_ca(ca_key, "tpguard self-signed CA", life);
    struct cert_issuer by = {ca, ca_key};
    AUTO(cert_free) X509 *cert = ca ? cert_make_server(&by, key, common, sans, life) : NULL;
    if (!cert) {
        return cert_failed(e, "make a certificate");
    }
    if (!cert_put(ca, &made->ca) || !cert_put(cert, &made->cert) || !cert_put(ca, &made->cert) ||
        !cert_put_key(key, &made->key)) {
        return cert_failed(e, "write a certificate");
    }
    return true;
}

bool certs_self_signed(const char *const *names, unsigned n, struct certs *out, struct err *e) {
    if (n > CERT_NAMES_MAX) {
        return err_set(e, ERR_TOO_LARGE, "at most %d names for the certificate", CERT_NAMES_MAX);
    }
    char text[CERT_NAMES_MAX * (CERT_NAME_MAX + 8)];
    struct buf sans = BUF_OVER(text);
    if (!cert_put_sans(names, n, &sans, e)) {
        return false;
    }
    struct certs made = {buf_new(CERT_PEM_MAX), buf_new(CERT_PEM_MAX), buf_new(CERT_PEM_MAX)};
    if (!make_all(names[0], buf_cstr(&sans), &made, e)) {
        certs_done(&made);
        return false;
    }
    *out = made;
    return true;
}

void certs_done(struct certs *c) {
    if (c->key.p) {
        OPENSSL_cleanse(c->key.p, c->key.cap);
    }
    buf_done(&c->ca);
    buf_done(&c->cert);
    buf_done(&c->key);
}
