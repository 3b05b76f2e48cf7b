#include "webhook/sys/certs.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "topology/span.h"

/* A clock behind ours still takes the certificate. */
#define BACKDATED_S 3600

static void free_key(EVP_PKEY **p) {
    EVP_PKEY_free(*p);
}
static void free_cert(X509 **p) {
    X509_free(*p);
}
static void free_bio(BIO **p) {
    BIO_free_all(*p);
}

static bool ssl_failed(struct err *e, const char *what) {
    unsigned long code = ERR_peek_last_error();
    const char *why = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return err_set(e, ERR_INTERNAL, "cannot %s: %s", what, why ? why : "no reason given");
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value) {
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *x = X509V3_EXT_nconf_nid(NULL, &ctx, nid, value);
    bool done = x && X509_add_ext(cert, x, -1) == 1;
    X509_EXTENSION_free(x);
    return done;
}

/* 128 random bits, positive: two CAs of the same name never give out the same serial. */
static bool set_serial(X509 *cert) {
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7F) | 0x40);
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
    BN_free(n);
    return done;
}

static bool set_name(X509_NAME *name, const char *common) {
    /* A common name has at most 64 characters; clients read the SANs. */
    struct span cn = span_upto(span_of(common), 64);
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"tpguard", -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn.p,
                                      (int)cn.n, -1, 0) == 1;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *common) {
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATED_S) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), (long)CERT_DAYS * 86400) &&
           X509_set_pubkey(cert, key) == 1 && set_name(X509_get_subject_name(cert), common);
}

static X509 *make_ca(EVP_PKEY *key, const char *common) {
    X509 *ca = X509_new();
    if (ca && fill(ca, key, common) && X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
        X509_sign(ca, key, EVP_sha256())) {
        return ca;
    }
    X509_free(ca);
    return NULL;
}

static X509 *make_server(X509 *ca, EVP_PKEY *ca_key, EVP_PKEY *key, const char *common,
                         const char *sans) {
    X509 *cert = X509_new();
    if (cert && fill(cert, key, common) &&
        X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
        add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
        add_extension(cert, ca, NID_authority_key_identifier, "keyid:always") &&
        add_extension(cert, ca, NID_subject_alt_name, sans) &&
        X509_sign(cert, ca_key, EVP_sha256())) {
        return cert;
    }
    X509_free(cert);
    return NULL;
}

static bool is_address(const char *name) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Letters, digits, '-', '.', a leading "*."; nothing that OpenSSL's list syntax would read as its
 * own. */
static bool is_dns(struct span s) {
    if (span_starts(s, "*.")) {
        s = span_from(s, 2);
    }
    if (s.n == 0 || s.n > CERT_NAME_MAX || s.p[0] == '.' || s.p[0] == '-') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = span_lower(s.p[i]);
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                    (c == '.' && s.p[i - 1] != '.');
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool put_sans(const char *const *names, unsigned n, struct buf *out, struct err *e) {
    for (unsigned i = 0; i < n; i++) {
        bool address = is_address(names[i]);
        if (!address && !is_dns(span_of(names[i]))) {
            return err_set(e, ERR_INPUT,
                           "wants a DNS name or an IP address for the certificate, found \"%.80s\"",
                           names[i]);
        }
        buf_fmt(out, "%s%s:%s", i ? "," : "", address ? "IP" : "DNS", names[i]);
    }
    return n > 0 || err_set(e, ERR_INPUT, "wants a name for the certificate, found none");
}

static bool put_pem(BIO *bio, struct buf *out) {
    char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    if (n > 0) {
        buf_put(out, text, (size_t)n);
    }
    return n > 0 && buf_ok(out);
}

static bool put_cert(X509 *cert, struct buf *out) {
    AUTO(free_bio) BIO *bio = BIO_new(BIO_s_mem());
    return bio && PEM_write_bio_X509(bio, cert) == 1 && put_pem(bio, out);
}

static bool put_key(EVP_PKEY *key, struct buf *out) {
    AUTO(free_bio) BIO *bio = BIO_new(BIO_s_secmem());
    return bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
           put_pem(bio, out);
}

static bool make_all(const char *common, const char *sans, struct certs *made, struct err *e) {
    AUTO(free_key) EVP_PKEY *ca_key = EVP_EC_gen("P-256");
    AUTO(free_key) EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!ca_key || !key) {
        return ssl_failed(e, "make a key");
    }
    AUTO(free_cert) X509 *ca = make_ca(ca_key, "tpguard self-signed CA");
    AUTO(free_cert) X509 *cert = ca ? make_server(ca, ca_key, key, common, sans) : NULL;
    if (!cert) {
        return ssl_failed(e, "make a certificate");
    }
    if (!put_cert(ca, &made->ca) || !put_cert(cert, &made->cert) || !put_cert(ca, &made->cert) ||
        !put_key(key, &made->key)) {
        return ssl_failed(e, "write a certificate");
    }
    return true;
}

bool certs_self_signed(const char *const *names, unsigned n, struct certs *out, struct err *e) {
    if (n > CERT_NAMES_MAX) {
        return err_set(e, ERR_TOO_LARGE, "at most %d names for the certificate", CERT_NAMES_MAX);
    }
    char text[CERT_NAMES_MAX * (CERT_NAME_MAX + 8)];
    struct buf sans = BUF_OVER(text);
    if (!put_sans(names, n, &sans, e)) {
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
