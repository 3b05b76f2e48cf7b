#include "webhook/sys/certs_issue.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/rand.h>

#include "webhook/sys/certs_inner.h"

bool certs_make_ca(struct certs_life life, struct buf *cert, struct buf *key, struct err *e) {
    unsigned char random[4];
    if (RAND_bytes(random, sizeof random) != 1) {
        return cert_failed(e, "get random bytes");
    }
    char name[32];
    struct buf common = BUF_OVER(name);
    buf_fmt(&common, "tpguard CA %02x%02x%02x%02x", random[0], random[1], random[2], random[3]);
    AUTO(cert_free_key) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    AUTO(cert_free) X509 *ca = ca_key ? cert_make_ca(ca_key, name, life) : NULL;
    if (!ca || !cert_put(ca, cert) || !cert_put_key(ca_key, key)) {
        return cert_failed(e, "make a CA");
    }
    return true;
}

static X509 *find_signer(X509 **ca, unsigned n, EVP_PKEY *key) {
    for (unsigned i = 0; key && i < n; i++) {
        if (X509_check_private_key(ca[i], key) == 1) {
            return ca[i];
        }
    }
    return NULL;
}

static bool sign(const struct certs_order *o, const struct cert_issuer *by, struct buf *cert,
                 struct buf *key, struct err *e) {
    char text[CERT_NAMES_MAX * (CERT_NAME_MAX + 8)];
    struct buf sans = BUF_OVER(text);
    if (o->n_names > CERT_NAMES_MAX) {
        return err_set(e, ERR_TOO_LARGE, "at most %d names for the certificate", CERT_NAMES_MAX);
    }
    if (!cert_put_sans(o->names, o->n_names, &sans, e)) {
        return false;
    }
    AUTO(cert_free_key) EVP_PKEY *own = EVP_EC_gen("P-256");
    AUTO(cert_free)
    X509 *made = own ? cert_make_server(by, own, o->names[0], text, o->life) : NULL;
    if (!made || !cert_put(made, cert) || !cert_put(by->ca, cert) || !cert_put_key(own, key)) {
        return cert_failed(e, "make a certificate");
    }
    return true;
}

bool certs_sign(const struct certs_order *o, struct buf *cert, struct buf *key, struct err *e) {
    X509 *ca[CERTS_BUNDLE_MAX];
    unsigned n = cert_read_all(o->ca, ca, CERTS_BUNDLE_MAX);
    AUTO(cert_free_key) EVP_PKEY *ca_key = cert_read_key(o->ca_key);
    struct cert_issuer by = {find_signer(ca, n, ca_key), ca_key};
    bool done =
        by.ca ? sign(o, &by, cert, key, e)
              : err_set(e, ERR_INPUT, "the key of the CA belongs to none of its certificates");
    cert_free_all(ca, n);
    return done;
}

void certs_wipe(struct buf *secret) {
    if (secret->p) {
        OPENSSL_cleanse(secret->p, secret->cap);
    }
    buf_done(secret);
}
