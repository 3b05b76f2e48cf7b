/* A CA that is kept, and server certificates signed by it again and again (ECDSA P-256). All in PEM
 * texts; keys are wiped by whoever holds them (certs_wipe). */
#ifndef TPGUARD_SYS_CERTS_ISSUE_H
#define TPGUARD_SYS_CERTS_ISSUE_H

#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/sys/certs.h"

#define CERTS_BUNDLE_MAX 8 /* CAs in one bundle; more are not looked at */

struct certs_life {
    int64_t not_before; /* Unix seconds */
    int64_t not_after;
};

/* cert and key: made by buf_new, appended to. The subject has random bits in it: clients tell CAs
 * by their names. */
NODISCARD bool certs_make_ca(struct certs_life life, struct buf *cert, struct buf *key,
                             struct err *e);

struct certs_order {
    struct span ca; /* a bundle; the one that ca_key belongs to signs */
    struct span ca_key;
    const char *const *names; /* as certs_self_signed */
    unsigned n_names;
    struct certs_life life;
};
/* cert: the server's, then the CA's. */
NODISCARD bool certs_sign(const struct certs_order *o, struct buf *cert, struct buf *key,
                          struct err *e);

/* What a set of texts is worth. Empty or broken ones are simply not good; times are only read, not
 * judged. */
struct certs_texts {
    struct span cert; /* the server's first */
    struct span key;
    struct span ca; /* a bundle */
    struct span ca_key;
    struct span next_key; /* of another CA in the bundle */
    const char *const *names;
    unsigned n_names;
};
struct certs_seen {
    bool pair;               /* cert and key belong together */
    bool names;              /* cert is good for all the names */
    bool chain;              /* some CA of the bundle signed cert */
    struct certs_life life;  /* of cert; 0 when it cannot be read */
    unsigned n_ca;           /* in the bundle, each once */
    int signer;              /* which of them ca_key belongs to; -1 none */
    int next;                /* the same of next_key; never the signer */
    bool by_signer;          /* that one signed cert */
    struct certs_life signs; /* of signer */
    struct certs_life comes; /* of next */
};
void certs_look(const struct certs_texts *t, struct certs_seen *out);

/* The CAs of a bundle written again: `first` (an index, -1 none), then the rest if wanted, without
 * those that ended before now and at most CERTS_BUNDLE_MAX - 1 in all. */
NODISCARD bool certs_bundle(struct span bundle, int first, bool rest, int64_t now, struct buf *out,
                            struct err *e);

void certs_wipe(struct buf *secret); /* zeroed, then freed */

#endif
