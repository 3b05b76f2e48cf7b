/* The agent's own Node as the API server has it: uid and the two annotations, followed by a watch
 * of that one object, metadata only. So a Node that was made anew, or an annotation that somebody
 * took off, is met at once. */
#ifndef TPGUARD_AGENT_OWN_H
#define TPGUARD_AGENT_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "webhook/kube/client.h"

#define OWN_UID_MAX 64

/* A copy for the main loop. Zeroed is a start; own_done at the end. */
struct own_node {
    uint64_t version;
    bool synced;           /* the API server has told of the Node, or that there is none */
    char uid[OWN_UID_MAX]; /* "" there is no such Node */
    struct buf topology;   /* n = 0: no such annotation */
    struct buf allocations;
    uint64_t taken_off; /* times that somebody took the topology off a Node that had it */
};
void own_done(struct own_node *n);

struct own;

/* wake_fd, an eventfd, gets 1 at every change. */
NODISCARD bool own_start(struct kube_client *client, const char *node, int wake_fd,
                         struct own **out, struct err *e);
void own_stop(struct own *o); /* NULL is fine */
/* Brings *mine up to date; false: it is. */
bool own_update(struct own *o, struct own_node *mine);
/* Is the API server being heard? For the log: "" when it is. */
void own_trouble(struct own *o, char *why, unsigned cap);

#endif
