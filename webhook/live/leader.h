/* One of the replicas leads: it alone renews the certificate and keeps the webhook configurations
 * right. A thread of its own runs core/lease.h against the Lease "tpguard-leader".
 *
 * identity is the name of the pod and nothing more, so that a container that was restarted takes
 * its own lease up again at once instead of waiting for its own death to be noticed. That is safe
 * because the name stands for one process: the kubelet starts a container again only after the old
 * process has ended, and no two pods of a Deployment share a name. Nothing that the leader does
 * needs more than that: each of its writes also says which version of the object it replaces. */
#ifndef TPGUARD_LIVE_LEADER_H
#define TPGUARD_LIVE_LEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/core/lease.h"
#include "webhook/kube/client.h"

#define LEADER_LEASE "tpguard-leader"

struct leader;

/* client must outlive it; the texts are copied. */
NODISCARD bool leader_start(struct kube_client *client, const char *ns, const char *identity,
                            struct leader **out, struct err *e);
/* The same with other times, for tests. */
NODISCARD bool leader_start_timed(struct kube_client *client, const char *ns, const char *identity,
                                  const struct lease_times *times, struct leader **out,
                                  struct err *e);

/* Any thread. False from the renew deadline on, by the monotonic clock, also while the thread hangs
 * in a call. NULL: false. */
bool leader_is(const struct leader *l);
/* Any thread. Another number each time it was won; 0 never yet. */
uint64_t leader_term(const struct leader *l);

struct leader_status {
    bool leads;
    uint64_t term;
    uint64_t failures;           /* calls that failed */
    char holder[LEASE_TEXT_MAX]; /* as last seen; "" nobody, or not known yet */
    char last_error[240];        /* "" none since */
};
void leader_status(struct leader *l, struct leader_status *out); /* any thread */

/* Stops leading, hands the lease back when it is ours, joins the thread. At once, but for
 * calls under way: 10 s when the API server does not answer. NULL is fine. */
void leader_stop(struct leader *l);

#endif
