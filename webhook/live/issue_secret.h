/* The Secret that all replicas share, as text. Type kubernetes.io/tls:
 *
 *   metadata.annotations  tpguard.io/issuer: tpguard       ours; without it never written
 *                         tpguard.io/next-ca-since: TIME   when the next CA was published
 *                         tpguard.io/old-ca-since: TIME    when the old one signed for the last
 * time data  tls.crt      the server's certificate, then its CA's tls.key ca.crt       the CA, and
 * during its rotation the next or the old one as well ca.key       of the CA that signs next-ca.key
 * of the CA that is published to sign later
 *
 * To bring a certificate of your own, put it into a Secret without that annotation. */
#ifndef TPGUARD_LIVE_ISSUE_SECRET_H
#define TPGUARD_LIVE_ISSUE_SECRET_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"

#define ISSUE_SECRET_MAX ((size_t)2 * 1024 * 1024) /* Kubernetes keeps at most 1 MiB of data */

enum issue_part { ISSUE_CERT, ISSUE_KEY, ISSUE_CA, ISSUE_CA_KEY, ISSUE_NEXT_KEY, ISSUE_PART_COUNT };

struct issue_secret {
    bool exists;
    bool ours;
    char version[64];                  /* metadata.resourceVersion */
    struct buf part[ISSUE_PART_COUNT]; /* decoded; empty when not there or of no use */
    bool there[ISSUE_PART_COUNT];      /* some bytes are there, good or bad */
    int64_t next_since;                /* Unix seconds; 0 not said, or not a time */
    int64_t old_since;
};

struct issue_secret issue_secret_new(void);     /* nothing there */
void issue_secret_done(struct issue_secret *s); /* wipes; NULL is fine */

/* What is wrong with a part makes that part empty, not the whole an error. */
NODISCARD bool issue_secret_decode(struct span text, struct issue_secret *out, struct err *e);
/* For POST. */
void issue_secret_encode_new(const struct issue_secret *s, const char *name, struct buf *out);
/* For PATCH, merge: 409 when the Secret is not of s->version any more. */
void issue_secret_encode_patch(const struct issue_secret *s, struct buf *out);

#endif
