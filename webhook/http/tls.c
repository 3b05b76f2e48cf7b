#include "webhook/http/tls.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct tls_credentials {
    gnutls_certificate_credentials_t cred;
    _Atomic unsigned holders;
    int64_t expires;
};

struct tls {
    pthread_mutex_t lock;
    struct tls_credentials *now;
};

void tls_release(struct tls_credentials *c) {
    if (c && atomic_fetch_sub(&c->holders, 1) == 1) {
        gnutls_certificate_free_credentials(c->cred);
        free(c);
    }
}

static gnutls_datum_t datum(struct span s) {
    /* GnuTLS has no const in its datum; it only reads. */
    union {
        const char *in;
        unsigned char *out;
    } p = {.in = s.p};
    return (gnutls_datum_t){.data = p.out, .size = (unsigned)s.n};
}

static bool expiry(struct span pem, int64_t *out, struct err *e) {
    gnutls_x509_crt_t list[1];
    unsigned n = 1;
    gnutls_datum_t d = datum(pem);
    /* More certificates than one are the chain; only the first is the server's own. */
    int rc = gnutls_x509_crt_list_import(list, &n, &d, GNUTLS_X509_FMT_PEM, 0);
    if (rc < 0) {
        return err_set(e, ERR_INPUT, "wants a certificate in PEM: %s", gnutls_strerror(rc));
    }
    *out = (int64_t)gnutls_x509_crt_get_expiration_time(list[0]);
    gnutls_x509_crt_deinit(list[0]);
    return true;
}

static struct tls_credentials *load(struct span cert, struct span key, struct err *e) {
    int64_t expires = 0;
    if (!expiry(cert, &expires, e)) {
        return NULL;
    }
    struct tls_credentials *c = calloc(1, sizeof *c);
    if (!c || gnutls_certificate_allocate_credentials(&c->cred) < 0) {
        free(c);
        err_set(e, ERR_INTERNAL, "no memory");
        return NULL;
    }
    atomic_init(&c->holders, 1);
    c->expires = expires;
    gnutls_datum_t d_cert = datum(cert);
    gnutls_datum_t d_key = datum(key);
    int rc = gnutls_certificate_set_x509_key_mem(c->cred, &d_cert, &d_key, GNUTLS_X509_FMT_PEM);
    if (rc < 0) {
        tls_release(c);
        err_set(e, ERR_INPUT, "wants a certificate and its key in PEM: %s", gnutls_strerror(rc));
        return NULL;
    }
    return c;
}

bool tls_new(struct span cert, struct span key, struct tls **out, struct err *e) {
    struct tls_credentials *c = load(cert, key, e);
    if (!c) {
        return false;
    }
    struct tls *t = calloc(1, sizeof *t);
    if (!t) {
        tls_release(c);
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    pthread_mutex_init(&t->lock, NULL);
    t->now = c;
    *out = t;
    return true;
}

void tls_free(struct tls *t) {
    if (t) {
        tls_release(t->now);
        pthread_mutex_destroy(&t->lock);
        free(t);
    }
}

bool tls_replace(struct tls *t, struct span cert, struct span key, struct err *e) {
    struct tls_credentials *c = load(cert, key, e);
    if (!c) {
        return false;
    }
    pthread_mutex_lock(&t->lock);
    struct tls_credentials *old = t->now;
    t->now = c;
    pthread_mutex_unlock(&t->lock);
    tls_release(old);
    return true;
}

int64_t tls_expires(struct tls *t) {
    pthread_mutex_lock(&t->lock);
    int64_t expires = t->now->expires;
    pthread_mutex_unlock(&t->lock);
    return expires;
}

struct tls_credentials *tls_attach(struct tls *t, gnutls_session_t session) {
    pthread_mutex_lock(&t->lock);
    struct tls_credentials *c = t->now;
    atomic_fetch_add(&c->holders, 1);
    pthread_mutex_unlock(&t->lock);
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, c->cred) < 0) {
        tls_release(c);
        return NULL;
    }
    return c;
}
