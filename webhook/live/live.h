/* The live cluster: list + watch of nodes, pods, namespaces and the agents' heartbeats into the
 * cache. This room is where
 * the cache and the API client meet; everything that tpguard writes to Kubernetes is written from
 * here. All of it can be killed at any time: state is in the API server's objects alone. */
#ifndef TPGUARD_LIVE_LIVE_H
#define TPGUARD_LIVE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/cluster/cluster.h"
#include "webhook/kube/client.h"

/* No sign of life from one of the watches for this long (bookmarks come about every minute): what
 * the cache says may be old, and decisions that take GPUs wait. */
#define LIVE_SILENCE_S 100

struct live;

struct live_options {
    struct cluster *cluster;
    struct kube_client *client;
    const struct policy *policy;
    const char *namespace; /* tpguard's own: Leases of reservations and agents */
};

/* Starts the watches; all pointers must outlive it. */
NODISCARD bool live_start(const struct live_options *o, struct live **out, struct err *e);
void live_stop(struct live *l); /* NULL is fine */

/* The cache is full and fresh; why not: one line, "" when it is. Any thread. */
bool live_ready(struct live *l, char *why, unsigned cap);

struct cluster *live_cluster(struct live *l);
struct kube_client *live_client(struct live *l);
const struct policy *live_policy(struct live *l);
const char *live_namespace(struct live *l);

/* For metrics: one row a watch; false past the last. */
struct live_watch {
    const char *name;
    bool synced;
    uint64_t lists, events, failures;
    int64_t silent_s;
};
bool live_watch(struct live *l, unsigned i, struct live_watch *out);

#endif
