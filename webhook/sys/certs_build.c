#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "topology/span.h"
#include "webhook/sys/certs_inner.h"

void cert_free_key(EVP_PKEY **p) {
    EVP_PKEY_free(*p);
}
void cert_free(X509 **p) {
    X509_free(*p);
}
void cert_free_bio(BIO **p) {
    BIO_free_all(*p);
}

bool cert_failed(struct err *e, const char *what) {
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

static bool fill(X509 *cert, EVP_PKEY *key, const char *common, struct certs_life life) {
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)life.not_before) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)life.not_after) &&
           X509_set_pubkey(cert, key) == 1 && set_name(X509_get_subject_name(cert), common);
}

X509 *cert_make_ca(EVP_PKEY *key, const char *common, struct certs_life life) {
    X509 *ca = X509_new();
    if (ca && fill(ca, key, common, life) &&
        X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
        add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
        add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
        add_extension(ca, ca, NID_subject_key_identifier, "hash") &&
        X509_sign(ca, key, EVP_sha256())) {
        return ca;
    }
    X509_free(ca);
    return NULL;
}

X509 *cert_make_server(const struct cert_issuer *by, EVP_PKEY *key, const char *common,
                       const char *sans, struct certs_life life) {
    X509 *cert = X509_new();
    if (cert && fill(cert, key, common, life) &&
        X509_set_issuer_name(cert, X509_get_subject_name(by->ca)) == 1 &&
        add_extension(cert, by->ca, NID_basic_constraints, "critical,CA:FALSE") &&
        add_extension(cert, by->ca, NID_key_usage, "critical,digitalSignature") &&
        add_extension(cert, by->ca, NID_ext_key_usage, "serverAuth") &&
        add_extension(cert, by->ca, NID_subject_key_identifier, "hash") &&
        add_extension(cert, by->ca, NID_authority_key_identifier, "keyid:always") &&
        add_extension(cert, by->ca, NID_subject_alt_name, sans) &&
        X509_sign(cert, by->key, EVP_sha256())) {
        return cert;
    }
    X509_free(cert);
    return NULL;
}

bool cert_name_is_address(const char *name) {
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

bool cert_put_sans(const char *const *names, unsigned n, struct buf *out, struct err *e) {
    for (unsigned i = 0; i < n; i++) {
        bool address = cert_name_is_address(names[i]);
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

bool cert_put(X509 *cert, struct buf *out) {
    AUTO(cert_free_bio) BIO *bio = BIO_new(BIO_s_mem());
    return bio && PEM_write_bio_X509(bio, cert) == 1 && put_pem(bio, out);
}

bool cert_put_key(EVP_PKEY *key, struct buf *out) {
    AUTO(cert_free_bio) BIO *bio = BIO_new(BIO_s_secmem());
    return bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
           put_pem(bio, out);
}
