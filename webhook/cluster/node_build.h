/* A node's annotations -> its wiring. What is there and cannot be understood makes the wiring
 * INVALID, never empty: an unreadable list of cordoned GPUs too, for it may name any of them. */
#ifndef TPGUARD_CLUSTER_NODE_BUILD_H
#define TPGUARD_CLUSTER_NODE_BUILD_H

#include "topology/buf.h"
#include "topology/topo.h"
#include "webhook/codec/object.h"
#include "webhook/core/node.h"

#define NODE_PROBLEM_MAX 640

struct node_wiring {
    uint8_t state;                  /* enum node_topo */
    uint32_t gpus;                  /* that the kubelet offers */
    struct gpuset cordoned;         /* positions */
    const char *source;             /* annotation it was read from; "" none */
    char problem[NODE_PROBLEM_MAX]; /* why it is INVALID; "" */
    struct topo topo;               /* when OK */
};
/* complaints gets a line for everything that an admin should look at. */
void node_build(const struct node_object *n, struct node_wiring *out, struct buf *complaints);

#endif
