#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "webhook/sys/certs_inner.h"

/* Others may put longer chains into a Secret of theirs; the first is the server's. */
#define CHAIN_MAX 8

/* Without it OpenSSL asks at the terminal. */
static int no_password(char *to, int size, int writing, void *ctx) {
    (void)to;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static BIO *over(struct span pem) {
    return pem.n && pem.n <= CERT_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
}

EVP_PKEY *cert_read_key(struct span pem) {
    AUTO(cert_free_bio) BIO *bio = over(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    ERR_clear_error();
    return key;
}

static bool among(X509 *cert, X509 **certs, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (X509_cmp(cert, certs[i]) == 0) {
            return true;
        }
    }
    return false;
}

unsigned cert_read_all(struct span pem, X509 **out, unsigned max) {
    unsigned n = 0;
    AUTO(cert_free_bio) BIO *bio = over(pem);
    while (bio && n < max) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (!cert) {
            break;
        }
        if (among(cert, out, n)) {
            X509_free(cert);
        } else {
            out[n++] = cert;
        }
    }
    ERR_clear_error();
    return n;
}

void cert_free_all(X509 **certs, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        X509_free(certs[i]);
    }
}

static int64_t unix_of(const ASN1_TIME *t) {
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0;
    int seconds = 0;
    bool done = epoch && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1;
    ASN1_TIME_free(epoch);
    return done ? (int64_t)days * 86400 + seconds : 0;
}

static struct certs_life life_of(X509 *cert) {
    return (struct certs_life){unix_of(X509_get0_notBefore(cert)),
                               unix_of(X509_get0_notAfter(cert))};
}

static bool covers(X509 *cert, const char *const *names, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        bool good = cert_name_is_address(names[i])
                        ? X509_check_ip_asc(cert, names[i], 0) == 1
                        : X509_check_host(cert, names[i], strlen(names[i]),
                                          X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool signed_by(X509 *cert, X509 *ca) {
    return X509_check_issued(ca, cert) == X509_V_OK && X509_verify(cert, X509_get0_pubkey(ca)) == 1;
}

/* Which CA of the bundle the key belongs to. */
static int owner(X509 **ca, unsigned n, struct span pem) {
    AUTO(cert_free_key) EVP_PKEY *key = cert_read_key(pem);
    for (unsigned i = 0; key && i < n; i++) {
        if (X509_check_ca(ca[i]) > 0 && X509_check_private_key(ca[i], key) == 1) {
            return (int)i;
        }
    }
    return -1;
}

static void look_server(const struct certs_texts *t, X509 **ca, struct certs_seen *s) {
    X509 *chain[CHAIN_MAX];
    unsigned n = cert_read_all(t->cert, chain, CHAIN_MAX);
    if (n) {
        AUTO(cert_free_key) EVP_PKEY *key = cert_read_key(t->key);
        s->pair = key && X509_check_private_key(chain[0], key) == 1;
        s->names = covers(chain[0], t->names, t->n_names);
        s->life = life_of(chain[0]);
        for (unsigned i = 0; i < s->n_ca; i++) {
            bool it = signed_by(chain[0], ca[i]);
            s->chain |= it;
            s->by_signer |= it && (int)i == s->signer;
        }
    }
    cert_free_all(chain, n);
}

void certs_look(const struct certs_texts *t, struct certs_seen *out) {
    struct certs_seen s = {.signer = -1, .next = -1};
    X509 *ca[CERTS_BUNDLE_MAX];
    s.n_ca = cert_read_all(t->ca, ca, CERTS_BUNDLE_MAX);
    s.signer = owner(ca, s.n_ca, t->ca_key);
    s.next = owner(ca, s.n_ca, t->next_key);
    if (s.next == s.signer) {
        s.next = -1;
    }
    if (s.signer >= 0) {
        s.signs = life_of(ca[s.signer]);
    }
    if (s.next >= 0) {
        s.comes = life_of(ca[s.next]);
    }
    look_server(t, ca, &s);
    cert_free_all(ca, s.n_ca);
    ERR_clear_error();
    *out = s;
}

bool certs_bundle(struct span bundle, int first, bool rest, int64_t now, struct buf *out,
                  struct err *e) {
    X509 *ca[CERTS_BUNDLE_MAX];
    unsigned n = cert_read_all(bundle, ca, CERTS_BUNDLE_MAX);
    unsigned put = 0;
    bool done = true;
    if (first >= 0 && (unsigned)first < n) {
        done = cert_put(ca[first], out);
        put++;
    }
    for (unsigned i = 0; done && rest && i < n && put < CERTS_BUNDLE_MAX - 1; i++) {
        if ((int)i != first && life_of(ca[i]).not_after > now) {
            done = cert_put(ca[i], out);
            put++;
        }
    }
    cert_free_all(ca, n);
    return done || cert_failed(e, "write certificates");
}
