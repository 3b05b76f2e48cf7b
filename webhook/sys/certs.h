/* Certificates made at start, for whoever brings none: a CA of its own and a server certificate
 * signed by it (ECDSA P-256, as GnuTLS is four times slower with RSA). The keys stay in memory; the
 * CA's key is forgotten at once, so nothing else can ever be signed by it. */
#ifndef TPGUARD_SYS_CERTS_H
#define TPGUARD_SYS_CERTS_H

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"

#define CERT_NAMES_MAX 32
#define CERT_NAME_MAX  253
#define CERT_DAYS      730
#define CERT_PEM_MAX   ((size_t)64 * 1024)

/* PEM texts. */
struct certs {
    struct buf ca;
    struct buf cert; /* the server's, then the CA's */
    struct buf key;
};

/* names: DNS names and IP addresses for the SANs, at most CERT_NAMES_MAX; the first is the subject.
 * ERR_INPUT names the one that is neither. */
NODISCARD bool certs_self_signed(const char *const *names, unsigned n, struct certs *out,
                                 struct err *e);
void certs_done(struct certs *c); /* wipes the key */

#endif
