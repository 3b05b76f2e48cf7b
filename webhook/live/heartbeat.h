/* The heartbeat of a node's agent: a Lease in tpguard's namespace whose renewTime says when the
 * agent last found its report on the Node to be true. Not on the Node itself: a changed annotation
 * there makes the scheduler try every pod again that waits for a GPU. */
#ifndef TPGUARD_LIVE_HEARTBEAT_H
#define TPGUARD_LIVE_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/json.h"
#include "topology/span.h"

#define HEARTBEAT_PREFIX   "agent."
#define HEARTBEAT_LABEL    "tpguard.io/heartbeat"
#define HEARTBEAT_QUERY    "labelSelector=tpguard.io%2Fheartbeat%3Dagent"
#define HEARTBEAT_NODE_MAX 247 /* bytes of a node's name: a Lease may have 253 */

/* Annotation of the Lease: "read" when the kubelet's books were read as well as the driver. */
#define HEARTBEAT_BOOKS "tpguard.io/books"

struct heartbeat {
    struct span node;
    int64_t at; /* Unix seconds */
    bool books;
};

/* The collection; ns NULL: of all namespaces. */
void heartbeat_path(const char *ns, struct buf *out);
/* "agent.gpu-a" -> "gpu-a"; false: another Lease. */
bool heartbeat_node(struct span lease, struct span *node);
/* Text lies in the object's arena. */
NODISCARD bool heartbeat_decode(const struct json *lease, struct heartbeat *out, struct err *e);

struct heartbeat_lease {
    const char *node;
    const char *node_uid; /* owner: the Lease goes with the Node; "" not known */
    int64_t at;
    uint32_t for_s; /* leaseDurationSeconds: when the report is too old */
    bool books;     /* the kubelet's books say what the report says */
};
/* For POST; and for PATCH (merge), which writes all but the name. */
void heartbeat_encode(const struct heartbeat_lease *l, bool create, struct buf *out);

#endif
