/* The server's certificate, which can be replaced while connections are open: each connection holds
 * the one it began with, the last to let go frees it. Thread-safe. */
#ifndef TPGUARD_HTTP_TLS_H
#define TPGUARD_HTTP_TLS_H

#include <stdint.h>

#include <gnutls/gnutls.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"

/* TLS 1.2 is what Kubernetes asks for at least. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls;
struct tls_credentials;

/* PEM texts. ERR_INPUT when they are no certificate and its key. */
NODISCARD bool tls_new(struct span cert, struct span key, struct tls **out, struct err *e);
void tls_free(struct tls *t);

/* From now on new connections get this one; on failure the old one stays. */
NODISCARD bool tls_replace(struct tls *t, struct span cert, struct span key, struct err *e);

int64_t tls_expires(struct tls *t); /* Unix seconds */

/* For a connection whose handshake has not begun. NULL: the session takes no certificate. */
struct tls_credentials *tls_attach(struct tls *t, gnutls_session_t session);
void tls_release(struct tls_credentials *c);

#endif
