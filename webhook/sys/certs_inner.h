/* Certificates as OpenSSL has them: inside webhook/sys/certs*.c. */
#ifndef TPGUARD_SYS_CERTS_INNER_H
#define TPGUARD_SYS_CERTS_INNER_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/sys/certs_issue.h"

/* A clock behind ours still takes the certificate. */
#define CERT_BACKDATED_S 3600

void cert_free_key(EVP_PKEY **p);
void cert_free(X509 **p);
void cert_free_bio(BIO **p);

/* "cannot WHAT: " and OpenSSL's reason. Always false. */
bool cert_failed(struct err *e, const char *what);

struct cert_issuer {
    X509 *ca;
    EVP_PKEY *key;
};
/* NULL: OpenSSL says why. sans is in the syntax of its configuration files. */
X509 *cert_make_ca(EVP_PKEY *key, const char *common, struct certs_life life);
X509 *cert_make_server(const struct cert_issuer *by, EVP_PKEY *key, const char *common,
                       const char *sans, struct certs_life life);

bool cert_name_is_address(const char *name);
/* The names in that syntax; ERR_INPUT names the one that is neither DNS name nor address. */
NODISCARD bool cert_put_sans(const char *const *names, unsigned n, struct buf *out, struct err *e);

/* As PEM. */
NODISCARD bool cert_put(X509 *cert, struct buf *out);
NODISCARD bool cert_put_key(EVP_PKEY *key, struct buf *out);

/* Out of PEM. A key that wants a password is none. */
EVP_PKEY *cert_read_key(struct span pem);
/* The certificates in it, at most max, in order, each once; ends at the first that cannot be read.
 */
unsigned cert_read_all(struct span pem, X509 **out, unsigned max);
void cert_free_all(X509 **certs, unsigned n);

#endif
