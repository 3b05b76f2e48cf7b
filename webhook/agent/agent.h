/* The agent of one GPU node: keeps tpguard.io/topology and tpguard.io/allocations of its own Node
 * true, and nothing else: labels, condition and Node events are made from them by the leader of
 * `tpguard serve`. One PATCH when something changed; while nothing does, a heartbeat in a Lease
 * (webhook/live/heartbeat.h). It can be killed at any time: what it wrote stays, and its age tells.
 */
#ifndef TPGUARD_AGENT_AGENT_H
#define TPGUARD_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "topology/read.h"
#include "webhook/kube/client.h"

#define AGENT_POLL_S      10  /* wiring, where no event of the driver comes first */
#define AGENT_BOOKS_S     2   /* the kubelet's books */
#define AGENT_HEARTBEAT_S 150 /* a quarter of the default freshness limit */
#define AGENT_ALIVE_S     60  /* the main loop has gone round within this */

/* All text is borrowed. */
struct agent_options {
    const char *node;
    const char *namespace;
    struct read_options read;
    uint32_t poll_s;
    uint32_t quiet_s; /* of the flap guard */
    uint32_t heartbeat_s;
    const char *pod_resources; /* "": not asked */
    const char *checkpoint;    /* "": not asked; used where the socket cannot be reached */
    bool trace;                /* name the pods of programs: we see the host's processes */
    const char *alive;         /* file that is touched while all is well; NULL none */
};

/* Until stop_fd becomes readable. client: the API server. false: cannot start. */
NODISCARD bool agent_run(const struct agent_options *o, struct kube_client *client, int stop_fd,
                         struct err *e);
/* One look, without API server: the annotations as lines "KEY VALUE". *blind: why the GPUs could
 * not be read, and *unread: why the books could not; code ERR_NONE when they were. false: no
 * memory. */
NODISCARD bool agent_once(const struct agent_options *o, struct buf *out, struct err *blind,
                          struct err *unread);
/* The file of agent_options.alive was touched lately. */
NODISCARD bool agent_is_alive(const char *file, struct err *e);

#endif
