/* What a node shows of its wiring: labels for affinity and people, and the condition NVLinkDegraded
 * with the pairs in its message. Pure: a node's view in, texts out; no time stands in them, so the
 * same state gives the same bytes and is written once. What is said when it changes: nodechange.h.
 * Written to the API server by the leader (webhook/live/nodes.h). */
#ifndef TPGUARD_CORE_NODESTATE_H
#define TPGUARD_CORE_NODESTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "webhook/core/node.h"

#define NODE_MESSAGE_MAX 400

struct node_state {
    bool concerns;       /* a GPU node: else it shows nothing of ours, and the rest is empty */
    bool readable;       /* its wiring is known as far as its report says it */
    char nvlink[12];     /* healthy, degraded, none, unknown */
    char nvlink_set[8];  /* size of the largest NVLink set now, "0" none. Where pairs are unknown it
                            is what is certain; "": nothing is, no label (an affinity then does not
                            match) */
    char nvlink_free[8]; /* size of the largest NVLink set that is certainly free now, "0" none */
    char stranded[8];    /* free GPUs that are in no free NVLink pair, certain ones. Both "" where
                            they cannot be told, and where the policy shows nothing of the pods */
    char status[8];      /* of the condition: True, False, Unknown */
    enum reason reason;  /* its reason: reason_row(reason)->code */
    char message[NODE_MESSAGE_MAX + 1]; /* one sentence or two, ASCII */
};

/* problem: why the annotation cannot be read, when it cannot. now: Unix seconds, for the freshness
 * limit; the state holds until node_valid_until. */
void node_state_of(const struct node_view *n, struct span problem, const struct policy *policy,
                   int64_t now, struct node_state *out);
/* Part of it: nvlink_free and stranded, from a view with its pods. For node_state_of. */
void node_free_of(const struct node_view *n, const struct policy *policy, int64_t now,
                  struct node_state *out);

#endif
