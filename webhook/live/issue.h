/* The server's certificate out of a Secret that all replicas share (issue_secret.h), made and
 * renewed by tpguard itself, and the caBundle of its webhooks kept right (bundle.h). What to do
 * when is decided in core/issue_plan.h; this carries it out.
 *
 * Every replica reads the Secret every poll and takes what has changed. Whoever comes first creates
 * it; from then on only the leader writes. Every write says which version it replaces. */
#ifndef TPGUARD_LIVE_ISSUE_H
#define TPGUARD_LIVE_ISSUE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/core/issue_plan.h"
#include "webhook/kube/client.h"
#include "webhook/live/bundle.h"
#include "webhook/live/leader.h"
#include "webhook/sys/certs.h"

struct issue_options { /* all of it must outlive issue_stop */
    struct kube_client *client;
    const char *ns; /* of the Secret */
    const char *secret;
    const char *const *names; /* what the certificate must be good for; the first is its subject */
    unsigned n_names;
    struct bundle_target bundle;
    struct leader *leader; /* NULL: this is the only replica */
    void *ctx;
    /* Another certificate is in the Secret: PEM, NUL behind it, good during the call. On the thread
     * of issue_start. false: logged, and not tried again until it changes once more. */
    bool (*use)(void *ctx, struct span cert, struct span key, struct err *e);
    /* Zeros: the usual. Tests shorten them. */
    struct issue_times times;
    int64_t poll_us;  /* 10 s */
    int64_t first_us; /* 30 s: how long issue_first waits */
};

/* Waits until there is a certificate to serve with, making one where there is none. out->ca: the
 * bundle. An error names what is missing: the Secret's state, or the right (RBAC) that the API
 * server refused. */
NODISCARD bool issue_first(const struct issue_options *o, struct certs *out, struct err *e);

struct issue;
/* in_use: what issue_first gave; not kept. */
NODISCARD bool issue_start(const struct issue_options *o, const struct certs *in_use,
                           struct issue **out, struct err *e);
void issue_stop(struct issue *i); /* joins the thread; NULL is fine */

struct issue_status {
    bool usable;     /* what the Secret holds can be served */
    bool foreign;    /* it is somebody else's */
    bool bundles;    /* this replica leads and has seen all webhook configurations right */
    int64_t expires; /* Unix seconds; of the certificate in the Secret; 0 not known */
    int64_t ca_expires;
    uint64_t writes; /* of the Secret, by this replica */
    uint64_t failures;
    char last_error[240]; /* "" none since */
};
void issue_status(struct issue *i, struct issue_status *out); /* any thread */

#endif
