/* Who we are and whom we trust, kept fresh: the token of a file and the CA of a file, both rotated
 * under our feet in a pod. Any thread; no file is read under the lock. */
#ifndef TPGUARD_KUBE_CREDS_H
#define TPGUARD_KUBE_CREDS_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/kube/config.h"

/* A token of a file is read again when it is older than this. */
#define CREDS_TOKEN_US INT64_C(60000000)

struct creds;
NODISCARD bool creds_new(const struct kube_config *c, struct creds **out, struct err *e);
void creds_free(struct creds *c); /* wipes; NULL is fine */

/* The token, appended to out (made by buf_new); nothing when there is none. A file that cannot be
 * read now leaves the token that was good before; without one that is an error. */
NODISCARD bool creds_token(struct creds *c, struct buf *out, struct err *e);
/* The server refused `token` (401): reads the file again. true when there is another one now. */
bool creds_refused(struct creds *c, struct span token);
/* The CA's PEM text, appended to out; nothing: the system's. */
void creds_ca(struct creds *c, struct buf *out);

#endif
