/* Do nodes come and go here? Where they do, a pod that fits none of the nodes that are there may
 * fit the next one, and must not be denied (policy unsatisfiable: auto). Looked at every minute, on
 * a thread of its own:
 *
 *   Cluster Autoscaler (also GKE's and AKS's) keeps ConfigMap kube-system/cluster-autoscaler-status
 *   up to date; one that has not been for ten minutes is left over.
 *   Karpenter (also EKS's) has NodePools in API group karpenter.sh.
 *
 * What could not be looked at is what it was before. */
#ifndef TPGUARD_LIVE_AUTOSCALER_H
#define TPGUARD_LIVE_AUTOSCALER_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/kube/client.h"

enum autoscaler_state {
    AUTOSCALER_UNKNOWN = 0, /* never found out: treat as yes */
    AUTOSCALER_NO,
    AUTOSCALER_YES,
};
const char *autoscaler_state_name(enum autoscaler_state s); /* "unknown", "no", "yes" */

#define AUTOSCALER_DETAIL_MAX 160
#define AUTOSCALER_FRESH_S    600

struct autoscaler;

/* client must outlive it. */
NODISCARD bool autoscaler_start(struct kube_client *client, struct autoscaler **out, struct err *e);
/* With another period than a minute, for tests. */
NODISCARD bool autoscaler_start_every(struct kube_client *client, int64_t every_us,
                                      struct autoscaler **out, struct err *e);
void autoscaler_stop(struct autoscaler *a); /* joins the thread; NULL is fine */

/* Any thread, at any rate: one atomic load. NULL: unknown. */
enum autoscaler_state autoscaler_state(const struct autoscaler *a);
/* Why, for logs: "Karpenter has NodePools". Any thread. */
void autoscaler_detail(struct autoscaler *a, char out[AUTOSCALER_DETAIL_MAX]);

/* The parts, without I/O. status: HTTP's; 0 no answer. detail gets a clause in any case. */
/* GET of the ConfigMap. */
enum autoscaler_state autoscaler_of_configmap(unsigned status, struct span body, int64_t now,
                                              struct buf *detail);
/* GET /apis/karpenter.sh: the version in which to ask for NodePools, or "" with the answer. */
enum autoscaler_state autoscaler_of_group(unsigned status, struct span body, char version[64],
                                          struct buf *detail);
/* GET .../nodepools?limit=1 */
enum autoscaler_state autoscaler_of_nodepools(unsigned status, struct span body,
                                              struct buf *detail);

#endif
