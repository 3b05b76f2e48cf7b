/* The cluster that explain asks: the built-in example, a recorded file, or a live one. */
#ifndef TPGUARD_WEBHOOK_EXPLAIN_CLUSTER_H
#define TPGUARD_WEBHOOK_EXPLAIN_CLUSTER_H

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/cluster/cluster.h"

struct explain_source {
    const char *file; /* NULL: the built-in example */
    bool live;
    const char *kubeconfig; /* NULL: as kubectl finds it */
    const char *context;    /* NULL: the current one */
};
/* What it is called in messages. */
const char *explain_source_name(const struct explain_source *s);

/* A live cluster is read once: nodes, pods, namespaces, at most half a minute. *out is the
 * caller's, by cluster_free, also on failure. */
NODISCARD bool explain_cluster(const struct explain_source *s, const struct policy *policy,
                               struct cluster **out, struct err *e);

#endif
