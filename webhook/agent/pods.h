/* The pods of one node, as the API server lists them. */
#ifndef TPGUARD_AGENT_PODS_H
#define TPGUARD_AGENT_PODS_H

#include <stdint.h>

#include "topology/arena.h"
#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/core/holders.h"
#include "webhook/kube/client.h"

#define PODS_OF_NODE_MAX 4096
#define PODS_TEXT_MAX    ((size_t)32 * 1024 * 1024)

/* Text and list lie in the arena. */
NODISCARD bool pods_of_node(struct kube_client *client, const char *node, struct arena *a,
                            const struct node_pod **out, uint32_t *n, struct err *e);
/* A PodList. */
NODISCARD bool pods_decode(struct span text, struct arena *a, const struct node_pod **out,
                           uint32_t *n, struct err *e);

#endif
